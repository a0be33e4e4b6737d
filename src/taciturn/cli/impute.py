"""taciturn impute: rows with their missing values filled in."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .app import Command, app
from .options import (
    Categorical,
    Columns,
    Drop,
    Out,
    RowId,
    RowTexts,
    TextOptions,
    Threads,
    check_out,
    finite,
    load_rows,
    use_threads,
    with_text_options,
)
from .outlier_page import page_files
from .row_values import check_length, read_texts
from .table import show

if TYPE_CHECKING:
    from ..data.sources import Source

MAX_IMPUTATIONS = 1000


@app.command(cls=Command, no_args_is_help=True)
@with_text_options
def impute(
    data: Annotated[
        str, typer.Argument(help="A data set's name, or a file: {readable}.", show_default=False, metavar="DATA")
    ],
    *,
    out: Out,
    imputations: Annotated[
        int,
        typer.Option(
            min=0,
            max=MAX_IMPUTATIONS,
            help="Draw so many completed tables, in OUT-1, OUT-2, …; 0: one, with the expected values.",
        ),
    ] = 0,
    page: Annotated[
        Path | None,
        typer.Option(
            "--report", help="Also write a page on what was imputed, an .html file, and its numbers beside it."
        ),
    ] = None,
    texts: RowTexts = None,
    row_id: RowId = None,
    columns: Columns = None,
    drop: Drop = None,
    categorical: Categorical = None,
    text: TextOptions,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the networks and of the draws.")] = 0,
    threads: Threads = None,
) -> None:
    """Train an imputer on rows, and write them with their missing values filled in.

    Known values stay as they are. Tables keep their column names and row labels. The page measures how far the values
    can be trusted; it trains a second imputer, on at most 4,000 rows.

    [dim]Examples:[/]

      taciturn impute survey.csv -o complete.csv

      taciturn impute survey.csv --imputations 20 -o draws/complete.parquet

      taciturn impute survey.csv -o complete.csv --report imputed.html --drop person --id person
    """
    from ..data.sources import has_missing, row_writer, table_writer
    from ..estimators import DenoisingImputer

    use_threads(threads)
    stem, ending = re.fullmatch(r"(.*?)((?:\.\w+)?(?:\.(?:gz|bz2|xz|zst))?)", out.name, re.DOTALL).groups()  # type: ignore[union-attr]
    files = [out.with_name(f"{stem}-{i + 1}{ending}") for i in range(imputations)] or [out]
    for file in (*files, *page_files(page)):
        check_out(file, data)
    source = finite(load_rows(data, columns=columns, drop=drop, categorical=categorical, text=text), data)
    (row_writer if getattr(source, "variables", None) is None else table_writer)(out)  # the ending, before the training
    ids, row_texts = _beside(data, "--id", row_id, source, text), _beside(data, "--texts", texts, source, text)
    if not has_missing(source):
        typer.echo(f"taciturn: {data} has no missing value", err=True)
    imputer = DenoisingImputer(random_state=seed).fit(source)
    tables = imputer.impute(source, imputations) if imputations else [imputer.transform(source)]
    for file, table in zip(files, tables, strict=True):
        _write(file, table, source)
    if page is not None:
        made = imputer.report(source, ids=ids, texts=row_texts, name=Path(data).name)
        made.save(page)
        made.save_json(page.with_suffix(".json"))
        lines = [("warning", f"{warning.what} {warning.mend}") for warning in made.verdict.warnings]
        written = f"{page} and {page.with_suffix('.json').name}"
        show(data, [("imputations", made.verdict.sentence), *lines, ("written", written)])


def _beside(data: str, option: str, place: str | None, source: "Source", text: TextOptions) -> list[str] | None:
    """Return the text of each row that an option names; None without the option."""
    if place is None:
        return None
    values = read_texts(data, option, place, text)
    check_length(values, place, len(source), data)
    return values


def _write(out: Path, rows: Any, source: "Source") -> None:
    """Write completed rows as they were read: numbers, or a table of their variables."""
    from ..data.sources import ids_of, integers_of, write_path
    from ..data.variables import write_rows

    variables, ids = getattr(source, "variables", None), ids_of(source)
    if variables is not None:
        write_rows(out, variables, [rows], ids)
    else:
        write_path(
            out,
            [rows],
            n_rows=len(rows),
            columns=source.columns,
            shape=source.shape,
            ids=ids,
            integers=integers_of(source),
        )
