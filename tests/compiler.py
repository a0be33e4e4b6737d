"""Where what was compiled is found, and what is asked of it."""

import pytest

from taciturn.kernels.native import here

HERE = "taciturn.kernels.native.library.here"  # the only door
needed = pytest.mark.skipif(here() is None, reason="installed where there was no C compiler")
