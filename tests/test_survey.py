"""The survey of streamed rows: one pass gives what the passes over an array give, to the bit, and is remembered."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_array_equal

from taciturn import DenoisingAutoencoder, DictionaryAutoencoder, SparseAutoencoder
from taciturn.core.errors import DataError, EmptyRows, RecipeError
from taciturn.data.fingerprint import fingerprint
from taciturn.data.moments import measure_moments
from taciturn.data.sources import Ranges, Rows, has_missing
from taciturn.data.survey import check, may_miss, survey
from test_order import Streamed

X = (np.random.default_rng(0).normal(size=(20_000, 6)) * 3 + 5).astype(np.float32)
GAPS = np.where(np.random.default_rng(1).random(X.shape) < 0.1, np.nan, X)


class Counted(Streamed):
    """A streamed source that counts the rows that are read."""

    n_read = 0

    def read(self, start, stop):
        rows = super().read(start, stop)
        self.n_read += len(rows)
        return rows

    def take(self, indices):
        self.n_read += len(indices)
        return super().take(indices)


def streamed(rows):
    return Counted(rows, [*range(0, len(rows), 64), len(rows)])


@pytest.mark.parametrize("rows", [X, GAPS, X.astype(np.float64), (X * 5).astype(np.uint8)])
@pytest.mark.parametrize("with_products", [False, True])
def test_a_streamed_source_has_the_survey_of_the_array(rows, with_products):
    found, exact = (
        survey(streamed(rows), with_products=with_products),
        measure_moments(Rows(rows), with_products=with_products),
    )
    for name, value in exact.to_arrays().items():
        assert_array_equal(found.moments.to_arrays()[name], value)
    assert found.fingerprint == fingerprint(Rows(rows)) == survey(Rows(rows)).fingerprint


def test_a_survey_reads_the_rows_once_and_is_remembered():
    source = streamed(GAPS)
    survey(source)
    assert source.n_read == len(X)
    again = survey(source)
    again.moments.merge(again.moments)  # a copy
    assert survey(source).moments.count == len(X)
    check(source)
    assert may_miss(source)
    assert may_miss(Ranges(source, np.array([[5, 9]])))
    assert source.n_read == len(X)
    survey(source, with_products=True)
    assert source.n_read == 2 * len(X)


def test_rows_in_memory_are_not_remembered():
    rows = Rows(X.copy())
    before = survey(rows)
    rows.array[0] = 0
    assert survey(rows).fingerprint != before.fingerprint


def test_fit_reads_streamed_rows_once_before_the_first_step():
    """Beside the pass: samples for the first weights, and for the warning of extreme rows, and the closing shift."""
    source = streamed(X)
    DictionaryAutoencoder(16, k=2, max_iter=1, batch_size=500, sparsity="batch_topk", revive="auxk").fit(source)
    once = source.n_read
    assert 2 * len(X) < once < 3 * len(X) + 100
    DictionaryAutoencoder(16, k=2, max_iter=1, batch_size=500, sparsity="batch_topk", revive="auxk").fit(source)
    assert source.n_read - once == once - len(X)


def test_validation_rows_are_read_once_before_the_first_step():
    source, held_out = streamed(X), streamed(X[:5000])
    DenoisingAutoencoder(8, max_iter=1).fit(source, validation=held_out)
    assert held_out.n_read == 2 * 5000 + 1 + 1000  # the first row tells the type; 1,000 are remembered for `check`


def test_missing_values_of_streamed_rows():
    one, other = (
        DenoisingAutoencoder(8, max_iter=2, shuffle_window=1000, random_state=0, scaling=scaling).fit(streamed(GAPS))
        for scaling in ("standard", "auto")
    )
    assert one.settings_.corruption.text == "gaussian:0.3+missing:0.099"
    assert torch.equal(one.module_.state_dict()["shift"], other.module_.state_dict()["shift"])
    assert not has_missing(Rows(one.denoise(streamed(GAPS))))
    with pytest.raises(RecipeError, match="scaling='whiten' needs rows without missing values"):
        SparseAutoencoder(8, scaling="whiten").fit(streamed(GAPS))


def test_faults_of_streamed_rows_are_one_line():
    rows = X.copy()
    rows[17_003, 4] = rows[18_000, 2] = np.inf
    with pytest.raises(DataError, match="2 values in 2 of 20,000 rows are infinite, the first in row 17003, column 4 "):
        SparseAutoencoder(8).fit(streamed(rows))
    rows = X.astype(np.float64)
    rows[5, 1] = 1e200
    with pytest.raises(DataError, match="column 1 holds values up to 1e\\+200, whose squares exceed"):
        survey(streamed(rows))
    rows = X.copy()
    rows[9000] = np.nan
    with pytest.warns(EmptyRows, match="1 row has no known value, the first is row 9000 "):
        survey(streamed(rows))


def test_an_error_while_rows_are_read_ends_the_survey():
    class Broken(Counted):
        def read(self, start, stop):
            if start == 16384:
                raise DataError("gone")
            return super().read(start, stop)

    with pytest.raises(DataError, match="gone"):
        survey(Broken(X))
