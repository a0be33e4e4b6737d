"""Which of torch's two libraries multiplies float32 matrices: MKL slows down on processors that are not Intel's."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import torch

CPUINFO = Path("/proc/cpuinfo")
SMALL = 1 << 24  # multiplications, up to which oneDNN's preparations cost more than it saves


@contextmanager
def fast_products(size: int) -> Iterator[None]:
    """Send float32 products through oneDNN while in scope, where that is faster and no less exact; see `prefers`.

    `size`: the multiplications of the largest of them.

    The setting is torch's leave to round to bfloat16, which oneDNN takes where a processor has tiles for it (AMX), and
    only there. It is the process's, so it holds for as short as can be.
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


def prefers(cpuinfo: str) -> bool:
    """Return whether a processor multiplies faster through oneDNN: AMD's with AVX-512, none with tiles.

    Decided by what it is, not by a race, which another run could lose: the same weights, bit for bit, need the same
    sums.

    Examples
    --------
    >>> prefers("vendor_id : AuthenticAMD\\nflags : avx2 avx512f")
    True
    >>> prefers("vendor_id : GenuineIntel\\nflags : avx2 avx512f amx_bf16")
    False
    """
    return "AuthenticAMD" in cpuinfo and "avx512f" in cpuinfo and "amx" not in cpuinfo


@cache
def mkl_is_slow() -> bool:
    """Return whether this is such a processor."""
    return torch.backends.mkldnn.is_available() and CPUINFO.exists() and prefers(CPUINFO.read_text(encoding="utf-8"))
