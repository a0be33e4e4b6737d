"""Random generators by (seed, purpose, numbers). A new one is made for each use, so that no state is ever saved."""

import zlib
from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

# constants of numpy.random.SeedSequence (O'Neill, 2015)
_INIT_A, _MULT_A, _INIT_B, _MULT_B = 0x43B0D7E5, 0x931E8875, 0x8B51F9DD, 0x58F38DED
_MIX_L, _MIX_R = np.uint32(0xCA01F9DD), np.uint32(0x4973F715)
_UINT32_MASK = 0xFFFFFFFF

DRAWN_AT_ONCE = 1 << 20  # numbers of `normal_rows`, a multiple of 16
MAX_SEED = 2**63 - 1  # what every reader of JSON and of TOML takes

Words = NDArray[np.uint32]


def generator(seed: int, purpose: str, *numbers: int) -> torch.Generator:
    """Return a CPU generator whose state depends on the arguments only.

    Parameters
    ----------
    seed : int
        The run's seed, 0 or more.
    purpose : str
        What is drawn, as "order". Different purposes give independent numbers.
    *numbers : int
        The moment, as epoch and step; 0 or more each.

    Returns
    -------
    torch.Generator

    Notes
    -----
    The key is the first 64-bit word of NumPy's SeedSequence([seed, CRC-32 of purpose, *numbers]), without its last bit.

    Examples
    --------
    >>> a, b = generator(0, "order", 3), generator(0, "order", 3)
    >>> torch.equal(torch.rand(4, generator=a), torch.rand(4, generator=b))
    True
    """
    entropy = np.random.SeedSequence([seed, zlib.crc32(purpose.encode()), *numbers])
    return seeded(int(entropy.generate_state(1, np.uint64)[0]) >> 1)


def seeded(key: int, device: torch.device | str = "cpu") -> torch.Generator:
    """Return a generator with a given seed on a given device.

    Parameters
    ----------
    key : int
        One of `keys`, or any seed that torch takes.
    device : torch.device or str, default="cpu"
        Where the numbers are drawn. A GPU draws other numbers than a CPU for the same key.

    Returns
    -------
    torch.Generator

    Examples
    --------
    >>> seeded(7).initial_seed()
    7
    """
    return torch.Generator(device).manual_seed(key)


def normal_rows(n_rows: int, n_columns: int, rng: torch.Generator, part: tuple[int, int]) -> torch.Tensor:
    """Return some rows of torch.randn(n_rows, n_columns, generator=rng), without the others in memory.

    Parameters
    ----------
    n_rows, n_columns : int
        The shape of the whole array, all of whose numbers are drawn.
    rng : torch.Generator
        A generator of the CPU.
    part : tuple of (int, int)
        The first row to return, and the one after the last.

    Returns
    -------
    Tensor [part[1] - part[0], n_columns]

    Notes
    -----
    torch draws 16 numbers at a time, and the last 16 of an array anew where 16 does not divide their count. So draws
    of a multiple of 16, the last of at least 16, give the numbers of a single one.

    Examples
    --------
    >>> whole = torch.randn(5, 7, generator=seeded(0))
    >>> torch.equal(normal_rows(5, 7, seeded(0), (2, 4)), whole[2:4])
    True
    """
    first, stop = (row * n_columns for row in part)
    rows, total, start = torch.empty(stop - first), n_rows * n_columns, 0
    while start < total:
        count = DRAWN_AT_ONCE if total - start >= DRAWN_AT_ONCE + 16 else total - start
        numbers = torch.randn(count, generator=rng)[max(first - start, 0) : max(stop - start, 0)]
        offset = max(start - first, 0)
        rows[offset : offset + len(numbers)] = numbers
        start += count
    return rows.view(part[1] - part[0], n_columns)


def keys(seed: int, purpose: str, *numbers: ArrayLike) -> NDArray[np.uint64]:
    """Return the keys of many generators at once.

    Parameters
    ----------
    seed, purpose
        As for `generator`.
    *numbers : array-like of int
        The moments: one or more arrays that broadcast against each other, with values in [0, 2³²).

    Returns
    -------
    array of uint64
        Of the broadcast shape. Each key is `generator(seed, purpose, *numbers).initial_seed()` of its numbers.

    Notes
    -----
    This is NumPy's SeedSequence in array operations: a single SeedSequence takes as long as the launch of an operator,
    and an epoch needs a key for each block of each batch.

    Examples
    --------
    >>> int(keys(0, "order", [2, 3])[1]) == generator(0, "order", 3).initial_seed()
    True
    """
    arrays = np.broadcast_arrays(*numbers)
    flat = [array.astype(np.uint32).reshape(-1) for array in arrays]
    words = [np.full_like(flat[0], word) for word in (*_uint32_words(seed), zlib.crc32(purpose.encode()))]
    constants = _constants(_INIT_B, _MULT_B)
    low, high = (_hash(word, *next(constants)).astype(np.uint64) for word in _mixed_pool([*words, *flat])[:2])
    key: NDArray[np.uint64] = (low | high << np.uint64(32)) >> np.uint64(1)
    return key.reshape(arrays[0].shape)


def _uint32_words(seed: int) -> Iterator[int]:
    yield seed & _UINT32_MASK
    while seed := seed >> 32:
        yield seed & _UINT32_MASK


def _mixed_pool(words: list[Words]) -> list[Words]:
    """Return SeedSequence's pool of four words after all entropy words are mixed in."""
    constants = _constants(_INIT_A, _MULT_A)
    words += [np.zeros_like(words[0])] * (4 - len(words))
    pool = [_hash(word, *next(constants)) for word in words[:4]]
    for source in range(4):
        for other in (other for other in range(4) if other != source):
            pool[other] = _mix(pool[other], _hash(pool[source], *next(constants)))
    for word in words[4:]:
        pool = [_mix(pool_word, _hash(word, *next(constants))) for pool_word in pool]
    return pool


def _constants(first: int, factor: int) -> Iterator[tuple[np.uint32, np.uint32]]:
    """Yield the hash's pairs of constants: each number of the sequence, and the next one."""
    constant = first
    while True:
        following = constant * factor & _UINT32_MASK
        yield np.uint32(constant), np.uint32(following)
        constant = following


def _hash(word: Words, constant: np.uint32, following: np.uint32) -> Words:
    return _xorshift((word ^ constant) * following)


def _mix(x: Words, y: Words) -> Words:
    return _xorshift(x * _MIX_L - y * _MIX_R)


def _xorshift(word: Words) -> Words:
    return word ^ (word >> np.uint32(16))
