"""Measurements of speed, memory and robustness."""
