"""What the book measures of speed, size and memory: run a module with `python -m benchmarks.NAME`."""
