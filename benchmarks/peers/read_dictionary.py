"""Read dictionaries with their own libraries: codes and reconstructions of rows. Runs in the peers' environment.

python read_dictionary.py JOBS.json: a list of {"reader", "folder", "rows", "out"}; rows is an .npy file, out an .npz
file with codes and reconstruction, or with the error.
"""

import json
import os
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

os.environ["SPARSIFY_DISABLE_TRITON"] = "1"  # its kernels need a GPU

import numpy as np
import torch
from stubs import stub

stub(*(name for name in ("wandb", "nnsight", "timm", "torchvision", "PIL", "zstandard") if find_spec(name) is None))


def saelens(folder: Path, x: torch.Tensor, **options: Any) -> tuple[torch.Tensor, torch.Tensor]:
    """SAELens reads its own format."""
    from sae_lens import SAE

    sae = SAE.load_from_disk(str(folder), **options)
    codes = sae.encode(x)
    return codes, sae.decode(codes)


def saelens_sparsify(folder: Path, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """SAELens reads sparsify's format."""
    from sae_lens.loading.pretrained_sae_loaders import sparsify_disk_loader

    return saelens(folder, x, converter=sparsify_disk_loader, dtype="float32")


def sparsify(folder: Path, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The package sparsify reads its own format."""
    from sparsify import SparseCoder

    coder = SparseCoder.load_from_disk(folder)
    encoded = coder.encode(x)
    codes = torch.zeros(len(x), coder.num_latents).scatter(1, encoded.top_indices, encoded.top_acts)
    return codes, coder.decode(encoded.top_acts, encoded.top_indices)


def dictionary_learning(folder: Path, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The package dictionary_learning reads its own format."""
    from dictionary_learning.utils import load_dictionary

    dictionary, _ = load_dictionary(str(folder), "cpu")
    codes = dictionary.encode(x)
    return codes, dictionary.decode(codes)


def sentence_transformers(folder: Path, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The package sentence-transformers reads its own format."""
    from sentence_transformers.sparse_encoder.modules import SparseAutoEncoder

    module = SparseAutoEncoder.load(str(folder)).eval()
    codes, _ = module.top_k(module.encode_pre_act(x), compute_aux=False)
    return codes, module.decode(codes)


READERS = {
    "SAELens": saelens,
    "SAELens (sparsify)": saelens_sparsify,
    "sparsify": sparsify,
    "dictionary_learning": dictionary_learning,
    "sentence-transformers": sentence_transformers,
}


def main() -> None:
    """Run all jobs."""
    for job in json.loads(Path(sys.argv[1]).read_text()):
        x = torch.from_numpy(np.load(job["rows"]))
        try:
            with torch.no_grad():
                codes, reconstruction = READERS[job["reader"]](Path(job["folder"]), x)
            results = {"codes": codes.numpy(), "reconstruction": reconstruction.numpy()}
        except Exception as error:  # the table tells it
            results = {"error": np.array(f"{type(error).__name__}: {error}"[:200])}
        np.savez(job["out"], **results)


if __name__ == "__main__":
    main()
