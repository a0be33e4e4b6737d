"""The documents' programs run as they stand and print the numbers that the documents state."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def test_the_textbooks_programs():
    done = subprocess.run(
        [sys.executable, ROOT / "examples" / "textbook.py"], capture_output=True, text=True, check=True
    )
    lines = {line[:24].strip(): line[24:] for line in done.stdout.splitlines()}
    numbers = {name: [float(n) for n in re.findall(r"\d+\.\d+", line)] for name, line in lines.items()}
    by_hand, by_step = numbers["the total loss by hand"]
    assert by_hand == pytest.approx(by_step, abs=2e-6)
    # both sparsity losses bring the mean activation near 0.1; all errors lie below the pixels' variance of 0.0737
    for name in ("squared sparsity loss", "KL sparsity loss", "SparseAutoencoder"):
        assert numbers[name][1] == pytest.approx(0.1, abs=0.01)
    for name in ("Gaussian denoising", "dropout denoising", "KL sparsity loss", "DenoisingAutoencoder"):
        assert numbers[name][0] < 0.0737 * 0.95


@pytest.mark.parametrize(
    "document",
    [
        "README.md",
        "docs/architecture.md",
        "docs/arrays.md",
        "docs/shards.md",
        "docs/textbook.md",
        "docs/dictionaries.md",
        "docs/report.md",
        "docs/tables.md",
        "docs/export.md",
        "docs/features.md",
        "docs/outliers.md",
        "docs/photographs.md",
        "docs/signals.md",
        "docs/watching.md",
        "docs/imputing.md",
        "docs/other-libraries.md",
        "docs/transcoders.md",
        "docs/checking.md",
        "docs/migrating.md",
        "docs/streaming.md",
        "docs/resume.md",
        "docs/scale.md",
    ],
)
def test_the_python_of_a_document_runs(document, tmp_path):
    code = "\n".join(re.findall(r"```python\n(.*?)```", (ROOT / document).read_text(encoding="utf-8"), re.DOTALL))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
