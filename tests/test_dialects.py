"""Text tables in other dialects, row labels and tables of mixed types, against pandas and Python's csv module."""

import bz2
import csv
import gzip
import io
import lzma
import re
import warnings
from contextlib import nullcontext
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv as arrow_csv
import pyarrow.feather
import pyarrow.parquet as pq
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from commandline import run
from taciturn import SparseAutoencoder, datasets
from taciturn.core.errors import DataError, DialectFound, RecipeError, TaciturnWarning
from taciturn.data.sources import (
    Dialect,
    Rows,
    Subset,
    ids_of,
    open_path,
    read_labels,
    read_lines,
    read_table,
    select,
    write_path,
)
from taciturn.data.sources.tables import read_labelled_table
from taciturn.data.variables import open_table, write_rows


def text_file(folder, text, name="a.csv"):
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def opened(path, **options):
    """The numbers of a file, its columns and ids, the note on its dialect, and the other warnings."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        source = open_path(path, **options)
    notes = [str(w.message) for w in caught if w.category is DialectFound]
    doubts = [str(w.message) for w in caught if w.category is TaciturnWarning]
    assert len(notes) + len(doubts) == len(caught)
    assert len(notes) <= 1
    return source.read(0, len(source)), source.columns, ids_of(source), "".join(notes), doubts


# --- what is found --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "columns", "rows", "note"),
    [
        ("a;b\n1;2\n", ("a", "b"), [[1, 2]], "separated by ';'"),
        ("a;b\n1,5;2,5\n2,5;1,0\n", ("a", "b"), [[1.5, 2.5], [2.5, 1]], "separated by ';', decimal comma"),
        ("1,5;2,5\n2,5;1,0\n", None, [[1.5, 2.5], [2.5, 1]], "separated by ';', decimal comma"),
        ("1;2,5\n1,5;2\n", None, [[1, 2.5], [1.5, 2]], "separated by ';', decimal comma"),
        ("a\tb\n1\t2\n", ("a", "b"), [[1, 2]], "separated by tabs"),
        ("1\t2,5\n3\t5\n", None, [[1, 2.5], [3, 5]], "separated by tabs, decimal comma"),
        ("a  b\n 1.5   2\n4\t5 \n", ("a", "b"), [[1.5, 2], [4, 5]], "separated by spaces"),
        ("1,5 2,5\n2,5 1,0\n", None, [[1.5, 2.5], [2.5, 1]], "separated by spaces, decimal comma"),
        ("a|b\n1|2\n", ("a", "b"), [[1, 2]], "separated by '|'"),
        ('"1,5","2,5"\n"1,5","2,5"\n', None, [[1.5, 2.5], [1.5, 2.5]], "decimal comma"),
        ("price\n1,5\n2,5\n", ("price",), [[1.5], [2.5]], "decimal comma"),
        ("a,b\n'1','2'\n'3','4'\n", ("a", "b"), [[1, 2], [3, 4]], "quoted by '"),
        ("a;b\n1.234,5;2\n12,5;3\n", ("a", "b"), [[1234.5, 2], [12.5, 3]], "decimal comma, thousands separated by '.'"),
        ("a;b\n1.234;5,5\n2.345;2,25\n", ("a", "b"), [[1234, 5.5], [2345, 2.25]], "thousands separated by '.'"),
        ('a,b\n"1,234.5",2\n12.5,3\n', ("a", "b"), [[1234.5, 2], [12.5, 3]], "thousands separated by ','"),
        ("a;b\n1,234;1,234,567\n5,678;7\n", ("a", "b"), [[1234, 1234567], [5678, 7]], "thousands separated by ','"),
        ("a;b\n1'234.5;2\n1'000;2\n", ("a", "b"), [[1234.5, 2], [1000, 2]], 'thousands separated by "\'"'),
        ("a;b\n1\u202f234,5;2\n", ("a", "b"), [[1234.5, 2]], "decimal comma, thousands separated by '\\u202f'"),
        ("a;b\n" + "1;2\n" * 2000 + "1,5;2\n", ("a", "b"), [[1, 2]] * 2000 + [[1.5, 2]], "decimal comma"),
        ("a,b\n1,2\n", ("a", "b"), [[1, 2]], ""),
        ("1,2;3,4\n5,6;7,8\n", None, [[1.2, 3.4], [5.6, 7.8]], "separated by ';', decimal comma"),
    ],
)
def test_a_dialect_is_found_and_described_in_one_line(tmp_path, text, columns, rows, note):
    read = opened(text_file(tmp_path, text))
    assert_array_equal(read[0], rows)
    assert read[1:3] == (columns, None)
    assert note in read[3]
    assert read[3].startswith("a.csv: " if note else "")
    assert "\n" not in read[3]
    assert not read[4]


@pytest.mark.parametrize(
    ("separator", "decimal", "thousands"), [(";", ",", "."), ("\t", ".", ","), ("|", ".", ""), (";", ",", "")]
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("ending", ["", ".gz", ".bz2", ".xz", ".zst"])
def test_encodings_and_compressions_are_read_as_pandas_does(tmp_path, separator, decimal, thousands, encoding, ending):
    numbers = np.random.default_rng(0).normal(size=(50, 3)).round(3) * 5000
    texts = [[f"{number:{',' if thousands else ''}.2f}" for number in row] for row in numbers]
    swap = str.maketrans({",": thousands, ".": decimal})
    lines = [["größe", "b €", "c"], *([text.translate(swap) for text in row] for row in texts)]
    content = "".join(separator.join(line) + "\n" for line in lines).encode(encoding)
    path = tmp_path / f"a.csv{ending}"
    compress = {".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress, ".zst": compressed_by_zstd, "": bytes}
    path.write_bytes(compress[ending](content))
    rows, columns, _, note, doubts = opened(path)
    theirs = pd.read_csv(
        io.BytesIO(content), sep=separator, decimal=decimal, thousands=thousands or None, encoding=encoding
    )
    assert_array_equal(rows, theirs.to_numpy())
    assert columns == ("größe", "b €", "c")
    assert not doubts
    is_utf8 = encoding in ("utf-8", "utf-8-sig")
    assert note.endswith({"cp1252": "Windows-1252 (Latin-1)"}.get(encoding, encoding.upper())) != is_utf8


def compressed_by_zstd(content):
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(content)
    return sink.getvalue().to_pybytes()


TABLES = st.integers(2, 5).flatmap(
    lambda width: st.lists(
        st.lists(st.floats(-1e6, 1e6).map(lambda x: round(x, 2)), min_size=width, max_size=width),
        min_size=3,
        max_size=20,
    )
)


MARKS = st.sampled_from([(",", "."), (";", "."), (";", ","), ("\t", "."), ("\t", ","), ("|", ".")])


@settings(max_examples=60, deadline=None)
@given(TABLES, MARKS, st.booleans())
@example([[0.0, 0.0]] * 3, (";", ","), False)
def test_a_written_table_is_read_back(tmp_path_factory, table, marks, quoted):
    separator, decimal = marks
    path = tmp_path_factory.mktemp("tables") / "a.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file, delimiter=separator, quoting=csv.QUOTE_ALL if quoted else csv.QUOTE_MINIMAL)
        writer.writerow([f"c{i}" for i in range(len(table[0]))])
        writer.writerows([[repr(number).replace(".", decimal) for number in row] for row in table])
    for options in ({}, {"separator": separator, "decimal": decimal}):
        rows, columns, _, note, doubts = opened(path, **options)
        assert_array_equal(rows, table)
        assert columns == tuple(f"c{i}" for i in range(len(table[0])))
        assert not doubts
        found = "" if options else Dialect(separator, decimal).text
        assert note == (f"a.csv: {found}" if found else "")


CELLS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1, max_size=8).filter(
    lambda text: text.strip() and '"' not in text
)


NUMBERS = st.floats(-1e6, 1e6).map(lambda x: round(x, 2))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(CELLS.map("x".__add__), NUMBERS), min_size=4, max_size=12), MARKS)
def test_texts_with_any_characters_are_read_back(tmp_path_factory, rows, marks):
    separator, decimal = marks
    path = tmp_path_factory.mktemp("texts") / "a.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, delimiter=separator)
        writer.writerow(["word", "number", "other"])
        writer.writerows([text, repr(number).replace(".", decimal), 7] for text, number in rows)
    table = read_table(path, separator=separator, decimal=decimal)
    assert table["word"].to_pylist() == [text for text, _ in rows]
    assert table["number"].to_pylist() == [number for _, number in rows]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert read_table(path)["word"].to_pylist() == [text for text, _ in rows]


def test_lines_of_another_width_count_against_quotes(tmp_path):
    path = text_file(tmp_path, "word,other\n" + "it's,z\n" * 19 + 'x|y,"a, b"\n')
    assert read_table(path)["other"].to_pylist() == ["z"] * 19 + ["a, b"]


def test_codes_in_groups_are_not_numbers_in_a_plain_file(tmp_path):
    table = read_table(text_file(tmp_path, "id,ip,tag,phone\n1,10.100.200,1'234,030 123\n2,10.100.201,5'678,040 456\n"))
    assert [str(kind) for kind in table.schema.types] == ["int64", "string", "string", "string"]


def test_the_ending_says_tabs(tmp_path):
    frame = pd.DataFrame({"a": [1.5, 2.5], "b": [3.0, 4.0]})
    for name in ("a.tsv", "a.tab", "a.tsv.gz"):
        frame.to_csv(tmp_path / name, sep="\t", index=False)
        assert_array_equal(open_path(tmp_path / name).read(0, 2), frame.to_numpy())  # and no warning
    frame.to_csv(tmp_path / "a.txt", sep="\t", index=False)
    assert opened(tmp_path / "a.txt")[3] == "a.txt: separated by tabs"
    frame.to_csv(tmp_path / "b.tsv", index=False)
    assert opened(tmp_path / "b.tsv")[3] == "b.tsv: separated by ','"


@pytest.mark.parametrize("text", ["id,genre\n1,a;b\n2,c;d\n", "id,genre\n1,a b\n2,c d\n", "id,genre\n1,a|b\n2,c|d\n"])
def test_other_separators_in_the_texts_of_a_plain_file_are_texts(tmp_path, text):
    rows, columns, _, note, doubts = opened(text_file(tmp_path, text), drop="genre")
    assert (rows.tolist(), columns, note, doubts) == ([[1], [2]], ("id",), "", [])


@pytest.mark.parametrize(
    ("text", "first", "other"),
    [
        ("a;b\n1,234;5\n5,678;7\n", 1.234, 1234),
        ("a;b\n1.234;5\n5.678;7\n", 1.234, 1234),
        ("a;b\n1,234;5.678\n2,345;7.890\n", 1234, 1.234),
        ('a,b\n"1,234",2\n"5,678",3\n', 1234, 1.234),
        ("1,05\n2,50\n3,75\n", 1, 1.05),
        ("3,50\n12,99\n1,75\n", 3, 3.5),
    ],
)
def test_an_ambiguous_file_is_announced_with_both_readings_and_the_mend_works(tmp_path, text, first, other):
    path = text_file(tmp_path, text)
    rows, _, _, _, doubts = opened(path)
    assert rows[0, 0] == first
    assert len(doubts) == 1
    assert doubts[0].startswith("a.csv: ")
    options = dict(re.findall(r"(\w+)='(.)'", doubts[0].split("give ")[1].split(" (")[0]))
    for name, value in options.items():
        assert f"--{name} '{value}'" in doubts[0]
    mended = opened(path, **options)
    assert mended[0][0, 0] == other
    assert not mended[4]


def test_two_separators_that_fit_are_announced(tmp_path):
    path = text_file(tmp_path, "x,a;b\ny,c;d\n")
    with pytest.warns(TaciturnWarning, match="the separator is read as ','; ';' fits as well: then give separator=';'"):
        assert read_table(path, header=False)["1"].to_pylist() == ["a;b", "c;d"]
    assert read_table(path, header=False, separator=";")["1"].to_pylist() == ["b", "d"]
    path = text_file(tmp_path, "kind size\nred 1.5\nblue 2.5\n")
    with pytest.warns(TaciturnWarning, match="lines are read as one cell; ' ' fits as well: then give separator=' '"):
        assert read_labels(path).tolist() == ["red 1.5", "blue 2.5"]
    assert read_labels(path, column="size", separator=" ").tolist() == [1.5, 2.5]
    assert read_labels(text_file(tmp_path, "name\nNew York\nLos Angeles\n")).tolist() == ["New York", "Los Angeles"]


@pytest.mark.parametrize(
    ("first", "mark"), [("sep=;", ";"), ("SEP=|\r", "|"), ('"sep=,"', ","), ("\ufeffsep=\t", "\t")]
)
def test_the_line_that_tells_excel_the_separator_is_no_row(tmp_path, first, mark):
    number = "2.5" if mark == "," else "2,5"
    path = text_file(tmp_path, f"{first}\na{mark}b b\n1{mark}{number}\n3{mark}4\n")
    for read in (open_path, read_table):
        with pytest.warns(DialectFound) if mark != "," else nullcontext():
            table = read(path)
    assert table.to_pydict() == {"a": [1, 3], "b b": [2.5, 4]}
    path = text_file(tmp_path, f"{first}\n1{mark}2\n3{mark}4\n5{mark}\n")  # without names
    assert_array_equal(open_path(path, header=False, separator=mark).read(0, 3), [[1, 2], [3, 4], [5, np.nan]])
    path = text_file(tmp_path, f"{first}\n1{mark}2\n3{mark}x\n")
    with pytest.raises(DataError, match=r"line 3: 'x'"):
        open_path(path, header=False, separator=mark)
    with pytest.raises(DataError, match="the file is empty"):
        open_path(text_file(tmp_path, f"{first}\n"))


def test_two_integers_are_two_columns(tmp_path):
    for text in ("1,2\n3,4\n5,6\n", "1990,2001\n1995,2005\n1993,1999\n", "a,b\n1,05\n2,50\n"):
        assert opened(text_file(tmp_path, text))[3:] == ("", [])


# --- what is given --------------------------------------------------------------------------------------------


def test_given_options_are_obeyed_and_not_announced(tmp_path):
    path = text_file(tmp_path, "a;b\n1,234;5\n".encode("utf-16"))
    options = {"separator": ";", "decimal": ".", "thousands": ",", "encoding": "utf-16"}
    assert_array_equal(open_path(path, **options).read(0, 9), [[1234, 5]])
    assert_array_equal(datasets.load(path, **options).read(0, 9), [[1234, 5]])
    path = text_file(tmp_path, "a b\n1 2\n")
    assert_array_equal(open_path(path, separator="space").read(0, 9), [[1, 2]])
    path = text_file(tmp_path, "a\tb\n1\t'2'\n")
    assert_array_equal(open_path(path, separator="tab", quote="'").read(0, 9), [[1, 2]])
    with pytest.raises(DataError, match=r"columns 'a' \(line 2: '1,234'\)"):
        open_path(text_file(tmp_path, "a;b\n1,234;x\n"), separator=";", decimal=".", thousands="none")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"separator": ";;"}, "separator=';;' is not possible; give one character"),
        ({"separator": ""}, "separator='' is not possible"),
        ({"separator": "\n"}, "separator="),
        ({"decimal": ";"}, "decimal=';' is not possible; give '.' or ','"),
        ({"thousands": "."}, "thousands='.' is not possible"),
        ({"thousands": "x"}, "thousands='x' is not possible"),
        ({"quote": ","}, "quote=',' is not possible"),
        ({"encoding": "utf-99"}, "encoding='utf-99' is not possible; give an encoding that Python knows"),
        ({"encoding": "hex"}, "encoding='hex' is not possible"),
        ({"encoding": "\0"}, "encoding="),
    ],
)
def test_impossible_options_are_refused(tmp_path, options, message):
    with pytest.raises(RecipeError, match=re.escape(message)):
        open_path(text_file(tmp_path, "a,b\n1,2\n"), **options)


# --- faults ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a;b\n1,5;2\n3;x\n", "column 'b' (line 3: 'x') is not numeric; drop it (--drop b)"),
        ("a;b;c\n1,5;2;3,5\n3,5;2.5;1\n", "column 'b' (line 3: '2.5') is not numeric"),
        ("a;b\n1.234,5;2\n3;x\n", "column 'b' (line 3: 'x') is not numeric"),
        ("a;b\n1;2\n3\n4;5\n", "line 3 has 1 cells (separated by ';'), the first 2; correct the line"),
        ("a b\n1  2\n3 4 5\n6 7\n", "line 3 has 3 cells (separated by ' '), the first 2; correct the line"),
        ("a\tb\n1\t2\n3\tred\n", "column 'b' (line 3: 'red')"),
        ("a,b\n1,2,\n3,4,\n", "line 2 has 3 cells, the first 2; correct the line"),
        ("a;größe\n1;2\n3;ü\n".encode("latin-1"), "column 'größe' (line 3: 'ü')"),
        ("a;b\n1;2\n3;x\n".encode("utf-16"), "column 'b' (line 3: 'x')"),
    ],
)
def test_errors_name_the_line_and_the_cell(tmp_path, text, message):
    for path in (text_file(tmp_path, text), text_file(tmp_path, gzip.compress(text_bytes(text)), "a.csv.gz")):
        with pytest.raises(DataError) as caught:
            open_path(path)
        assert str(caught.value).startswith(f"{path}: {message}")


def text_bytes(text):
    return text.encode() if isinstance(text, str) else text


def test_broken_compression_is_one_line(tmp_path):
    whole = gzip.compress(b"a,b\n" + b"1,2\n" * 1000)
    for content in (whole[:20], whole[:-4], whole[:10] + b"\xff" * 20):
        with pytest.raises(DataError, match=r"a\.csv\.gz cannot be read as \.csv: .*; check that the file is complete"):
            open_path(text_file(tmp_path, content, "a.csv.gz"))


# --- row labels -----------------------------------------------------------------------------------------------

FRAME = pd.DataFrame({"p": [0.5, 1.5, 2.5], "q": [3, 4, 5]}, index=["x", "y", "z"])


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        (FRAME.to_csv(), ["x", "y", "z"]),
        (FRAME.set_axis([5, 7, 9]).to_csv(), [5, 7, 9]),
        (FRAME.set_axis(["007", "008", "009"]).to_csv(), ["007", "008", "009"]),
        (FRAME.reset_index(drop=True).to_csv(), None),
        (FRAME.to_csv(sep=";", decimal=","), ["x", "y", "z"]),
        ('"","p","q"\n"1",0.5,3\n"2",1.5,4\n"3",2.5,5\n', [1, 2, 3]),  # R's write.csv
        ('"p" "q"\n"x" 0.5 3\n"y" 1.5 4\n"z" 2.5 5\n', ["x", "y", "z"]),  # R's write.table
        ("p\tq\nx\t0.5\t3\ny\t1.5\t4\nz\t2.5\t5\n", ["x", "y", "z"]),
    ],
)
def test_a_first_column_without_a_name_holds_ids(tmp_path, text, ids):
    path = text_file(tmp_path, text)
    rows, columns, found, note, _ = opened(path)
    assert_array_equal(rows, FRAME.to_numpy())
    assert (columns, found) == (("p", "q"), ids)
    assert "the first column has no name: it holds labels of the rows" in note
    with pytest.warns(DialectFound):
        table, labelled = read_labelled_table(path)
    assert (table.column_names, labelled) == (["p", "q"], ids)
    with pytest.warns(DialectFound):
        assert read_labels(path, column="q").tolist() == [3, 4, 5]
    assert opened(path, columns=["q"])[0].tolist() == [[3], [4], [5]]
    assert opened(path, drop=["q"])[1] == ("p",)


def test_a_numbered_header_behind_row_labels(tmp_path):
    frame = pd.DataFrame(np.random.default_rng(0).integers(0, 9, (5, 3)))
    frame.to_csv(tmp_path / "a.csv")
    rows, columns, ids, _, doubts = opened(tmp_path / "a.csv")
    assert_array_equal(rows, frame.to_numpy())
    assert (columns, ids, doubts) == (("0", "1", "2"), None, [])


def test_a_label_file_may_have_row_labels(tmp_path):
    path = text_file(tmp_path, '"","kind"\n"1","cat"\n"2","dog"\n')
    with pytest.warns(DialectFound, match="holds labels of the rows"):
        assert read_labels(path).tolist() == ["cat", "dog"]


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        ("kind;size\ncat;1,5\ndog;2,5\n", [1.5, 2.5]),
        ("größe;size\nx;01\ny;02\n".encode("cp1252"), ["01", "02"]),
        ("word\tsize\na\t100000000000000000001\nb\t1\n", ["100000000000000000001", "1"]),
    ],
)
def test_label_files_have_dialects_too(tmp_path, text, labels):
    with pytest.warns(DialectFound):
        assert read_labels(text_file(tmp_path, text), column="size").tolist() == labels


def test_a_late_byte_of_another_encoding_is_seen_where_texts_are_read(tmp_path):
    path = text_file(tmp_path, b"n,kind\n" + b"1,red\n" * 100_000 + "2,grün\n".encode("latin-1"))
    assert open_path(path, drop="kind").read(100_000, 100_001).tolist() == [[2]]  # and no warning
    with pytest.warns(DialectFound, match=r"^a\.csv: Windows-1252"):
        assert read_table(path)["kind"].to_pylist()[-1] == "grün"
    with pytest.warns(DialectFound, match=r"^a\.csv: Windows-1252"):
        assert read_labels(path, column="kind")[-1] == "grün"


def test_lines_of_text_in_other_encodings(tmp_path):
    assert read_lines(text_file(tmp_path, "a b\n\nc; d\n", "a.txt")) == ["a b", "", "c; d"]
    with pytest.warns(DialectFound, match="^a.txt: Windows-1252"):
        assert read_lines(text_file(tmp_path, "größe\nü\n".encode("latin-1"), "a.txt")) == ["größe", "ü"]


@pytest.mark.parametrize("write", ["to_parquet", "to_feather"])
def test_an_index_that_pandas_stores_holds_ids(tmp_path, write):
    path = tmp_path / f"a.{write[3:]}"
    named = FRAME.rename_axis("name")
    if write == "to_parquet":
        FRAME.to_parquet(path)
        assert ids_of(open_path(path)) == ["x", "y", "z"]
        FRAME.set_index([["x", "y", "z"], [1, 2, 3]]).to_parquet(path)
        assert ids_of(open_path(path)) == ["x, 1", "y, 2", "z, 3"]
        FRAME.reset_index(drop=True).to_parquet(path)
        assert ids_of(open_path(path)) is None
        named.to_parquet(path)
    else:
        pa.feather.write_feather(pa.Table.from_pandas(named), path)
    source = open_path(path)
    assert (source.columns, ids_of(source)) == (("p", "q"), ["x", "y", "z"])
    assert_array_equal(source.read(0, 3), FRAME.to_numpy())
    assert read_labels(path, column="name").tolist() == ["x", "y", "z"]
    assert read_table(path).column_names == ["p", "q"]
    assert read_table(path, columns=["name"]).column_names == ["name"]


def test_ids_follow_their_rows():
    source = Rows(np.eye(3), columns=("a", "b", "c"), ids=["x", "y", "z"])
    assert ids_of(select(source, drop="b")) == ["x", "y", "z"]
    assert ids_of(Subset(source, np.array([2, 0]))) == ["z", "x"]
    assert ids_of(Subset(Rows(np.eye(3)), np.array([2, 0]))) is None


@pytest.mark.parametrize("ids", [["x", "y", "z"], [5, 7, 9]])
def test_written_ids_are_what_pandas_reads_as_the_index(tmp_path, ids):
    blocks = [FRAME.to_numpy()[:2], FRAME.to_numpy()[2:]]
    readers = {
        "a.csv": lambda path: pd.read_csv(path, index_col=0),
        "a.tsv": lambda path: pd.read_csv(path, index_col=0, sep="\t"),
        "a.parquet": pd.read_parquet,
        "a.feather": lambda path: pa.feather.read_table(path).to_pandas(),
    }
    for name, read in readers.items():
        write_path(tmp_path / name, blocks, n_rows=3, columns=("p", "q"), ids=ids)
        table = read(tmp_path / name)
        assert (table.index.tolist(), list(table)) == (ids, ["p", "q"])
        assert_array_equal(table, FRAME)
    with pytest.raises(DataError, match="3 ids were given for 2 rows"):
        write_path(tmp_path / "b.csv", [np.eye(2)], n_rows=2, ids=ids)


def test_a_report_names_the_rows_of_a_file_by_its_labels(tmp_path):
    frame = pd.DataFrame(np.random.default_rng(0).normal(size=(30, 3)), columns=list("abc"))
    frame.set_axis([f"row {i}" for i in range(30)]).to_csv(tmp_path / "a.csv")
    with pytest.warns(DialectFound):
        source = open_path(tmp_path / "a.csv")
    model = SparseAutoencoder(4, max_iter=1, random_state=0).fit(source)
    assert model.report(source).row_name(7) == "row 7"


# --- tables as they are ---------------------------------------------------------------------------------------


def test_columns_have_the_types_of_all_their_cells(tmp_path):
    n = 50_000  # more than one of pyarrow's blocks: the last line decides
    whole = {
        "int": [*range(n - 1), None],
        "float": [*range(n - 1), 0.5],
        "late": [*map(str, range(n - 1)), "red"],
        "bool": [True] * (n - 1) + [None],
        "day": [date(2024, 5, 1)] * (n - 1) + [None],
        "time": [datetime(2024, 5, 1, 12, 30)] * (n - 1) + [datetime(2024, 5, 1, 12, 30, 0, 5)],
        "zone": [datetime(2024, 5, 1, 12, 30, tzinfo=UTC)] * n,
        "code": ["00123"] + ["456"] * (n - 1),
        "card": ["1234567890123456789012"] + ["1"] * (n - 1),
        "word": ["a", *["b,\nc"] * (n - 1)],
        "none": [None] * n,
    }
    with (tmp_path / "a.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(whole)
        for row in zip(*whole.values(), strict=True):
            writer.writerow(["N/A" if cell is None else cell for cell in row])
    table = read_table(tmp_path / "a.csv")
    types = ["int64", "double", "string", "bool", "date32[day]", "timestamp[us]", "timestamp[us, tz=UTC]"]
    assert [str(kind) for kind in table.schema.types] == [*types, "string", "string", "string", "null"]
    for name, values in whole.items():
        assert table[name].to_pylist() == values, name


def test_numbers_of_a_table_are_those_of_pandas(tmp_path):
    text = "name;größe;n;share\nx;1.234,5;1;0,25\ny;;2;0,5\nz;12,25;3;NA\n"
    with pytest.warns(DialectFound, match="separated by ';', decimal comma, thousands separated by '.'"):
        table = read_table(text_file(tmp_path, text))
    theirs = pd.read_csv(io.StringIO(text), sep=";", decimal=",", thousands=".")
    pd.testing.assert_frame_equal(table.to_pandas(), theirs, check_dtype=False)
    assert [str(kind) for kind in table.schema.types] == ["string", "double", "int64", "double"]


def test_a_table_has_the_selected_columns(tmp_path):
    path = text_file(tmp_path, "a,b,c\n1,x,2\n3,y,4\n")
    assert read_table(path, columns=["c", "b"]).to_pydict() == {"c": [2, 4], "b": ["x", "y"]}
    assert read_table(path, drop="b").column_names == ["a", "c"]
    assert read_table(text_file(tmp_path, "1,x\n3,x\n")).to_pydict() == {"0": [1, 3], "1": ["x", "x"]}
    with pytest.raises(DataError, match=r"a\.csv: line 3 has 1 cells, the first 2"):
        read_table(text_file(tmp_path, "a,b\n1,x\n2\n"))
    with pytest.raises(DataError, match=r"a\.csv has no rows"):
        read_table(text_file(tmp_path, "a,b\n"))
    np.save(tmp_path / "a.npy", np.eye(2))
    with pytest.raises(RecipeError, match=r"a\.npy is an array; give a table"):
        read_table(tmp_path / "a.npy")


@pytest.mark.parametrize("ending", ["parquet", "feather", "arrow"])
def test_arrow_tables_keep_their_types(tmp_path, ending):
    frame = pd.DataFrame({"x": [1.5, None], "kind": pd.Categorical(["u", "v"])})
    frame["day"] = pd.to_datetime(["2024-05-01"] * 2)
    frame["flag"] = pd.array([True, None], "boolean")
    (frame.to_parquet if ending == "parquet" else frame.to_feather)(tmp_path / f"a.{ending}")
    table = read_table(tmp_path / f"a.{ending}")
    pd.testing.assert_frame_equal(table.to_pandas(), frame, check_dtype=False)
    assert table["x"].to_pylist() == [1.5, None]
    assert pa.types.is_dictionary(table.schema.field("kind").type)
    source = open_path(tmp_path / f"a.{ending}", columns=["flag", "x"])
    assert (source.columns, source.dtype) == (("flag", "x"), np.float64)
    assert_array_equal(source.read(0, 2), [[1, 1.5], [np.nan, np.nan]])
    with pytest.raises(DataError, match=r"'kind' \(dictionary.*--drop kind --drop day"):
        open_path(tmp_path / f"a.{ending}")
    with pytest.raises(DataError, match=f"{ending}: no column 'z'"):
        open_path(tmp_path / f"a.{ending}", columns=["z"])
    assert read_labels(tmp_path / f"a.{ending}", column="kind").tolist() == ["u", "v"]


@pytest.mark.filterwarnings("ignore::taciturn.core.errors.DialectFound")
@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("header", [True, False])
@pytest.mark.parametrize("columns", [["a"], ["a", "b", "n"]])
def test_dates_in_a_file_come_back_as_they_are_written(tmp_path, separator, header, columns):
    moments = pd.Timestamp("2024-01-25") + pd.to_timedelta(np.arange(60) * 1001, unit="min")
    frame = pd.DataFrame({"a": moments.strftime("%d.%m.%Y %H:%M"), "b": moments.strftime("%-m/%-d/%Y"), "n": range(60)})
    frame[columns].to_csv(tmp_path / "a.csv", index=False, header=header, sep=separator)
    rows = open_table(tmp_path / "a.csv")
    assert rows.variables.names == (tuple(columns) if header else tuple(map(str, range(len(columns)))))
    assert [each.kind for each in rows.variables.variables] == ["date", "date", "integer"][: len(columns)]
    write_rows(tmp_path / "b.csv", rows.variables, [rows.read(0, 60)])
    pd.testing.assert_frame_equal(
        pd.read_csv(tmp_path / "b.csv"), frame[columns].set_axis(rows.variables.names, axis=1), check_dtype=False
    )


def test_a_damaged_feather_file_is_one_line(tmp_path):
    path = tmp_path / "a.feather"
    pd.DataFrame({"x": np.arange(100.0), "y": ["red"] * 100}).to_feather(path, compression="uncompressed")
    content = path.read_bytes()
    for end in range(1, len(content), 97):
        path.write_bytes(content[:end])
        with pytest.raises(DataError, match=r"a\.feather cannot be read as \.feather"):
            open_path(path, drop="y")


# --- the command line -----------------------------------------------------------------------------------------


@pytest.fixture
def german(tmp_path, monkeypatch):
    """A file of a German spreadsheet, with row labels, and the same numbers as a plain file."""
    monkeypatch.chdir(tmp_path)
    frame = pd.DataFrame(np.random.default_rng(0).normal(size=(60, 3)).round(3), columns=["größe", "b", "c"])
    frame = frame.set_axis([f"r{i}" for i in range(60)])
    frame.to_csv("german.csv", sep=";", decimal=",", encoding="cp1252")
    frame.to_csv("plain.csv", index=False)
    return frame


@pytest.mark.filterwarnings("always::taciturn.core.errors.DialectFound")
def test_a_file_in_another_dialect_is_trained_on_and_described_once(german):
    quick = ["--epochs", 1, "--latents", 4, "-q"]
    result = run("fit", "german.csv", *quick, "-o", "one")
    lines = [line for line in result.stderr.splitlines() if "german.csv" in line]
    assert lines == [
        "taciturn: german.csv: separated by ';', decimal comma, Windows-1252 (Latin-1), the first column has no name: "
        "it holds labels of the rows (name it to use it as a column)"
    ]
    run("fit", "plain.csv", *quick, "-o", "two")
    assert run("evaluate", "one", "--json").stdout == run("evaluate", "two", "--json").stdout
    run("denoise", "one", "german.csv", "-o", "out.csv")
    assert pd.read_csv("out.csv", index_col=0).index.tolist() == german.index.tolist()
    assert list(pd.read_csv("out.csv", index_col=0)) == list(german)
    run("encode", "one", "german.csv", "-o", "codes.parquet")
    assert pd.read_parquet("codes.parquet").index.tolist() == german.index.tolist()
    run("denoise", "one", "plain.csv", "-o", "plain-out.csv")
    assert_array_equal(pd.read_csv("plain-out.csv"), pd.read_csv("out.csv", index_col=0))
    assert '"r' in Path("one/report.json").read_text()  # rows are named


@pytest.mark.filterwarnings("always::taciturn.core.errors.DialectFound")
def test_options_of_a_text_table_are_stored_and_obeyed(german):
    dialect = ["--separator", ";", "--decimal", ",", "--encoding", "latin-1"]
    result = run("fit", "german.csv", *dialect, "--epochs", 1, "--no-report", "-q", "-o", "one")
    assert "separated" not in result.stderr
    assert "decimal" not in result.stderr
    recipe = Path("one/recipe.toml").read_text()
    assert 'separator = ";"\ndecimal = ","\nencoding = "latin-1"\n' in recipe
    assert "separated" not in run("evaluate", "one").stderr  # the run's own options
    run("fit", "one/recipe.toml", "-o", "again", "--no-report", "-q")
    run("denoise", "one", "plain.csv", "--separator", ",", "--decimal", ".", "--encoding", "utf-8", "-o", "out.csv")
    assert len(pd.read_csv("out.csv")) == 60
    result = run("fit", "german.csv", "--separator", "ab", code=2)
    assert "separator='ab' is not possible; give one character" in " ".join(result.stderr.split())


def _written(folder, name):
    """Write a table of 300 rows in the format of a file's name; return its path as text."""
    rows = [(f"ä{i}", i + 0.5) for i in range(300)]
    text = "".join(f"{name} {number}\n" for name, number in [("name", "b"), *rows])
    file = folder / name
    if file.suffix == ".parquet":
        pq.write_table(pa.table({"b": [number for _, number in rows]}), file)
    elif file.suffix == ".feather":
        pyarrow.feather.write_feather(pa.table({"b": [number for _, number in rows]}), file)
    else:
        content = (text if name.startswith("spaces") else text.replace(" ", ",")).encode(
            "cp1252" if name.startswith("windows") else "utf-8"
        )
        compress = {".gz": gzip.compress, ".xz": lzma.compress, ".bz2": bz2.compress}
        file.write_bytes(compress.get(file.suffix, bytes)(content))
    return str(file)


