"""Several processes train together what one process trains; what they cannot do is refused by name."""

import numpy as np
import pytest

import together

CORE = together.CORE  # in three processes too
NAMES = tuple(together.estimators())


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """The numbers of all fits: of one process, and of each of two and of three."""
    folder = tmp_path_factory.mktemp("together")
    started = {2: together.start(2, "tests/together.py", folder / "of")}
    results = {1: [together.fit_all(NAMES)]}
    for count, names in ((2, NAMES), (3, CORE)):
        processes = started.get(count) or together.start(count, "tests/together.py", folder / "of", *names)
        for status, _, errors in together.finish(processes):
            assert status == 0, errors
        results[count] = [np.load(folder / f"of-{count}-{rank}.npz") for rank in range(count)]
    return results


@pytest.mark.parametrize(
    ("count", "name"), [*((2, name) for name in NAMES), *((3, name) for name in CORE)], ids=lambda value: str(value)
)
def test_several_processes_train_what_one_trains(results, count, name):
    one, several = results[1][0], results[count]
    for each in several:
        np.testing.assert_array_equal(each[f"{name}/weights"], several[0][f"{name}/weights"])
        for number in ("loss", "rate", "validation_loss"):
            np.testing.assert_allclose(each[f"{name}/{number}"], one[f"{name}/{number}"], rtol=1e-5, atol=1e-5)
        np.testing.assert_allclose(each[f"{name}/rates"], one[f"{name}/rates"], atol=1e-3)
        assert np.mean((each[f"{name}/codes"] != 0) == (one[f"{name}/codes"] != 0)) >= 0.9999
