"""The command line, called in this process."""

from typer.testing import CliRunner

from taciturn.cli.app import app


def run(*arguments, code=0):
    """Run a command that must end with this code and without a traceback."""
    done = CliRunner().invoke(app, [str(a) for a in arguments])
    assert done.exit_code == code, (done.output, done.exception)
    assert "Traceback" not in done.output
    return done


def output_text(done):
    """Return the output without its line breaks, because the table folds lines at the terminal's width."""
    return " ".join(done.output.split())
