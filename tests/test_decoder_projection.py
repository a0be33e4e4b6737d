"""The n-th decoder projection score: the paper's formula, and true dictionaries compared with mixed ones."""

import numpy as np
import pytest
import torch

from taciturn.core.errors import DataError, RecipeError
from taciturn.datasets import known_dictionary
from taciturn.metrics import decoder_projection, mean_cosine


def paper_score(rows, decoder, bias, n):
    """Equations 58 and 59 of arXiv 2508.16560v3."""
    z = ((torch.tensor(rows) - torch.tensor(bias)) @ torch.tensor(decoder).T).flatten()
    return z.sort(descending=True).values[n * len(rows)].item()


@pytest.mark.parametrize("n", [1, 3, 10, 19])
@pytest.mark.parametrize("n_rows", [1, 7, 100])
def test_the_score_is_the_papers(n_rows, n):
    rng = np.random.default_rng(0)
    rows, decoder, bias = rng.normal(size=(n_rows, 5)) + 1, rng.normal(size=(20, 5)), rng.normal(size=5)
    unit = decoder / np.linalg.norm(decoder, axis=1, keepdims=True)
    found = decoder_projection(rows, decoder, n=n, bias=bias)
    assert found == pytest.approx(paper_score(rows, unit, bias, n), rel=1e-12)
    assert decoder_projection(torch.tensor(rows), 100 * decoder, n=n, bias=torch.tensor(bias)) == pytest.approx(found)


def test_the_default_n_is_half_the_latents():
    rng = np.random.default_rng(0)
    rows, decoder = rng.normal(size=(50, 5)), rng.normal(size=(21, 5))
    assert decoder_projection(rows, decoder) == decoder_projection(rows, decoder, n=10)


def test_rows_keep_their_precision():
    known = known_dictionary(500, 32, 16, active=3, noise=0.1)
    single = decoder_projection(known.rows, known.features, n=8)
    assert single == float(np.float32(single))
    assert single == pytest.approx(decoder_projection(known.rows.astype(float), known.features, n=8), rel=1e-5)


@pytest.mark.parametrize("seed", range(3))
def test_true_features_have_a_lower_score_than_mixed_ones(seed):
    """Features active together, each mixed with others, as by an autoencoder with too few active latents."""
    known = known_dictionary(5000, 50, 100, rates=np.linspace(0.345, 0.05, 50), random_state=seed)
    mixing = np.random.default_rng(seed).normal(size=(50, 50)) * 0.2
    mixed = known.features + mixing @ known.features
    assert decoder_projection(known.rows, known.features, n=18) < decoder_projection(known.rows, mixed, n=18)
    assert mean_cosine(known.features) < mean_cosine(mixed)


def test_wrong_usage():
    with pytest.raises(RecipeError, match=r"n=4 lies outside \[1, 3\]; give a number above"):
        decoder_projection(np.eye(4), np.eye(4), n=4)
    with pytest.raises(RecipeError, match=r"n=0 lies outside"):
        decoder_projection(np.eye(4), np.eye(4), n=0)
    with pytest.raises(DataError, match="rows has 3 columns, but dictionary has 4; give the same inputs"):
        decoder_projection(np.eye(3), np.eye(4))


def test_one_latent_has_no_score():
    with pytest.raises(DataError, match="dictionary has 1 row; the score needs two latents or more"):
        decoder_projection(np.eye(4), np.ones((1, 4)))
