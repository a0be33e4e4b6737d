"""Sample rows, clean, corrupted and reconstructed: as images, as a table's numbers, or as curves; and their texts."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from markupsafe import Markup

from ....data.moments import Moments
from ...numbers.samples import RowError, SampleRows
from ...numbers.variables import Cell
from ..figures import curve
from ..formats import ColumnFormat, data_text, error, row_text
from ..section import Material, Section

MAX_COLUMNS = 40  # columns of a table that are shown
MAX_TABLE_ROWS = 4  # rows of a table that are shown, of each group
NOISY = {"clean": "noisy", "reconstruction": "denoised"}  # kinds of rows, of a model that was trained on noisy ones
PAIRED = {"clean": "target", "reconstruction": "estimate", "corrupted": "row"}  # of one that was trained with targets
MAX_CELL = 24  # characters of a cell
NEW = Markup('<span class="missing">new level</span>')
MISSING = Markup('<span class="missing">missing</span>')


def _context(material: Material) -> dict[str, Any]:
    groups, names = list(_groups(material)), _names(material)
    return {
        "notes": " ".join(_notes(material)),
        "groups": groups,
        "has_curves": not material.sheets and material.report.columns is None,
        "names": [names.get(kind, kind) for kind in ("clean", "reconstruction")],
        "are_narrow": all(group["drawings"] and not group["texts"] for group in groups),
    }


def _notes(material: Material) -> Iterator[str]:
    """Yield sentences that explain what is shown."""
    corruption, columns = material.report.samples.corruption, material.report.columns
    targets = material.report.summary.targets is not None
    noun, nouns = material.report.summary.noun, material.report.summary.nouns
    if targets:
        yield f"Each {noun}'s target and the model's estimate of it."
    if corruption:
        yield f"The first {nouns} are corrupted by {corruption}, with noise that was not used in training."
        if not targets:
            yield f"All other {nouns} are clean."
        if material.sheets:
            yield f"PSNR, dB: of a corrupted {noun} → of its reconstruction."
    hidden = material.report.summary.hidden is not None
    of = (
        f"the estimates of a {noun}'s entries, each from the others, against the noisy {noun}"
        if hidden
        else f"the clean {noun}"
    )
    of = "the target's estimate" if targets else of
    if material.report.summary.variables is not None:
        yield "Error: mean over the clean row's variables of the loss divided by that of the best constant."
    else:
        yield f"Error: mean squared error of {of}, in units of the data."
    if material.report.summary.missing and material.sheets:
        yield "Missing values are amber."
    elif material.report.summary.missing and columns is None:
        yield "Curves have gaps where values are missing."
    if not material.sheets and columns is not None:
        heads, noun = _heads(material), "columns" if material.report.variables is None else "variables"
        yield f"Numbers are in the {noun}' own units."
        if material.report.summary.variables is not None:
            yield "Percentages: the probability that the model gives to the value beside it, the most probable one."
        if material.report.summary.unseen:
            yield "A new level is one that the training rows did not have."
        if len(heads) > MAX_COLUMNS:
            yield f"The tables show the first {MAX_COLUMNS} of {len(heads):,} {noun}."


def _groups(material: Material) -> Iterator[dict[str, Any]]:
    """Yield the groups of rows: a title, and drawings or a table's lines, and texts."""
    report, samples = material.report, material.report.samples
    has_columns = not material.sheets and report.columns is not None
    for title, group, is_corrupted in (
        ("First", samples.first, bool(samples.corruption)),
        ("Best", samples.best, False),
        ("Median", samples.median, False),
        ("Worst", samples.worst, False),
    ):
        shown = group[:MAX_TABLE_ROWS] if has_columns else group
        has_row = is_corrupted or (report.summary.targets is not None and bool(samples.rows.corrupted))
        kinds = (["corrupted"] if has_row else []) + ["reconstruction", "clean"]
        yield {
            "title": f"{title} {len(shown)} {report.summary.nouns}" if len(shown) > 1 else f"{title} {report.row_noun}",
            "rows": [(entry.row, report.row_name(entry.row)) for entry in shown],
            "drawings": [] if has_columns else list(_drawings(shown, kinds, title == "First", material)),
            "heads": _heads(material)[:MAX_COLUMNS] if has_columns else [],
            "table": list(_table(shown, kinds, material)) if has_columns else [],
            "is_mixed": report.variables is not None,
            "texts": list(_texts(shown, material)),
        }


def _heads(material: Material) -> list[str]:
    """Return the names of a table's variables, or of its columns; [] without names."""
    variables = material.report.variables
    return material.report.columns or [] if variables is None else [variable.name for variable in variables]


