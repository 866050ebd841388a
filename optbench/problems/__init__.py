"""Test functions with a known minimum: quadratics, valleys, multimodal functions, plates and two wells."""