@pytest.mark.filterwarnings("ignore::taciturn.core.errors.DialectFound")
@pytest.mark.parametrize(
    "name",
    [
        "a.csv",
        "a.csv.gz",
        "a.csv.bz2",
        "a.csv.xz",
        "spaces.txt",
        "windows.csv",
        "windows.csv.gz",
        "a.parquet",
        "a.feather",
    ],
)
def test_threads_of_pyarrow_hold_no_object_of_python(name, tmp_path, monkeypatch):
    """pyarrow's threads let go of a file after the table is there; that of a Python file aborts a process that ends."""
    path = _written(tmp_path, name)
    options = {"separator": " "} if name.startswith("spaces") else {}
    opened = []
    for module, function in (
        (arrow_csv, "read_csv"),
        (pq, "ParquetFile"),
        (pyarrow.feather, "read_table"),
        (pa, "CompressedInputStream"),
    ):
        reader = getattr(module, function)

        def recorded(file, *args, reader=reader, **options):
            opened.append(type(file))
            if "read_options" in options:
                assert options["read_options"].encoding == "utf8"  # others are decoded by a function of Python
            return reader(file, *args, **options)

        monkeypatch.setattr(module, function, recorded)
    table = read_table(path, **options)
    assert table.column("b").to_pylist() == [i + 0.5 for i in range(300)]
    assert table.column(0)[1].as_py() in ("ä1", 1.5)
    assert opened
    assert all(issubclass(kind, pa.NativeFile) and kind is not pa.PythonFile for kind in opened)


