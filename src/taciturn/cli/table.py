"""The table of results on the terminal."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ..core.messages import one_line

if TYPE_CHECKING:
    from ..data.variables import Variables

MAX_TEXT_CHARS = 2000


def show(title: str, lines: Iterable[tuple[str, str]]) -> None:
    """Print a table with a title and one line per pair.

    Parameters
    ----------
    title : str
        Printed in bold above the table.
    lines : iterable of (str, str)
        Label and text of each line. Long texts are continued on the next line. Characters that cannot be printed are
        shown as escapes: names and a run's configuration are foreign texts, and may hold commands to the terminal.
    """
    table = Table(
        title=_text(title), show_header=False, title_justify="left", title_style="bold", box=None, pad_edge=False
    )
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for label, text in lines:
        table.add_row(_text(label), _text(text))
    console = Console()
    with console.capture() as printed:
        console.print(table)
    typer.echo(printed.get(), nl=False)  # rich ends the process itself if the output is closed


def _text(text: str) -> Text:
    return Text(one_line(text, MAX_TEXT_CHARS))  # not a str, in which brackets, as in a path, are markup


def variable_lines(variables: "Variables | None") -> list[tuple[str, str]]:
    """Return what was decided on a table's variables as pairs (label, text); [] without variables."""
    lines = [] if variables is None else variables.lines()
    return [("variables" if i == 0 else "", line) for i, line in enumerate(lines)]
