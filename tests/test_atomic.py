"""Files and folders are written completely or not at all."""

import contextlib
import errno
import json
import os
import shutil
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from taciturn.core import exchange
from taciturn.core.atomic import atomic, atomic_folder, check_folder
from taciturn.core.errors import TaciturnError
from taciturn.core.run_folder import objection
from taciturn.core.temporary import LeftOver


def names(folder: Path) -> list[str]:
    """Everything in the folder, hidden files included."""
    return sorted(os.listdir(folder))


def test_the_file_appears_only_after_the_block(tmp_path):
    path = tmp_path / "new" / "deep" / "words.txt"
    with atomic(path) as temporary:
        temporary.write_text("few")
        assert temporary.parent == path.parent
        assert temporary.suffix == ".txt"
        assert not path.exists()
    assert path.read_text() == "few"
    assert names(path.parent) == ["words.txt"]


def write_half(path: Path, failure: type[BaseException] | BaseException) -> None:
    with atomic(path) as temporary:
        temporary.write_text("half")
        raise failure


def test_new_parent_folders_are_removed_after_a_failure_unless_they_hold_other_files(tmp_path):
    with pytest.raises(RuntimeError):
        write_half(tmp_path / "new" / "deep" / "words.txt", RuntimeError)
    assert names(tmp_path) == []

    def fail_while_another_writes():
        with atomic_folder(tmp_path / "new" / "deep" / "run", objection=objection):
            (tmp_path / "new" / "theirs.txt").write_text("precious")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_while_another_writes()
    assert names(tmp_path) == ["new"]
    assert names(tmp_path / "new") == ["theirs.txt"]


@pytest.mark.parametrize("failure", [RuntimeError, KeyboardInterrupt])
def test_a_failure_leaves_the_old_file_and_no_temporary_one(tmp_path, failure):
    path = tmp_path / "words.txt"
    path.write_text("old")
    with pytest.raises(failure):
        write_half(path, failure)
    assert path.read_text() == "old"
    assert names(tmp_path) == ["words.txt"]


def test_a_full_disk_is_one_line(tmp_path):
    path = tmp_path / "words.txt"
    path.write_text("old")
    with pytest.raises(TaciturnError) as caught:
        write_half(path, OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))
    assert str(caught.value) == f"{path} cannot be written: {os.strerror(errno.ENOSPC)}; choose another place"
    assert path.read_text() == "old"
    assert names(tmp_path) == ["words.txt"]


def test_the_temporary_path_is_not_in_the_message(tmp_path):
    def write():
        with atomic(tmp_path / "rows.parquet") as temporary:
            raise OSError(errno.ENOSPC, f"Failed to write {temporary}. Detail: [errno 28] No space left on device")

    assert message_of(write) == f"{tmp_path / 'rows.parquet'} cannot be written: {os.strerror(errno.ENOSPC)}; " + (
        "choose another place"
    )


def test_the_bytes_are_on_the_disk_before_the_name(tmp_path, monkeypatch):
    calls = []
    fsync, replace = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda number: (calls.append("fsync"), fsync(number)))
    monkeypatch.setattr(os, "replace", lambda a, b: (calls.append("replace"), replace(a, b)))
    with atomic(tmp_path / "words.txt") as temporary:
        temporary.write_text("few")
    assert calls == ["fsync", "replace", "fsync"]  # the file, its name, the folder that holds the name


def test_a_folder_that_is_a_file_is_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(TaciturnError, match="file/words cannot be written"), atomic(tmp_path / "file/words"):
        pytest.fail("the block must not run")
    with (
        pytest.raises(TaciturnError, match="file/run cannot be written"),
        atomic_folder(tmp_path / "file/run", objection=objection),
    ):
        pytest.fail("the block must not run")


def test_a_path_that_is_not_a_file_is_refused_before_the_work(tmp_path):
    for path in (tmp_path, os.devnull):
        with pytest.raises(TaciturnError, match="is not a file; choose another name"), atomic(path):
            pytest.fail("the block must not run")
    assert stat.S_ISCHR(os.stat(os.devnull).st_mode)


def test_a_link_is_followed_and_others_may_read(tmp_path):
    (tmp_path / "real.txt").write_text("old")
    (tmp_path / "link.txt").symlink_to("real.txt")
    mask = os.umask(0o022)
    try:
        with atomic(tmp_path / "link.txt") as temporary:
            temporary.write_text("new")
    finally:
        os.umask(mask)
    assert (tmp_path / "link.txt").is_symlink()
    assert (tmp_path / "real.txt").read_text() == "new"
    assert stat.S_IMODE((tmp_path / "real.txt").stat().st_mode) == 0o644


