import pickle

import joblib
import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch
from scipy import sparse
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
from sklearn.utils.estimator_checks import parametrize_with_checks

from taciturn import DenoisingAutoencoder, DictionaryAutoencoder, SparseAutoencoder, load
from taciturn.core.errors import DataError, Diverged, ExtremeRows, RecipeError, SmallBatch, UnreachableTargets
from taciturn.core.schedules import Cosine, Decay
from taciturn.corruption import Gaussian
from taciturn.data.sources import Rows, Subset
from taciturn.model import Standard
from taciturn.model.coding_layers import ELU, Identity, TopK
from taciturn.objective import KL

QUICK = {"max_iter": 3, "random_state": 0}


@parametrize_with_checks(
    [
        SparseAutoencoder(max_iter=5),
        DenoisingAutoencoder(max_iter=5),
        SparseAutoencoder((8, 4), tied=True, early_stopping=True, max_iter=5),
        SparseAutoencoder(sparsity="topk:2", corruption="swap:0.2", scaling="minmax", max_iter=5),
        DenoisingAutoencoder(scaling="rank_gauss", max_iter=5),
        DenoisingAutoencoder(scaling="row_norm:clip=2,per_column=true", max_iter=5),
        SparseAutoencoder(scaling="robust", max_iter=5),
        SparseAutoencoder((8, 4), outputs="hidden", max_iter=5),
        DenoisingAutoencoder(4, outputs="input+codes", max_iter=5),
    ]
)
@pytest.mark.filterwarnings("ignore::taciturn.core.errors.TargetMissed")  # the runs are too short to meet a target
def test_scikit_learn_checks(estimator, check):
    check(estimator)


# --- what it computes ------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def table():
    """A table far from zero, its columns on very different scales, one of them constant [300, 5]."""
    rng = np.random.default_rng(0)
    z = rng.standard_normal((300, 2))
    X = z @ rng.standard_normal((2, 5)) * [1, 10, 100, 0.1, 0] + [0, 5, 1000, 1, 7]
    return X


@pytest.fixture(scope="module")
def fitted(table):
    return SparseAutoencoder(12, sparsity="kl:0.2", max_iter=20, random_state=0).fit(table)


def scaled(table):
    deviation = table.std(0)
    deviation[4] = 1
    return (table - table.mean(0)) / deviation


def by_hand(model, table):
    """Codes and scaled reconstructions in NumPy float64."""
    state = {name: value.numpy().astype(np.float64) for name, value in model.module_.state_dict().items()}
    z = scaled(table) @ state["encoder.0.weight"].T + state["encoder.0.bias"]
    codes = 1 / (1 + np.exp(-z))
    return codes, codes @ state["decoder.0.weight"] + state["decoder.0.bias"]


def test_codes_and_reconstructions_are_the_formulas(fitted, table):
    codes, recon = by_hand(fitted, table)
    np.testing.assert_allclose(fitted.transform(table), codes, rtol=1e-9)
    deviation = np.where(table.std(0) > 0, table.std(0), 1)
    in_units = recon * deviation + table.mean(0)
    np.testing.assert_allclose(fitted.denoise(table), in_units, rtol=1e-9)
    np.testing.assert_allclose(fitted.inverse_transform(codes), in_units, rtol=1e-9)


def test_errors_and_scores_are_in_scaled_units(fitted, table):
    squared = np.square(by_hand(fitted, table)[1] - scaled(table))
    np.testing.assert_allclose(fitted.reconstruction_errors(table), squared.mean(1), rtol=1e-7)
    np.testing.assert_allclose(fitted.reconstruction_errors(table, per="column"), squared.mean(0), rtol=1e-7)
    np.testing.assert_allclose(fitted.score_samples(table), -squared.mean(1), rtol=1e-7)
    held_out = table[:50]
    x = scaled(table)[:50]
    fvu = squared[:50].sum() / np.square(x - x.mean(0)).sum()
    assert fitted.score(held_out) == pytest.approx(1 - fvu, rel=1e-7)


def test_errors_against_a_target(fitted, table):
    other = table[::-1]
    squared = np.square(by_hand(fitted, table)[1] - scaled(table)[::-1])
    np.testing.assert_allclose(fitted.reconstruction_errors(table, target=other), squared.mean(1), rtol=1e-7)


def test_an_unlike_row_scores_lowest(fitted, table):
    odd = table.copy()
    odd[17, 0] += 30
    assert fitted.score_samples(odd).argmin() == 17


def test_components_are_what_one_latent_adds(fitted, table, digits):
    np.testing.assert_array_equal(fitted.components_, fitted.module_.decoder[0].weight.detach().numpy())
    deep = DenoisingAutoencoder((20, 3), activation="elu", output_activation="identity", **QUICK).fit(digits)
    state = {name: value.numpy().astype(np.float64) for name, value in deep.module_.state_dict().items()}

    def decode(codes):
        h = codes @ state["decoder.0.weight"] + state["decoder.0.bias"]
        h = np.where(h > 0, h, np.expm1(h))
        return h @ state["decoder.1.weight"] + state["decoder.1.bias"]

    np.testing.assert_allclose(deep.components_, decode(np.eye(3)) - decode(np.zeros((1, 3))), atol=1e-6)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_results_have_the_rows_precision(digits, dtype):
    model = DenoisingAutoencoder(16, **QUICK).fit(digits.astype(dtype))
    assert model.transform(digits.astype(dtype)).dtype == dtype
    assert model.denoise(digits.astype(dtype)).dtype == dtype


