"""gradlib: GRAD (Lee et al. 2024) in small, readable parts. The book in book/ explains each of them."""

__version__ = "0.1.0"
