"""Every error a user can meet, and the exit code the command line gives it.

A message says what is wrong, where (column, row, option), what was expected, what was found
and what to do. Errors derive from the built-in exception a Python user would expect as well.
"""


class SynthGenError(Exception):
    """Base of all errors raised on purpose; ``exit_code`` is what the command line returns."""

    exit_code = 1


class InvalidInputError(SynthGenError, ValueError):
    """The data, an option or a file given by the user cannot be used as it is."""

    exit_code = 4


class SchemaError(InvalidInputError):
    """A schema does not parse, or does not fit the table."""


class ConditionError(InvalidInputError):
    """A condition names an unknown column or value, or cannot be met."""


class ModelFileError(InvalidInputError):
    """A model file is damaged, tampered with, or of a format this version cannot read."""


class MissingExtraError(SynthGenError, ImportError):
    """An optional package is needed; the message names the extra to install."""


class NotFittedError(SynthGenError, ValueError):
    """``sample``, ``impute`` or ``save`` was called before ``fit``."""


class TrainingError(SynthGenError, RuntimeError):
    """Training broke down (for example a loss that is not a number) and could not recover."""


class InterruptedFitError(SynthGenError):
    """Training was interrupted; the message says where the model so far is."""

    exit_code = 130


class BudgetError(SynthGenError, RuntimeError):
    """The time or memory budget ended before anything usable existed."""

    exit_code = 5
