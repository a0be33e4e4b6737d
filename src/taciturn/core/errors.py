"""What goes wrong by a user's doing, and what deserves a word: each message names the place and the mend."""


class TaciturnError(ValueError):
    """Something that the user can mend; the message says where it is and how."""


class RecipeError(TaciturnError):
    """A part, a parameter or a combination of them that cannot be: wrong usage."""


class DataError(TaciturnError):
    """Rows that cannot be learnt from or encoded."""


class DataTypeError(DataError, TypeError):
    """Rows of a type that no numbers can be made of; scikit-learn expects a TypeError there."""


class NoSuchColumn(DataError):
    """A column is asked for by its name, and is not there."""


class ArtifactError(TaciturnError):
    """A saved model that cannot be read back."""


class TaciturnWarning(UserWarning):
    """Something that works, but hardly as the user expects."""


class TargetMissed(TaciturnWarning):
    """What a penalty asked for was not met."""


class Diverged(TaciturnWarning):
    """The loss was no longer finite, and the run was stopped."""


class SmallBatch(TaciturnWarning):
    """A batch has too few rows to measure the rate that is asked for."""
