import os
from dataclasses import replace

os.environ.setdefault("SCIPY_ARRAY_API", "1")  # else scikit-learn skips its check of array API input
os.environ.setdefault("KERAS_BACKEND", "torch")  # read when keras is first imported
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import matplotlib
import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

from browser import MEND, MISSING
from browser import browser as browser
from browser import page as page
from compiler import LIBRARY
from object_store import server as server
from taciturn.kernels.native import compiled_library

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


@pytest.fixture(scope="session", autouse=True)
def surveys(tmp_path_factory):
    """Keep surveys of files in a folder of this session, and not in the user's."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("taciturn.data.stored_surveys.cache_folder", lambda: folder)
        yield folder / "surveys"


KINDS = ["any", "avx2", "avx512"]


@pytest.fixture
def uncompiled(monkeypatch) -> None:
    """Behave as if there was no compiled library."""
    monkeypatch.setattr(LIBRARY, lambda: None)


@pytest.fixture(params=KINDS)
def kind(request, monkeypatch) -> None:
    """Behave as on a processor of this kind; skip the test if this processor is older."""
    library, number = compiled_library(), KINDS.index(request.param)
    if library is None or number > library.kind:
        pytest.skip("this processor is not of that kind, or there was no C compiler when taciturn was installed")
    monkeypatch.setattr(LIBRARY, lambda: replace(library, kind=number))


@pytest.fixture
def threads(monkeypatch):
    """Return the function that sets the number of threads, which then share even small work."""
    before = torch.get_num_threads()
    monkeypatch.setattr("taciturn.kernels.threads.MAX_ONE_THREAD", 0)
    monkeypatch.setattr("taciturn.kernels.threads.MAX_ONE_THREAD_STEP", 0)
    yield torch.set_num_threads
    torch.set_num_threads(before)


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config) -> None:
    """Print, as the last line, how many page tests were skipped and how to run them."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    skipped = reporter.stats.get("skipped", []) if reporter else []
    pages = sum(MISSING in str(report.longrepr) for report in skipped)
    if pages:
        print(f"{pages} page tests were skipped: {MISSING}. To run them: {MEND}")
