"""F0. Randomness: a fresh generator for one purpose at one moment, so that no generator's state is ever saved."""

import zlib

import numpy as np
import torch


def generator(seed: int, purpose: str, *numbers: int) -> torch.Generator:
    """Return a generator that depends on nothing but its arguments.

    Examples
    --------
    >>> a, b = generator(0, "order", 3), generator(0, "order", 3)
    >>> torch.equal(torch.rand(4, generator=a), torch.rand(4, generator=b))
    True
    """
    entropy = np.random.SeedSequence([seed, zlib.crc32(purpose.encode()), *numbers])
    return torch.Generator().manual_seed(int(entropy.generate_state(1, np.uint64)[0]) >> 1)
