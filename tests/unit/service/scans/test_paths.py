from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from service.jobs.errors import PathMissingError, PathRefusedError
from service.scans.paths import checked_paths

if TYPE_CHECKING:
    from pathlib import Path


class TestCheckedPaths:
    def test_takes_what_lies_within_a_root(self, tmp_path: Path):
        (tmp_path / "music" / "a").mkdir(parents=True)
        asked = [f"{tmp_path}/music/a/../a", str(tmp_path / "music")]
        found = checked_paths(asked, roots=[tmp_path / "music"])
        assert found == [str(tmp_path / "music" / "a"), str(tmp_path / "music")]

    def test_follows_links_before_it_looks(self, tmp_path: Path):
        (tmp_path / "music").mkdir()
        (tmp_path / "secret").mkdir()
        (tmp_path / "music" / "out").symlink_to(tmp_path / "secret")
        (tmp_path / "in").symlink_to(tmp_path / "music")
        roots = [tmp_path / "music"]
        assert checked_paths([str(tmp_path / "in")], roots=roots) == [str(tmp_path / "in")]
        with pytest.raises(PathRefusedError):
            checked_paths([str(tmp_path / "music" / "out")], roots=roots)

    @pytest.mark.parametrize("text", ["music", "../music", "/etc", "/music\0", "/musicals", "~"])
    def test_refuses_the_rest(self, tmp_path: Path, text: str):
        (tmp_path / "music").mkdir()
        (tmp_path / "musicals").mkdir()
        asked = f"{tmp_path}{text}" if text in {"/music\0", "/musicals"} else text
        with pytest.raises(PathRefusedError):
            checked_paths([asked], roots=[tmp_path / "music"])

    def test_tells_of_what_is_missing_only_within_a_root(self, tmp_path: Path):
        (tmp_path / "music").mkdir()
        with pytest.raises(PathMissingError):
            checked_paths([str(tmp_path / "music" / "x")], roots=[tmp_path / "music"])
        with pytest.raises(PathRefusedError):
            checked_paths([str(tmp_path / "x")], roots=[tmp_path / "music"])

    def test_without_a_root_nothing_may_be_read(self, tmp_path: Path):
        with pytest.raises(PathRefusedError):
            checked_paths([str(tmp_path)], roots=[])
