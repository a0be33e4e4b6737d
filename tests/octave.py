"""GNU Octave, which runs programs of MATLAB."""

import shutil
import subprocess
from pathlib import Path

import pytest

OCTAVE = shutil.which("octave-cli") or shutil.which("octave")
needs_octave = pytest.mark.skipif(OCTAVE is None, reason="GNU Octave is not installed (apt-get install octave)")


def run_octave(folder: Path, script: str) -> str:
    """Run a script in a folder, as one process, and return what it prints."""
    (folder / "script.m").write_text(script, encoding="utf-8")
    assert OCTAVE is not None
    done = subprocess.run(
        [OCTAVE, "--quiet", "--no-gui", "--norc", "script.m"], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
