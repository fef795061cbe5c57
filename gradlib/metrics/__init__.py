"""AUROC, AP, F1-max and AUPRO, and their evaluation by category."""
