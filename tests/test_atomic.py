"""Files and folders are written completely or not at all."""

import errno
import os
import stat
from pathlib import Path

import pytest

from taciturn.core.atomic import atomic, atomic_folder
from taciturn.core.errors import TaciturnError


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
        with atomic_folder(tmp_path / "new" / "deep" / "run"):
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


def test_the_bytes_are_on_the_disk_before_the_name(tmp_path, monkeypatch):
    calls = []
    fsync, replace = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda number: (calls.append("fsync"), fsync(number)))
    monkeypatch.setattr(os, "replace", lambda a, b: (calls.append("replace"), replace(a, b)))
    with atomic(tmp_path / "words.txt") as temporary:
        temporary.write_text("few")
    assert calls == ["fsync", "replace"]


def test_a_folder_that_is_a_file_is_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(TaciturnError, match="file/words cannot be written"), atomic(tmp_path / "file/words"):
        pytest.fail("the block must not run")
    with (
        pytest.raises(TaciturnError, match="file/run cannot be written"),
        atomic_folder(tmp_path / "file/run"),
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


def fill(folder: Path, text: str) -> None:
    (folder / "sub").mkdir()
    (folder / "sub" / "words.txt").write_text(text)


def test_a_folder_appears_only_after_the_block(tmp_path):
    path = tmp_path / "runs" / "first"
    with atomic_folder(path) as temporary:
        fill(temporary, "few")
        assert not path.exists()
    assert (path / "sub" / "words.txt").read_text() == "few"
    assert names(path.parent) == ["first"]


def test_an_existing_folder_is_kept_without_overwrite(tmp_path):
    path = tmp_path / "run"
    path.mkdir()
    fill(path, "old")
    (path / "config.json").touch()
    with pytest.raises(TaciturnError) as caught, atomic_folder(path):
        pytest.fail("the block must not run")
    assert str(caught.value) == f"{path} exists; choose another folder, or overwrite it (--overwrite, overwrite=True)"
    assert (path / "sub" / "words.txt").read_text() == "old"

    with atomic_folder(path, overwrite=True) as temporary:
        (temporary / "other.txt").write_text("new")
        assert (path / "sub" / "words.txt").read_text() == "old"
    assert names(path) == ["other.txt"]
    assert names(tmp_path) == ["run"]


def test_only_a_folder_that_taciturn_wrote_is_overwritten(tmp_path):
    path = tmp_path / "papers"
    path.mkdir()
    fill(path, "precious")
    for overwrite in (False, True):
        with pytest.raises(TaciturnError) as caught, atomic_folder(path, overwrite=overwrite):
            pytest.fail("the block must not run")
        assert str(caught.value) == f"{path} holds other files and no config.json; choose another folder"
    assert (path / "sub" / "words.txt").read_text() == "precious"


def test_an_empty_folder_may_exist(tmp_path):
    path = tmp_path / "run"
    path.mkdir()
    with atomic_folder(path) as temporary:
        fill(temporary, "few")
    assert (path / "sub" / "words.txt").read_text() == "few"
    assert names(tmp_path) == ["run"]


def test_overwriting_does_not_remove_a_file(tmp_path):
    path = tmp_path / "run"
    path.write_text("precious")
    with pytest.raises(TaciturnError, match="is not a folder"), atomic_folder(path, overwrite=True):
        pytest.fail("the block must not run")
    assert path.read_text() == "precious"


def test_a_failed_block_leaves_the_old_folder(tmp_path):
    path = tmp_path / "run"
    path.mkdir()
    fill(path, "old")
    (path / "config.json").touch()

    def write_half_a_folder():
        with atomic_folder(path, overwrite=True) as temporary:
            fill(temporary, "half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        write_half_a_folder()
    assert (path / "sub" / "words.txt").read_text() == "old"
    assert names(tmp_path) == ["run"]


def test_the_old_folder_is_put_back_if_the_new_cannot_take_its_place(tmp_path, monkeypatch):
    path = tmp_path / "run"
    path.mkdir()
    fill(path, "old")
    (path / "config.json").touch()
    rename = Path.rename

    def refuse(self, target):
        if (self / "new.txt").exists():
            raise OSError(errno.EIO, "broken disk")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", refuse)
    with (
        pytest.raises(TaciturnError, match="run cannot be written: broken disk"),
        atomic_folder(path, overwrite=True) as temporary,
    ):
        (temporary / "new.txt").write_text("new")
    assert (path / "sub" / "words.txt").read_text() == "old"
    assert names(tmp_path) == ["run"]


def test_a_folder_that_appeared_meanwhile_is_not_overwritten(tmp_path):
    path = tmp_path / "run"

    def write_while_another_does():
        with atomic_folder(path) as temporary:
            fill(temporary, "mine")
            path.mkdir()
            fill(path, "theirs")

    with pytest.raises(TaciturnError, match="run cannot be written: Directory not empty"):
        write_while_another_does()
    assert (path / "sub" / "words.txt").read_text() == "theirs"
    assert names(tmp_path) == ["run"]