def test_uint8_images_are_divided_by_255(digits):
    images = (digits * 255).round().astype(np.uint8)
    model = DenoisingAutoencoder(16, **QUICK).fit(images)
    same = DenoisingAutoencoder(16, **QUICK).fit(images / np.float32(255))
    assert model.scaling_ == "divided by 255"
    assert same.scaling_ == "not scaled, values from 0 to 1"
    np.testing.assert_allclose(model.denoise(images) / 255, same.denoise(images / np.float32(255)), atol=1e-5)


def test_training_on_pairs(digits):
    noisy = digits + 0.3 * np.random.default_rng(0).standard_normal(digits.shape)
    pairs = DenoisingAutoencoder(64, corruption=None, scaling="none", max_iter=15, random_state=0)
    pairs.fit(noisy[:1500], target=digits[:1500])
    to_clean = pairs.reconstruction_errors(noisy[1500:], target=digits[1500:]).mean()
    alone = clone(pairs).fit(noisy[:1500])
    assert to_clean < 0.6 * alone.reconstruction_errors(noisy[1500:], target=digits[1500:]).mean()
    assert to_clean < 0.4 * np.square(noisy - digits).mean()


def test_several_layers_and_a_pair_of_activations(digits):
    model = SparseAutoencoder((40, 20), activation=("elu", "sigmoid"), **QUICK).fit(digits)
    layout = model.module_.layout
    assert (layout.widths, layout.hidden.text, layout.coder.text) == ((64, 40, 20), "elu", "sigmoid")
    assert model.transform(digits).shape == (1797, 20)


# --- training --------------------------------------------------------------------------------------------------
def test_the_same_seed_gives_the_same_bits_and_another_does_not(digits):
    one, same, other = (SparseAutoencoder(20, max_iter=2, random_state=s).fit(digits).components_ for s in (3, 3, 4))
    np.testing.assert_array_equal(one, same)
    assert not np.allclose(one, other)


def test_texts_and_parts_are_equivalent(digits):
    text = SparseAutoencoder(
        20, corruption="gaussian:0.2", sparsity="kl:0.1,weight=0.3", learning_rate="cosine:0.002", **QUICK
    ).fit(digits)
    parts = SparseAutoencoder(
        20, corruption=Gaussian(0.2), sparsity=KL(0.1, weight=0.3), learning_rate=Cosine(0.002), **QUICK
    ).fit(digits)
    np.testing.assert_array_equal(text.components_, parts.components_)


def test_auto_is_what_is_documented(digits):
    model = SparseAutoencoder(max_iter=1, random_state=0).fit(digits)
    settings = model._learner.settings
    assert settings.layout.widths == (64, 256)
    assert (settings.layout.coder.text, settings.layout.output.text) == ("sigmoid", "sigmoid")
    assert (settings.objective.text, settings.corruption.text) == ("squared_error+kl:0.05", "clean")
    assert settings.batch_size == 64  # 2 ** round(log2(1797 / 32))
    assert settings.learning_rate == Decay(0.01, last=0.3)
    wide = DenoisingAutoencoder(max_iter=1).fit(np.random.default_rng(0).normal(size=(40, 300)))
    settings = wide._learner.settings
    assert (settings.layout.widths, settings.layout.output.text, settings.batch_size) == ((300, 1024), "identity", 32)
    assert settings.corruption == Gaussian(0.3)


def test_epochs_make_about_4000_steps(digits):
    from taciturn.estimators.resolve import epochs

    assert epochs(None, 1797, 64) == 138  # 4000 / 29
    assert epochs(None, 150, 32) == 800
    assert epochs(None, 20, 32) == 1000
    assert epochs(None, 60_000, 256) == 20


def test_early_stopping_holds_rows_out_and_keeps_the_best(digits):
    model = DenoisingAutoencoder(
        64, early_stopping=True, n_iter_no_change=2, tol=0.0, learning_rate=0.03, max_iter=200, random_state=0
    ).fit(digits[:400])
    losses = model.history_["validation_loss"]
    assert model.n_iter_ < 200
    assert model.n_iter_ == losses.argmin() + 1 + 2
    assert model._learner.moments.count == 360
    # the final weights are those of the best epoch: they have its validation loss
    from taciturn.data.split import split
    from taciturn.training import Feed, Validation

    held_out = Subset(Rows(digits[:400]), split(400, 0.1, 0)[1])
    learner = model._learner
    feed = Feed(held_out, learner.model.scale_rows, learner.settings.batch_size, 0, Gaussian(0.3))
    again = Validation(feed).numbers(learner.step)["loss"].item()
    assert again == pytest.approx(losses.min(), rel=1e-6)


def test_warm_start_continues_and_a_fresh_fit_does_not(digits):
    model = SparseAutoencoder(20, warm_start=True, **QUICK).fit(digits)
    before = model.components_.copy()
    np.testing.assert_array_equal(model.set_params(learning_rate=0.0).fit(digits).components_, before)
    assert not np.allclose(model.set_params(warm_start=False).fit(digits).components_, before)


def test_warm_start_takes_the_new_objective_and_keeps_the_scaling(digits):
    model = SparseAutoencoder(20, warm_start=True, sparsity="kl:0.05,weight=1", **QUICK).fit(digits)
    model.set_params(sparsity="kl:0.3,weight=5", max_iter=40)
    with pytest.warns(
        UnreachableTargets, match=r"'sigmoid' gives values in \(0, 1\), .* are in \[0.2, 1.7\]; give other"
    ):
        model.fit(digits * 1.5 + 0.2)
    assert model.scaling_ == "not scaled, values from 0 to 1"
    assert model.settings_.scaling.text == "none"
    assert model.transform(digits * 1.5 + 0.2).mean() == pytest.approx(0.3, abs=0.03)


