"""Surveys of a part of the rows, and surveys that are remembered on the disk."""

import json
import os
import shutil
import signal
import time

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone

from commandline import output_text, run
from taciturn import DenoisingAutoencoder, SparseAutoencoder, load
from taciturn.core.errors import DataError, EmptyRows, RecipeError
from taciturn.core.seeds import generator
from taciturn.data import stored_surveys
from taciturn.data.fingerprint import fingerprint
from taciturn.data.sources import Checked, Ranges, open_path
from taciturn.data.sources.local_file import file_state
from taciturn.data.sources.raw_shard import RawShard
from taciturn.data.survey import check, may_miss, survey, surveyed_part
from taciturn.training import read_log
from test_order import Streamed

BLOCK, N, WIDTH = 50, 2000, 4
X = np.random.default_rng(0).normal(size=(N, WIDTH)) * [1, 2, 3, 4] + 5
BOUNDS = [*range(0, N, BLOCK), N]
QUICK = {"n_components": 6, "batch_size": 100, "max_iter": 2, "random_state": 0, "scaling": "standard"}
TOPK = QUICK | {"sparsity": "topk:2", "max_iter": 4}


def streamed(rows=X):
    return Streamed(rows, BOUNDS)


def in_survey(n_rows):
    """Whether each row lies in the first blocks of the order of seed 0, that have n_rows rows or more: by hand."""
    blocks = torch.randperm(N // BLOCK, generator=generator(0, "blocks", 0)).tolist()[: -(-n_rows // BLOCK)]
    return np.isin(np.arange(N) // BLOCK, blocks)


def changed(row, value, column=0):
    rows = X.copy()
    rows[row, column] = value
    return rows


SURVEYED, OTHER = np.flatnonzero(in_survey(300))[7], np.flatnonzero(~in_survey(300))[7]


@pytest.mark.parametrize("n_rows", [1, 50, 51, 300])
def test_blocks_from_everywhere_are_measured(n_rows):
    measured, part = survey(streamed(), rows=n_rows), X[in_survey(n_rows)]
    assert measured.moments.count == len(part) == -(-n_rows // BLOCK) * BLOCK
    assert_allclose(measured.moments.mean, part.mean(0), rtol=1e-13)
    assert_allclose(measured.moments.variance, part.var(0), rtol=1e-13)
    assert_array_equal(measured.moments.high, part.max(0))
    assert not measured.complete


def test_as_many_rows_as_there_are_is_the_whole_survey():
    whole, many = survey(streamed()), survey(streamed(), rows=N)
    assert many.complete
    assert many.fingerprint == whole.fingerprint
    assert_array_equal(many.moments.mean, whole.moments.mean)
    assert len(surveyed_part(streamed(), N - 1)) == N  # whole blocks: all of them


def test_no_other_row_is_read():
    rows = X.copy()
    rows[~in_survey(300)] = np.inf
    assert survey(streamed(rows), rows=300).moments.count == 300


def test_the_fingerprint_tells_what_it_covers():
    known = survey(streamed(), rows=300).fingerprint
    assert known.count == N
    covered = np.concatenate([np.arange(*each) for each in known.ranges])
    assert_array_equal(covered, np.flatnonzero(in_survey(300)))
    assert known.blocks == fingerprint(Ranges(streamed(), np.array(known.ranges))).blocks
    assert known != survey(streamed()).fingerprint
    assert known.matches(streamed())
    assert known.matches(streamed(changed(OTHER, 0.5)))  # it covers other rows only
    assert not known.matches(streamed(changed(SURVEYED, 0.5)))
    first, last = known.first_difference(survey(streamed(changed(SURVEYED, 0.5)), rows=300).fingerprint)
    assert first <= SURVEYED <= last


def test_a_difference_within_a_part_is_a_row_of_the_whole(monkeypatch):
    monkeypatch.setattr("taciturn.data.fingerprint.BLOCK_ROWS", 40)
    ranges = ((100, 150), (300, 350))
    known, other = (fingerprint(streamed(rows), ranges=ranges) for rows in (X, changed(345, 0.5)))
    assert known.first_difference(other) == (330, 349)  # the third block of the part: its rows 80 to 99
    other = fingerprint(streamed(changed(149, 0.5)), ranges=ranges)
    assert known.first_difference(other) == (140, 329)


def test_a_part_does_not_tell_that_nothing_is_missing():
    source = streamed(changed(OTHER, np.nan))
    survey(source, rows=300)
    assert may_miss(source, 300) is None
    assert may_miss(Ranges(source, np.array([[0, 9]])), 300) is None
    source = streamed(changed(SURVEYED, np.nan))
    survey(source, rows=300)
    assert may_miss(source, 300) is True
    whole = Streamed((X * 5).astype(np.uint8), BOUNDS)
    survey(whole, rows=300)
    assert may_miss(whole, 300) is False  # integers cannot be missing


def test_after_a_part_all_rows_are_still_checked():
    source = streamed(changed(OTHER, np.inf))
    survey(source, rows=300)
    with pytest.raises(DataError, match=f"the first in row {OTHER}, column 0"):
        check(source)


def test_fit_scales_by_the_surveyed_rows():
    model = SparseAutoencoder(**QUICK, survey_rows=300).fit(streamed())
    assert_allclose(model.module_.state_dict()["shift"], X[in_survey(300)].mean(0), rtol=1e-6)
    assert model.settings_.survey_rows == 300
    assert model.scaling_.endswith("; measured on 300 of 2,000 rows")
    assert model._learner.n_rows == N
    other = SparseAutoencoder(**QUICK | {"random_state": 7}, survey_rows=300).fit(streamed())
    assert torch.equal(other.module_.state_dict()["shift"], model.module_.state_dict()["shift"])  # whatever the seed


def test_batches_and_epochs_are_those_of_all_rows():
    automatic = QUICK | {"batch_size": "auto", "max_iter": None, "max_steps": 3}
    whole, limited = (SparseAutoencoder(**automatic, survey_rows=n).fit(streamed()).settings_ for n in ("all", 300))
    assert (limited.batch_size, limited.epochs) == (whole.batch_size, whole.epochs)


def test_all_is_the_default():
    one, other = SparseAutoencoder(**QUICK).fit(streamed()), SparseAutoencoder(**QUICK, survey_rows="all").fit(X)
    assert one.settings_.survey_rows is None
    assert torch.equal(one.module_.state_dict()["shift"], other.module_.state_dict()["shift"])
    in_memory = SparseAutoencoder(**QUICK, survey_rows=10).fit(X)  # no effect
    assert torch.equal(in_memory.module_.state_dict()["shift"], other.module_.state_dict()["shift"])


@pytest.mark.parametrize("value", [np.inf, -np.inf])
def test_an_infinite_value_is_found_where_it_is_read(value):
    with pytest.raises(DataError, match=rf"^row {OTHER}, column 2 is infinite \(rows count from 0\); set it to NaN"):
        SparseAutoencoder(**QUICK, survey_rows=300).fit(streamed(changed(OTHER, value, 2)))
    with pytest.raises(DataError, match="validation: 1 value in 1 of 300 surveyed rows is infinite"):
        SparseAutoencoder(**QUICK, survey_rows=300).fit(streamed(), validation=streamed(changed(SURVEYED, value)))
    with pytest.raises(DataError, match=rf"row {OTHER}, column 0 is infinite"):
        SparseAutoencoder(**QUICK, survey_rows=300).fit(streamed(), validation=streamed(changed(OTHER, value)))
    with pytest.raises(DataError, match=rf"row {OTHER}, column 0 is infinite"):
        SparseAutoencoder(**QUICK, survey_rows=300).fit(streamed(), target=streamed(changed(OTHER, value)))


def test_rows_of_samples_are_checked_too():
    rows = Checked(streamed(changed(OTHER, np.nan)), missing=False)
    assert_array_equal(rows.take(np.array([SURVEYED, 3])), X[[SURVEYED, 3]])
    with pytest.raises(DataError, match=f"^row {OTHER}, column 0 is NaN or infinite"):
        rows.take(np.array([SURVEYED, OTHER]))


def test_finite_rows_whose_sum_is_not_are_no_fault():
    rows = np.full((N, WIDTH), 3e38, np.float32)
    rows[::2] = -1
    SparseAutoencoder(**QUICK | {"scaling": "minmax"}, survey_rows=300).fit(Streamed(rows, BOUNDS))


def test_missing_values_outside_the_survey_are_missing_values():
    gaps = streamed(changed(OTHER, np.nan))
    model = DenoisingAutoencoder(**QUICK, corruption="none", survey_rows=300).fit(gaps)
    assert np.isfinite(model.history_["loss"]).all()
    assert np.isfinite(model.components_).all()
    # a batch with a gap judges the known entries; a batch without one takes the same step as rows without gaps
    feed = model._learner._feed(gaps)
    assert feed.masked is None
    batches = list(feed.epoch(0))
    judged = [batch for batch in batches if batch.judged is not None]
    assert len(judged) == 1
    assert int((~judged[0].judged).sum()) == 1
    assert not judged[0].x.isnan().any()
    rows = streamed()
    complete = DenoisingAutoencoder(**QUICK, corruption="none", survey_rows=N).fit(rows)
    assert complete._learner._feed(rows).masked is False


def test_what_is_surveyed_may_be_missing_too():
    gaps = X.copy()
    gaps[::3, 1] = np.nan
    model = DenoisingAutoencoder(**QUICK, survey_rows=300).fit(streamed(gaps))
    share = np.isnan(gaps[in_survey(300)]).mean()
    assert model.settings_.corruption.text == f"gaussian:0.3+missing:{share:.2g}"
    assert model.to_artifact().training_missing is None  # of all rows that is not known
    assert DenoisingAutoencoder(**QUICK).fit(streamed(gaps)).to_artifact().training_missing == np.isnan(gaps).sum()


def test_a_column_that_is_empty_in_the_survey_is_refused_as_such():
    rows = X.copy()
    rows[in_survey(300), 3] = np.nan
    with pytest.raises(DataError, match="column 3 has no known value in the 300 rows that were surveyed; drop it, or "):
        SparseAutoencoder(**QUICK, survey_rows=300).fit(streamed(rows))
    SparseAutoencoder(**QUICK, survey_rows="all").fit(streamed(rows))  # the mend


@pytest.mark.parametrize("scaling", ["whiten", "rank_gauss"])
def test_scalings_that_need_ten_rows_for_each_column(scaling):
    model = SparseAutoencoder(**QUICK | {"scaling": scaling}, survey_rows=39)
    with pytest.raises(RecipeError, match=rf"^scaling='{scaling}.*' needs survey_rows=40 or more, 10 for each column"):
        model.fit(streamed())
    model.set_params(survey_rows=40).fit(streamed())
    model.set_params(survey_rows="all").fit(streamed())
    SparseAutoencoder(**QUICK | {"scaling": scaling}, survey_rows=39).fit(X)  # in memory: all are measured


def test_whitening_refuses_gaps_where_they_are_read():
    with pytest.raises(DataError, match=rf"row {OTHER}, column 0 is NaN or infinite, which scaling='whiten' does not"):
        SparseAutoencoder(**QUICK | {"scaling": "whiten"}, survey_rows=300).fit(streamed(changed(OTHER, np.nan)))


class Counted(Streamed):
    """Counts the rows that are read, but not those of samples."""

    n_read = 0

    def read(self, start, stop):
        self.n_read += min(stop, len(self)) - start
        return super().read(start, stop)


def test_whitening_reads_the_rows_once_before_the_first_step():
    source = Counted(X, BOUNDS)
    SparseAutoencoder(**QUICK | {"scaling": "whiten", "max_iter": 1}).fit(source)
    assert source.n_read == 2 * N  # the survey, and the epoch


def test_early_stopping_reads_the_rows_once_before_the_first_step():
    source = Counted(X, BOUNDS)
    DenoisingAutoencoder(**QUICK | {"max_iter": 1}, early_stopping=True).fit(source)
    assert source.n_read == 2 * N + 1  # the survey; the epoch and its validation, whose first row tells the type


class Places(Streamed):
    """Counts the places from which samples are read."""

    n_places = 0

    def take(self, indices):
        self.n_places += 1 + int((np.diff(np.sort(indices)) > 1).sum())
        return super().take(indices)


@pytest.mark.parametrize("scaling", ["rank_gauss", "row_norm", "layer_norm"])
def test_samples_of_a_part_are_read_in_runs(scaling, monkeypatch):
    """A request for each row of a sample would take an object store hours."""
    monkeypatch.setattr("taciturn.data.quantiles.SAMPLE_ROWS", 640)
    monkeypatch.setattr("taciturn.data.quantiles.MIN_SAMPLE_ROWS", 640)
    rows = np.random.default_rng(0).normal(size=(40_000, WIDTH)) + 5
    source = Places(rows, [*range(0, len(rows), 1000), len(rows)])
    quick = {"n_components": 6, "max_iter": 1, "max_steps": 1, "random_state": 0}
    model = SparseAutoencoder(**quick, sparsity="topk:2", scaling=scaling, survey_rows=20_000).fit(source)
    assert source.n_places < 4 * 120  # each sample of 640 to 5,000 rows at some 80 places
    if scaling == "rank_gauss":
        tables = model._learner.moments.quantiles
        assert_allclose(tables[1:-1].mean(0), rows.mean(0), atol=0.2)


def test_cross_entropy_needs_all_rows():
    rows = np.random.default_rng(0).random((N, WIDTH)).astype(np.float32)
    model = SparseAutoencoder(**QUICK | {"scaling": "none"}, loss="cross_entropy", survey_rows=300)
    with pytest.raises(
        RecipeError, match=r"^loss='cross_entropy' needs rows in \[0, 1\], which survey_rows=300 does not"
    ):
        model.fit(Streamed(rows, BOUNDS))
    model.set_params(survey_rows="all").fit(Streamed(rows, BOUNDS))
    model.set_params(survey_rows=300, scaling="uint8").fit(Streamed((rows * 255).astype(np.uint8), BOUNDS))


@pytest.mark.parametrize("value", ["some", 0, -5, 2.5, True, None])
def test_other_values_are_refused(value):
    with pytest.raises(RecipeError, match=r"survey_rows=.* must be a positive whole number, or 'all'$"):
        SparseAutoencoder(**QUICK, survey_rows=value).fit(X)


def test_partial_fit_surveys_a_part_as_well():
    model = SparseAutoencoder(**QUICK, survey_rows=300).partial_fit(streamed())
    assert model._learner.moments.count == 300
    model.partial_fit(streamed())
    assert (model._learner.moments.count, model._learner.n_rows) == (600, 2 * N)


# --- remembered on the disk -----------------------------------------------------------------------------------------
def counting(reads):
    read = RawShard.read_into

    def read_into(self, start, rows):
        reads.append(len(rows))
        read(self, start, rows)

    return read_into


def settle(folder, seconds=60):
    """Make files look as if they were written a minute ago."""
    for file in folder.iterdir():
        os.utime(file, ns=(time.time_ns(), time.time_ns() - seconds * 10**9))


@pytest.fixture
def files(tmp_path, monkeypatch):
    """A folder of rows, and an empty folder of surveys."""
    monkeypatch.setattr("taciturn.data.stored_surveys.cache_folder", lambda: tmp_path / "cache")
    folder = tmp_path / "rows"
    folder.mkdir()
    for number, part in enumerate(np.split(X, 4)):
        np.save(folder / f"part-{number}.npy", part)
    settle(folder)
    return folder


def read_by_survey(folder, monkeypatch, **options):
    """Return how many rows a survey of the folder reads, and the survey."""
    reads, columns = [], options.pop("columns", None)
    source = open_path(folder, streamed=True, columns=columns)
    monkeypatch.setattr(RawShard, "read_into", counting(reads))
    found = survey(source, **options)
    monkeypatch.undo()
    monkeypatch.setattr("taciturn.data.stored_surveys.cache_folder", lambda: folder.parent / "cache")
    return sum(reads), found


@pytest.mark.parametrize("options", [{}, {"rows": 300}, {"with_products": True}])
def test_unchanged_files_are_not_read_again(files, monkeypatch, options):
    n_first, first = read_by_survey(files, monkeypatch, **options)
    n_again, again = read_by_survey(files, monkeypatch, **options)
    assert n_first >= min(options.get("rows", N), N)
    assert n_again == 0
    assert (first.remembered, again.remembered) == (False, True)
    assert again.fingerprint == first.fingerprint
    for name, value in first.moments.to_arrays().items():
        assert_array_equal(again.moments.to_arrays()[name], value)  # every bit
        assert again.moments.to_arrays()[name].dtype == value.dtype
    assert type(again.moments.count) is int


@pytest.mark.parametrize(
    ("options", "count", "words"), [({}, 4, "4 rows have"), ({"rows": 300}, 1, "1 surveyed row has")]
)
def test_a_remembered_survey_warns_of_empty_rows_as_the_first_one(files, monkeypatch, options, count, words):
    for file in files.iterdir():
        rows = np.load(file)
        rows[7] = np.nan
        np.save(file, rows)
    settle(files)
    with pytest.warns(EmptyRows, match=f"^{words} no known value, the first is row 7 ") as first:
        assert read_by_survey(files, monkeypatch, **options)[0] > 0
    with pytest.warns(EmptyRows) as again:
        n_read, found = read_by_survey(files, monkeypatch, **options)
    assert n_read == 0
    assert (found.empty.rows, found.empty.first) == (count, 7)
    assert [str(each.message) for each in again] == [str(each.message) for each in first]


def test_what_is_measured_decides_as_well(files, monkeypatch):
    read_by_survey(files, monkeypatch)
    for options in ({"with_products": True}, {"columns": "0,1"}, {"columns": "2,3"}):
        assert read_by_survey(files, monkeypatch, **options)[0] == N
        assert read_by_survey(files, monkeypatch, **options)[0] == 0
    held_out = Ranges(open_path(files, streamed=True), np.array([[5, 90]]))
    assert not survey(held_out).remembered
    assert survey(Ranges(open_path(files, streamed=True), np.array([[5, 90]]))).remembered
    assert not survey(Ranges(open_path(files, streamed=True), np.array([[6, 91]]))).remembered


def test_changed_files_are_measured_again(files, monkeypatch):
    read_by_survey(files, monkeypatch)
    file = files / "part-2.npy"
    rows = np.load(file)
    rows[3] += 1
    np.save(file, rows)  # as many bytes
    settle(files, 30)
    n_read, found = read_by_survey(files, monkeypatch)
    assert n_read == N
    whole = X.copy()
    whole[1003] += 1
    assert found.fingerprint == fingerprint(open_path(files, streamed=True))
    assert_allclose(found.moments.mean, whole.mean(0), rtol=1e-13)
    (files / "part-2.npy").rename(files / "part-5.npy")  # another order
    assert read_by_survey(files, monkeypatch)[0] == N


def test_a_file_that_was_replaced_by_one_of_its_size_and_time_is_measured_again(files, tmp_path, monkeypatch):
    file, other = files / "part-2.npy", tmp_path / "other.npy"
    read_by_survey(files, monkeypatch)
    np.save(other, np.load(file) + 1)
    status = file.stat()
    os.utime(other, ns=(status.st_atime_ns, status.st_mtime_ns))
    shutil.copy2(other, file)
    assert (file.stat().st_size, file.stat().st_mtime_ns) == (status.st_size, status.st_mtime_ns)
    n_read, found = read_by_survey(files, monkeypatch)
    assert n_read == N
    assert found.fingerprint == fingerprint(open_path(files, streamed=True))
    other.write_bytes(file.read_bytes())
    os.utime(other, ns=(status.st_atime_ns, status.st_mtime_ns))
    other.replace(file)
    assert read_by_survey(files, monkeypatch)[0] == N


def test_a_file_in_a_store_is_known_by_its_time():
    assert len({file_state("s3://rows/a.npy", n_bytes, modified) for n_bytes in (80, 81) for modified in (5, 6)}) == 4


def test_a_file_that_was_written_just_now_is_not_remembered(files, monkeypatch):
    """It could be written again within the resolution of the store's clock."""
    settle(files, 0)
    read_by_survey(files, monkeypatch)
    assert read_by_survey(files, monkeypatch)[0] == N
    assert not (files.parent / "cache").exists()


def cached(files):
    return next((files.parent / "cache" / "surveys").glob("*.json"))


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: b"",
        lambda content: content[: len(content) // 2],
        lambda content: content.replace(b'"mean":[5', b'"mean":[6') if b'"mean":[5' in content else b"[]",
        lambda content: b'{"format":2,"checksum":"","survey":{}}',
        lambda content: b'{"format":1' + content[11:],
        lambda content: b"\xff" * 40,
        lambda content: b"[" * 100_000,
    ],
)
def test_damaged_and_foreign_files_are_measured_again(files, monkeypatch, damage):
    read_by_survey(files, monkeypatch)
    content = cached(files).read_bytes()
    assert damage(content) != content
    cached(files).write_bytes(damage(content))
    n_read, found = read_by_survey(files, monkeypatch)
    assert n_read == N
    assert_allclose(found.moments.mean, X.mean(0), rtol=1e-13)
    assert cached(files).read_bytes() == content  # written again


def test_a_folder_that_cannot_be_written_is_no_fault(files, monkeypatch):
    (files.parent / "cache").write_text("a file")
    assert read_by_survey(files, monkeypatch)[0] == N
    assert read_by_survey(files, monkeypatch)[0] == N


def test_the_files_that_were_not_used_for_longest_are_removed(files, monkeypatch):
    monkeypatch.setattr(stored_surveys, "MAX_FILES", 2)
    known = survey(open_path(files, streamed=True))
    cached(files).unlink()
    first, second, third = (letter * 32 for letter in "abc")
    for name, used in (("mine", 0), (first, 1), (second, 2)):
        stored_surveys.store_survey(name, known.moments, known.fingerprint, known.empty)
        os.utime(stored_surveys.folder() / f"{name}.json", (used, used))
    assert stored_surveys.stored_survey(first) is not None  # it is now the newest
    stored_surveys.store_survey(third, known.moments, known.fingerprint, known.empty)
    assert {each.stem for each in stored_surveys.folder().iterdir()} == {"mine", first, third}


def stop_after(epoch):
    def stop(line):
        if line["kind"] == "interval" and line["epoch"] == epoch:
            os.kill(os.getpid(), signal.SIGINT)

    return [stop]


@pytest.mark.parametrize("n_rows", ["all", 300])
def test_a_resumed_run_reads_no_row_before_its_first_step(files, tmp_path, monkeypatch, n_rows):
    def rows():
        return open_path(files, streamed=True)

    model = SparseAutoencoder(**TOPK, survey_rows=n_rows, shuffle_window=200)
    whole = clone(model).fit(rows(), validation=rows())
    with pytest.raises(KeyboardInterrupt):
        model.fit(
            rows(), validation=rows(), checkpoint=tmp_path / "run", checkpoint_every=1000, callbacks=stop_after(2)
        )
    monkeypatch.setattr("taciturn.data.stored_surveys.cache_folder", lambda: tmp_path / "other")  # another machine
    stored_surveys._of_runs.clear()
    reads = []

    def first_step(line):
        if line["kind"] == "resume":
            reads.append(list(counted))

    counted = []
    monkeypatch.setattr(RawShard, "read_into", counting(counted))
    again = SparseAutoencoder.resume(tmp_path / "run", rows(), validation=rows(), callbacks=[first_step])
    assert sum(reads[0]) <= 1  # the first row tells the type
    for name, value in whole.module_.state_dict().items():
        assert torch.equal(again.module_.state_dict()[name], value)
    lines = [line for line in read_log(tmp_path / "run" / "log.jsonl") if line["kind"] in ("run", "resume")]
    expected = N if n_rows == "all" else surveyed_part(rows(), n_rows).__len__()
    assert [line["surveyed_rows"] for line in lines] == [expected] * 2
    assert lines[1]["survey_remembered"] is True


def test_a_resume_refuses_changed_rows_with_the_difference(files, tmp_path):
    model = SparseAutoencoder(**TOPK, survey_rows=300)
    with pytest.raises(KeyboardInterrupt):
        model.fit(streamed(), checkpoint=tmp_path / "run", checkpoint_every=1000, callbacks=stop_after(2))
    with pytest.raises(DataError, match=r"^X is not that with which the run began: of rows [\d,]+ to [\d,]+ some diff"):
        SparseAutoencoder.resume(tmp_path / "run", streamed(changed(SURVEYED, 0.5)))
    with pytest.raises(DataError, match=rf"row {OTHER}, column 0 is infinite"):
        SparseAutoencoder.resume(tmp_path / "run", streamed(changed(OTHER, np.inf)))
    with pytest.raises(DataError, match="X has other files or row groups than when the run began"):
        SparseAutoencoder.resume(tmp_path / "run", Streamed(X, [*range(0, N, 100), N]))


def test_a_run_of_an_earlier_version_goes_on(tmp_path):
    """Its checkpoint knows neither the parameter nor surveys."""
    model = SparseAutoencoder(**TOPK)
    whole = clone(model).fit(streamed())
    with pytest.raises(KeyboardInterrupt):
        model.fit(streamed(), checkpoint=tmp_path / "run", checkpoint_every=1000, callbacks=stop_after(2))
    for file in (tmp_path / "run" / "checkpoints").glob("*/checkpoint.json"):
        content = json.loads(file.read_bytes())
        del content["run"]["surveys"], content["run"]["settings"]["survey_rows"]
        del content["run"]["estimator"]["parameters"]["survey_rows"]
        for each in content["run"]["rows"].values():
            if each is not None:
                del each["ranges"]
        file.write_text(json.dumps(content))
    again = SparseAutoencoder.resume(tmp_path / "run", streamed())
    assert_array_equal(again.components_, whole.components_)


def test_at_the_command_line(files, tmp_path, monkeypatch):
    monkeypatch.setattr("taciturn.data.sources.files.MAX_IN_MEMORY_BYTES", 0)
    options = ("--sparse", "topk:2", "--latents", 6, "--epochs", 1, "--no-report", "--scaling", "standard")
    done = run("fit", files, *options, "--survey-rows", 300, "-o", tmp_path / "run")
    n_surveyed = len(survey_rows_of(tmp_path / "run"))
    assert f"measured on {n_surveyed:,} of 1,8" in " ".join(output_text(done).split())
    assert "survey_rows = 300" in (tmp_path / "run" / "recipe.toml").read_text()
    again = run("fit", tmp_path / "run" / "recipe.toml", "--survey-rows", "all", "--quiet", "-o", tmp_path / "all")
    assert 'survey_rows = "all"' in (tmp_path / "all" / "recipe.toml").read_text()
    assert again.output == ""
    done = run("fit", files, *options, "--survey-rows", "few", "-o", tmp_path / "few", code=2)
    assert done.output == "taciturn: survey_rows='few' must be a positive whole number, or 'all'\n"
    limit = run("fit", files, *options, "--survey-rows", 300, "--memory", "1kB", "-o", tmp_path / "few", code=2)
    assert "more than --memory 1 kB" in output_text(limit)


def survey_rows_of(folder):
    """Return the numbers of the rows that the fingerprint of a run's training rows covers."""
    ranges = load(folder).to_artifact().rows.training.ranges
    return np.concatenate([np.arange(*each) for each in ranges])


def test_a_file_that_was_written_again_while_it_is_read_is_named(files):
    source = open_path(files, streamed=True)
    settle(files, 1000)
    with pytest.raises(DataError, match=r"part-.*it was written again after it was found; load the rows again"):
        source.read(0, 5)
