"""Figures that chapters show."""
