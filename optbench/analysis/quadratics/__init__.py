"""Quadratics and saddles: what theory predicts beside what runs did."""
