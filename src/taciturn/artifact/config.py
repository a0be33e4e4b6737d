"""The schema of config.json: what a model is and where it came from, every setting resolved.

docs/folder.md describes each key.
"""

from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from ..core.errors import ArtifactError
from ..core.messages import one_line
from ..data.fingerprint import Fingerprint
from ..data.variables import Variables
from ..metrics import Remembered

FORMAT: Literal[3] = 3  # version of the folder's format
Count = Annotated[int, Meta(ge=0, le=1 << 62)]
Positive = Annotated[int, Meta(ge=1, le=1 << 62)]


class Record(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A part of config.json: a key without a default is required, and no unknown key is allowed."""


class EstimatorRecord(Record, frozen=True):
    """The estimator that was trained.

    Parameters
    ----------
    name : str
        The name of its class.
    module : str
        The module that defines the class.
    shipped : str
        The name of the class of taciturn that it is, or inherits from.
    parameters : dict
        Its parameters, as they were given.
    """

    name: str
    module: str
    shipped: str
    parameters: dict[str, Any]


class TrainingRecord(Record, frozen=True):
    """The course of the training.

    Parameters
    ----------
    seed : int
        The seed of every draw.
    epochs, steps : int
        What was trained.
    seconds : float
        Duration of all epochs.
    stopped : str or None
        Why training stopped before its last epoch; None if it did not.
    threads : int
        Number of CPU threads.
    """

    seed: Annotated[int, Meta(ge=0)]
    epochs: Count
    steps: Count
    seconds: Annotated[float, Meta(ge=0)]
    stopped: str | None
    threads: Positive


class Split(Record, frozen=True):
    """How rows were split into training rows and held-out rows; see `data.split.split`.

    Parameters
    ----------
    count : int
        The number of rows that were split.
    fraction : float
        Share of the rows that was held out.
    seed : int
        The seed of the split.
    """

    count: Positive
    fraction: Annotated[float, Meta(gt=0, lt=1)]
    seed: Annotated[int, Meta(ge=0)]


class TargetsRecord(Record, frozen=True):
    """The targets of the rows that the model was trained on, as `taciturn fit --target` reads them.

    Parameters
    ----------
    source : str
        The file that they came from.
    columns : list of str or None
        Their columns' names; None if they have none.
    training, held_out : Fingerprint or None
        Of the targets of the rows trained on, and of the rows held out; None where there are none.
    """

    source: str
    columns: list[str] | None
    training: Fingerprint
    held_out: Fingerprint | None


class RowsRecord(Record, frozen=True):
    """The rows that the model was trained on.

    Parameters
    ----------
    count : int
        Their number.
    columns : list of str or None
        The columns' names; None if they have none.
    shape : list of int
        A row's shape.
    scaling : str
        What the scaling does to them, in words.
    training, held_out : Fingerprint or None
        Of the rows trained on and of the rows held out from them; None where unknown or where there are none.
    source : str or None
        The data set or the file that all rows came from; None if unknown.
    selected, dropped : list of str or None
        The columns that were selected from it, or left out.
    header : bool or None
        Whether the first line of its text table holds names; None: the rows below it decide.
    dialect : dict of str to str or None
        What was given of how its text table is written; the rest is found.
    variables : Variables or None
        The columns of a table and their kinds; None if the rows were no table.
    split : Split or None
        How the rows of the source were split; None if they were not.
    integers : list of int or None
        The positions of the columns that the source, a table of plain numbers, holds as integers.
    image_shape : list of int or None
        The shape of an image, where the rows were given as an array of images.
    targets : TargetsRecord or None
        Their targets; None if rows are their own targets, or where it is unknown where the targets came from.
    remembered : Remembered or None
        Numbers of some held-out or training rows under the trained model, with which `taciturn.check` compares others;
        None if none were measured.
    """

    count: Count
    columns: list[str] | None
    shape: Annotated[list[Positive], Meta(min_length=1, max_length=16)]
    scaling: str
    training: Fingerprint | None
    held_out: Fingerprint | None
    source: str | None = None
    selected: list[str] | None = None
    dropped: list[str] | None = None
    header: bool | None = None
    dialect: dict[Literal["separator", "decimal", "thousands", "quote", "encoding"], str] | None = None
    split: Split | None = None
    variables: Variables | None = None
    integers: list[Count] | None = None
    image_shape: Annotated[list[Positive], Meta(min_length=2, max_length=3)] | None = None
    targets: TargetsRecord | None = None
    remembered: Remembered | None = None

    @property
    def integer_columns(self) -> list[int]:
        """The positions of the columns of a table of plain numbers that are integers, so that they are rounded."""
        if self.variables is None:
            return self.integers or []
        return [
            i
            for i, variable in enumerate(self.variables.variables)
            if self.variables.plain and variable.kind == "integer"
        ]


class Versions(Record, frozen=True, rename={"scikit_learn": "scikit-learn"}):
    """The versions of Python and of packages that trained the model.

    Parameters
    ----------
    taciturn, torch, numpy, scikit_learn, python : str
    """

    taciturn: str
    torch: str
    numpy: str
    scikit_learn: str
    python: str


class Config(Record, frozen=True):
    """The whole of config.json.

    Parameters
    ----------
    format : int
        The version of the folder's format.
    estimator : EstimatorRecord
    settings : dict
        `training.Settings`, as its `to_dict` returns it.
    training : TrainingRecord
    rows : RowsRecord
    versions : Versions
    machine : str
        The processor.
    files : dict of str to str
        The BLAKE2b checksum of each of the folder's other files of the model, 64 hexadecimal digits.
    """

    format: Literal[3]
    estimator: EstimatorRecord
    settings: dict[str, Any]
    training: TrainingRecord
    rows: RowsRecord
    versions: Versions
    machine: str
    files: dict[str, str]


class _Format(msgspec.Struct):
    format: Any = None


def decode(text: bytes, file: Path) -> Config:
    """Return the config of a file's text.

    Parameters
    ----------
    text : bytes
        What the file holds.
    file : Path
        The file, for messages; its folder may hold the recipe that a message names.

    Returns
    -------
    Config

    Raises
    ------
    ArtifactError
        The text is not JSON, has another format or does not follow the schema.
    """
    try:
        version = msgspec.json.decode(text, type=_Format).format
        if type(version) is not int or version != FORMAT:
            raise ArtifactError(_other_format(version, file))
        return msgspec.json.decode(text, type=Config)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ArtifactError(f"{file}: {one_line(str(error))}; the file is damaged") from error


def _other_format(version: Any, file: Path) -> str:
    """Return the message for a folder of another format."""
    if type(version) is int and version > FORMAT:
        return f"{file} has format {version}, this version of taciturn reads {FORMAT}; upgrade taciturn"
    if type(version) is not int or version < 1:
        return f"{file} has no format of taciturn; name the folder of a run"
    recipe = file.parent / "recipe.toml"
    mend = f"train again: taciturn fit {recipe} -o NEW_FOLDER" if recipe.is_file() else "train the model again"
    return f"{file} has format {version} of an older taciturn, this version reads {FORMAT}; {mend}"
