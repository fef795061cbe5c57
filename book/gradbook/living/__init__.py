"""Figures that the reader moves, with no kernel behind them."""
