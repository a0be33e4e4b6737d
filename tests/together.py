"""Fits of every part, in one process or in several that torchrun or this module started, and what came of them."""

import os
import subprocess
import sys
import threading
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from torch.distributed import TCPStore

from fits import mixtures
from taciturn import DenoisingAutoencoder, DictionaryAutoencoder, SparseAutoencoder, load
from taciturn.core.world import Axis

ROOT = Path(__file__).resolve().parents[1]
LATENT_PROCESSES = int(os.environ.get("LATENT_PROCESSES", "1"))  # of those that this module started
DEVICE = os.environ.get("DEVICE", "cpu")  # with "cuda", tensors go by nccl, with "cpu" by gloo
DEVICES = (
    "cpu",
    pytest.param("cuda", marks=pytest.mark.skipif(torch.cuda.device_count() < 2, reason="nccl needs two GPUs")),
)
EPOCHS = int(os.environ.get("EPOCHS", "4"))  # of five steps
CORE = ("kl", "kl, noise, written weight", "topk", "batch topk", "jumprelu")  # 50 steps
# 5 batches of 130, 130, 130, 130 and 130 rows: parts of a batch do not begin where blocks of noise do
FIT = {"batch_size": 130, "random_state": 0}
DENSE = FIT | {"n_components": 24}
SPARSE = FIT | {"n_components": 96, "k": 4}


def sparse(text, **more):
    return SparseAutoencoder(**DENSE | {"sparsity": text} | more)


def denoising(text, **more):
    return DenoisingAutoencoder(**DENSE | {"corruption": text} | more)


def dictionary(text, **more):
    return DictionaryAutoencoder(**SPARSE | {"sparsity": text} | more)


def estimators():
    """Return an estimator for each part, by a name."""
    return {
        "kl": sparse("kl:0.1"),
        "kl, noise, written weight": sparse("kl:0.1,weight=0.2", corruption="gaussian:0.3"),
        "squared rate, tied": sparse("squared_rate:0.1", tied=True),
        "l1 towards an l0": sparse("l1:l0=8"),
        "l1 scaled, weights": sparse("l1:weight=0.01,scaled=true+weight_l2:weight=0.001"),
        "tanh": sparse("tanh_penalty:l0=8"),
        "deep": sparse("topk:6", n_components=(40, 24), early_stopping=True),
        "hierarchical": sparse("topk:6", loss="hierarchical_topk"),
        "sampled matryoshka": sparse("topk:6", loss="matryoshka:sampled=true"),
        "dropout": denoising("dropout:0.3", solver="nadam"),
        "masking": denoising("masking:linear(0.4,0.1)", scaling="minmax", loss="cross_entropy"),
        "salt and pepper": denoising("salt_pepper:0.1", scaling="row_norm"),
        "swap": denoising("swap:0.2", solver="sgd:momentum=0.9", scaling="rank_gauss"),
        "chain, clipped": denoising("gaussian:0.1+swap:0.3", solver="adam:clip=0.1"),
        "blind spot": denoising("blind_spot:0.2"),
        "missing": denoising("missing:0.2"),
        "topk": dictionary("topk:4+auxk:after=100"),
        "topk, many latents": dictionary("topk:4+auxk:after=100", n_components=640),
        "topk, int8": dictionary("topk:4", n_components=640, precision="int8"),
        "batch topk": dictionary("batch_topk:4,first_k=until(linear(8,4),0.4)+auxk:after=100"),
        "batch topk, many latents": dictionary("batch_topk:2.5", n_components=640, constraint="bounded"),
        "jumprelu": dictionary("jumprelu", constraint="free", revive="auxk"),
        "gated": dictionary("gated", learning_rate=1e-4),  # whose gates open from 0: it is sensitive to rounding
        "l1, ordered": dictionary("l1", ordered=True),
        "frozen": dictionary("topk", constraint="frozen"),
        "matryoshka, refined": dictionary("topk", matryoshka="auto", refine=1),
        "whitened": dictionary("topk", scaling="whiten"),
        "resampled": dictionary("topk:1", n_components=640, revive="resample", max_iter=20, learning_rate=0.003),
        "redirected": dictionary("topk", n_components=640, revive="redirect"),
        "signed": dictionary("topk:4,signed=true"),
        "multi topk, orthogonal": dictionary("topk:4+multi_topk:16+orthogonality:weight=0.1,chunk=32"),
        "table": sparse("kl:0.1"),
        "table, noise": denoising("swap:0.2"),
        "target": denoising(None),
        "target, skip": dictionary("batch_topk:4", skip=True),
    }


def rows():
    return mixtures(650)


