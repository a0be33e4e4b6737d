"""The name of the function that loads the compiled library, and the mark of tests that need the library."""

import pytest

from taciturn.kernels.native import compiled_library

LIBRARY = "taciturn.kernels.native.library.compiled_library"  # tests replace it; all code calls it by this name
needs_library = pytest.mark.skipif(compiled_library() is None, reason="installed where there was no C compiler")
