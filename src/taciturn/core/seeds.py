"""Randomness: a fresh generator for one purpose at one moment, so that no generator's state is ever saved."""

import zlib
from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

# of numpy.random.SeedSequence (O'Neill, 2015)
INIT_A, MULT_A, INIT_B, MULT_B = 0x43B0D7E5, 0x931E8875, 0x8B51F9DD, 0x58F38DED
MIX_L, MIX_R = np.uint32(0xCA01F9DD), np.uint32(0x4973F715)
WORD = 0xFFFFFFFF

Words = NDArray[np.uint32]


def generator(seed: int, purpose: str, *numbers: int) -> torch.Generator:
    """Return a generator that depends on nothing but its arguments.

    Examples
    --------
    >>> a, b = generator(0, "order", 3), generator(0, "order", 3)
    >>> torch.equal(torch.rand(4, generator=a), torch.rand(4, generator=b))
    True
    """
    entropy = np.random.SeedSequence([seed, zlib.crc32(purpose.encode()), *numbers])
    return seeded(int(entropy.generate_state(1, np.uint64)[0]) >> 1)


def seeded(key: int, device: torch.device | str = "cpu") -> torch.Generator:
    """Return a generator that begins at a key, and draws on a device."""
    return torch.Generator(device).manual_seed(key)


def keys(seed: int, purpose: str, *numbers: ArrayLike) -> NDArray[np.uint64]:
    """Return the key of each generator(seed, purpose, *numbers), for whole numbers in arrays that broadcast.

    One alone takes as long as an operator's launch; this is NumPy's SeedSequence, for all moments of an epoch at once.

    Examples
    --------
    >>> int(keys(0, "order", [2, 3])[1]) == generator(0, "order", 3).initial_seed()
    True
    """
    arrays = np.broadcast_arrays(*numbers)
    flat = [array.astype(np.uint32).reshape(-1) for array in arrays]
    words = [np.full_like(flat[0], word) for word in (*_words(seed), zlib.crc32(purpose.encode()))]
    constants = _constants(INIT_B, MULT_B)
    low, high = (_hashed(word, *next(constants)).astype(np.uint64) for word in _pool([*words, *flat])[:2])
    key: NDArray[np.uint64] = (low | high << np.uint64(32)) >> np.uint64(1)
    return key.reshape(arrays[0].shape)


def _words(seed: int) -> Iterator[int]:
    yield seed & WORD
    while seed := seed >> 32:
        yield seed & WORD


def _pool(words: list[Words]) -> list[Words]:
    constants = _constants(INIT_A, MULT_A)
    words += [np.zeros_like(words[0])] * (4 - len(words))
    pool = [_hashed(word, *next(constants)) for word in words[:4]]
    for at in range(4):
        for other in (other for other in range(4) if other != at):
            pool[other] = _mixed(pool[other], _hashed(pool[at], *next(constants)))
    for word in words[4:]:
        pool = [_mixed(part, _hashed(word, *next(constants))) for part in pool]
    return pool


def _constants(now: int, factor: int) -> Iterator[tuple[np.uint32, np.uint32]]:
    while True:
        before, now = now, now * factor & WORD
        yield np.uint32(before), np.uint32(now)


def _hashed(word: Words, before: np.uint32, after: np.uint32) -> Words:
    return _folded((word ^ before) * after)


def _mixed(one: Words, other: Words) -> Words:
    return _folded(one * MIX_L - other * MIX_R)


def _folded(word: Words) -> Words:
    return word ^ (word >> np.uint32(16))
