"""The codes of a run's rows, or other features, on their way into files."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .options import TextOptions
from .run_rows import first_rows, rows_for

if TYPE_CHECKING:
    from ..data.sources import Source


class Encoding:
    """The codes of a run's rows on their way into files. A pickle of it has the command's arguments alone.

    Parameters
    ----------
    run : Path
        The run's folder.
    data : str or None
        A data set's name or a file; None: the rows that the run held out.
    text : dict
        How a text table is written.
    outputs : str or None
        What is written of each row; None: as the model has it.

    Attributes
    ----------
    stored : Artifact
        The run.
    source : Source
        All rows.
    sparse : bool
        Whether only entries other than 0 are written.
    names : list of str
        Of the columns.
    """

    source: "Source"
    sparse: bool
    names: list[str]

    def __init__(self, run: Path, data: str | None, text: TextOptions, outputs: str | None) -> None:
        from .. import artifact, inference

        self._arguments = run, data, text, outputs
        self.stored = artifact.load(run)
        self.outputs = inference.check_outputs(outputs or self.stored.estimator.parameters.get("outputs", "codes"))

    def __reduce__(self) -> Any:
        return _in_worker, (os.getcwd(), *self._arguments, self.sparse)

    def open(self, ending: str, sparse: bool | None, *, checked: bool = True) -> None:
        """Open the rows; None: what is written into files of this ending decides whether it is sparse."""
        from .. import inference
        from ..data.sources import is_sparse
        from ..model import Capability

        _, data, text, _ = self._arguments
        self.source, layout = rows_for(self.stored, data, text, checked=checked), self.stored.model.layout
        if sparse is None:
            of_rows = self.outputs == "input+codes"
            zeros = is_sparse(self.source) if of_rows else Capability.ZERO_CODES in layout.coder.provides
            sparse = zeros and ending == ".npz" and self.outputs != "hidden"
        self.sparse = sparse
        columns = self.source.columns or [f"x{i}" for i in range(layout.widths[0])]
        codes = [f"latent_{i}" for i in range(layout.widths[-1])]
        self.names = inference.feature_names(layout, self.outputs, columns, codes)

    @property
    def model_bytes(self) -> int:
        """Size of the model's weights."""
        return sum(weights.nbytes for weights in self.stored.model.parameters())

    def _blocks(self, rows: "Source") -> Iterator[Any]:
        from .. import inference

        return inference.features(self.stored.model, rows, self.outputs, sparse=self.sparse)

    @property
    def content(self) -> dict[str, Any]:
        """What a manifest has of the rows that are written."""
        first = next(self._blocks(first_rows(self.source, 1)))
        kinds = {"outputs": self.outputs, "sparse": self.sparse, "dtype": first.dtype.name}
        return {"command": "encode"} | kinds | {"columns": self.names}

    def write(self, path: Path, rows: "Source") -> None:
        """Write the codes of some rows into a file."""
        from .. import inference
        from ..data.sources import ids_of, write_path, write_sparse

        blocks, ids, names = inference.of_any_count(self._blocks, rows), ids_of(rows), self.names
        if self.sparse:
            write_sparse(path, blocks, n_rows=len(rows), n_columns=len(names), ids=ids)
        else:
            integers = self.stored.rows.integer_columns if self.outputs == "input+codes" else []
            write_path(path, blocks, n_rows=len(rows), columns=names, ids=ids, integers=integers)


def _in_worker(
    folder: str, run: Path, data: str | None, text: TextOptions, outputs: str | None, sparse: bool
) -> Encoding:
    """Return an encoding in another process, whose rows the first one has checked."""
    os.chdir(folder)  # names of files may be relative
    encoding = Encoding(run, data, text, outputs)
    encoding.open("", sparse, checked=False)
    return encoding
