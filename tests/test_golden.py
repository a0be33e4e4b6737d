"""The library trains as TensorFlow does: every run of the golden file, and files of other sizes."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from golden import replay
from taciturn.corruption import Dropout
from taciturn.model import Autoencoder, Batch, Dense, Layout, Pass
from taciturn.model.coding_layers import Sigmoid
from taciturn.objective import KL, SquaredRate
from taciturn.training.solvers import Adam

TEXTBOOK = Path(replay.__file__).with_name("textbook.npz")
ARRAYS = replay.read(TEXTBOOK)
RUNS = [f"{graph}_{solver}" for solver in ("sgd", "adam") for graph in replay.GRAPHS]
QUANTITIES = ["total_loss", "reconstruction_loss", "sparsity_loss", "mean_activation"]
QUANTITIES += ["clean_loss_without_training_flag"]
QUANTITIES += [f"{kind}_{weight}" for kind in ("gradient", "final") for weight in ("w1", "b1", "w2", "b2")]


def subset(*names: str) -> replay.Arrays:
    """Return the golden file with only some of its runs, as arrays that a test may change."""
    return {key: a.copy() for key, a in ARRAYS.items() if "/" not in key or key.split("/")[0] in names}


def printed(capsys: pytest.CaptureFixture[str]) -> dict[str, dict[str, Any]]:
    """Return the printed lines, by run."""
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    return {line["run"]: line for line in lines}


def test_all_twelve_runs_are_found():
    assert replay.runs(ARRAYS) == sorted(RUNS)
    assert len(RUNS) == 12


@pytest.mark.parametrize("name", RUNS)
def test_a_run_ends_where_tensorflow_ended(name):
    line = replay.replay(ARRAYS, name)
    assert line["beyond"] == []
    assert line["ok"]
    # the bounds are repeated here, to notice a replay without a quantity or with a looser bound
    for quantity in QUANTITIES:
        kind = quantity.split("_")[0]
        assert line[quantity] <= {"final": 1e-4, "sparsity": 5e-5}.get(kind, 1e-5), quantity


def test_a_replay_with_torchs_epsilon_fails(monkeypatch):
    monkeypatch.setitem(replay.SOLVERS, "adam", (Adam(), 0.01))
    line = replay.replay(ARRAYS, "gaussian_relu_adam")
    assert {text.split(":")[0] for text in line["beyond"]} >= {"final_w1", "total_loss"}


def moved(array: NDArray[Any]) -> None:
    """Change one number so that the whole is 1e-3 off, relatively."""
    array.flat[array.size // 2] += 1e-3 * np.linalg.norm(array)


@pytest.mark.parametrize(
    ("key", "column", "quantities"),
    [
        ("final_w1", None, {"final_w1"}),
        ("final_b1", None, {"final_b1"}),
        ("final_w2", None, {"final_w2"}),
        ("final_b2", None, {"final_b2"}),
        ("gradient_w1", None, {"gradient_w1"}),
        ("gradient_b1", None, {"gradient_b1"}),
        ("gradient_w2", None, {"gradient_w2"}),
        ("gradient_b2", None, {"gradient_b2"}),
        ("mean_activation", None, {"mean_activation"}),
        ("losses", 0, {"reconstruction_loss"}),
        ("losses", 1, {"sparsity_loss"}),
        ("losses", 2, {"total_loss"}),
        ("clean_loss_without_training_flag", None, {"clean_loss_without_training_flag"}),
    ],
)
def test_one_changed_number_is_named(tmp_path, capsys, key, column, quantities):
    honest, tampered = "sparse_squared_adam", "sparse_kl_sgd"
    arrays = subset(honest, tampered)
    array = arrays[f"{tampered}/{key}"]
    moved(array if column is None else array[:, column])
    np.savez(tmp_path / "tampered.npz", **arrays)

    assert replay.main([str(tmp_path / "tampered.npz")]) == 1
    lines = printed(capsys)
    assert lines[honest]["ok"] is True
    assert lines[tampered]["ok"] is False
    assert {text.split(":")[0] for text in lines[tampered]["beyond"]} == quantities


def test_a_nan_is_beyond_its_bound(tmp_path, capsys):
    arrays = subset("sparse_kl_sgd")
    arrays["sparse_kl_sgd/final_b2"][0] = np.nan
    np.savez(tmp_path / "nan.npz", **arrays)
    assert replay.main([str(tmp_path / "nan.npz")]) == 1
    (line,) = printed(capsys).values()
    assert line["final_b2"] is None
    assert [text.split(":")[0] for text in line["beyond"]] == ["final_b2"]


# --- files of other sizes, computed by NumPy in float64 ---------------------------------------------------------


def sigmoid(z: NDArray[np.float64]) -> NDArray[np.float64]:
    return 1 / (1 + np.exp(-z))


def numpy_run(
    solver: str, *, steps: int, n_rows: int, n_inputs: int, n_latents: int, target: float, weight: float, seed: int
) -> replay.Arrays:
    """Return a denoising KL run with gradients derived by hand, in the golden file's format."""
    rng = np.random.default_rng(seed)
    batches = rng.random((steps, n_rows, n_inputs)).astype(np.float32)
    corrupted = (batches + 0.3 * rng.standard_normal(batches.shape)).astype(np.float32)
    start = {
        "w1": rng.standard_normal((n_inputs, n_latents)) / np.sqrt(n_inputs),
        "b1": 0.3 * rng.standard_normal(n_latents),
        "w2": rng.standard_normal((n_latents, n_inputs)) / np.sqrt(n_latents),
        "b2": 0.3 * rng.standard_normal(n_inputs),
    }
    start = {key: w.astype(np.float32) for key, w in start.items()}
    name = f"denoising_sparse_kl_{solver}"
    arrays: replay.Arrays = {"batches": batches, **start, f"{name}/corrupted": corrupted}
    arrays["constants"] = np.array([steps, 0.5, target, weight, 0.3])

    w = {key: a.astype(np.float64) for key, a in start.items()}
    m, v = ({key: np.zeros_like(a) for key, a in w.items()} for _ in range(2))
    losses = []
    for t, (x, noisy) in enumerate(zip(batches.astype(float), corrupted.astype(float), strict=True), start=1):
        codes = sigmoid(noisy @ w["w1"] + w["b1"])
        error = codes @ w["w2"] + w["b2"] - x
        q = codes.mean(0)
        kl = np.sum(target * np.log(target / q) + (1 - target) * np.log((1 - target) / (1 - q)))
        losses.append([np.mean(error**2), kl, np.mean(error**2) + weight * kl])

        d_recon = 2 * error / error.size
        d_codes = d_recon @ w["w2"].T + weight * ((1 - target) / (1 - q) - target / q) / n_rows
        d_pre = d_codes * codes * (1 - codes)
        g = {"w1": noisy.T @ d_pre, "b1": d_pre.sum(0), "w2": codes.T @ d_recon, "b2": d_recon.sum(0)}
        if t == 1:
            arrays[f"{name}/mean_activation"] = q
            arrays |= {f"{name}/gradient_{key}": a for key, a in g.items()}
            clean = sigmoid(x @ w["w1"] + w["b1"]) @ w["w2"] + w["b2"]
            arrays[f"{name}/clean_loss_without_training_flag"] = np.mean((clean - x) ** 2)
        for key in w:
            if solver == "sgd":
                w[key] = w[key] - 0.1 * g[key]
                continue
            m[key] = 0.9 * m[key] + 0.1 * g[key]
            v[key] = 0.999 * v[key] + 0.001 * g[key] ** 2
            lr = 0.01 * np.sqrt(1 - 0.999**t) / (1 - 0.9**t)
            w[key] = w[key] - lr * m[key] / (np.sqrt(v[key]) + 1e-8)
    arrays[f"{name}/losses"] = np.array(losses)
    return arrays | {f"{name}/final_{key}": a for key, a in w.items()}