POSIX = pytest.mark.skipif(os.name == "nt", reason="locks and signals of POSIX")


def fill(folder: Path, text: str) -> None:
    (folder / "sub").mkdir(parents=True)
    (folder / "sub" / "words.txt").write_text(text)


def fill_run(folder: Path, text: str) -> None:
    folder.mkdir(exist_ok=True, parents=True)
    (folder / "config.json").write_text(json.dumps({"format": 1, "estimator": text}))
    (folder / "weights.safetensors").write_text(text)


def estimator(folder: Path) -> str:
    return json.loads((folder / "config.json").read_text())["estimator"]


def write_run(path: Path, text: str = "new", *, overwrite: bool = False, meanwhile=lambda: None) -> None:
    with atomic_folder(path, overwrite=overwrite, objection=objection) as temporary:
        fill_run(temporary, text)
        meanwhile()


def message_of(function, *arguments, **options) -> str:
    with pytest.raises(TaciturnError) as caught:
        function(*arguments, **options)
    return str(caught.value)


def test_a_folder_appears_only_after_the_block(tmp_path):
    path = tmp_path / "runs" / "first"
    with atomic_folder(path, objection=objection) as temporary:
        fill(temporary, "few")
        assert not path.exists()
    assert (path / "sub" / "words.txt").read_text() == "few"
    assert names(path.parent) == ["first"]


def test_an_existing_run_is_kept_without_overwrite_and_replaced_with_it(tmp_path):
    path = tmp_path / "run"
    fill_run(path, "old")
    (path / "report.html").touch()
    for refused in (write_run, lambda path: check_folder(path, objection=objection)):
        message = message_of(refused, path)
        assert message == f"{path} exists; choose another folder, or overwrite it (--overwrite, overwrite=True)"
    assert names(path) == ["config.json", "report.html", "weights.safetensors"]
    check_folder(path, overwrite=True, objection=objection)
    write_run(path, overwrite=True, meanwhile=lambda: None)
    assert (estimator(path), names(path)) == ("new", ["config.json", "weights.safetensors"])
    assert names(tmp_path) == ["run"]


def keep(path: Path, name: str, text: str = "precious") -> None:
    path.mkdir(exist_ok=True, parents=True)
    (path / name).write_text(text)


FOREIGN = {
    "a folder of somebody's": (lambda path: fill(path, "precious"), "holds 'sub', which taciturn did not write"),
    "another program's configuration": (
        lambda path: keep(path, "config.json", json.dumps({"model_type": "bert", "format": 1})),
        "holds no run of taciturn: its config.json is missing or of another program",
    ),
    "weights without a configuration": (
        lambda path: keep(path, "weights.safetensors"),
        "holds no run of taciturn: its config.json is missing or of another program",
    ),
    "a configuration that is a list": (
        lambda path: keep(path, "config.json", "[" * 5000 + "]" * 5000),
        "holds no run of taciturn: its config.json is missing or of another program",
    ),
    "notes in a run": (
        lambda path: [fill_run(path, "old"), keep(path, "notes.txt"), keep(path, "a\n\x1b[31m.md")],
        r"holds 'a\n\x1b[31m.md', 'notes.txt', which taciturn did not write",
    ),
    "a folder with a run's name for a file": (
        lambda path: [fill_run(path, "old"), fill(path / "report.html", "precious")],
        "holds 'report.html', which taciturn did not write",
    ),
    "many files": (
        lambda path: [keep(path, f"{i}.txt") for i in range(9)],
        "holds '0.txt', '1.txt', '2.txt', '3.txt', '4.txt' and 4 more, which taciturn did not write",
    ),
}


def contents(folder: Path) -> dict[str, str]:
    return {str(file.relative_to(folder)): file.read_text() for file in folder.rglob("*") if file.is_file()}


@pytest.mark.parametrize("kind", FOREIGN)
def test_only_a_run_of_taciturn_is_replaced(tmp_path, kind):
    fill_foreign, reason = FOREIGN[kind]
    path = tmp_path / "theirs"
    fill_foreign(path)
    before = contents(path)
    for overwrite in (False, True):
        for refused in (
            write_run,
            lambda path, overwrite: check_folder(path, overwrite=overwrite, objection=objection),
        ):
            assert message_of(refused, path, overwrite=overwrite) == f"{path} {reason}; choose another folder"
    assert contents(path) == before
    assert names(tmp_path) == ["theirs"]


