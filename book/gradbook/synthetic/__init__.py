"""The synthetic data set: industrial images with exact masks, composed of real ones that installed packages contain."""