SIZES = [
    {"steps": 4, "n_rows": 5, "n_inputs": 7, "n_latents": 3, "target": 0.25, "weight": 0.7},
    {"steps": 9, "n_rows": 13, "n_inputs": 6, "n_latents": 11, "target": 0.05, "weight": 0.2},
    {"steps": 1, "n_rows": 1, "n_inputs": 2, "n_latents": 1, "target": 0.1, "weight": 0.2},
]


@pytest.mark.parametrize("solver", ["sgd", "adam"])
@pytest.mark.parametrize("sizes", SIZES, ids=lambda s: "x".join(map(str, list(s.values())[:4])))
def test_other_sizes_and_constants_are_taken_from_the_file(tmp_path, capsys, solver, sizes):
    arrays = numpy_run(solver, seed=3, **sizes)
    np.savez(tmp_path / "other.npz", **arrays)
    assert replay.main([str(tmp_path / "other.npz")]) == 0
    assert list(printed(capsys)) == [f"denoising_sparse_kl_{solver}"]

    arrays["constants"][2] *= 1.01  # another target than in the training
    np.savez(tmp_path / "other.npz", **arrays)
    assert replay.main([str(tmp_path / "other.npz")]) == 1
    (line,) = printed(capsys).values()
    assert "sparsity_loss" in {text.split(":")[0] for text in line["beyond"]}
    assert line["reconstruction_loss"] <= 1e-2


