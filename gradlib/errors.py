"""The one exception a reader meets: a sentence that says what is wrong, where, and how to mend it."""


class InputError(ValueError):
    """Something given to gradlib (a file, a name, a setting) cannot be used."""