def table():
    """Return rows of numbers with gaps, of booleans and of categories."""
    X = rows()
    numbers = pd.DataFrame(np.where(X[:, :6] > 1.5, np.nan, X[:, :6]), columns=list("abcdef"))
    return numbers.assign(flag=X[:, 6] > 0, kind=pd.Categorical.from_codes(X[:, 7:10].argmax(1), ["u", "v", "w"]))


def rows_and_targets(name):
    """Return what the estimator of a name is fitted to; None: the rows are their own targets."""
    X = table() if name.startswith("table") else rows()
    return X, X[:, :7] + 1 if name.startswith("target") else None


def fit_all(names, folder=None, device=DEVICE):
    """Return losses of the steps, closing codes, weights and mean activations of the estimators with these names.

    Where latents are distributed, the models are saved into a folder and loaded.
    """
    results = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name, estimator in estimators().items():
            if not names or name in names:
                if name != "resampled":
                    estimator.set_params(max_iter=10 if name in CORE else EPOCHS)
                estimator.set_params(device=device)
                X, target = rows_and_targets(name)
                held_out = X[:70] if target is None else (X[:70], target[:70])
                estimator.fit(X, target=target, validation=held_out, latent_processes=LATENT_PROCESSES)
                if LATENT_PROCESSES > 1:
                    estimator.save(f"{folder}/{name}")
                    estimator = load(f"{folder}/{name}")
                codes = estimator.transform(X)
                results[f"{name}/codes"] = codes.toarray() if hasattr(codes, "toarray") else codes
                for column in ("loss", "rate"):
                    results[f"{name}/{column}"] = estimator.history_.steps[column]
                results[f"{name}/validation_loss"] = estimator.history_["validation_loss"]
                results[f"{name}/rates"] = estimator.history_["rates"]
                results[f"{name}/weights"] = estimator.components_
    return results


def fit_by(count, folder, names, device, **variables):
    """Return what `fit_all` returns in each of several processes."""
    variables = {key: str(value) for key, value in variables.items()} | {"DEVICE": device, "TACITURN_TIMEOUT": "5min"}
    for status, _, errors in Group(count, "tests/together.py", folder / "of", *names, variables=variables).end():
        assert status == 0, errors
    return [np.load(folder / f"of-{count}-{rank}.npz") for rank in range(count)]


def environment():
    """Return the variables of a process that imports this package and these tests."""
    path = os.pathsep.join([str(ROOT / "src"), str(ROOT / "tests")])
    return os.environ | {"PYTHONPATH": path, "OMP_NUM_THREADS": "1"}


def started(*arguments):
    """Return how a Python with these arguments ended: exit status, output and errors."""
    command = [sys.executable, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=400, env=environment())


class Rank(Axis):
    """A process of several, of which nothing is reduced."""

    def __init__(self, rank, size):
        self.rank, self.size = rank, size


class Threads(Axis):
    """One of several threads that exchange tensors as processes do."""

    def __init__(self, rank, size, shared):
        self.rank, self.size, (self.slots, self.barrier) = rank, size, shared

    @classmethod
    def run(cls, size, function):
        """Return what a function of an axis returns in each of several threads."""
        shared, results = ({}, threading.Barrier(size, timeout=30)), {}
        threads = [
            threading.Thread(target=lambda rank=rank: results.update({rank: function(cls(rank, size, shared))}))
            for rank in range(size)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return [results[rank] for rank in range(size)]

    def gather(self, x):
        self.slots[self.rank] = x
        self.barrier.wait()
        parts = [self.slots[rank] for rank in range(self.size)]
        self.barrier.wait()
        return parts


class Group:
    """Processes that find each other as those of torchrun do, by a store that outlives them."""

    def __init__(self, count, *arguments, variables=()):
        self.store = TCPStore("127.0.0.1", 0, is_master=True, wait_for_workers=False)
        shared = environment() | {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(self.store.port)}
        shared |= {"WORLD_SIZE": str(count), "LOCAL_WORLD_SIZE": str(count), "TORCHELASTIC_USE_AGENT_STORE": "True"}
        shared |= dict(variables)
        self.processes = [
            subprocess.Popen(
                [sys.executable, *map(str, arguments)],
                env=shared | {"RANK": str(rank), "LOCAL_RANK": str(rank)},
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            for rank in range(count)
        ]

    def end(self, timeout=400):
        """Return exit status, output and errors of each process."""
        try:
            outputs = [process.communicate(timeout=timeout) for process in self.processes]
        finally:
            for process in self.processes:
                process.kill()
        return [(process.returncode, *output) for process, output in zip(self.processes, outputs, strict=True)]


if __name__ == "__main__":
    out, *names = sys.argv[1:]
    results = fit_all(names, f"{out}-{os.environ['WORLD_SIZE']}")
    np.savez(f"{out}-{os.environ['WORLD_SIZE']}-{os.environ['RANK']}.npz", **results)