def test_warm_start_requires_the_same_network(digits):
    model = SparseAutoencoder(20, warm_start=True, **QUICK).fit(digits)
    with pytest.raises(RecipeError, match="another shape"):
        model.set_params(n_components=21).fit(digits)


def test_partial_fit_scales_by_all_rows_seen(table):
    model = SparseAutoencoder(12, sparsity="kl:0.2", random_state=0)
    for block in (table[:1], table[1:120], table[120:122], table[122:]):
        model.partial_fit(block)
    np.testing.assert_allclose(model.module_.shift.numpy(), table.mean(0), rtol=1e-12)
    deviation = np.where(table.std(0) > 0, table.std(0), 1)
    np.testing.assert_allclose(model.module_.scale.numpy(), deviation, rtol=1e-12)
    assert model.n_iter_ == 4
    assert len(model.history_.steps["loss"]) == 1 + 4 + 1 + 6


@pytest.mark.parametrize("first", [1, 5, 200])
@pytest.mark.parametrize("estimator", [SparseAutoencoder, DenoisingAutoencoder, DictionaryAutoencoder])
def test_the_first_rows_of_partial_fit_do_not_decide_what_later_rows_are(estimator, first):
    """The first rows lie in [0, 1] and the later ones do not: a sigmoid output could never reach them."""
    X = np.random.default_rng(0).random((200, 4)) @ [[9, 0, 0, 1], [0, 1, 0, 0], [0, 0, 20, -5], [0, 0, 0, 1]]
    X[:first] = X[:first].clip(0, 1)
    parameters = {"k": 4} if estimator is DictionaryAutoencoder else {}
    model = estimator(16, random_state=0, **parameters).partial_fit(X[:first])
    assert (model.settings_.scaling, model.settings_.layout.output) == (Standard(), Identity())
    for _ in range(150):
        model.partial_fit(X)
    np.testing.assert_allclose(
        model.module_.shift, X[:first].sum(0) / (first + 30000) + 30000 * X.mean(0) / (first + 30000)
    )
    assert model.score(X) > 0.6


@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.float16])
def test_partial_fit_standardises_rows_of_any_type(dtype):
    X = np.random.default_rng(0).integers(0, 100, (60, 3)).astype(dtype)
    model = SparseAutoencoder(4, random_state=0).partial_fit(X[:1]).partial_fit(X[1:])
    np.testing.assert_allclose(model.module_.shift, X.mean(0, dtype=float))
    np.testing.assert_allclose(model.module_.scale, X.std(0, dtype=float))
    assert np.isfinite(model.denoise(X)).all()


def test_partial_fit_uses_the_scaling_and_the_output_that_are_named(digits):
    model = SparseAutoencoder(8, scaling="none", output_activation="sigmoid", random_state=0).partial_fit(digits[:1])
    assert (model.settings_.scaling.text, model.settings_.layout.output.text) == ("none", "sigmoid")
    assert SparseAutoencoder(8, scaling="minmax").partial_fit(digits).settings_.layout.output == Identity()


def test_partial_fit_learns(digits):
    model = DenoisingAutoencoder(64, corruption=None, scaling="none", output_activation="sigmoid", random_state=0)
    for _ in range(12):
        model.partial_fit(digits[:1500])
    assert model.score(digits[1500:]) > 0.7  # PCA reaches this with about 12 components; the start is below 0


def test_history_continues_over_validation_partial_fit_and_a_folder(digits, tmp_path):
    model = SparseAutoencoder(8, **QUICK).fit(digits[:200], validation=digits[200:300]).partial_fit(digits)
    model.save(tmp_path / "run")
    loaded = load(tmp_path / "run")
    assert loaded.n_iter_ == 4
    np.testing.assert_array_equal(loaded.history_["validation_loss"], model.history_["validation_loss"])
    assert np.isnan(loaded.history_["validation_loss"]).tolist() == [False, False, False, True]
    assert loaded.history_["validation_rates"].shape == (4, 8)
    loaded.partial_fit(digits)
    assert loaded.history_["epoch"].tolist() == [0, 1, 2, 3, 4]
    assert loaded.n_iter_ == 5


def test_history_is_a_mapping(digits):
    history = SparseAutoencoder(8, **QUICK).fit(digits).history_
    assert "loss" in history
    assert list(history) == ["epoch", "seconds", "rate", "loss", "squared_error", "kl", "weight_kl", "rates"]


def test_an_interrupted_fit_keeps_the_weights_trained_so_far(digits, monkeypatch):
    from taciturn.training import learner

    real = learner.train

    def interrupted(run):
        for record in real(run):
            yield record
            if record.step == 40:
                raise KeyboardInterrupt

    whole = SparseAutoencoder(8, max_iter=2, learning_rate=0.01, sparsity=None, random_state=0)
    monkeypatch.setattr(learner, "train", interrupted)
    with pytest.raises(KeyboardInterrupt):
        whole.fit(digits)
    assert whole.stopped_ == "interrupted in epoch 2 of 2"
    assert whole.n_iter_ == 2
    assert len(whole.history_.steps["loss"]) == 41
    assert whole.transform(digits).shape == (1797, 8)


def test_a_loss_that_is_no_longer_finite_stops_the_run_and_keeps_the_last_good_weights(digits):
    wild = DenoisingAutoencoder(
        8, solver="sgd", learning_rate="linear:0,1e30", output_activation="identity", max_iter=6, random_state=0
    )
    with pytest.warns(Diverged, match=r"no longer finite at step \d+; .*; lower learning_rate"):
        wild.fit(digits)
    assert wild.n_iter_ < 6
    assert np.isfinite(wild.components_).all()
    losses = wild.history_.steps["loss"]
    first = [*np.flatnonzero(~np.isfinite(losses)), len(losses)][0]  # perhaps the loss after the last step
    assert f"at step {first}" in wild.stopped_
    assert np.isfinite(wild.transform(digits)).all()


