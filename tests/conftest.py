import os

os.environ.setdefault("SCIPY_ARRAY_API", "1")  # else scikit-learn skips its check of array API input

import matplotlib
import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

from browser import browser as browser
from browser import page as page

matplotlib.use("Agg")
if not torch.cuda.is_available():
    os.environ.setdefault("TRITON_INTERPRET", "1")  # read when triton is first imported
torch.set_num_threads(1)


@pytest.fixture(scope="session")
def digits() -> np.ndarray:
    """Digits with values in [0, 1], [1797, 64]."""
    X = load_digits().data / 16
    X.flags.writeable = False
    return X


@pytest.fixture
def uncompiled(monkeypatch) -> None:
    """As where nothing was compiled."""
    for place in ("step.compiled", "native.noise"):
        monkeypatch.setattr(f"taciturn.{place}.here", lambda: None)
