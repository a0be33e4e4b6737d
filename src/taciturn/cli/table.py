"""How results look on the terminal."""

from collections.abc import Iterable

from rich.console import Console
from rich.table import Table
from rich.text import Text


def show(title: str, lines: Iterable[tuple[str, str]]) -> None:
    """Print a table of pairs (what, in words)."""
    table = Table(
        title=Text(title), show_header=False, title_justify="left", title_style="bold", box=None, pad_edge=False
    )
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, said in lines:
        table.add_row(name, Text(said))  # no markup: a path may hold brackets
    Console().print(table)
