"""Errors and scores in units fixed by the data alone, and targets with a scaling of their own."""

import copy
import pickle
import threading

import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.model_selection import GridSearchCV, KFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from taciturn import DenoisingAutoencoder, DictionaryAutoencoder, SparseAutoencoder, inference, load
from taciturn.core.errors import DataError, RecipeError
from taciturn.core.seeds import generator
from taciturn.corruption import Gaussian, Masking
from taciturn.data.sources import Rows
from taciturn.inference import precision
from taciturn.metrics import denoising_scorer
from taciturn.model import MeanNorm, NoScaling, RankGauss, Standard, UInt8, Whiten
from taciturn.model.coding_layers import Identity, Sigmoid
from taciturn.training.feed import Feed
from taciturn.training.resampling import Resample, Resampling
from taciturn.training.run import Run

LINEAR_SCALINGS = ["none", "standard", "minmax", "mean_norm", "whiten"]  # under which one function has one network
SCALINGS = [*LINEAR_SCALINGS, "rank_gauss", "robust", "row_norm", "row_norm:clip=1,per_column=true"]
LINEAR = {"activation": "identity", "output_activation": "identity", "corruption": None, "sparsity": None}
QUICK = {"max_iter": 3, "random_state": 0, "corruption": None}


@pytest.fixture(scope="module")
def table():
    """Rows of rank 3 with noise, the first column 100 times as wide as the others [200, 6]."""
    rng = np.random.default_rng(0)
    z = rng.standard_normal((200, 3)) @ rng.standard_normal((3, 6)) + 0.2 * rng.standard_normal((200, 6))
    return z * [100, 1, 1, 1, 1, 1] + [5, 0, 1, 2, 3, 4]


def explained(rows, recon, unit):
    """1 - FVU in a unit, by NumPy."""
    return 1 - (((recon - rows) / unit) ** 2).sum() / (((rows - rows.mean(0)) / unit) ** 2).sum()


# --- one unit for all scalings ---------------------------------------------------------------------------------
def principal_model(scaling, table):
    """An estimator whose weights are set so that it reconstructs two principal components of standardised rows."""
    model = DenoisingAutoencoder(2, scaling=scaling, max_iter=1, random_state=0, **LINEAR).fit(table)
    mean, std = table.mean(0), table.std(0)
    axes = np.linalg.svd((table - mean) / std, full_matrices=False)[2][:2]
    network = model.module_.double()
    shift, scale = network.shift.numpy(), network.scale.numpy()
    encoder, decoder = axes * (scale / std), axes * (std / scale)
    decoder_bias = (mean - shift) / scale
    if scaling == "whiten":
        encoder = encoder @ network.colouring.numpy()
        decoder, decoder_bias = decoder @ network.whitening.numpy(), decoder_bias @ network.whitening.numpy()
    with torch.no_grad():
        for parameter, values in (
            (network.encoder[0].weight, encoder),
            (network.encoder[0].bias, axes @ ((shift - mean) / std)),
            (network.decoder[0].weight, decoder),
            (network.decoder[0].bias, decoder_bias),
        ):
            parameter.copy_(torch.as_tensor(values))
    return model, axes


@pytest.mark.parametrize("scaling", LINEAR_SCALINGS)
def test_one_function_has_one_score_and_the_same_errors_and_directions_whatever_the_scaling(scaling, table):
    model, axes = principal_model(scaling, table)
    mean, std = table.mean(0), table.std(0)
    recon = mean + ((table - mean) / std) @ axes.T @ axes * std
    assert_allclose(model.denoise(table), recon, rtol=1e-9)
    assert model.score(table) == pytest.approx(explained(table, recon, std), rel=1e-9)
    squared = ((recon - table) / std) ** 2
    assert_allclose(model.reconstruction_errors(table), squared.mean(1), rtol=1e-9)
    assert_allclose(model.reconstruction_errors(table, per="column"), squared.mean(0), rtol=1e-9)
    assert_allclose(inference.directions(model.module_), axes, atol=1e-12)
    clean = inference.evaluate(model.module_, Rows(table)).clean
    assert clean.psnr == pytest.approx(10 * np.log10((np.ptp(table, axis=0) / std).max() ** 2 / squared.mean()))


