"""DenoisingImputer: completed tables, draws of them, and Rubin's rules."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.utils.estimator_checks import parametrize_with_checks

from taciturn import DenoisingImputer, load, pool
from taciturn.core.errors import ArtifactError, DataError, DataTypeError, RecipeError, TaciturnError

QUICK = {"n_networks": 2, "max_iter": 1, "random_state": 0}


@parametrize_with_checks([DenoisingImputer(16, n_networks=2, max_iter=1)])
def test_scikit_learn_checks(estimator, check):
    check(estimator)
