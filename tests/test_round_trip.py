"""A saved model is the model: same codes, same settings, and training that goes on with the same bits.

TACITURN_EXAMPLES=2000 tries as many; CI tries fewer.
"""

import filecmp
import json
import os
import tempfile
import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import taciturn
from taciturn import DenoisingAutoencoder, DictionaryAutoencoder, SparseAutoencoder
from taciturn.artifact.writing import PARTS
from taciturn.training.run import train

EXAMPLES = int(os.environ.get("TACITURN_EXAMPLES", "30"))
ROWS = np.random.default_rng(0).normal(size=(60, 5)) * [1, 2, 3, 4, 5] + [0, 0, 100, 0, -7]
UNIT = np.random.default_rng(1).random(size=(60, 5))
TABLES = {"wide": ROWS, "unit": UNIT, "float32": ROWS.astype(np.float32), "bytes": (UNIT * 255).astype(np.uint8)}

whole = st.one_of(st.integers(2, 9), st.integers(2, 9).map(np.int64), st.integers(2, 9).map(np.int32))
common = {
    "scaling": st.sampled_from(
        ["auto", "none", "standard", "minmax", "mean_norm", "whiten:0.1", "rank_gauss:20", "robust", "row_norm:clip=2"]
    ),
    "solver": st.sampled_from(["adam", "adam:clip=1", "sgd", "sgd:momentum=0.5"]),
    "learning_rate": st.sampled_from(["auto", 0.001, np.float32(0.002), "cosine:0.01,0.001"]),
    "batch_size": st.sampled_from(["auto", 16, np.int64(20)]),
    "alpha": st.sampled_from([0.0, 0.01, np.float64(0.1)]),
    "random_state": st.sampled_from([0, np.int64(3), np.uint8(7)]),
    "max_iter": st.sampled_from([1, 2, np.int32(3)]),
}
networks = {
    "n_components": st.one_of(whole, st.tuples(whole, whole)),
    "activation": st.sampled_from(["auto", "relu", "tanh", ("elu", "sigmoid")]),
    "tied": st.booleans(),
    "early_stopping": st.booleans(),
}
sparse = st.builds(
    lambda **values: SparseAutoencoder(**values),
    sparsity=st.sampled_from(["auto", "topk:2", "l1:weight=0.01", "squared_rate:0.2,weight=0.1", "topk:3,signed=true"]),
    corruption=st.sampled_from([None, "gaussian:0.2", "dropout:linear(0.4,0.1)"]),
    **common,
    **networks,
)
denoising = st.builds(
    lambda **values: DenoisingAutoencoder(**values),
    corruption=st.sampled_from(["auto", None, "gaussian:0.1+dropout:0.3", "swap:0.2"]),
    **common,
    **networks,
)
dictionary = st.builds(
    lambda **values: DictionaryAutoencoder(**values),
    n_components=whole,
    k=st.sampled_from([1, 2, np.int64(2)]),
    sparsity=st.sampled_from(["topk", "batch_topk", "jumprelu", "gated", "l1"]),
    constraint=st.sampled_from(["free", "unit_norm", "bounded", "frozen"]),
    refine=st.sampled_from([0, 1]),
    **common,
)


def fitted(estimator, rows, route):
    """Train an estimator in one of the ways that lead to a model."""
    if route == "pairs":
        return estimator.fit(rows, target=3.0 * rows - 1)
    if route == "partial pairs":
        return estimator.partial_fit(rows, target=3.0 * rows - 1).partial_fit(rows)
    if route == "partial_fit":
        return estimator.partial_fit(rows[:30]).partial_fit(rows[30:])
    if route == "fit, then partial_fit":
        return estimator.fit(rows).partial_fit(rows[:40])
    if route == "warm":
        return estimator.set_params(warm_start=True).fit(rows).fit(rows[:50])
    if route == "interrupted":
        return interrupted(estimator, rows)
    return estimator.fit(rows)


def interrupted(estimator, rows):
    def two_steps(run):
        for record, _ in zip(train(run), range(2), strict=False):
            yield record
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("taciturn.training.learner.train", two_steps)
        with pytest.raises(KeyboardInterrupt):
            estimator.fit(rows)
    return estimator


ROUTES = ["fit", "pairs", "partial pairs", "partial_fit", "fit, then partial_fit", "warm", "interrupted"]


def dense(codes):
    return codes.toarray() if hasattr(codes, "toarray") else codes


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.one_of(sparse, denoising, dictionary), st.sampled_from(sorted(TABLES)), st.sampled_from(ROUTES))
def test_a_saved_model_is_the_model(estimator, table, route):
    rows = TABLES[table]
    with warnings.catch_warnings(), tempfile.TemporaryDirectory() as name:
        warnings.simplefilter("ignore")
        try:
            model = fitted(estimator, rows, route)
        except taciturn.core.errors.TaciturnError:
            return  # a combination that is refused; other tests see to the message
        folder = Path(name)
        model.save(folder / "first")
        loaded = taciturn.load(folder / "first")
        loaded.save(folder / "second")
        for file in PARTS:
            assert filecmp.cmp(folder / "first" / file, folder / "second" / file, shallow=False), file
        first, second = (json.loads((folder / of / "config.json").read_text()) for of in ("first", "second"))
        assert first == second
        assert loaded.settings_ == model.settings_
        np.testing.assert_array_equal(dense(loaded.transform(rows)), dense(model.transform(rows)))
        np.testing.assert_array_equal(loaded.denoise(rows), model.denoise(rows))
        for part in (rows[:35], rows):
            model.partial_fit(part)
            loaded.partial_fit(part)
        np.testing.assert_array_equal(dense(loaded.transform(rows)), dense(model.transform(rows)))
        assert loaded.history_.n_epochs == model.history_.n_epochs
