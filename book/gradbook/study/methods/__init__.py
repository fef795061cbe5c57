"""GRAD and the methods beside it."""
