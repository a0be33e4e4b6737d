"""How often `taciturn.check` calls rows unlike the training rows: of the same data, and of other data.

python benchmarks/check.py [--layers FILE.npz] [--splits N] [--out benchmarks/results/check.md]

Each split has its own fit of a dictionary (64 latents, k=8, 3 epochs) on 900 rows, with and without 300 validation
rows, and rows that neither has seen, in blocks of 100. "same": blocks that were called unlike although they are rows of
the same data, so false alarms; the note promises less than 1%. "cannot tell": blocks of the same data with this result;
without validation rows, errors that are larger than those of training rows decide nothing. The other columns are the
blocks that were called unlike after a change: all numbers doubled; each column moved by half its standard deviation;
columns permuted; or rows of the next layer.

Data: digits; normal rows of rank 8 with noise; the same with Student's t of 3 degrees of freedom; rows of which 5% are
100 times as long; standardised rows whose columns cannot be told apart by mean or deviation. FILE has h3 and h4
[tokens, columns], two layers of a transformer, and sentence [tokens]: rows of one block are whole sentences.
"""

import argparse
import warnings
from collections.abc import Callable, Iterator

import numpy as np
from denoising import publish

from taciturn import DictionaryAutoencoder, check, datasets

N_TRAIN, N_VALIDATION, BLOCK, BLOCKS = 900, 300, 100, 5
Sample = tuple[np.ndarray, np.ndarray, list[np.ndarray]]


def drawn(rows: np.ndarray, order: np.ndarray) -> Sample:
    """Return training rows, validation rows and blocks of other rows, in this order."""
    parts = np.split(rows[order], [N_TRAIN, N_TRAIN + N_VALIDATION])
    blocks = [parts[2][i * BLOCK : (i + 1) * BLOCK] for i in range(BLOCKS)]
    return parts[0], parts[1], [block for block in blocks if len(block) == BLOCK]


def synthetic(kind: str, rng: np.random.Generator) -> np.ndarray:
    """Return rows of a kind."""
    n, width = N_TRAIN + N_VALIDATION + BLOCK * BLOCKS, 32
    noise = rng.standard_t(3, (n, 8)) if kind == "t" else rng.normal(size=(n, 8))
    basis = np.random.default_rng(1).normal(size=(8, width))
    rows = noise @ basis + 0.3 * rng.normal(size=(n, width))
    if kind == "long":
        rows *= np.where(rng.random(n) < 0.05, 100.0, 1.0)[:, None]
    if kind == "alike columns":
        return rows / np.sqrt((basis**2).sum(0) + 0.09)
    return rows + np.arange(width) % 5


def data(name: str, layers: dict[str, np.ndarray] | None) -> Callable[[int], Sample]:
    """Return a function from a split's number to its rows."""
    if name == "digits":
        rows = datasets.load("digits").read(0, 1797)
        return lambda split: drawn(rows, np.random.default_rng(split).permutation(len(rows)))
    if name.startswith("layer"):
        assert layers is not None

        def sentences(split: int) -> Sample:
            order = np.random.default_rng(split).permutation(layers["sentence"].max() + 1)
            by_sentence = np.argsort(order.argsort()[layers["sentence"]], kind="stable")
            return drawn(layers["h3"], by_sentence)

        return sentences
    return lambda split: drawn(rows := synthetic(name, np.random.default_rng(split)), np.arange(len(rows)))


def results(sample: Sample, validate: bool, other: np.ndarray | None, seed: int) -> Iterator[tuple[str, bool | None]]:
    """Yield what was done to a block, and whether it was called like the training rows."""
    train, validation, blocks = sample
    model = DictionaryAutoencoder(64, k=8, max_iter=3, random_state=seed)
    model.fit(train, validation=validation if validate else None)
    order = np.random.default_rng(seed).permutation(train.shape[1])
    for number, block in enumerate(blocks):
        yield "same", check(model, block).alike
        if number == 0:
            yield "doubled", check(model, 2 * block).alike
            yield "moved", check(model, block + 0.5 * train.std(0)).alike
            yield "permuted", check(model, block[:, order]).alike
            if other is not None:
                yield "other layer", check(model, other[:BLOCK]).alike
                yield "1,000 rows of it", check(model, other[:1000]).alike


def main() -> None:
    """Check blocks of each data set and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--layers")
    parser.add_argument("--splits", type=int, default=40)
    parser.add_argument("--out")
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    layers = None if args.layers is None else dict(np.load(args.layers))
    names = ["digits", "normal", "t", "long", "alike columns"] + (["layer 3 of MiniLM"] if layers else [])
    changes = ("doubled", "moved", "permuted", "other layer", "1,000 rows of it")
    header = "| data | validation rows | same: unlike | same: cannot tell | " + " | ".join(changes) + " |"
    lines = [header, "|---" * (4 + len(changes)) + "|"]
    for name in names:
        rows = data(name, layers)
        for validate in (True, False):
            found: dict[str, list[bool | None]] = {}
            for split in range(args.splits):
                other = None if layers is None or not name.startswith("layer") else layers["h4"][split * BLOCK :]
                for change, alike in results(rows(split), validate, other, split):
                    found.setdefault(change, []).append(alike)
            same = found["same"]
            cells = [f"{sum(each is False for each in same)} of {len(same)}", f"{same.count(None)} of {len(same)}"]
            for change in changes:
                unlike = found.get(change)
                cells.append("" if unlike is None else f"{unlike.count(False)} of {len(unlike)}")
            lines.append(f"| {name} | {'yes' if validate else 'no'} | " + " | ".join(cells) + " |")
            print(lines[-1], flush=True)
    publish(f"{args.splits} splits; `python benchmarks/check.py`", lines, args.out)


if __name__ == "__main__":
    main()