@pytest.mark.skipif(os.name == "nt", reason="symbolic links")
def test_a_link_in_a_run_is_foreign(tmp_path):
    fill_run(tmp_path / "run", "old")
    (tmp_path / "precious.png").touch()
    (tmp_path / "run" / "denoised.png").symlink_to(tmp_path / "precious.png")
    message = message_of(write_run, tmp_path / "run", overwrite=True)
    assert "holds 'denoised.png', which taciturn did not write" in message


@pytest.mark.parametrize("kind", [*FOREIGN, "a file"])
@pytest.mark.parametrize("existed", [False, True])
def test_what_appears_while_the_block_runs_stays_and_the_new_folder_is_kept_beside(tmp_path, kind, existed):
    path = tmp_path / "run"
    if existed:
        fill_run(path, "old")

    def appear() -> None:
        if existed:
            for file in path.iterdir():
                file.unlink()
            path.rmdir()
        if kind == "a file":
            path.write_text("precious")
        else:
            FOREIGN[kind][0](path)

    message = message_of(write_run, path, overwrite=True, meanwhile=appear)
    reason = "is not a folder" if kind == "a file" else FOREIGN[kind][1]
    assert message == f"{path} {reason}; what was to be written there is in {tmp_path / 'run-new-1'}"
    if kind == "a file":
        assert path.read_text() == "precious"
    else:
        FOREIGN[kind][0](tmp_path / "twin" / "theirs")
        assert contents(path) == contents(tmp_path / "twin" / "theirs")
        shutil.rmtree(tmp_path / "twin")
    assert estimator(tmp_path / "run-new-1") == "new"
    assert names(tmp_path) == ["run", "run-new-1"]


def test_a_run_that_appears_while_the_block_runs_needs_overwrite(tmp_path):
    path = tmp_path / "run"
    message = message_of(write_run, path, meanwhile=lambda: fill_run(path, "theirs"))
    assert message == f"{path} exists; what was to be written there is in {tmp_path / 'run-new-1'}"
    message_of(write_run, tmp_path / "two", meanwhile=lambda: [(tmp_path / "two").mkdir(), keep(tmp_path / "two", "x")])
    assert (estimator(path), estimator(tmp_path / "run-new-1")) == ("theirs", "new")
    write_run(path, overwrite=True)
    assert estimator(path) == "new"


@pytest.mark.parametrize("in_one_step", [True, False])
def test_what_appears_in_the_moment_of_replacing_is_put_back(tmp_path, monkeypatch, in_one_step):
    if not in_one_step:
        monkeypatch.setattr(exchange, "_renameat2", lambda: None)
    path, calls = tmp_path / "run", []
    fill_run(path, "old")

    def objection_then_a_file(folder: Path) -> str | None:
        reason = objection(folder)
        calls.append(folder)
        if len(calls) == 2:  # the check after the block
            keep(path, "notes.txt")
        return reason

    def write() -> None:
        with atomic_folder(path, overwrite=True, objection=objection_then_a_file) as temporary:
            fill_run(temporary, "new")

    assert message_of(write).startswith(f"{path} holds 'notes.txt', which taciturn did not write; what was to be")
    assert (estimator(path), (path / "notes.txt").read_text()) == ("old", "precious")
    assert estimator(tmp_path / "run-new-1") == "new"
    assert names(tmp_path) == ["run", "run-new-1"]


def test_an_empty_folder_may_exist(tmp_path):
    path = tmp_path / "run"
    path.mkdir()
    write_run(path)
    assert estimator(path) == "new"
    assert names(tmp_path) == ["run"]


def test_overwriting_does_not_remove_a_file(tmp_path):
    path = tmp_path / "run"
    path.write_text("precious")
    assert message_of(write_run, path, overwrite=True) == f"{path} is not a folder; choose another name"
    assert path.read_text() == "precious"


def test_a_failed_block_leaves_the_old_folder(tmp_path):
    path = tmp_path / "run"
    fill_run(path, "old")

    def fail() -> None:
        raise RuntimeError

    with pytest.raises(RuntimeError):
        write_run(path, overwrite=True, meanwhile=fail)
    assert estimator(path) == "old"
    assert names(tmp_path) == ["run"]


