"""Which packages are loaded when: the root is lazy, and the help loads no torch."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import taciturn


def loaded(code: str) -> set[str]:
    report = "import sys; print(*sorted({name.split('.')[0] for name in sys.modules}))"
    done = subprocess.run([sys.executable, "-c", f"{code}\n{report}"], capture_output=True, text=True, check=True)
    return set(done.stdout.splitlines()[-1].split())


HEAVY = {"torch", "sklearn", "pandas", "matplotlib", "pyarrow", "scipy"}


@pytest.mark.parametrize(
    ("code", "heavy"),
    [
        ("import taciturn", set()),
        ("import taciturn; taciturn.__version__; dir(taciturn)", set()),
        ("import taciturn.cli", set()),
        ("import taciturn.data.variables", set()),
        ("import taciturn.datasets; taciturn.datasets.names(); taciturn.datasets.known_dictionary", set()),
    ],
)
def test_nothing_heavy_before_it_is_used(code, heavy):
    assert loaded(code) & HEAVY == heavy


def test_the_help_loads_no_torch():
    code = "import sys, taciturn.cli.app as a, taciturn.cli\ntry: a.app(['fit', '--help'])\nexcept SystemExit: pass"
    assert loaded(code) & HEAVY == set()


def test_the_estimators_load_no_torch_before_rows_arrive():
    assert "torch" not in loaded("import taciturn; taciturn.SparseAutoencoder(64, sparsity='kl:0.1')")


def test_a_fit_does_not_load_the_compiler():
    code = "import numpy, taciturn; taciturn.SparseAutoencoder(4, max_iter=1).fit(numpy.eye(8))"
    report = "import sys; print('torch._dynamo' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", f"{code}\n{report}"], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False"]


@pytest.mark.parametrize(
    ("package", "rooms"),
    [("sklearn", {"datasets", "estimators", "probes"}), ("typer", {"cli"})],
)
def test_where_a_package_is_imported(package, rooms):
    source = Path(taciturn.__file__).parent
    importing = set()
    for file in source.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and not node.level:
                names = [node.module]
            if any(name.split(".")[0] == package for name in names):
                importing.add(file.relative_to(source).parts[0])
    assert importing == rooms


@pytest.mark.parametrize("name", taciturn.__all__)
def test_every_public_name_is_there(name):
    assert getattr(taciturn, name) is not None


def test_an_unknown_name():
    with pytest.raises(AttributeError, match="has no attribute 'Nonsense'"):
        _ = taciturn.Nonsense
