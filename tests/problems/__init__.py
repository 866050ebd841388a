"""Tests of the test functions."""
