"""Keys of many generators at once, against NumPy's SeedSequence."""

import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from taciturn.core.seeds import generator, keys


@given(
    seed=st.integers(0, 2**96) | st.sampled_from([0, 2**32 - 1, 2**32, 2**64]),
    numbers=st.lists(st.integers(0, 2**32 - 1), min_size=1, max_size=4),
)
def test_each_key_is_that_of_seed_sequence(seed, numbers):
    entropy = [seed, zlib.crc32(b"corrupt"), *numbers]
    expected = int(np.random.SeedSequence(entropy).generate_state(1, np.uint64)[0]) >> 1
    assert int(keys(seed, "corrupt", *numbers)) == expected
    assert generator(seed, "corrupt", *numbers).initial_seed() == expected


@pytest.mark.parametrize("seed", [0, 7, 2**40])
def test_arrays_broadcast(seed):
    computed = keys(seed, "order", np.arange(5)[:, None], np.arange(3))
    expected = [[generator(seed, "order", a, b).initial_seed() for b in range(3)] for a in range(5)]
    assert computed.tolist() == expected
