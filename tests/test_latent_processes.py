"""Latents distributed over processes train what one process trains, and are saved as one model."""

import json
import re
import signal
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import safetensors.torch
import torch

import commandline
import interrupted
import together
from taciturn import DictionaryAutoencoder, SparseAutoencoder, load
from taciturn.core import seeds
from taciturn.core.errors import NotExact, RecipeError
from taciturn.core.tensor_file import load_tensors, save_tensors
from taciturn.core.world import largest
from taciturn.model import Autoencoder, Layout
from taciturn.model.coding_layers import Sigmoid
from taciturn.training.distributed_latents import check_latents

NAMES = (  # every coding layer, the main terms and constraints; those of together.CORE take 50 steps
    "kl",
    "l1 scaled, weights",
    "sampled matryoshka",
    "chain, clipped",
    "topk",
    "topk, many latents",
    "batch topk",
    "batch topk, many latents",
    "jumprelu",
    "gated",
    "frozen",
    "matryoshka, refined",
    "resampled",
)
GRID = ("topk", "batch topk, many latents")  # also by two processes with other rows, each of two with other latents


@pytest.fixture(scope="module", params=together.DEVICES)
def results(request, tmp_path_factory):
    """The numbers of all fits: of one process, of two, and of a grid of two by two, which gloo or nccl connects."""
    folder, device = tmp_path_factory.mktemp("latents"), request.param
    with ThreadPoolExecutor() as threads:
        two = threads.submit(together.fit_by, 2, folder, NAMES, device, LATENT_PROCESSES=2)
        results = {1: [together.fit_all(NAMES, device=device)], 2: two.result()}
    if device == "cpu" or torch.cuda.device_count() > 3:
        results[4] = together.fit_by(4, folder, GRID, device, LATENT_PROCESSES=2)
    return results


@pytest.mark.parametrize(
    ("count", "name"), [*((2, name) for name in NAMES), *((4, name) for name in GRID)], ids=lambda value: str(value)
)
def test_distributed_latents_train_what_one_process_trains(results, count, name):
    one = results[1][0]
    for each in results.get(count) or pytest.skip("nccl needs a GPU for each process"):
        for number in ("loss", "rate", "validation_loss", "rates"):
            np.testing.assert_allclose(each[f"{name}/{number}"], one[f"{name}/{number}"], rtol=1e-5, atol=1e-5)
        assert np.mean((each[f"{name}/codes"] != 0) == (one[f"{name}/codes"] != 0)) >= 0.9999
        np.testing.assert_allclose(each[f"{name}/weights"], one[f"{name}/weights"], atol=1e-3)


def test_checkpoints_go_on_among_other_processes(tmp_path):
    """From two processes with other latents to one, and to three."""
    folder = tmp_path / "run"
    for status, _, errors in together.Group(
        2, "tests/interrupted.py", folder, 2, "fit", variables={"LATENT_PROCESSES": "2"}
    ).end():
        assert status == 0, errors
    with pytest.warns(NotExact, match="processes 2, now 1"):
        assert interrupted.run(folder, 5, begins=False) is None
    for status, _, errors in together.Group(
        3, "tests/interrupted.py", folder, 0, "resume", variables={"LATENT_PROCESSES": "3"}
    ).end():
        assert status == 0, errors
    expected = together.dictionary("topk:4", max_iter=10).fit(together.rows()).components_
    np.testing.assert_allclose(load(f"{folder}-model").components_, expected, atol=1e-4)


def test_the_command_line_writes_one_folder(tmp_path):
    np.save(tmp_path / "rows.npy", together.rows())
    options = [
        "--k",
        "4",
        "--latents",
        "96",
        "--epochs",
        "2",
        "-o",
        tmp_path / "new" / "run",
        "--latent-processes",
        "2",
    ]
    ends = together.Group(2, "-m", "taciturn", "fit", tmp_path / "rows.npy", *options).end()
    assert [status for status, _, _ in ends] == [0, 0], ends
    assert "not evaluated" in ends[0][1]
    assert "taciturn report" in ends[0][1]
    model = load(tmp_path / "new" / "run")
    remembered = json.loads((tmp_path / "new" / "run" / "config.json").read_text())["rows"]["remembered"]
    assert remembered["l0"] == pytest.approx(4)  # of all latents
    assert model.components_.shape == (96, together.rows().shape[1])
    assert json.loads((tmp_path / "new" / "run" / "metrics.json").read_text()) == {}
    assert model.partial_fit(together.rows()).n_iter_ == 3  # the optimiser's state is whole


