"""What is wrong with comma-separated text that cannot be read: the line, the cell and a mend."""

import os
from collections.abc import Sequence
from pathlib import Path

from ...core.errors import DataError
from ...core.messages import listed, quoted
from .columns import not_numeric
from .csv_lines import BOOLEANS, Head, is_number, numbered_cells

_SEPARATORS = (";", "\t", "|", " ")


def located_error(path: str | os.PathLike[str], head: Head, positions: Sequence[int]) -> DataError | None:
    """Return the error that names the line at fault, which pyarrow's message lacks.

    Parameters
    ----------
    path : str or path-like
        The file.
    head : Head
        Of the same file.
    positions : sequence of int
        The selected columns.

    Returns
    -------
    DataError or None
        None if no fault is found. Otherwise the first line with too few or too many cells, or each column that is not
        numeric with its first such cell; or another separator than a comma.
    """
    reasons: dict[int, str] = {}
    texts: set[int] = set()  # columns with other words than True and False
    with open(path, encoding="utf-8-sig", errors="replace", newline="") as file:
        for line, cells in numbered_cells(file):
            if line <= head.lines or not (cells or head.width == 1):
                continue
            if len(cells or [""]) != head.width:
                message = f"line {line} has {len(cells)} cells, the first {head.width}; correct the line"
                return _separator_error(path) or DataError(message)
            for position in positions:
                cell = cells[position] if cells else ""
                if position not in texts and not is_number(cell):
                    reasons.setdefault(position, f"line {line}: {quoted(cell, 40)}")
                    if cell not in BOOLEANS:
                        texts.add(position)
    if not reasons:
        return None
    names = head.names or [str(position) for position in range(head.width)]
    if texts:
        columns = {names[position]: reasons[position] for position in sorted(texts)}
        return _separator_error(path) or not_numeric(columns)
    boolean = [names[position] for position in sorted(reasons)]
    subject = f"column {quoted(boolean[0])} holds" if len(boolean) == 1 else f"columns {listed(boolean)} hold"
    mend = _rewritten(path, "", change=" * 1", has_header=bool(head.lines))
    return DataError(f"{subject} True and False; write 1 and 0 by pandas: {mend}")


def _separator_error(path: str | os.PathLike[str]) -> DataError | None:
    """Return the error for cells that are separated by another character; None if the first lines do not show one."""
    with open(path, encoding="utf-8-sig", errors="replace", newline="") as file:
        lines = [line for line in (file.readline(1 << 20) for _ in range(100)) if line.strip()][:2]
    for separator in _SEPARATORS:
        rows = [line.split() if separator == " " else line.rstrip("\r\n").split(separator) for line in lines]
        width = len(rows[-1])
        has_numbers = [all(is_number(cell.replace(",", ".").strip()) for cell in row) for row in rows]
        if width > 1 and has_numbers[-1] and (separator == " " or len(rows[0]) == width):
            pattern = r"\s+" if separator == " " else separator
            options = f", sep={pattern!r}"
            options += ", decimal=','" if any("," in cell for cell in rows[-1]) else ""
            mend = _rewritten(path, options, has_header=not has_numbers[0])
            return DataError(f"the cells are separated by {separator!r}, not by commas; convert it by pandas: {mend}")
    return None


def _rewritten(path: str | os.PathLike[str], options: str, *, has_header: bool, change: str = "") -> str:
    """Return a line of Python that reads the table by pandas and writes it again, changed."""
    old, new = Path(path).name, f"{Path(path).stem}-new.csv"
    header, kept = ("", "") if has_header else (", header=None", ", header=False")
    frame = f"pandas.read_csv({old!r}{options}{header})"
    return f"{f'({frame}{change})' if change else frame}.to_csv({new!r}, index=False{kept})"