def test_a_diverged_model_can_continue_from_its_last_good_weights(digits):
    wild = DenoisingAutoencoder(
        8, learning_rate="linear:0,1e30", output_activation="identity", max_iter=6, random_state=0
    )
    with pytest.warns(Diverged):
        wild.fit(digits)
    before = wild.components_.copy()
    wild.partial_fit(digits)
    assert wild.stopped_ is None
    assert (wild.components_ != before).any(1).all()


@pytest.mark.parametrize(("scaling", "scales"), [("none", False), ("standard", True)])
def test_rows_in_their_own_units_are_only_cast(digits, scaling, scales):
    learner = SparseAutoencoder(8, scaling=scaling, max_iter=1, random_state=0).fit(digits)._learner
    scale_rows = learner._feed(Rows(digits)).scale_rows
    assert scale_rows == (learner.model.scale_columns if scales else learner.model.cast)


def test_an_interrupted_fit_leaves_the_estimator_as_it_was(digits, monkeypatch):
    from taciturn.training import Learner

    def interrupted(self, *args, **options):
        raise KeyboardInterrupt

    fresh, fitted = SparseAutoencoder(8, **QUICK), SparseAutoencoder(8, **QUICK).fit(digits)
    before = fitted.transform(digits)
    monkeypatch.setattr(Learner, "_learn", interrupted)
    for model in (fresh, fitted):
        with pytest.raises(KeyboardInterrupt):
            model.fit(digits)
    with pytest.raises(NotFittedError):
        fresh.transform(digits)
    np.testing.assert_array_equal(fitted.transform(digits), before)


def test_several_parts_and_texts(digits, tmp_path):
    parts = SparseAutoencoder(8, sparsity=[TopK(3), "l1:weight=0.1"], **QUICK).fit(digits)
    text = SparseAutoencoder(8, sparsity="topk:3+l1:weight=0.1", **QUICK).fit(digits)
    np.testing.assert_array_equal(parts.components_, text.components_)
    parts.save(tmp_path / "run")
    np.testing.assert_array_equal(load(tmp_path / "run").transform(digits), text.transform(digits))


def test_targets_decide_the_output_and_replace_the_corruption(digits):
    model = DenoisingAutoencoder(8, **QUICK).fit(digits, target=3 * digits - 1)
    assert (model.settings_.layout.output.text, model.settings_.corruption.text) == ("identity", "clean")
    with pytest.raises(DataError, match="cross_entropy needs rows in"):
        DenoisingAutoencoder(8, loss="cross_entropy", **QUICK).fit(digits, target=3 * digits - 1)


def test_pairs_as_frames_and_arrays(table):
    frame = pd.DataFrame(table, columns=list("abcde"))
    model = DenoisingAutoencoder(4, early_stopping=True, **QUICK)
    model.fit(frame[:200], target=table[:200], validation=(frame[200:], table[200:]))
    assert np.isfinite(model.history_["validation_loss"]).all()


def test_a_frame_with_columns_called_like_methods(table):
    frame = pd.DataFrame(table, columns=["read", "take", "columns", "shape", "dtype"])
    assert SparseAutoencoder(3, **QUICK).fit(frame).transform(frame).shape == (300, 3)


def test_a_sources_columns_are_compared(table):
    names = tuple("abcde")
    model = SparseAutoencoder(3, **QUICK).fit(Rows(table, columns=names))
    with pytest.raises(
        ValueError, match="the source's columns are 'b', 'a', 'c', 'd', 'e', but the model was trained on 'a', 'b', 'c'"
    ):
        model.transform(Rows(table, columns=tuple("bacde")))
    model.fit(Rows(table[:, :2]))
    assert not hasattr(model, "feature_names_in_")


@pytest.mark.parametrize("make", [np.asfortranarray, lambda X: X[::-1], lambda X: X.astype(np.float16), np.round])
def test_arrays_of_all_layouts_and_types(digits, make):
    X = make(digits)
    model = SparseAutoencoder(5, max_iter=1, random_state=0).fit(X)
    same = SparseAutoencoder(5, max_iter=1, random_state=0).fit(np.ascontiguousarray(X, np.float64))
    np.testing.assert_allclose(model.components_, same.components_, atol=1e-6)


@pytest.mark.parametrize("half", [np.float16, torch.float16], ids=str)
@pytest.mark.parametrize(
    "model",
    [SparseAutoencoder(5, **QUICK), DenoisingAutoencoder(5, **QUICK), DictionaryAutoencoder(16, k=3, **QUICK)],
    ids=lambda model: type(model).__name__,
)
def test_rows_of_half_precision_are_taken_as_the_numbers_they_are(digits, model, half):
    model = clone(model).fit(digits)
    X = digits[:50].astype(np.float16)
    given = torch.from_numpy(X) if half is torch.float16 else X
    codes, same = model.transform(given), model.transform(X.astype(np.float32))
    assert codes.dtype == np.float32
    assert abs(codes - same).max() == 0
    assert abs(codes).max() > 0
    np.testing.assert_array_equal(model.denoise(given), model.denoise(X.astype(np.float32)))


@pytest.mark.parametrize("kind", [bool, np.uint8, np.uint16, np.int32, np.int64])
def test_whole_numbers_are_rows_too(digits, kind):
    X = (digits > 0.5).astype(kind)
    model = SparseAutoencoder(5, max_iter=1, random_state=0).fit(X)
    same = SparseAutoencoder(5, max_iter=1, random_state=0).fit(X.astype(np.float64))
    np.testing.assert_allclose(model.components_, same.components_, atol=1e-6)


