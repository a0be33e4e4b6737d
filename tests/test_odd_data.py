"""Small and unusual data: none of it is an error, and results do not depend on the rows' type, units or batches."""

import copy
import threading

import numpy as np
import pytest
from typer.testing import CliRunner

from taciturn import DenoisingAutoencoder, SparseAutoencoder
from taciturn.cli.app import app

QUICK = {"max_iter": 3, "random_state": 0}


def noise(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


@pytest.mark.parametrize(
    "X",
    [
        np.zeros((20, 3)),
        np.full((20, 3), 7.5),
        np.tile(noise(1, 4), (30, 1)),
        np.column_stack([noise(25), np.zeros(25), np.full(25, 1e6)]),
        noise(25, 1),
        noise(2, 5),
        noise(40, 3) * 1e-8,
        noise(40, 3) * 1e8,
        (noise(40, 3) * 1e-39).astype(np.float32),
    ],
    ids=["zeros", "constant", "one row", "constant columns", "one column", "two rows", "tiny", "huge", "subnormal"],
)
def test_it_works_and_stays_finite(X):
    for model in (SparseAutoencoder(6, **QUICK), DenoisingAutoencoder(6, **QUICK)):
        model.fit(X)
        assert np.isfinite(model.transform(X)).all()
        assert np.isfinite(model.denoise(X)).all()


@pytest.mark.parametrize("kind", [bool, "u1", "i2", "u2", "i8", "u8", "f2", "f4", "f8", ">f4", ">i2", "longdouble"])
def test_numbers_of_any_type_can_be_trained_on_and_encoded(kind):
    X = (np.abs(noise(40, 3)) * 50).astype(kind)
    model = SparseAutoencoder(6, **QUICK).fit(X)
    wanted = model.transform(X.astype(np.float64)), model.denoise(X.astype(np.float64))
    for result, exact in zip((model.transform(X), model.denoise(X)), wanted, strict=True):
        assert result.dtype == (np.float64 if kind == "f8" else np.float32)
        np.testing.assert_allclose(result, exact, rtol=1e-4, atol=1e-4)


IMAGES = np.random.default_rng(0).integers(0, 256, (40, 4, 4), dtype=np.uint8)
FILES = {
    "constant columns": ("rows.npy", np.column_stack([noise(25), np.zeros(25), np.full(25, 1e6)]), []),
    "one distinct row": ("rows.npy", np.tile(noise(1, 4), (30, 1)), []),
    "whole numbers": ("rows.csv", IMAGES.reshape(40, 16).astype(int), []),
    "uint8 images": ("rows.npy", IMAGES, []),
    "float16": ("rows.npy", noise(40, 3).astype(np.float16), []),
    "float64": ("rows.npy", noise(40, 3), []),
    "one column": ("rows.csv", noise(40, 1), []),
    "one axis": ("rows.npy", noise(40), []),
    "more latents than rows": ("rows.npy", noise(10, 3), ["--latents", "50"]),
    "three rows": ("rows.npy", noise(3, 4), []),
    "batches of one": ("rows.npy", noise(29, 4), ["--batch-size", "1"]),
    "batches of two": ("rows.npy", noise(29, 4), ["--batch-size", "2"]),
}


@pytest.mark.parametrize("case", FILES)
@pytest.mark.filterwarnings("always::taciturn.core.errors.SmallBatch")
def test_the_command_line_accepts_them_as_well(tmp_path, case):
    name, rows, options = FILES[case]
    file, run = tmp_path / name, tmp_path / "run"
    if file.suffix == ".npy":
        np.save(file, rows)
    else:
        np.savetxt(file, rows, delimiter=",")
    for line in (
        ["fit", file, "--latents", "6", "--epochs", "1", *options, "-q", "-o", run],
        ["encode", run, file, "-o", tmp_path / "codes.npy"],
        ["denoise", run, file, "-o", tmp_path / "clean.npy"],
    ):
        done = CliRunner().invoke(app, [str(argument) for argument in line])
        assert (done.exit_code, done.stdout) == (0, ""), done.output
        assert ("too small to measure" in done.stderr) == ("--batch-size" in line)
        assert done.stderr.count("\n") == ("--batch-size" in line)
    clean = np.load(tmp_path / "clean.npy")
    assert clean.shape == (rows.shape if rows.ndim > 1 else (len(rows), 1))
    assert np.isfinite(clean).all()
    assert np.isfinite(np.load(tmp_path / "codes.npy")).all()


def test_constant_rows_are_reconstructed_exactly():
    X = np.tile([[3.0, -2.0, 1e6]], (30, 1))
    model = SparseAutoencoder(6, **QUICK).fit(X)
    assert np.abs(model.denoise(X) - X).max() < 0.005  # columns are only centred: an error in their own units
    assert model.scaling_ == "each column standardised to mean 0, deviation 1 (3 constant columns only centred)"


def test_ten_distinct_rows_and_300_latents():
    rows = noise(10, 8)
    X = np.tile(rows, (20, 1))
    model = SparseAutoencoder(300, sparsity="kl:0.05", max_iter=150, random_state=0).fit(X)
    assert model.transform(rows).mean() == pytest.approx(0.05, rel=0.1)
    assert model.score(rows) > 0.95


@pytest.mark.parametrize("n_columns", [9, 10, 11])
def test_any_width_with_defaults(n_columns):
    X = noise(60, n_columns)
    model = SparseAutoencoder(**QUICK).fit(X)
    assert model.transform(X).shape == (60, 4 * n_columns)


@pytest.mark.parametrize("batch_size", [1, 2, 7, 1000])
@pytest.mark.filterwarnings("ignore::taciturn.core.errors.SmallBatch")
def test_any_batch_size_sees_every_row_once(batch_size):
    X = noise(29, 4)
    model = SparseAutoencoder(6, batch_size=batch_size, max_iter=2, random_state=0).fit(X)
    rows = model.history_.steps["rows"]
    assert rows.sum() == 2 * 29
    assert rows.max() <= batch_size
    assert rows.max() - rows.min() <= 1


@pytest.mark.parametrize("change", [lambda X: X * 37, lambda X: X + 1000], ids=["times 37", "plus 1000"])
def test_units_and_offset_do_not_change_the_result(change):
    X = noise(300, 3) @ noise(3, 6, seed=1) + 0.1 * noise(300, 6, seed=2)
    model = {"max_iter": 40, "random_state": 0, "n_components": 12}
    fvu = 1 - SparseAutoencoder(**model).fit(X).score(X)
    assert 1 - SparseAutoencoder(**model).fit(change(X)).score(change(X)) == pytest.approx(fvu, rel=1e-3)


@pytest.mark.parametrize("sparsity", ["kl:0.1", "topk:3", None])
def test_a_rows_result_does_not_depend_on_the_rows_beside_it(digits, sparsity):
    model = SparseAutoencoder(32, sparsity=sparsity, **QUICK).fit(digits)
    for X in (digits, digits.astype(np.float32)):
        codes, recon, errors = model.transform(X), model.denoise(X), model.reconstruction_errors(X)
        for size in (7, 64):
            parts = [X[i : i + size] for i in range(0, len(X), size)]
            np.testing.assert_allclose(np.concatenate([model.transform(p) for p in parts]), codes, atol=1e-6)
            np.testing.assert_allclose(np.concatenate([model.denoise(p) for p in parts]), recon, atol=1e-6)
            np.testing.assert_allclose(
                np.concatenate([model.reconstruction_errors(p) for p in parts]), errors, atol=1e-6
            )


def test_using_a_model_twice_gives_the_same_bits_and_changes_nothing(digits):
    model = SparseAutoencoder(16, corruption="dropout:0.3", **QUICK).fit(digits)
    state = copy.deepcopy(model.module_.state_dict())
    np.testing.assert_array_equal(model.transform(digits), model.transform(digits))
    assert model.score(digits) == model.score(digits)
    assert all((state[name] == tensor).all() for name, tensor in model.module_.state_dict().items())


def test_two_fits_in_threads_are_as_alone(digits):
    alone = [SparseAutoencoder(16, max_iter=3, random_state=s).fit(digits).components_ for s in (0, 1)]
    models = [SparseAutoencoder(16, max_iter=3, random_state=s) for s in (0, 1)]
    threads = [threading.Thread(target=model.fit, args=(digits,)) for model in models]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for model, components in zip(models, alone, strict=True):
        np.testing.assert_array_equal(model.components_, components)


def test_a_deep_copy_is_a_model_of_its_own(digits):
    model = SparseAutoencoder(16, tied=True, **QUICK).fit(digits)
    twin = copy.deepcopy(model)
    before = model.components_.copy()
    twin.partial_fit(digits)
    np.testing.assert_array_equal(model.components_, before)
    assert not np.array_equal(twin.components_, before)
