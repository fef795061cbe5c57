"""What single chapters compute beyond the library."""