def test_fit_again_on_rows_of_another_width(digits, table):
    model = SparseAutoencoder(12, **QUICK).fit(digits).fit(table)
    assert model.n_features_in_ == 5
    assert model.denoise(table).shape == (300, 5)


def test_training_on_a_source_equals_training_on_its_array(digits):
    array = SparseAutoencoder(10, **QUICK).fit(digits)
    source = SparseAutoencoder(10, **QUICK).fit(Rows(digits.reshape(-1, 8, 8)))
    np.testing.assert_array_equal(array.components_, source.components_)


# --- with other tools -------------------------------------------------------------------------------------------
def test_in_a_pipeline_with_a_grid_search(digits):
    y = np.arange(len(digits)) % 10
    pipeline = make_pipeline(SparseAutoencoder(16, **QUICK), LogisticRegression(max_iter=20, tol=1))
    search = GridSearchCV(pipeline, {"sparseautoencoder__sparsity": ["kl:0.1", "topk:4"]}, cv=2, error_score="raise")
    search.fit(digits[:200], y[:200])
    assert search.predict(digits[:5]).shape == (5,)


def test_in_a_column_transformer_with_names(table):
    frame = pd.DataFrame(table, columns=list("abcde")).assign(kind=np.where(table[:, 0] > 0, "up", "down"))
    both = ColumnTransformer(
        [("few", SparseAutoencoder(3, **QUICK), list("abcde")), ("kind", OneHotEncoder(), ["kind"])]
    )
    both.set_output(transform="default").fit(frame)
    assert list(both.get_feature_names_out()[:3]) == [f"few__sparseautoencoder{i}" for i in range(3)]


@pytest.mark.parametrize(("library", "frame"), [("pandas", pd.DataFrame), ("polars", pl.DataFrame)])
def test_data_frames_out(table, library, frame):
    model = SparseAutoencoder(3, **QUICK).set_output(transform=library).fit(table)
    codes = model.transform(table)
    assert isinstance(codes, frame)
    assert list(codes.columns) == ["sparseautoencoder0", "sparseautoencoder1", "sparseautoencoder2"]


def test_pickle_joblib_and_clone(digits, tmp_path):
    model = SparseAutoencoder(10, corruption=Gaussian(0.1), activation=("elu", "sigmoid"), **QUICK).fit(digits)
    expected = model.transform(digits)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(model)).transform(digits), expected)
    joblib.dump(model, tmp_path / "model.joblib")
    np.testing.assert_array_equal(joblib.load(tmp_path / "model.joblib").transform(digits), expected)
    np.testing.assert_array_equal(clone(model).fit(digits).transform(digits), expected)


def test_a_pickled_model_continues_as_the_original(digits):
    model = SparseAutoencoder(10, random_state=0).partial_fit(digits)
    copy = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(copy.partial_fit(digits).components_, model.partial_fit(digits).components_)


@pytest.mark.filterwarnings("ignore::taciturn.core.errors.TargetMissed")  # the run is too short to meet a target
def test_save_and_load(digits, table, tmp_path):
    frame = pd.DataFrame(table, columns=list("abcde"))
    model = SparseAutoencoder(
        (8, 4),
        sparsity=KL(0.1),
        activation=(ELU(), "sigmoid"),
        tied=True,
        validation_fraction=0.2,
        early_stopping=True,
        **QUICK,
    ).fit(frame)
    model.save(tmp_path / "run")
    loaded = SparseAutoencoder.load(tmp_path / "run")
    np.testing.assert_array_equal(loaded.transform(frame), model.transform(frame))
    np.testing.assert_array_equal(loaded.denoise(frame), model.denoise(frame))
    np.testing.assert_array_equal(loaded.history_["rates"], model.history_["rates"])
    assert loaded.history_.steps["loss"].tolist() == model.history_.steps["loss"].tolist()
    assert (loaded.n_iter_, loaded.scaling_) == (model.n_iter_, model.scaling_)
    assert list(loaded.feature_names_in_) == list("abcde")
    assert loaded.module_.encoder[0].weight is loaded.module_.decoder[1].weight
    with pytest.raises(
        RecipeError, match=r"holds a SparseAutoencoder, not a DenoisingAutoencoder; use SparseAutoencoder\.load or"
    ):
        DenoisingAutoencoder.load(tmp_path / "run")
    assert type(load(tmp_path / "run")) is SparseAutoencoder


