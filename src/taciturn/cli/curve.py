"""A curve as lines of block characters, for a terminal."""

import math
from collections.abc import Sequence
from itertools import pairwise

BLOCKS = " ▁▂▃▄▅▆▇█"  # eighths of a line's height
MAX_RATIO = 20.0  # of the largest and the least of positive values, above which the scale is logarithmic


def curve(values: Sequence[float], *, width: int, height: int) -> list[str]:
    """Return a curve as lines of text, the highest first; one column of blocks for some successive values.

    Parameters
    ----------
    values : sequence of float
        In order. Those that are not finite leave a gap.
    width : int
        Most characters of a line. More values than these are averaged.
    height : int
        Number of lines.

    Returns
    -------
    list of str
        The scale is logarithmic for positive values that span more than a factor of 20.

    Examples
    --------
    >>> print(*curve([0, 1, 2, 3, 4, 5, 6, 7], width=8, height=1))
    ▁▂▃▄▅▆▇█
    """
    means = _averaged(values, width)
    finite = [value for value in means if math.isfinite(value)]
    if not finite:
        return [" " * len(means)] * height
    if is_logarithmic(finite):
        means, finite = ([math.log(value) for value in each] for each in (means, finite))
    low, high = min(finite), max(finite)
    steps = len(BLOCKS) - 1
    levels = [_level(value, low, high, height * steps) for value in means]
    return [
        "".join(BLOCKS[min(max(level - steps * line, 0), steps)] for level in levels)
        for line in reversed(range(height))
    ]


def is_logarithmic(values: Sequence[float]) -> bool:
    """Return whether finite values are drawn on a logarithmic scale."""
    return min(values) > 0 and max(values) > MAX_RATIO * min(values)


def _level(value: float, low: float, high: float, levels: int) -> int:
    """Return a value's height in eighths of a line: 1 for the least, `levels` for the largest, 0 for a gap."""
    if not math.isfinite(value):
        return 0
    return 1 + round((levels - 1) * (value - low) / (high - low)) if high > low else 1


def _averaged(values: Sequence[float], width: int) -> list[float]:
    """Return at most `width` values, each the mean of as many finite successive ones."""
    if len(values) <= width:
        return list(map(float, values))
    bounds = [len(values) * i // width for i in range(width + 1)]
    parts = ([v for v in values[a:b] if math.isfinite(v)] for a, b in pairwise(bounds))
    return [sum(part) / len(part) if part else math.nan for part in parts]