@pytest.mark.parametrize(
    ("compress", "ending", "between", "end"),
    [
        (gzip.compress, ".gz", b"", b""),  # cat a.gz b.gz
        (gzip.compress, ".gz", gzip.compress(b""), b"\0" * 512),  # padded to blocks of a tape
        (bz2.compress, ".bz2", b"", b""),
        (bz2.compress, ".bz2", bz2.compress(b""), b""),
        (bz2.compress, ".bz2", b"", b"\0" * 512),
    ],
)
@pytest.mark.parametrize("n_rows", [10, 50_000])  # less and more than pyarrow reads at once
def test_all_parts_of_a_compressed_text_are_read(compress, ending, between, end, n_rows, tmp_path):
    """pyarrow reads joined parts, but no padding and no empty part of a .bz2; Python reads them all."""
    lines = "".join(f"{i},{i / 2}\n" for i in range(n_rows)).encode()
    file = tmp_path / f"rows.csv{ending}"
    file.write_bytes(compress(b"a,b\n" + lines) + between + compress(lines) + end)
    expected = [*range(n_rows), *range(n_rows)]
    assert read_table(str(file)).column("a").to_pylist() == expected
    assert datasets.load(file).read(0, 2 * n_rows)[:, 1].tolist() == [i / 2 for i in expected]
