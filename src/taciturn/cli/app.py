"""The command line's root: what is common to all commands. Loads no torch, so that --help answers at once."""

import sys
import warnings
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from ..core.errors import RecipeError, TaciturnError, TaciturnWarning
from ..core.version import __version__


class Commands(TyperGroup):
    """Says a user's mistake in one line: exit code 2 for wrong usage, 1 for what failed, 130 when interrupted."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command that was asked for."""
        usual = warnings.showwarning

        def say(message: Warning | str, category: type[Warning], *place: Any, **more: Any) -> None:
            if issubclass(category, TaciturnWarning):
                typer.secho(f"taciturn: warning: {message}", fg="yellow", err=True)
            else:
                usual(message, category, *place, **more)

        warnings.showwarning = say
        try:
            return super().invoke(ctx)
        except TaciturnError as error:
            typer.secho(f"taciturn: {error}", fg="red", err=True)
            raise typer.Exit(2 if isinstance(error, RecipeError) else 1) from None
        except KeyboardInterrupt:
            typer.secho("taciturn: interrupted; nothing was written", fg="red", err=True)
            raise typer.Exit(130) from None
        finally:
            warnings.showwarning = usual


class Command(TyperCommand):
    """A command whose help lists parts and file formats: {corruptions}, {readable} and the like stand in its texts."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Fill the lists in, and write the help."""
        from ..core.catalogue import part_lists
        from ..data.sources.files import READABLE, WRITABLE

        lists = {name: words.replace('"', "") for name, words in part_lists().items()}
        for parameter in self.params:
            words = getattr(parameter, "help", None)
            if words:
                parameter.help = words.format(**lists, readable=READABLE, writable=WRITABLE)  # type: ignore[attr-defined]
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


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"taciturn {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Learn features from unlabelled rows with [bold]denoising[/] and [bold]sparse autoencoders[/].

    [dim]Examples:[/]

      taciturn fit digits --corrupt gaussian:0.4 --sparse kl:0.05 --latents 256 -o runs/digits

      taciturn denoise runs/digits noisy.csv -o clean.csv
    """


def main() -> None:
    """Run the command line."""
    app(prog_name="taciturn")
    sys.exit(0)