# --- impossible input ------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        (
            {"sparsity": "topk:3+kl:0.1"},
            "kl requires codes in (0, 1); this model provides exact zeros, rankable codes",
        ),
        (
            {"sparsity": "kl:0.1", "activation": "relu"},
            "kl requires codes in (0, 1); this model provides exact zeros, rankable codes",
        ),
        ({"sparsity": "topk:3+topk:4"}, "sparsity: topk:3 + topk:4 are two coding layers; name one"),
        ({"sparsity": 0.05}, "sparsity=0.05 is neither a coding layer nor a penalty, nor the text of one"),
        ({"corruption": TopK(3)}, "corruption=TopK(k=3, signed=False) is neither a Corruption nor the text of one"),
        ({"n_components": 0}, "n_components=0 must be a positive whole number or a tuple of them"),
        ({"n_components": (5, 2.5)}, "n_components=(5, 2.5) must be a positive whole number or a tuple of them"),
        ({"max_iter": 0}, "max_iter=0 must be a positive whole number"),
        ({"batch_size": "big"}, "batch_size='big' must be a positive whole number"),
        ({"learning_rate": -1}, "learning_rate=-1 must be a number in [0, inf)"),
        ({"alpha": -1}, "alpha=-1 must be a number in [0, inf)"),
        (
            {"loss": "cross_entropy", "scaling": "standard"},
            "cross_entropy needs rows in [0, 1], but the scaled rows are in [-3.013, 42.38]; set scaling='minmax'",
        ),
        ({"activation": ("relu", "relu", "relu")}, "give one activation, or a pair"),
        ({"early_stopping": True, "validation_fraction": 0}, "validation_fraction=0 must lie between 0 and 1"),
        ({"device": "abacus"}, "device='abacus' cannot be used on this machine; set 'auto' or 'cpu'"),
        ({"early_stopping": "no"}, "early_stopping='no' must be True or False"),
        ({"learning_rate": "linear:-1,0"}, "learning_rate=-1.0 must be a number in [0, inf)"),
        ({"solver": "sgd:momentum=linear(0.5,0.9)"}, "sgd: momentum=linear(0.5,0.9) is not a number"),
        ({"loss": "cross_entropy", "output_activation": "identity"}, "set output_activation='sigmoid'"),
    ],
)
def test_impossible_parameters(digits, parameters, message):
    with pytest.raises((RecipeError, DataError)) as raised:
        SparseAutoencoder(**{"n_components": 8, "max_iter": 1} | parameters).fit(digits)
    assert message in str(raised.value)


def test_a_batch_too_small_for_the_target_is_warned_of_only_if_a_larger_one_exists(digits):
    with pytest.warns(
        SmallBatch, match="batch_size=4 is too small to measure a mean activation of 0.05; set 16 or more"
    ):
        SparseAutoencoder(4, batch_size=4, max_iter=1).fit(digits[:40])
    SparseAutoencoder(4, batch_size=16, max_iter=1).fit(digits[:40])
    SparseAutoencoder(4, batch_size=4, max_iter=1).fit(digits[:4])
    SparseAutoencoder(4, batch_size=4, sparsity=None, max_iter=1).fit(digits[:40])
    rare = SparseAutoencoder(4, sparsity="kl:0.005", max_iter=1).fit(digits)
    assert rare.settings_.batch_size == 128  # 1 / (2 · 0.005) = 100 rows at least


def test_impossible_rows(digits, tmp_path):
    model = SparseAutoencoder(8, **QUICK)
    with pytest.raises(ValueError, match=r"target has shape \[5, 64\], but the rows have shape \[1797, 64\]"):
        model.fit(digits, target=digits[:5])
    with pytest.raises(ValueError, match=r"target has shape \[5, 64\], but the rows have shape \[9, 64\]"):
        model.fit(digits, target=digits, validation=(digits[:9], digits[:5]))
    with pytest.raises(RecipeError, match="validation is a tuple of 1"):
        model.fit(digits, validation=(digits,))
    model.fit(digits)
    with pytest.raises(RecipeError, match=r'per=.* must be "row" or "column"'):
        model.reconstruction_errors(digits, per="pixel")


# --- what "auto" and the checks make of rows ---------------------------------------------------------------------
def test_only_a_bare_array_of_uint8_is_taken_for_images():
    ages = np.random.default_rng(0).integers(0, 200, (50, 3)).astype(np.uint8)
    names = ("age", "weight", "height")
    bare = [ages, Rows(ages), Subset(Rows(ages), np.arange(50))]
    tables = [
        pd.DataFrame(ages, columns=names),
        pd.DataFrame(ages),
        pl.DataFrame(ages, schema=names),
        Rows(ages, columns=names),
        Subset(Rows(ages, columns=names), np.arange(50)),
    ]
    for rows in bare:
        assert SparseAutoencoder(4, **QUICK).fit(rows).settings_.scaling.text == "uint8"
    for rows in tables:
        assert SparseAutoencoder(4, **QUICK).fit(rows).settings_.scaling.text == "standard"
    early = SparseAutoencoder(4, early_stopping=True, **QUICK).fit(tables[0])
    assert early.settings_.scaling.text == "standard"


NORMAL = np.random.default_rng(0).normal(size=(100, 4))
COUNTS = NORMAL.clip(0) * 255


@pytest.mark.parametrize(
    ("X", "output", "scaling", "message"),
    [
        (
            NORMAL,
            "sigmoid",
            "none",
            r"gives values in \(0, 1\), but the scaled rows are in \[-3.*; set scaling='minmax' or",
        ),
        (NORMAL, "sigmoid", "standard", "set scaling='minmax' or output_activation='identity'"),
        (NORMAL, "sigmoid", "whiten", "but whitened rows lie on both sides of 0"),
        (COUNTS, "sigmoid", "none", r"the scaled rows are in \[0, 781"),
        (NORMAL, "relu", "none", r"'relu' gives values in \(0, inf\)"),
        (COUNTS, "relu", "standard", r"'relu' gives values in \(0, inf\)"),
        (COUNTS, "tanh", "none", r"'tanh' gives values in \(-1, 1\)"),
        (NORMAL, "elu", "none", r"'elu' gives values in \(-1, inf\)"),
        (COUNTS, "relu", "none", None),
        (COUNTS, "relu", "minmax", None),
        (COUNTS, "elu", "none", None),
        (COUNTS, "tanh", "minmax", None),
        (NORMAL, "sigmoid", "minmax", None),
        (NORMAL, "identity", "none", None),
        (NORMAL, "auto", "auto", None),
    ],
)
def test_targets_that_the_output_cannot_reach_are_warned_of(X, output, scaling, message):
    model = SparseAutoencoder(4, output_activation=output, scaling=scaling, **QUICK)
    if message is None:
        model.fit(X)
        return
    with pytest.warns(UnreachableTargets, match=message):
        model.fit(X)
    with pytest.warns(UnreachableTargets, match=r"train a new estimator with .*output_activation='identity'$"):
        model.partial_fit(X)
    SparseAutoencoder(4, output_activation="identity", scaling=scaling, **QUICK).fit(X)
    SparseAutoencoder(4, output_activation=output, scaling="minmax", **QUICK).fit(X)


