"""The root of the command line: errors, warnings and help of all commands. Loads no torch, so --help is fast."""

import sys
import warnings
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from ..core.errors import RecipeError, TaciturnError, TaciturnWarning
from ..core.version import __version__


class Commands(TyperGroup):
    """A group of commands that prints each error and warning of taciturn as one line on standard error.

    Exit codes: 2 for wrong usage (RecipeError), 1 for other errors of taciturn, 130 after an interrupt. Other errors
    are faults of taciturn and have a traceback.
    """

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        default_showwarning = warnings.showwarning

        def print_warning(message: Warning | str, category: type[Warning], *place: Any, **options: Any) -> None:
            if issubclass(category, TaciturnWarning):
                typer.secho(f"taciturn: warning: {message}", fg="yellow", err=True)
            else:
                default_showwarning(message, category, *place, **options)

        warnings.showwarning = print_warning
        try:
            return super().invoke(ctx)
        except TaciturnError as error:
            typer.secho(f"taciturn: {error}", fg="red", err=True)
            raise typer.Exit(2 if isinstance(error, RecipeError) else 1) from None
        except KeyboardInterrupt:
            typer.secho("taciturn: interrupted; nothing was written", fg="red", err=True)
            raise typer.Exit(130) from None
        finally:
            warnings.showwarning = default_showwarning


class Command(TyperCommand):
    """A command whose help texts may contain lists of parts and file formats, as {corruptions} or {readable}."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the help, with the lists in place of their names."""
        from ..core.catalogue import file_endings, part_lists

        lists = {name: text.replace('"', "") for name, text in (part_lists() | file_endings()).items()}
        for parameter in self.params:
            text = getattr(parameter, "help", None)
            if text:
                parameter.help = text.format(**lists)  # type: ignore[attr-defined]
        super().format_help(ctx, formatter)


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
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Learn features from unlabelled rows with [bold]denoising[/] and [bold]sparse autoencoders[/].

    [dim]Examples:[/]

      taciturn fit digits --corrupt gaussian:0.4 --sparse kl:0.05 --latents 256 -o runs/digits

      taciturn denoise runs/digits noisy.csv -o clean.csv
    """


def main() -> None:
    """Run the command line with the process's arguments, and exit."""
    app(prog_name="taciturn")
    sys.exit(0)
