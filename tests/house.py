"""Measure how readable the code is: entries, import cycles, lengths, retired words.

Usage: python tests/house.py [ROOT]

Prints for the checkout at ROOT (default: this one):

entries    names in src/taciturn, without `__init__.py`, `__main__.py`, `py.typed` and `__pycache__`
circles    groups of files that import each other, with type-only and late imports
files      lines per Python file: median, 90th percentile, longest
functions  lines per Python function: median, 90th percentile, longest
retired    words of the list below in src, docs and README.md; `--where` prints each place
"""

import ast
import re
import statistics
import sys
from collections.abc import Iterator
from pathlib import Path

OWN = {"__init__.py", "__main__.py", "py.typed", "__pycache__"}
ENDINGS = {".py", ".md", ".j2", ".js", ".c", ".h"}
RETIRED = re.compile(
    r"\b(said|told|speak|speaks|spoken|says|loud|loudness|louder|whisper|born|reborn|ask for|asked|the ask"
    r"|learnt from|came back)\b",
    re.IGNORECASE,
)


def modules(package: Path) -> dict[str, Path]:
    """Return the package's files by their dotted names."""
    named = {}
    for file in sorted(package.rglob("*.py")):
        parts = file.relative_to(package.parent).with_suffix("").parts
        named[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = file
    return named


def imports(name: str, file: Path, known: dict[str, Path]) -> Iterator[str]:
    """Yield the dotted names of the package's files that a file imports, at any place in it."""
    package = name.split(".") if file.name == "__init__.py" else name.split(".")[:-1]
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.ImportFrom) or not node.level:
            continue
        base = package[: len(package) - node.level + 1] + (node.module.split(".") if node.module else [])
        for alias in node.names:
            inner = ".".join([*base, alias.name])
            yield inner if inner in known else ".".join(base)


def circles(edges: dict[str, set[str]]) -> list[list[str]]:
    """Return the strongly connected components of more than one file (Tarjan, 1972)."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    groups: list[list[str]] = []

    def visit(name: str) -> None:
        index[name] = low[name] = len(index)
        stack.append(name)
        for other in edges[name]:
            if other not in index:
                visit(other)
                low[name] = min(low[name], low[other])
            elif other in stack:
                low[name] = min(low[name], index[other])
        if low[name] == index[name]:
            start = stack.index(name)
            if len(stack) - start > 1:
                groups.append(sorted(stack[start:]))
            del stack[start:]

    for name in edges:
        if name not in index:
            visit(name)
    return groups


def lengths(lines: list[int]) -> str:
    """Return median, 90th percentile and longest."""
    return (
        f"median {statistics.median(lines):.0f}, 90% {statistics.quantiles(lines, n=10)[-1]:.0f}, longest {max(lines)}"
    )


def retired(root: Path) -> Iterator[tuple[Path, int, str]]:
    """Yield each retired word with its file and line."""
    files = [root / "README.md", *sorted((root / "src").rglob("*")), *sorted((root / "docs").rglob("*"))]
    for file in files:
        if file.suffix in ENDINGS and file.is_file():
            for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
                for match in RETIRED.finditer(line):
                    yield file.relative_to(root), number, match[0]


def main() -> None:
    """Print the measures of a checkout."""
    arguments = [argument for argument in sys.argv[1:] if argument != "--where"]
    root = Path(arguments[0]) if arguments else Path(__file__).resolve().parents[1]
    package = root / "src" / "taciturn"
    named = modules(package)
    edges = {name: set(imports(name, file, named)) & named.keys() - {name} for name, file in named.items()}
    # a package's __init__ imports its own files, which would make a cycle of every package
    packages = {name for name, file in named.items() if file.name == "__init__.py"}
    edges = {name: others - packages for name, others in edges.items() if name not in packages}
    trees = [ast.parse(file.read_text(encoding="utf-8")) for file in named.values()]
    functions = [
        (node.end_lineno or node.lineno) - node.lineno + 1
        for tree in trees
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    groups = circles(edges)
    words = list(retired(root))
    entries = [entry.name for entry in sorted(package.iterdir()) if entry.name not in OWN]
    print(f"entries    {len(entries)}: {' '.join(entries)}")
    print(f"circles    {len(groups)}" + "".join(f"\n  {' '.join(group)}" for group in groups))
    print(
        f"files      {len(named)}; lines: {lengths([len(f.read_text('utf-8').splitlines()) for f in named.values()])}"
    )
    print(f"functions  {len(functions)}; lines: {lengths(functions)}")
    print(f"retired    {len(words)}")
    if "--where" in sys.argv:
        for file, number, word in words:
            print(f"  {file}:{number}: {word}")


if __name__ == "__main__":
    main()