@pytest.mark.parametrize(("before", "after"), [(2, 1), (1, 2)])
def test_the_command_line_goes_on_among_other_processes(tmp_path, before, after):
    """By torchrun; the run's process 1, or its only one, was killed before step 7."""
    np.save(tmp_path / "rows.npy", together.rows())
    options = ["--k", "4", "--latents", "96", "--epochs", "3", "--batch-size", "130", "--held-out", "0", "--no-report"]
    fit = ["fit", tmp_path / "rows.npy", *options, "-q"]
    commandline.run(*fit, "-o", tmp_path / "undisturbed")
    started = [*fit, "--checkpoint-every", "2steps", "-o", tmp_path / "run", "--latent-processes", before]
    killed = ["tests/failing.py", "is killed", tmp_path / "killed", *started]
    ends = together.Group(before, *killed).end() if before > 1 else [(together.started(*killed).returncode, "", "")]
    assert ends[-1][0] == -signal.SIGKILL
    resume = ["-m", "taciturn", "resume", tmp_path / "run", "--latent-processes", after, "-q"]
    torchrun = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", after] if after > 1 else []
    done = together.started(*torchrun, *resume)
    assert done.returncode == 0, done.stderr
    assert len(re.findall(f"processes {before}, now {after}", done.stderr)) == 1
    expected, model = load(tmp_path / "undisturbed"), load(tmp_path / "run")
    np.testing.assert_allclose(model.components_, expected.components_, atol=1e-4)
    np.testing.assert_allclose(model.history_.steps["loss"], expected.history_.steps["loss"], rtol=1e-5)


@pytest.mark.parametrize("count", [0, 1, 5, 100])
def test_the_largest_of_all_processes(count):
    x = torch.randn(11, 3, generator=torch.Generator().manual_seed(0))
    masks = together.Threads.run(3, lambda axis: largest(x[slice(*axis.part(11))], count, axis))
    expected = np.zeros(x.shape, bool)
    np.put_along_axis(expected, np.argsort(-x.numpy(), 0)[:count], True, 0)
    np.testing.assert_array_equal(torch.cat(masks), expected)


def test_a_file_that_several_processes_write_is_that_of_one(tmp_path, monkeypatch):
    monkeypatch.setattr("taciturn.core.tensor_file.NUMBERS_AT_ONCE", 8)
    tensors = {"a.weight.mean": torch.randn(7, 5), "b": torch.arange(3), "a.weight.step": torch.tensor(2.0)}
    tensors |= {"c": torch.randn(7, 2).double(), "flags": torch.tensor([True, False])}

    def write(axis):
        own = {name: x[slice(*axis.part(7))] if name in ("a.weight.mean", "c") else x for name, x in tensors.items()}
        save_tensors(own, None if axis.rank else tmp_path / "all", axis, {"a.weight", "c"})
        axis.gather(torch.zeros(0))  # until it is written
        return load_tensors(tmp_path / "all", axis, {"a.weight", "c"})

    for rank, read in enumerate(together.Threads.run(3, write)):
        start, stop = together.Rank(rank, 3).part(7)
        assert torch.equal(read["a.weight.mean"], tensors["a.weight.mean"][start:stop])
        assert torch.equal(read["b"], tensors["b"])
    whole = safetensors.torch.load_file(tmp_path / "all")
    assert whole.keys() == tensors.keys()
    for name, tensor in tensors.items():
        assert whole[name].dtype == tensor.dtype
        assert torch.equal(whole[name], tensor)


@pytest.mark.parametrize("n_columns", [1, 7, 16, 33])
def test_each_process_draws_its_rows_of_the_same_weights(n_columns, monkeypatch):
    monkeypatch.setattr(seeds, "DRAWN_AT_ONCE", 64)
    whole = torch.randn(50, n_columns, generator=seeds.seeded(1))
    parts = [seeds.normal_rows(50, n_columns, seeds.seeded(1), together.Rank(rank, 3).part(50)) for rank in range(3)]
    assert torch.equal(torch.cat(parts), whole)


@pytest.mark.parametrize(
    ("estimator", "message"),
    [
        (together.dictionary("l1", ordered=True), "ordered=True does not work with .*; set ordered=False, or set"),
        (together.sparse("topk:6", n_components=(40, 24)), "hidden layers does not work"),
        (together.sparse("topk:6", loss="hierarchical_topk"), "hierarchical_topk does not work with latents"),
        (together.dictionary("topk:4+orthogonality:weight=0.1"), "orthogonality does not work .* leave it out"),
        (together.denoising("blind_spot:0.2"), "blind_spot"),
        (together.sparse("topk:1", n_components=1), "1 latents are fewer than 2 processes; give more"),
    ],
)
def test_what_cannot_be_distributed_is_refused_by_name(estimator, message):
    settings = estimator.set_params(max_iter=1).fit(together.rows()).settings_
    with pytest.raises(RecipeError, match=message):
        check_latents(settings, together.Rank(0, 2))


@pytest.mark.parametrize("count", [0, -1, 2, 1.0])
def test_a_number_of_processes_that_does_not_divide(count):
    with pytest.raises(RecipeError, match=r"latent_processes=(0|-1|1.0) must be|start 2 by torchrun, or set 1"):
        DictionaryAutoencoder(8, k=2, max_iter=1).fit(together.rows(), latent_processes=count)


def test_a_process_that_holds_some_latents_names_what_to_do():
    model = SparseAutoencoder(8, max_iter=1).fit(together.rows())
    model._learner.model.latents = together.Rank(0, 2)
    with pytest.raises(RecipeError, match="save the model in all processes, and load it in one"):
        model.transform(together.rows())


def test_a_tied_weight_is_a_part_under_both_of_its_names():
    layout = Layout((4, 6), Sigmoid(), tied=True)
    model = Autoencoder(layout, rng=torch.Generator().manual_seed(0), latents=together.Rank(0, 2))
    assert model.names_of_parts() == {"encoder.0.weight", "decoder.0.weight", "encoder.0.bias"}
