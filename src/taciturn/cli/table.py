"""The table of results on the terminal."""

from collections.abc import Iterable

from rich.console import Console
from rich.table import Table
from rich.text import Text


def show(title: str, lines: Iterable[tuple[str, str]]) -> None:
    """Print a table with a title and one line per pair.

    Parameters
    ----------
    title : str
        Printed in bold above the table.
    lines : iterable of (str, str)
        Label and text of each line. Long texts are continued on the next line.
    """
    table = Table(
        title=Text(title), show_header=False, title_justify="left", title_style="bold", box=None, pad_edge=False
    )
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for label, text in lines:
        table.add_row(label, Text(text))  # as Text, because a path may contain brackets, which are markup in a str
    Console().print(table)