def test_a_search_over_scalings_judges_all_in_the_unit_of_the_training_rows(table):
    search = GridSearchCV(
        DenoisingAutoencoder(2, max_iter=5, random_state=0, **LINEAR),
        {"scaling": SCALINGS},
        cv=KFold(2),
    ).fit(table)
    for i, scaling in enumerate(SCALINGS):
        for fold, (train, test) in enumerate(KFold(2).split(table)):
            model = DenoisingAutoencoder(2, scaling=scaling, max_iter=5, random_state=0, **LINEAR).fit(table[train])
            wanted = explained(table[test], model.denoise(table[test]), table[train].std(0))
            assert search.cv_results_[f"split{fold}_test_score"][i] == pytest.approx(wanted, rel=1e-9)


def test_to_compare_models_one_unit_is_given_for_all(table):
    model, axes = principal_model("minmax", table)
    unit = np.arange(1.0, 7.0)
    evaluation = inference.evaluate(model.module_, Rows(table), unit=unit, corruption=Gaussian(0.1))
    errors = (model.denoise(table) - table) / unit
    assert_allclose(evaluation.row_errors, (errors**2).mean(1), rtol=1e-9)
    assert evaluation.clean.fvu == pytest.approx(1 - explained(table, model.denoise(table), unit), rel=1e-9)
    # the noise itself is added to scaled rows: 0.1 of each column's range
    assert evaluation.before.per_column / 200 == pytest.approx((0.1 * np.ptp(table, axis=0) / unit) ** 2, rel=0.4)
    assert_allclose(inference.directions(model.module_, unit), axes * table.std(0) / unit, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(("scaling", "shift"), [("standard", 1e6), ("whiten", 1e6)])
def test_errors_far_from_zero_keep_their_digits(scaling, shift, table):
    """Float32 rows near 1e6: through their own units, errors would be rounded to 1/16."""
    near, far = table.astype(np.float32), (table + shift).astype(np.float32)
    exact = far.astype(np.float64) - shift
    model = DenoisingAutoencoder(4, scaling=scaling, max_iter=5, random_state=0, **LINEAR)
    errors = model.fit(exact).reconstruction_errors(exact)
    assert near.dtype == far.dtype == np.float32
    assert_allclose(model.fit(far).reconstruction_errors(far), errors, rtol=0.02, atol=1e-4)


def test_the_unit_of_images_is_255_and_of_rows_in_the_unit_interval_1(table):
    images = np.random.default_rng(0).integers(0, 256, (50, 4)).astype(np.uint8)
    fits = {scaling: DenoisingAutoencoder(2, scaling=scaling, **QUICK).fit(images) for scaling in SCALINGS}
    for model in fits.values():
        assert_array_equal(model.module_.unit, 255)
    model = DenoisingAutoencoder(2, scaling="standard", **QUICK).fit(images / 255)
    assert_array_equal(model.module_.unit, 1)
    assert_array_equal(DenoisingAutoencoder(2, scaling="none", **QUICK).fit(table).module_.unit, table.std(0))


def test_the_unit_follows_the_rows_seen(table):
    small = np.random.default_rng(0).random((50, 6))
    model = DenoisingAutoencoder(2, scaling="none", **QUICK).partial_fit(small)
    assert_array_equal(model.module_.unit, 1)
    model.partial_fit(table)
    assert_allclose(model.module_.unit, np.concatenate([small, table]).std(0), rtol=1e-12)


# --- targets ---------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("scaling", ["auto", *SCALINGS])
@pytest.mark.parametrize("kind", [SparseAutoencoder, DictionaryAutoencoder])
def test_rows_given_as_their_own_targets_train_the_same_bits(kind, scaling, table):
    rows = table / 10
    recipe = {"k": 3} if kind is DictionaryAutoencoder else {}
    model = kind(8, scaling=scaling, max_iter=2, random_state=0, **recipe)
    fits = [clone(model).fit(rows, **pairs) for pairs in ({}, {"target": rows.copy()})]
    first, second = (model.module_.state_dict() for model in fits)
    assert first.keys() == second.keys()
    for name, tensor in first.items():
        assert torch.equal(tensor, second[name]), name


def test_targets_have_a_scaling_of_their_own():
    rows = np.random.default_rng(0).standard_normal((300, 4))
    target = 1000 + 50 * rows
    own = DenoisingAutoencoder(8, max_iter=60, random_state=0).fit(rows, target=rows)
    model = DenoisingAutoencoder(8, max_iter=60, random_state=0).fit(rows, target=target)
    assert_allclose(model.history_["loss"], own.history_["loss"], rtol=1e-3)
    assert model.history_["loss"][-1] < 0.2
    assert_allclose(model.denoise(rows), 1000 + 50 * own.denoise(rows), atol=0.5)
    assert_allclose(model.inverse_transform(model.transform(rows)), model.denoise(rows), rtol=1e-12)
    assert model.score(rows, target=target) == pytest.approx(own.score(rows), abs=1e-3)
    assert model.score(rows, target=target) == pytest.approx(explained(target, model.denoise(rows), target.std(0)))
    assert model.score(rows) == pytest.approx(explained(rows, model.denoise(rows), target.std(0)))  # they are not X
    assert model.score(rows) < -100
    errors = ((model.denoise(rows) - target) / target.std(0)) ** 2
    assert_allclose(model.reconstruction_errors(rows, target=target), errors.mean(1), rtol=1e-6)
    assert model.scaling_ == (
        "each column standardised to mean 0, deviation 1; targets: each column standardised to mean 0, deviation 1"
    )


def test_clean_targets_in_the_unit_interval_are_not_scaled_whatever_the_noise():
    rng = np.random.default_rng(0)
    clean = rng.random((200, 4))
    model = DenoisingAutoencoder(8, **QUICK).fit(clean + rng.standard_normal((200, 4)), target=clean)
    settings = model.settings_
    assert (settings.scaling, settings.target_scaling) == (Standard(), NoScaling())
    assert settings.layout.output == Sigmoid()
    assert_array_equal(model.module_.unit, 1)
    assert model.denoise(clean).min() >= 0
    # and the other way round: rows in [0, 1] say nothing about their targets
    other = DenoisingAutoencoder(8, **QUICK).fit(clean, target=3 * clean - 1)
    assert (other.settings_.scaling, other.settings_.target_scaling) == (NoScaling(), Standard())
    assert other.settings_.layout.output == Identity()
    loss = {"loss": "cross_entropy", **QUICK}
    DenoisingAutoencoder(8, **loss).fit(3 * clean, target=clean)
    with pytest.raises(DataError, match=r"needs .* in \[0, 1\]"):
        DenoisingAutoencoder(8, **loss).fit(clean, target=3 * clean)


def test_images_as_targets_of_floats():
    rng = np.random.default_rng(0)
    clean = rng.integers(0, 256, (100, 4)).astype(np.uint8)
    model = DenoisingAutoencoder(8, **QUICK).fit(clean + 30 * rng.standard_normal((100, 4)), target=clean)
    assert (model.settings_.scaling, model.settings_.target_scaling) == (Standard(), UInt8())
    assert_array_equal(model.module_.unit, 255)


@pytest.mark.parametrize("scaling", SCALINGS)
def test_squares_are_learnt_in_their_own_units(scaling):
    rows = np.random.default_rng(0).random((300, 3)) * [1, 2, 3]
    target = 10 * rows**2
    model = DenoisingAutoencoder(16, scaling=scaling, max_iter=100, random_state=0).fit(rows, target=target)
    assert model.score(rows, target=target) == pytest.approx(explained(target, model.denoise(rows), target.std(0)))
    assert model.score(rows, target=target) > 0.7


def test_the_decoders_bias_starts_at_the_targets_mean():
    rows = np.random.default_rng(0).standard_normal((300, 4))
    clean = 1 / (1 + np.exp(-2 * rows - [0, 1, 2, -3]))
    model = DenoisingAutoencoder(4, max_iter=1, learning_rate=0.0, random_state=0).fit(rows, target=clean)
    bias = model.module_.decoder[0].bias.detach().numpy()
    assert_allclose(1 / (1 + np.exp(-bias)), clean.mean(0), rtol=1e-5)


def test_dead_latents_are_resampled_towards_the_residuals_of_the_targets():
    rng = np.random.default_rng(0)
    rows = rng.standard_normal((600, 3)).astype(np.float32)
    target = 5 + rng.standard_normal((600, 3)).astype(np.float32)
    settings = {"scaling": "none", "max_iter": 1, "random_state": 0, "learning_rate": 0.0}
    model = DictionaryAutoencoder(16, k=1, revive=None, **settings).fit(rows, target=target)
    residual = target - model.denoise(rows)
    learner = model._learner
    learner.step.inactive_rows.zero_()[3] = 10
    feed = learner._feed(Rows(rows), Rows(target))
    run = Run(learner.step, feed, learner.optimiser, 0.0, epochs=1, steps=len(feed.bounds))
    Resampling(Resample(every=1.0, until=1.0, after=10))(run, None, None)
    directions = residual / np.linalg.norm(residual, axis=1, keepdims=True)
    cosines = directions @ (model.components_[3] / np.linalg.norm(model.components_[3]))
    assert cosines.max() == pytest.approx(1, abs=1e-6)


def test_a_sample_of_pairs_is_of_the_same_rows():
    rows, target = np.arange(12.0).reshape(6, 2), -np.arange(12.0).reshape(6, 2)
    feed = Feed(Rows(rows), torch.Tensor.float, 4, 0, target=Rows(target), scale_targets=lambda y: 3 * y.float())
    x, y = feed.sample(3, generator(0, "some"))
    assert x.shape == (3, 2)
    assert torch.equal(y, -3 * x)
    x, y = Feed(Rows(rows), torch.Tensor.float, 4, 0).sample(3, generator(0, "some"))
    assert x is y


def test_partial_fit_follows_the_moments_of_rows_and_of_targets(table):
    blocks, targets = np.split(table, 4), np.split(table[:, ::-1] * 7 + 3, 4)
    model = DenoisingAutoencoder(4, scaling="whiten", max_iter=1, random_state=0)
    for rows, target in zip(blocks, targets, strict=True):
        model.partial_fit(rows, target=target)
    whole = DenoisingAutoencoder(4, scaling="whiten", max_iter=1, random_state=0).fit(
        table, target=np.concatenate(targets)
    )
    for name, buffer in whole.module_.named_buffers(recurse=False):
        assert_allclose(getattr(model.module_, name), buffer, rtol=1e-7, atol=1e-9, err_msg=name)
    # rows without a target are their own
    model = DenoisingAutoencoder(4, scaling="standard", max_iter=1, random_state=0)
    model.partial_fit(blocks[0]).partial_fit(blocks[1], target=targets[1]).partial_fit(blocks[2])
    seen = np.concatenate([blocks[0], targets[1], blocks[2]])
    assert_allclose(model.module_.target_shift, seen.mean(0), rtol=1e-12)
    assert_allclose(model.module_.target_scale, seen.std(0), rtol=1e-12)
    assert_allclose(model.module_.unit, seen.std(0), rtol=1e-12)
    assert_allclose(model.module_.shift, np.concatenate(blocks[:3]).mean(0), rtol=1e-12)


@pytest.mark.parametrize("given", [True, False])
def test_validation_compares_with_scaled_targets(given, table):
    target = table * 3 - 7
    model = DenoisingAutoencoder(3, max_iter=2, early_stopping=True, validation_fraction=0.25, random_state=0, **LINEAR)
    model.fit(table, target=target, validation=(table[:40], target[:40]) if given else None)
    network = model.module_
    if given:
        errors = (model.denoise(table[:40]) - target[:40]) / network.target_scale.numpy()
        best = model.history_["validation_loss"].min()
        assert best == pytest.approx((errors**2).mean(), rel=1e-4)
    else:
        assert model.history_["validation_loss"][-1] < 5  # of standardised targets, not of some 1e4


def test_a_warm_start_keeps_the_targets_scaling():
    rng = np.random.default_rng(0)
    rows, clean = rng.standard_normal((100, 4)), rng.random((100, 4))
    model = DenoisingAutoencoder(4, warm_start=True, **QUICK).fit(rows, target=clean)
    before = {name: buffer.clone() for name, buffer in model.module_.named_buffers(recurse=False)}
    model.fit(rows, target=clean)
    assert model.settings_.target_scaling == NoScaling()
    for name, buffer in model.module_.named_buffers(recurse=False):
        assert torch.equal(buffer, before[name]), name


def test_a_model_of_pairs_comes_back_from_its_folder(tmp_path, table):
    model = DenoisingAutoencoder(4, **QUICK).fit(table, target=1000 + 50 * table)
    model.save(tmp_path / "model")
    same = load(tmp_path / "model")
    assert_array_equal(same.denoise(table), model.denoise(table))
    assert_array_equal(same.reconstruction_errors(table), model.reconstruction_errors(table))


def test_corrupted_rows_are_in_the_rows_units_and_reconstructions_in_the_targets(table):
    for scaling in (Standard(), Whiten(), MeanNorm(), RankGauss()):
        model = DenoisingAutoencoder(4, scaling=scaling.text, **QUICK).fit(table, target=1000 + 50 * table).module_
        rows = torch.as_tensor(table)
        scaled = copy.deepcopy(model).double().scale_rows(rows)
        assert_allclose(model.unscale_inputs(scaled), rows, rtol=1e-9, atol=1e-9)
        targets = 1000 + 50 * rows
        scaled = copy.deepcopy(model).double().scale_targets(targets)
        assert_allclose(model.unscale_rows(scaled), targets, rtol=1e-9)
        units = inference.Units(copy.deepcopy(model).double())
        difference = units.inputs(copy.deepcopy(model).double().scale_rows(rows), None) - units.rows(targets)
        assert_allclose(difference, (table - targets.numpy()) / (50 * table.std(0)), rtol=1e-9, atol=1e-9)


# --- a scorer with one noise -----------------------------------------------------------------------------------
def test_the_denoising_scorer_is_the_formula(table):
    model = PCA(3).fit(table)
    noise = np.concatenate(
        [
            torch.randn(n, 6, generator=generator(7, "score", 0, block), dtype=torch.float64).numpy()
            for block, n in enumerate([64, 64, 64, 8])
        ]
    )
    noisy = table + 0.5 * table.std(0) * noise
    restored = model.inverse_transform(model.transform(noisy))
    score = denoising_scorer("gaussian:0.5", seed=7)(model, table)
    assert score == pytest.approx(explained(table, restored, table.std(0)), rel=1e-9)
    assert denoising_scorer(Gaussian(0.5), seed=7)(model, table, y="ignored") == score
    assert denoising_scorer("gaussian:0.5", seed=8)(model, table) != score


@pytest.mark.parametrize("scaling", LINEAR_SCALINGS)
def test_the_scorers_noise_does_not_depend_on_the_candidates_scaling(scaling, table):
    model, _ = principal_model(scaling, table)
    peer = make_pipeline(StandardScaler(), PCA(2)).fit(table)
    for noise in ("gaussian:0.5", Masking(0.3), "salt_pepper:0.1+dropout:0.1", "swap:0.2"):
        scorer = denoising_scorer(noise)
        assert scorer(model, table) == pytest.approx(scorer(peer, table), rel=1e-6)


def test_the_scorer_chooses_among_corruptions_where_score_prefers_none():
    rng = np.random.default_rng(0)
    rows = rng.standard_normal((400, 2)) @ rng.standard_normal((2, 8))
    grid = {"corruption": [None, "gaussian:0.8"], "scaling": ["none", "standard"]}
    model = DenoisingAutoencoder(16, max_iter=40, random_state=0)
    noisy = GridSearchCV(model, grid, cv=2, scoring=denoising_scorer("gaussian:0.8"), refit=False).fit(rows)
    clean = GridSearchCV(model, grid, cv=2, refit=False).fit(rows)
    best = [search.cv_results_["params"][search.best_index_]["corruption"] for search in (noisy, clean)]
    assert best == ["gaussian:0.8", None]


def test_the_scorer_takes_frames_images_and_pickles(table):
    scorer = pickle.loads(pickle.dumps(denoising_scorer("gaussian:0.3")))
    names = list("abcdef")
    of_arrays = cross_val_score(DenoisingAutoencoder(4, **QUICK), table, scoring=scorer, cv=2)
    frame = pd.DataFrame(table, columns=names, index=range(7, 207))
    of_frames = cross_val_score(DenoisingAutoencoder(4, **QUICK), frame, scoring=scorer, cv=2)
    assert_allclose(of_frames, of_arrays, rtol=1e-12)
    model = DenoisingAutoencoder(4, **QUICK).fit(pl.DataFrame(table, schema=names))
    assert scorer(model, pl.DataFrame(table, schema=names)) == pytest.approx(scorer(model, frame), rel=1e-12)
    # noise of 0.3 is 0.3 · 255 grey levels for images, and 0.3 deviations of a table's columns
    images = np.random.default_rng(0).integers(0, 256, (64, 4)).astype(np.uint8)
    seen = []

    class Recorder:
        def denoise(self, rows):
            seen.append(np.asarray(rows))
            return rows

    scorer(Recorder(), images)
    scorer(Recorder(), pd.DataFrame(images))
    deviations = [(rows - images).std(0) for rows in seen]
    assert_allclose(deviations[0] / 255, 0.3, rtol=0.3)
    assert_allclose(deviations[1] / images.std(0), 0.3, rtol=0.3)


def test_the_scorer_refuses_what_it_cannot_use(table):
    with pytest.raises(RecipeError, match="gausian"):
        denoising_scorer("gausian:0.3")
    with pytest.raises(RecipeError, match="neither a Corruption nor the text"):
        denoising_scorer(0.3)
    table = table.copy()
    table[3, 2] = np.inf
    with pytest.raises(DataError, match="row 3"):
        denoising_scorer("gaussian:0.3")(PCA(2), table)


# --- float64 without a copy at each call -----------------------------------------------------------------------
@pytest.fixture
def network(table):
    precision._twins.clear()
    return SparseAutoencoder((12, 8), sparsity="kl:0.2", tied=True, **QUICK).fit(table).module_


def twin(model):
    return inference.in_row_precision(model, np.dtype(np.float64))


def test_a_twin_has_the_bits_of_a_copy_and_is_kept(network, table):
    exact = copy.deepcopy(network).double()
    same = twin(network)
    assert twin(network) is same
    assert twin(exact) is exact
    assert torch.equal(same(torch.as_tensor(table)), exact(torch.as_tensor(table)))
    assert same.encoder[1].weight is same.decoder[0].weight  # tied
    assert network.dictionary.dtype == torch.float32
    assert not {t.data_ptr() for t in same.state_dict().values()} & {
        t.data_ptr() for t in network.state_dict().values()
    }


def write_without_gradient(model):
    with torch.no_grad():
        model.dictionary[3, 2] += 1


def write_data(model):
    model.dictionary.data[3, 2] += 1


def write_numpy(model):
    model.dictionary.detach().numpy()[3, 2] += 1


def write_buffer(model):
    model.shift[0] += 1


def replace_parameter(model):
    model.encoder[0].bias = torch.nn.Parameter(model.encoder[0].bias + 1)


def load_state(model):
    model.load_state_dict({name: tensor * 2 for name, tensor in model.state_dict().items()})


CHANGES = [write_without_gradient, write_data, write_numpy, write_buffer, replace_parameter, load_state]


@pytest.mark.parametrize("change", CHANGES)
def test_a_twin_is_replaced_when_a_number_changes(change, network, table):
    old = twin(network)
    before = old(torch.as_tensor(table))
    change(network)
    assert twin(network) is not old
    assert torch.equal(twin(network)(torch.as_tensor(table)), copy.deepcopy(network).double()(torch.as_tensor(table)))
    assert torch.equal(old(torch.as_tensor(table)), before)  # another thread may still use it


def test_training_on_is_seen(table):
    model = DenoisingAutoencoder(8, **QUICK).fit(table)
    first = model.transform(table)
    model.partial_fit(table)
    assert_array_equal(
        model.transform(table), copy.deepcopy(model.module_).double().encode(torch.as_tensor(table)).dense().detach()
    )
    assert not np.array_equal(first, model.transform(table))


def test_twins_are_bounded_and_leave_with_their_models(monkeypatch, network, table):
    size = precision._Twin(network).n_bytes
    numbers = [sum(t.numel() for t in tensors()) for tensors in (network.parameters, network.buffers)]
    assert size == (4 + 8) * numbers[0] + (8 + 8) * numbers[1]  # the numbers that it was made of, and its own
    monkeypatch.setattr(precision, "MAX_TWIN_BYTES", 2 * size)
    copies = [copy.deepcopy(network) for _ in range(5)]
    for model in copies:
        twin(model)
        assert sum(t.n_bytes for t in precision._twins.values()) <= 2 * size
    monkeypatch.setattr(precision, "MAX_TWIN_BYTES", size - 1)
    precision._twins.clear()
    assert twin(network) is not twin(network)
    assert not precision._twins
    monkeypatch.setattr(precision, "MAX_TWIN_BYTES", 2 * size)
    twin(copies[0])
    del model, copies
    assert not precision._twins


def test_twins_are_not_copied_pickled_or_shared_wrongly(network, table):
    twin(network)
    assert len(pickle.dumps(network)) == len(pickle.dumps(copy.deepcopy(network)))
    other = pickle.loads(pickle.dumps(network))
    assert torch.equal(twin(other)(torch.as_tensor(table)), twin(network)(torch.as_tensor(table)))


def test_threads_get_the_twin_of_the_present_weights(network, table):
    rows, results = torch.as_tensor(table), []
    wanted = copy.deepcopy(network).double()(rows)
    threads = [threading.Thread(target=lambda: results.append(twin(network)(rows))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(torch.equal(result, wanted) for result in results)


# --- what a network refuses ------------------------------------------------------------------------------------
@pytest.mark.parametrize("method", ["encode", "forward", "scale_rows", "scale_targets"])
def test_rows_that_do_not_fit_are_refused_in_one_line(method, network):
    for rows, kind in (
        (torch.zeros(2, 3, 6), r"shape \[2, 3, 6\], type torch.float32"),
        (torch.zeros(6), r"shape \[6\]"),
        (torch.zeros(2, 5), r"shape \[2, 5\]"),
        (torch.zeros(2, 6, dtype=torch.complex64), "torch.complex64"),
        (np.zeros((2, 6)), "type ndarray"),
        ([[0.0] * 6], "type list"),
    ):
        with pytest.raises(DataError, match=rf"rows of .*{kind}.* real numbers \[rows, 6\]$") as error:
            getattr(network, method)(rows)
        assert "\n" not in str(error.value)


def test_whole_numbers_and_no_rows_are_taken(network):
    exact = network(torch.ones(2, 6)).detach()
    for dtype in (torch.int64, torch.uint8, torch.bool, torch.int32, torch.float16):
        assert_allclose(network(torch.ones(2, 6, dtype=dtype)).detach(), exact, rtol=1e-5)
    assert network(torch.zeros(0, 6)).shape == (0, 6)
    assert network.encode(torch.zeros(0, 6)).dense().shape == (0, 8)


def test_codes_may_be_a_tensor_that_fits(network):
    codes = network.encode(torch.ones(2, 6))
    assert torch.equal(network.reconstruct(codes.dense()), network.reconstruct(codes))
    assert network.reconstruct(torch.ones(2, 8, dtype=torch.int64)).shape == (2, 6)
    assert network.reconstruct(torch.zeros(0, 8)).shape == (0, 6)
    for wrong in (torch.zeros(2, 7), torch.zeros(8), torch.zeros(1, 2, 8), np.zeros((2, 8))):
        with pytest.raises(DataError, match=r"codes of .* real numbers \[rows, 8\]$"):
            network.reconstruct(wrong)


def test_components_are_a_copy(network):
    before = network.dictionary.detach().clone()
    components = inference.components(copy.deepcopy(network))
    components *= 0
    one_layer = DenoisingAutoencoder(4, **QUICK).fit(np.eye(6))
    one_layer.components_[:] = 0
    assert (one_layer.components_ != 0).any()
    assert torch.equal(network.dictionary, before)
