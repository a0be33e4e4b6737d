"""Errors of safetensors as those of all other writers."""

from collections.abc import Iterator
from contextlib import contextmanager

from safetensors import SafetensorError


@contextmanager
def as_os_errors() -> Iterator[None]:
    """Return a context in which a safetensors file that cannot be written raises OSError, as on a full disk.

    Examples
    --------
    >>> with as_os_errors():
    ...     raise SafetensorError("no space left")
    Traceback (most recent call last):
    OSError: [Errno None] no space left
    """
    try:
        yield
    except SafetensorError as error:
        raise OSError(None, str(error)) from error