# --- the command ------------------------------------------------------------------------------------------------


def test_the_command_prints_one_line_per_run_and_exits_with_its_status(tmp_path):
    names = {"dropout_relu_adam", "sparse_kl_sgd"}
    np.savez(tmp_path / "two.npz", **subset(*names))
    done = subprocess.run(
        [sys.executable, replay.__file__, str(tmp_path / "two.npz")], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert {line["run"] for line in lines} == names
    assert all(line["ok"] is True and set(QUANTITIES) <= set(line) for line in lines)


@pytest.mark.parametrize("lacking", ["w2", "constants", "sparse_kl_sgd/losses", "sparse_kl_sgd/gradient_b1"])
def test_an_incomplete_file_is_refused_in_one_line(tmp_path, capsys, lacking):
    arrays = subset("sparse_kl_sgd")
    del arrays[lacking]
    np.savez(tmp_path / "lacking.npz", **arrays)
    assert replay.main([str(tmp_path / "lacking.npz")]) == 2
    printed_text = capsys.readouterr()
    assert printed_text.out == ""
    assert printed_text.err == f"replay: the file lacks {lacking}\n"


def test_noise_is_required_only_by_graphs_with_noise(tmp_path, capsys):
    arrays = subset("denoising_sparse_kl_sgd", "sparse_kl_sgd")
    del arrays["denoising_sparse_kl_sgd/corrupted"]
    np.savez(tmp_path / "noiseless.npz", **arrays)
    assert replay.main([str(tmp_path / "noiseless.npz")]) == 2
    assert capsys.readouterr().err == "replay: the file lacks denoising_sparse_kl_sgd/corrupted\n"


def test_other_files_are_refused_in_one_line(tmp_path, capsys):
    (tmp_path / "text.npz").write_text("no zip")
    (tmp_path / "empty.npz").touch()
    np.save(tmp_path / "one.npy", np.zeros(3))
    np.savez(tmp_path / "no_runs.npz", **subset())
    unknown = subset() | {"sparse_kl_lion/losses": np.zeros((25, 3))}
    np.savez(tmp_path / "unknown.npz", **unknown)
    misfit = subset("sparse_kl_sgd") | {"w2": ARRAYS["w2"].T}
    np.savez(tmp_path / "misfit.npz", **misfit)
    cut = subset("sparse_kl_sgd") | {"batches": ARRAYS["batches"][:20]}
    np.savez(tmp_path / "cut.npz", **cut)
    for file, word in [
        ("missing.npz", "cannot be read"),
        ("text.npz", "cannot be read"),
        ("empty.npz", "cannot be read"),
        ("one.npy", "cannot be read"),
        ("no_runs.npz", "holds no run"),
        ("unknown.npz", "'sparse_kl_lion' is not known"),
        ("misfit.npz", "w2 is [64, 24], but must be [24, 64]"),
        ("cut.npz", "constants name 25 steps, but there are 20 batches"),
    ]:
        assert replay.main([str(tmp_path / file)]) == 2, file
        printed_text = capsys.readouterr()
        assert printed_text.out == "", file
        assert len(printed_text.err.splitlines()) == 1, file
        assert word in printed_text.err, file


# --- the other arrays of the file ------------------------------------------------------------------------------


@pytest.mark.parametrize(("term", "key"), [(SquaredRate, "figure/squared"), (KL, "figure/kl")])
def test_the_textbooks_figure(term, key):
    target = float(ARRAYS["constants"][2])
    model = Autoencoder(Layout((1, 1), Sigmoid()), rng=torch.Generator().manual_seed(0)).double()
    x = torch.zeros(1, 1, dtype=torch.float64)
    penalties = []
    for rate in ARRAYS["figure/rates"]:
        codes = Dense(torch.full((1, 1), float(rate), dtype=torch.float64))
        penalties.append(
            term(target)(
                Pass(model, Batch(x, x, x), Sigmoid(), model.pre_activations(x), codes, x, torch.zeros(0))
            ).item()
        )
    np.testing.assert_allclose(penalties, ARRAYS[key], rtol=1e-9, atol=1e-12)


def test_dropout_scales_the_other_entries_as_tensorflow_does():
    keep_prob = float(ARRAYS["constants"][1])
    x, theirs = ARRAYS["batches"][0], ARRAYS["dropout_relu_sgd/corrupted"][0]
    ours = Dropout(1 - keep_prob)(torch.from_numpy(x), torch.Generator().manual_seed(0)).numpy()
    both = (ours != 0) & (theirs != 0)
    assert both.sum() > 300
    np.testing.assert_allclose(ours[both], theirs[both], rtol=3e-7)
