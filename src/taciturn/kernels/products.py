"""Chooses the library by which torch multiplies float32 matrices: MKL is slow on processors that are not Intel's."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import torch

CPUINFO = Path("/proc/cpuinfo")
SMALL = 1 << 24  # multiplications of a product, up to which oneDNN's preparations cost more time than it saves


@contextmanager
def fast_products(size: int) -> Iterator[None]:
    """Return a context in which torch multiplies float32 matrices by oneDNN, where that is faster and as exact.

    For small products, and on processors on which MKL is fast (see `mkl_is_slow`), it changes nothing.

    Parameters
    ----------
    size : int
        Multiplications of the largest product in the context.

    Notes
    -----
    The setting permits torch to round the factors to bfloat16. oneDNN rounds only on processors that have tiles for
    bfloat16 (AMX), and `mkl_is_slow` is False on them. The setting belongs to the whole process; keep the context
    short.

    Examples
    --------
    >>> with fast_products(10**9):
    ...     product = torch.ones(2, 2) @ torch.ones(2, 2)
    >>> product[0, 0].item()
    2.0
    """
    if size <= SMALL or not mkl_is_slow():
        yield
        return
    settings = torch.backends.mkldnn.matmul  # type: ignore[attr-defined]
    before = settings.fp32_precision
    settings.fp32_precision = "bf16"
    try:
        yield
    finally:
        settings.fp32_precision = before


def prefers_onednn(cpuinfo: str) -> bool:
    """Return whether a processor multiplies faster by oneDNN: one of AMD's with AVX-512 and without tiles (AMX).

    The answer depends on what the processor is. A timing could differ from run to run, and other sums would change the
    last bits of the weights.

    Parameters
    ----------
    cpuinfo : str
        Text of /proc/cpuinfo.

    Examples
    --------
    >>> prefers_onednn("vendor_id : AuthenticAMD\\nflags : avx2 avx512f")
    True
    >>> prefers_onednn("vendor_id : GenuineIntel\\nflags : avx2 avx512f amx_bf16")
    False
    """
    return "AuthenticAMD" in cpuinfo and "avx512f" in cpuinfo and "amx" not in cpuinfo


@cache
def mkl_is_slow() -> bool:
    """Return whether oneDNN is available and multiplies float32 matrices faster than MKL on this processor.

    False where /proc/cpuinfo does not exist.

    Examples
    --------
    >>> isinstance(mkl_is_slow(), bool)
    True
    """
    return (
        torch.backends.mkldnn.is_available()
        and CPUINFO.exists()
        and prefers_onednn(CPUINFO.read_text(encoding="utf-8"))
    )


@cache
def multiplies_bfloat16() -> bool:
    """Return whether the processor has instructions that multiply bfloat16; False where /proc/cpuinfo does not exist.

    Examples
    --------
    >>> isinstance(multiplies_bfloat16(), bool)
    True
    """
    return CPUINFO.exists() and re.search(r"\b(avx512|amx)_bf16\b", CPUINFO.read_text(encoding="utf-8")) is not None