@pytest.mark.skipif(sys.platform != "linux", reason="a system call of Linux")
def test_two_folders_are_exchanged_in_one_step(tmp_path, monkeypatch):
    fill_run(tmp_path / "run", "old")
    monkeypatch.setattr(Path, "rename", lambda *paths: pytest.fail("a second step"))
    write_run(tmp_path / "run", overwrite=True)
    assert estimator(tmp_path / "run") == "new"
    assert names(tmp_path) == ["run"]


def test_the_old_folder_is_put_back_if_the_new_cannot_take_its_place(tmp_path, monkeypatch):
    monkeypatch.setattr(exchange, "_renameat2", lambda: None)
    path = tmp_path / "run"
    fill_run(path, "old")
    rename = Path.rename

    def refuse(self, target):
        if Path(target) == path and estimator(self) == "new":
            raise OSError(errno.EIO, "broken disk")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", refuse)
    message = message_of(write_run, path, overwrite=True)
    assert message == f"{path} cannot be written: broken disk; what was to be written there is in {path}-new-1"
    assert (estimator(path), estimator(tmp_path / "run-new-1")) == ("old", "new")
    assert names(tmp_path) == ["run", "run-new-1"]


KILLED = """
import os, signal
from pathlib import Path
from taciturn.core import exchange
from test_atomic import write_run

def kill(*paths):
    os.kill(os.getpid(), signal.SIGKILL)

rename = Path.rename
def rename_once(self, target):
    Path.rename = kill
    return rename(self, target)

{prepare}
write_run(Path({path!r}), overwrite=True, meanwhile={meanwhile})
"""


def killed(path: Path, prepare: str, meanwhile: str) -> None:
    code = KILLED.format(path=str(path), prepare=prepare, meanwhile=meanwhile)
    done = subprocess.run([sys.executable, "-c", code], env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)})
    assert done.returncode == -signal.SIGKILL


@POSIX
def test_a_folder_moved_aside_by_a_killed_process_is_restored(tmp_path):
    path = tmp_path / "run"
    fill_run(path, "old")
    killed(path, "exchange._renameat2 = lambda: None; Path.rename = rename_once", "lambda: None")
    assert not path.exists()
    with pytest.warns(LeftOver) as caught:
        message = message_of(write_run, path)
    assert message.startswith(f"{path} exists")
    assert estimator(path) == "old"
    restored, left = (str(warning.message) for warning in caught)
    assert restored == f"{path} was moved aside by a process that was killed; it is restored"
    temporary = next(name for name in names(tmp_path) if name != "run")
    assert left == f"{tmp_path}: '{temporary}' was left by a process that was killed; delete it"


@POSIX
@pytest.mark.parametrize("write", [write_run, lambda path: write_half(path, RuntimeError)])
def test_what_a_killed_process_left_is_named_and_what_another_writes_now_is_not(tmp_path, write):
    with atomic(tmp_path / "now"), atomic_folder(tmp_path / "then", objection=objection):
        in_use = set(names(tmp_path))
        killed(tmp_path / "first", "", "kill")
        (left,) = set(names(tmp_path)) - in_use
        with pytest.warns(LeftOver) as caught, contextlib.suppress(RuntimeError):
            write(tmp_path / "run")
    (warning,) = caught
    assert str(warning.message) == f"{tmp_path}: '{left}' was left by a process that was killed; delete it"
    assert left in names(tmp_path)


@pytest.mark.parametrize("name", ["x" * 246, "x" * 255, "é" * 127, "x" * 200 + "." + "y" * 54, "." + "é" * 127])
def test_names_as_long_as_the_system_takes(tmp_path, name):
    with atomic(tmp_path / name) as temporary:
        temporary.write_text("few")
    assert (tmp_path / name).read_text() == "few"
    write_run(tmp_path / "runs" / name)
    write_run(tmp_path / "runs" / name, overwrite=True)
    message = message_of(write_run, tmp_path / "other" / name, meanwhile=lambda: fill(tmp_path / "other" / name, "x"))
    (kept,) = set(names(tmp_path / "other")) - {name}
    assert kept.endswith("-new-1")
    assert message.endswith(str(tmp_path / "other" / kept))
    assert estimator(tmp_path / "other" / kept) == "new"


@pytest.mark.parametrize(("path", "shown"), [("", "''"), ("a\0b", r"'a\x00b'")])
def test_a_path_that_no_system_takes_is_refused(path, shown):
    for refused in (write_run, lambda path: write_half(path, RuntimeError)):
        assert message_of(refused, path) == f"{shown} is not the name of a file or folder; choose another name"
    assert "File name too long" in message_of(write_run, "x" * 5000)