@pytest.mark.parametrize("scaling", ["none", "minmax"])
def test_cross_entropy_refuses_later_rows_that_it_is_not_defined_for(scaling):
    X = np.random.default_rng(0).random((60, 4))
    model = SparseAutoencoder(
        4, loss="cross_entropy", scaling=scaling, output_activation="sigmoid", warm_start=True, **QUICK
    )
    words = r"needs rows in \[0, 1\], but the scaled rows are in .*; give other rows, or train a new estimator with "
    model.fit(X)
    before, n_rows, n_iter = model.components_.copy(), model._learner.moments.count, model.n_iter_
    attempts = [lambda: model.fit(5 * X)]
    if scaling == "none":  # the numbers of minmax follow the rows and the targets seen
        attempts += [lambda: model.partial_fit(X, target=50 * X), lambda: model.partial_fit(5 * X)]
    for attempt in attempts:
        with pytest.raises(DataError, match=words):
            attempt()
        np.testing.assert_array_equal(model.components_, before)
        assert (model._learner.moments.count, model.n_iter_, len(model.history_)) == (
            n_rows,
            n_iter,
            len(model.history_),
        )
    if scaling == "minmax":  # whose numbers follow the rows seen
        model.partial_fit(5 * X)
    model.partial_fit(X).fit(X)


def test_a_warm_start_keeps_the_automatic_output(digits):
    """Rows outside [0, 1] would give another output, and so another network."""
    model = SparseAutoencoder(8, warm_start=True, **QUICK).fit(digits)
    with pytest.warns(UnreachableTargets):
        model.fit(digits * 3 - 1)
    assert model.settings_.layout.output.text == "sigmoid"


def test_whitening_of_too_many_columns_is_refused_before_it_begins():
    model = SparseAutoencoder(4, scaling="whiten", **QUICK)
    message = "needs several matrices of 20,000 x 20,000 numbers, 3.2 GB each, .* set scaling='standard'"
    for train in (model.fit, model.partial_fit):
        with pytest.raises(RecipeError, match=message):
            train(np.ones((20, 20_000), np.float32))
    assert not hasattr(model, "n_features_in_")


@pytest.mark.parametrize("scaling", ["auto", "none", "whiten"])
def test_a_few_extreme_rows_are_warned_of_with_a_mend_that_works(scaling):
    X = np.random.default_rng(0).normal(size=(500, 5))
    X[:5] *= 100
    clip = r"np\.clip\(X, \*np\.percentile\(X, \[1, 99\], axis=0\)\)"
    message = rf"^1% of the rows hold 95% of the columns' variance, .*; set scaling='row_norm', .*: {clip}$"
    for model in (
        SparseAutoencoder(4, scaling=scaling, **QUICK),
        DictionaryAutoencoder(8, k=2, scaling=scaling, **QUICK),
    ):
        with pytest.warns(ExtremeRows, match=message):
            model.fit(X)
        model.fit(np.clip(X, *np.percentile(X, [1, 99], axis=0)))
        clone(model).set_params(scaling="row_norm").fit(X)
        model.fit(X[5:])


# --- outputs -----------------------------------------------------------------------------------------------------
def deep(outputs="codes", **parameters):
    return SparseAutoencoder((7, 5, 3), outputs=outputs, sparsity=None, **QUICK | parameters)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_hidden_activations_are_the_formulas(table, dtype):
    """Expected: in NumPy from the arrays that any program can read, float64."""
    rows = table.astype(dtype)
    model = deep("hidden", activation=("tanh", "sigmoid")).fit(rows)
    state = {name: value.numpy().astype(np.float64) for name, value in model.module_.state_dict().items()}
    h = (rows - state["shift"]) / state["scale"]
    expected = []
    for i, activate in enumerate((np.tanh, np.tanh, lambda z: 1 / (1 + np.exp(-z)))):
        h = activate(h @ state[f"encoder.{i}.weight"].T + state[f"encoder.{i}.bias"])
        expected.append(h)
    for i in range(2):
        h = np.tanh(h @ state[f"decoder.{i}.weight"] + state[f"decoder.{i}.bias"])
        expected.append(h)
    hidden = model.transform(rows)
    assert (hidden.shape, hidden.dtype) == ((300, 7 + 5 + 3 + 5 + 7), dtype)
    np.testing.assert_allclose(hidden, np.concatenate(expected, axis=1), atol=2e-5)
    np.testing.assert_array_equal(hidden[:, 12:15], model.set_params(outputs="codes").transform(rows))


def test_hidden_activations_of_one_layer_are_its_codes(table):
    model = DictionaryAutoencoder(16, k=3, scaling="standard", **QUICK).fit(table)
    codes, names = model.transform(table), model.get_feature_names_out()
    hidden = model.set_params(outputs="hidden").transform(table)
    np.testing.assert_array_equal(hidden.toarray(), codes.toarray())
    np.testing.assert_array_equal(model.get_feature_names_out(), names)