def _drawings(
    group: list[RowError], kinds: list[str], in_decibels: bool, material: Material
) -> Iterator[tuple[str, list[Any]]]:
    """Yield lines of images or curves: a label and one cell per row."""
    sheets, name, names = material.sheets, material.report.row_name, _names(material)
    if sheets:
        for kind in kinds:
            yield (
                names.get(kind, kind),
                [
                    sheets["rows"].image((kind, entry.row), f"{name(entry.row)}, {names.get(kind, kind)}")
                    for entry in group
                ],
            )
    else:
        yield "curves", list(_curves(group, material.report.samples.rows))
    if in_decibels and sheets and not names:
        yield "PSNR, dB", [_decibels(entry) for entry in group]
    else:
        yield "error", [error(entry.error) for entry in group]


def _names(material: Material) -> dict[str, str]:
    """Return the names of kinds of rows that are not their own."""
    if material.report.summary.targets is not None:
        return PAIRED
    return {} if material.report.summary.hidden is None else NOISY


def _decibels(entry: RowError) -> str:
    if entry.psnr_after is None:
        return "exact" if entry.error == 0 else "—"
    before = "" if entry.psnr_before is None else f"{entry.psnr_before:.0f} → "
    return f"{before}{entry.psnr_after:.0f}"


def _curves(group: list[RowError], rows: SampleRows) -> Iterator[Markup]:
    """Yield a small figure for each row: the clean row in front of its reconstruction."""
    clean = np.stack([rows.clean[entry.row] for entry in group])
    low, high = (float(end.reduce(clean, axis=None, initial=np.nan)) for end in (np.fmin, np.fmax))
    low, high = (low, high) if low <= high else (0.0, 0.0)  # no value is known
    for entry in group:
        yield curve(rows.clean[entry.row].tolist(), low, high, behind=rows.reconstruction[entry.row].tolist())


def _table(group: list[RowError], kinds: list[str], material: Material) -> Iterator[dict[str, Any]]:
    """Yield for each row its index, name, error and lines: a kind and one cell per column."""
    report, names = material.report, _names(material)
    texts = _number_texts(material) if report.variables is None else _cell_texts(material)
    for entry in group:
        lines = [
            (names.get(kind, kind), [MISSING if text == "missing" else text for text in texts(entry.row, kind)])
            for kind in kinds
        ]
        yield {
            "row": entry.row,
            "name": report.row_name(entry.row),
            "error": error(entry.error),
            "lines": lines,
        }


def _number_texts(material: Material) -> Callable[[int, str], list[Any]]:
    """Return a function of a row and a kind, which returns the texts of the row's numbers."""
    report, rows = material.report, material.report.samples.rows
    clean = np.stack(list(rows.clean.values()))[:, :MAX_COLUMNS]
    deviations = report.errors.deviations or np.sqrt(Moments().add(clean).variance).tolist()
    formats = [ColumnFormat(values, deviations[column]) for column, values in enumerate(clean.T)]

    def texts(row: int, kind: str) -> list[Any]:
        values = zip(formats, getattr(rows, kind)[row][:MAX_COLUMNS].tolist(), strict=True)
        return [column.text(value, exact=kind == "clean") for column, value in values]

    return texts


def _cell_texts(material: Material) -> Callable[[int, str], list[Any]]:
    """Return a function of a row and a kind, which returns the texts of the row's cells, with their probabilities."""
    variables, cells = material.report.variables or [], material.pictures.sample_cells
    formats = []
    for column, variable in enumerate(variables[:MAX_COLUMNS]):
        values = [row[column].value for row in cells["clean"].values()]
        numbers = np.array([value for value in values if isinstance(value, int | float)], np.float64)
        formats.append(ColumnFormat(numbers, variable.deviation or 0.0))

    def texts(row: int, kind: str) -> list[Any]:
        return [
            _cell(cell, column, exact=kind == "clean" or variable.kind == "integer")
            for cell, column, variable in zip(cells[kind][row], formats, variables, strict=False)
        ]

    return texts


def _cell(cell: Cell, column: ColumnFormat, *, exact: bool) -> Any:
    """Return a cell as text, the value of a boolean or a category with its probability."""
    if cell.value is None:
        return NEW if cell.new else "missing"
    text = data_text(cell.value, MAX_CELL) if isinstance(cell.value, str) else column.text(cell.value, exact=exact)
    return text if cell.share is None else Markup('{} <span class="share">{:.0%}</span>').format(text, cell.share)


def _texts(group: list[RowError], material: Material) -> Iterator[dict[str, Any]]:
    """Yield for each row its index, name, error and text; nothing without texts."""
    texts = material.pictures.texts
    for entry in group if texts else []:
        name, text = material.report.row_name(entry.row), row_text(entry.row, texts[entry.row])
        yield {"row": entry.row, "name": name, "error": error(entry.error), "text": text}


SAMPLES = Section("samples", "Input and reconstruction", _context)
