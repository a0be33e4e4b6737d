"""Write dictionaries in the formats of other libraries, and read them with these libraries' own code.

python benchmarks/interop.py --peers PYTHON --golden FOLDER [--out TABLE.md]

PYTHON is the path that benchmarks/peers/setup.sh prints. FOLDER holds dictionaries that other libraries wrote
(tests/golden/interop). Each of them, and a dictionary trained here with every scaling, is written in every format that
can express it; the library of the format reads it and computes codes and reconstructions. The table has the largest
deviations, relative to the largest number. Codes are compared where the format keeps their size: dictionary_learning
gives directions norm 1, and larger codes, to all but TopK and BatchTopK. "SAELens (sparsify)" is SAELens's own reader
of sparsify's format.
"""

import argparse
import json
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from denoising import publish

from taciturn import DictionaryAutoencoder
from taciturn.artifact.foreign import Dictionary, dictionary_of, read, write
from taciturn.core.errors import ArtifactError, RecipeError

READERS = {
    "saelens": ("SAELens",),
    "sparsify": ("sparsify", "SAELens (sparsify)"),
    "dictionary_learning": ("dictionary_learning",),
    "sentence-transformers": ("sentence-transformers",),
}
LAYERS = ("topk", "batch_topk", "jumprelu", "gated", "l1")
SCALINGS = ("none", "standard", "whiten")


def dictionaries(golden: Path) -> Iterator[tuple[str, Dictionary, np.ndarray[Any, Any]]]:
    """Yield each dictionary with its name and rows."""
    for file in sorted(golden.glob("*/*/expected.npz")):
        with np.load(file) as expected:
            x = expected["x"]
        try:
            yield str(file.parent.relative_to(golden)), read(file.parent), x
        except ArtifactError as error:
            print(f"{file.parent}: not read: {error}")
    rng = np.random.default_rng(0)
    x = rng.normal(rng.normal(size=16), rng.random(16) + 0.5, (4000, 16)).astype(np.float32)
    for layer in LAYERS:
        for scaling in SCALINGS:
            model = DictionaryAutoencoder(48, k=5, sparsity=layer, scaling=scaling, max_iter=5, random_state=0).fit(x)
            yield f"trained: {layer}, {scaling}", dictionary_of(model.to_artifact()), x[:64]


def main() -> None:
    """Write the dictionaries, have them read, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peers", required=True)
    parser.add_argument("--golden", type=Path, required=True)
    parser.add_argument("--out")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        publish("largest deviations, relative to the largest number", table(options, Path(folder)), options.out)


def table(options: argparse.Namespace, folder: Path) -> list[str]:
    """Return the table's lines."""
    jobs, wanted = [], []
    for number, (name, dictionary, x) in enumerate(dictionaries(options.golden)):
        np.save(rows := folder / f"{number}.npy", x)
        codes = dictionary.codes(torch.from_numpy(x))
        for form, readers in READERS.items():
            written = folder / f"{number}" / form / "layers.0"  # SAELens finds the layer in the name
            try:
                write(dictionary, written, form)
            except RecipeError:
                continue
            again = read(written)  # codes as the format has them
            for reader in readers:
                out = str(folder / f"{len(jobs)}.npz")
                jobs.append({"reader": reader, "folder": str(written), "rows": str(rows), "out": out})
                arrays = again.codes(torch.from_numpy(x)).numpy(), dictionary.reconstruct(codes).numpy()
                wanted.append((name, form, reader, *arrays))
        original = options.golden / name
        if (original / "sae.safetensors").is_file():  # does SAELens read what sparsify itself wrote?
            shutil.copytree(original, written := folder / f"{number}" / "original" / "layers.0")
            out = str(folder / f"{len(jobs)}.npz")
            jobs.append({"reader": "SAELens (sparsify)", "folder": str(written), "rows": str(rows), "out": out})
            wanted.append((name, "as sparsify wrote it", "SAELens (sparsify)", codes.numpy(), arrays[1]))
    (folder / "jobs.json").write_text(json.dumps(jobs))
    script = Path(__file__).parent / "peers" / "read_dictionary.py"
    subprocess.run([options.peers, str(script), str(folder / "jobs.json")], check=True)
    lines = ["| dictionary | format | read by | codes | reconstruction |", "|---|---|---|---|---|"]
    for job, (name, form, reader, codes, reconstruction) in zip(jobs, wanted, strict=True):
        with np.load(job["out"]) as results:
            if "error" in results:
                lines.append(f"| {name} | {form} | {reader} | {str(results['error']).splitlines()[-1].strip()} | |")
                continue
            deviations = (deviation(results["codes"], codes), deviation(results["reconstruction"], reconstruction))
        lines.append(f"| {name} | {form} | {reader} | {deviations[0]:.1e} | {deviations[1]:.1e} |")
    return lines


def deviation(actual: np.ndarray[Any, Any], desired: np.ndarray[Any, Any]) -> float:
    """Return the largest deviation, relative to the largest number."""
    return float(abs(actual - desired).max() / abs(desired).max())


if __name__ == "__main__":
    main()
