"""The synthetic data set, drawn from photographs that come with scikit-image."""
