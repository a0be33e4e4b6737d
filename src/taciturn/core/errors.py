"""Exceptions and warnings. Each message is one line that names the place, the value and what to change."""

from .messages import one_line

MAX_CHARS = 2000  # of a message


class TaciturnError(ValueError):
    """An error that the user can correct: base class of all errors of taciturn.

    The message names the place and what to change.
    """


class RecipeError(TaciturnError):
    """Wrong usage: a part, a parameter or a combination of them that is not possible.

    The message is one printable line, whatever values it shows: a recipe may come from a damaged or a hostile file.
    """

    def __init__(self, message: object = "") -> None:
        super().__init__(one_line(message, MAX_CHARS))


class DataError(TaciturnError):
    """Rows that cannot be read, trained on or encoded."""


class DataTypeError(DataError, TypeError):
    """Rows of a type that cannot be converted to numbers.

    Also a TypeError, because scikit-learn expects one there.
    """


class UnknownColumn(DataError):
    """A column name that the table does not have."""


class ArtifactError(TaciturnError):
    """A saved model that cannot be read."""


class TaciturnWarning(UserWarning):
    """Something that works, but probably not as the user expects: base class of all warnings of taciturn."""


class ProcessFailed(TaciturnError):
    """Another process of a run has ended, or does not answer."""


class NotNumeric(DataError):
    """Columns hold other things than numbers."""


class DialectFound(TaciturnWarning):
    """How a text table was read, where that was found and is not the usual: a note, printed without "warning:"."""


class TargetMissed(TaciturnWarning):
    """A penalty's target was not reached."""


class Diverged(TaciturnWarning):
    """The loss was no longer finite, and the run was stopped."""


class UnreachableTargets(TaciturnWarning):
    """Targets lie outside the values that the output activation can take."""


class ExtremeRows(TaciturnWarning):
    """Few rows hold nearly all of the columns' variance, so that the other rows hardly count."""


class DamagedCheckpoint(TaciturnWarning):
    """A checkpoint is damaged, and the one before it is used."""


class NotExact(TaciturnWarning):
    """A run is resumed by other versions, machines, threads or processes; last digits may differ."""


class RowsEnded(TaciturnWarning):
    """A generator gave fewer rows than the steps of a run take, and the run was stopped."""


class EmptyRows(TaciturnWarning):
    """All values of a row are missing."""


class SmallBatch(TaciturnWarning):
    """A batch has too few rows to measure the target rate."""


class ClassNotImported(TaciturnWarning):
    """A saved estimator's own class is not imported; it was loaded as the class of taciturn that it inherits from."""


class CallbackFailed(TaciturnWarning):
    """A callback of `fit` raised an error. It is not called again, and the training goes on."""
