"""Foreign texts inside messages: one printable line, cut with a sign."""

import pytest

from taciturn.core.messages import listed, one_line, quoted


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("plain größe 日本", "plain größe 日本"),
        (" a\n\tb\r\n  c ", "a b c"),
        ("\x1b[31mred\x07", "\\x1b[31mred\\x07"),
        ("del \x7f, c1 \x9b", "del \\x7f, c1 \\x9b"),
        ("\udcff not UTF-8", "\\udcff not UTF-8"),
        ("right \u202eto left", "right \\u202eto left"),
        (ValueError("an\nerror"), "an error"),
        ("a" * 200, "a" * 200),
        ("a" * 201, "a" * 199 + "…"),
        ("\x1b" * 200, ("\\x1b" * 50)[:199] + "…"),
        ("a" + " " * 10_000 + "b", "a…"),
        ("", ""),
    ],
)
def test_a_foreign_text_is_one_printable_line(text, line):
    assert one_line(text) == line
    assert line.isprintable()
    assert len(line) <= 200


def test_names_are_quoted_escaped_and_cut():
    assert quoted("it's") == '"it\'s"'
    assert quoted("\x1b\n\udcff") == "'\\x1b\\n\\udcff'"
    assert quoted("a" * 61) == "'" + "a" * 59 + "…'"
    assert listed([]) == ""
    assert listed(["a"] * 6) == "'a', 'a', 'a', 'a', 'a' and 1 more"
