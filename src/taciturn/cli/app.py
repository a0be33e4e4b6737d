"""The root of the command line: errors, warnings and help of all commands. Loads no torch, so --help is fast."""

import re
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from ..core.errors import DialectFound, RecipeError, TaciturnWarning
from ..core.messages import one_line
from ..core.version import __version__
from .failures import failure_of
from .processes import check_command, run_together, several, shows_failure
from .signals import as_interrupts

MAX_MESSAGE_CHARS = 2000
URL_AS_PATH = r"([A-Za-z][A-Za-z0-9+.-]+):/(.+)"  # a path has one slash in place of two


class Commands(TyperGroup):
    """A group of commands that prints each error and warning as one line on standard error.

    Exit statuses: 0 success; 1 rows, files, memory or the disk; 2 wrong usage (RecipeError, unknown options); 3 and 4
    as `taciturn check` describes them; 130 after Ctrl-C, 143 after SIGTERM, 129 after SIGHUP; 141 if the reader of the
    output has closed it. Other errors are faults of taciturn and have a traceback.
    """

    def make_context(self, *arguments: Any, **options: Any) -> Any:
        """Read the arguments; also prints the help and the version."""
        with _reporting():
            return super().make_context(*arguments, **options)

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        with _reporting(), as_interrupts():
            return super().invoke(ctx)


@contextmanager
def _reporting() -> Iterator[None]:
    default_showwarning = warnings.showwarning
    printed: set[str] = set()  # a file that is read twice is described once

    def print_warning(message: Warning | str, category: type[Warning], *place: Any, **options: Any) -> None:
        if issubclass(category, TaciturnWarning):
            line = f"taciturn: {'' if issubclass(category, DialectFound) else 'warning: '}{message}"
            if line not in printed:
                _print_line(line, "yellow")
            printed.add(line)
        else:
            default_showwarning(message, category, *place, **options)

    warnings.showwarning = print_warning
    try:
        try:
            yield
        finally:
            if sys.stdout is not None:  # closed by the caller
                sys.stdout.flush()  # else a full disk is noticed when no line can be printed about it any more
    except (Exception, KeyboardInterrupt) as error:
        failure = failure_of(error)
        if failure is None:
            raise
        if failure.message and shows_failure(error):
            print_error(failure.message)
        raise typer.Exit(failure.status) from None
    finally:
        warnings.showwarning = default_showwarning


def print_error(message: str) -> None:
    """Print one line on standard error."""
    _print_line(f"taciturn: {message}", "red")


def _print_line(text: str, colour: str) -> None:
    with suppress(OSError):  # standard error is closed or full: the exit status still tells
        typer.secho(one_line(text, MAX_MESSAGE_CHARS), fg=colour, err=True)


class Command(TyperCommand):
    """A command whose help texts may contain lists of parts and file formats, as {corruptions} or {readable}."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the help, with the lists in place of their names."""
        from ..core.catalogue import dictionary_formats, file_endings, part_lists

        all_lists = part_lists() | file_endings() | dictionary_formats()
        lists = {name: text.replace('"', "") for name, text in all_lists.items()}
        for parameter in self.params:
            text = getattr(parameter, "help", None)
            if text:
                parameter.help = text.format(**lists)  # type: ignore[attr-defined]
        super().format_help(ctx, formatter)

    def invoke(self, ctx: Any) -> Any:
        """Run the command; raise RecipeError where a URL stands for a path of the disk."""
        for values in ctx.params.values():
            for path in values if isinstance(values, list) else [values]:
                if isinstance(path, Path) and (url := re.match(URL_AS_PATH, str(path))):
                    name = one_line(f"{url[1]}://{url[2]}")
                    raise RecipeError(f"{name}: a path of the disk is required here, not a URL; copy it afterwards")
        return super().invoke(ctx)


app = typer.Typer(
    name="taciturn",
    cls=Commands,
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
plot = typer.Typer(no_args_is_help=True, help="Draw a figure.")
app.add_typer(plot, name="plot")


def _print_version(requested: bool) -> None:
    if requested:
        typer.echo(f"taciturn {__version__}")
        raise typer.Exit


@app.callback()
def root(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Learn features from unlabelled rows with [bold]denoising[/] and [bold]sparse autoencoders[/].

    [dim]Examples:[/]

      taciturn fit digits --corrupt gaussian:0.4 --sparse kl:0.05 --latents 256 -o runs/digits

      taciturn denoise runs/digits noisy.csv -o clean.csv
    """
    check_command(context.invoked_subcommand)


def main() -> None:
    """Run the command line with the process's arguments, and exit."""
    if several():
        run_together(lambda: app(prog_name="taciturn"))
    app(prog_name="taciturn")
    sys.exit(0)