@pytest.mark.parametrize(
    "of",
    [np.asarray, lambda X: X.astype(np.float32), lambda X: X.astype(np.int64) + 2**40, lambda X: X.astype(np.float16)],
)
def test_rows_beside_codes_are_as_given(table, of):
    rows = np.asarray(of(table.copy()))
    rows = np.where(np.random.default_rng(0).random(rows.shape) < 0.1, np.nan, rows) if rows.dtype.kind == "f" else rows
    model = deep(scaling="standard").fit(rows)
    codes = model.transform(rows)
    both = model.set_params(outputs="input+codes").transform(rows)
    np.testing.assert_array_equal(both[:, :5], rows)
    np.testing.assert_array_equal(both[:, 5:], codes)
    assert both.dtype == (np.float32 if rows.dtype.itemsize < 8 else np.float64)


@pytest.mark.parametrize("outputs", ["codes", "hidden", "input+codes"])
@pytest.mark.parametrize("of", [np.asarray, sparse.csr_array, sparse.coo_matrix])
@pytest.mark.parametrize(
    "model",
    [deep(), DictionaryAutoencoder(6, k=2, **QUICK), DictionaryAutoencoder(6, k=2, sparse_output=False, **QUICK)],
    ids=["deep", "dictionary", "dense dictionary"],
)
def test_features_are_the_same_for_any_rows_and_inverted(table, model, of, outputs):
    rows = np.maximum(table - np.median(table, axis=0), 0)
    model = clone(model).fit(rows)
    denoised, dense = model.denoise(rows), model.set_params(outputs=outputs).transform(rows)
    found = model.transform(of(rows))
    assert sparse.issparse(found) == (
        getattr(model, "sparse_output", None) == "auto"
        or (outputs == "input+codes" and of is not np.asarray and not hasattr(model, "sparse_output"))
    )
    toarray = lambda X: X.toarray() if sparse.issparse(X) else X  # noqa: E731
    np.testing.assert_allclose(toarray(found), toarray(dense), atol=1e-6)
    np.testing.assert_allclose(model.inverse_transform(found), denoised, atol=1e-4 * np.abs(rows).max())
    frame = clone(model).set_output(transform="pandas").fit(rows).transform(of(rows))
    assert frame.shape == found.shape
    np.testing.assert_allclose(frame.to_numpy(), toarray(dense), atol=1e-6)


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_names_of_features(table, library):
    frame = (pd.DataFrame if library == "pandas" else pl.DataFrame)(
        table, **{"columns" if library == "pandas" else "schema": ["a", "b", "c", "d", "e"]}
    )
    model = deep().set_output(transform=library).fit(frame)
    codes = [f"sparseautoencoder{i}" for i in range(3)]
    assert list(model.transform(frame).columns) == codes
    assert list(model.set_params(outputs="input+codes").transform(frame).columns) == [*"abcde", *codes]
    inner = [f"hidden{n}_{i}" for n, width in ((1, 7), (2, 5), (3, 5), (4, 7)) for i in range(width)]
    assert list(model.set_params(outputs="hidden").transform(frame).columns) == [*inner[:12], *codes, *inner[12:]]
    unnamed = deep("input+codes").fit(table)
    assert list(unnamed.get_feature_names_out())[:6] == ["x0", "x1", "x2", "x3", "x4", "sparseautoencoder0"]
    with pytest.raises(NotFittedError):
        deep("hidden").get_feature_names_out()


def test_features_of_features_have_names_of_their_own(table):
    steps = [deep("input+codes") for _ in range(3)]
    pipeline = make_pipeline(*steps).set_output(transform="polars").fit(table)
    names = pipeline.transform(table).columns
    assert (len(names), len(set(names))) == (14, 14)
    assert names[8:11] == ["sparseautoencoder0_2", "sparseautoencoder1_2", "sparseautoencoder2_2"]


def test_missing_values_beside_codes_do_not_hinder_the_way_back(table):
    rows = table.copy()
    rows[::7, 1] = np.nan
    model = deep("input+codes").fit(rows)
    np.testing.assert_allclose(model.inverse_transform(model.transform(rows)), model.denoise(rows), rtol=1e-5)


@pytest.mark.parametrize("outputs", ["hidden", "input+codes"])
def test_outputs_are_saved_cloned_and_change_no_export(table, outputs, tmp_path):
    model, plain = deep(outputs).fit(table), deep().fit(table)
    assert clone(model).outputs == outputs
    model.save(tmp_path / "model")
    for loaded in (load(tmp_path / "model"), pickle.loads(pickle.dumps(model))):
        np.testing.assert_array_equal(loaded.transform(table), model.transform(table))
        np.testing.assert_array_equal(loaded.get_feature_names_out(), model.get_feature_names_out())
    np.testing.assert_array_equal(model.denoise(table), plain.denoise(table))
    assert model.score(table) == plain.score(table)
    for each, folder in ((model, "own"), (plain, "other")):
        (tmp_path / folder).mkdir()
        each.to_npz(tmp_path / folder / "model.npz")
    own, other = (np.load(tmp_path / folder / "model.npz") for folder in ("own", "other"))
    assert own.files == other.files
    for name in own.files:
        np.testing.assert_array_equal(own[name], other[name])
    y = (table[:, 0] > 0).astype(int)
    assert model.plot.relate(table, y, level=0.9).axes


def test_unknown_outputs_are_refused_in_one_line(table):
    message = "outputs='latents' must be 'codes', 'hidden' or 'input\\+codes'"
    for train in ("fit", "partial_fit"):
        with pytest.raises(RecipeError, match=message):
            getattr(deep("latents"), train)(table)
    model = deep().fit(table).set_params(outputs="latents")
    with pytest.raises(RecipeError, match=message):
        model.transform(table)
    with pytest.raises(DataError, match=r"X has 3 codes per row, but the model has 27 features \(outputs='hidden'\)"):
        model.set_params(outputs="hidden").inverse_transform(np.ones((2, 3)))
