"""Every break of `make break` still fits the code that it breaks."""

from pathlib import Path

import pytest

import taciturn
from break_it import BREAKS, broken

PACKAGE = Path(taciturn.__file__).parent


@pytest.mark.parametrize("each", BREAKS, ids=lambda each: each.what)
def test_a_break_can_be_made(each):
    text = (PACKAGE / each.file).read_text(encoding="utf-8")
    assert broken(text, each) != text
    assert all((Path(__file__).parent / test).exists() for test in each.tests)
