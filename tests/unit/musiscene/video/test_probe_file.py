"""Files that are no videos, are broken, or lie."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from musiscene.errors import CorruptVideoError, UnsupportedVideoError, VideoError, VideoLimitError
from musiscene.video.apart import watch_apart
from musiscene.video.limits import VideoLimits
from musiscene.video.probe import probe
from musiscene.video.probe_file import open_video
from musiscene.video.watch import watch_video
from tests.support.hostile_video import TARGET, write_hostile
from tests.support.video import MadeShot, plain, texture, write_video

if TYPE_CHECKING:
    from pathlib import Path

LISTS = ("list.", "web.", "script.", "dash.", "smooth.", "filter.", "call.", "rtsp.")
QUICK = VideoLimits(timeout_seconds=20.0)


class TestHostileFiles:
    def test_every_one_gives_an_error_with_a_reason_or_plays(self, tmp_path: Path):
        made = write_hostile(tmp_path)
        assert len(made) >= 100
        silent, played = [], 0
        for hostile in made:
            try:
                with open_video(hostile.path, limits=QUICK):
                    pass
                if hostile.path.suffix in {".webm", ".avi", ".mkv"}:
                    watch_video(hostile.path, limits=QUICK)
                    played += 1
                    assert hostile.may_play, hostile.path.name
            except VideoError as error:
                if not error.reason or error.path != hostile.path:
                    silent.append(hostile.path.name)
        assert not silent
        assert played >= 5

    def test_a_handful_apart(self, tmp_path: Path):
        made = {hostile.path.name: hostile for hostile in write_hostile(tmp_path)}
        for name in ("bent-middle.mp4", "list.m3u8", "nested.mp4"):
            with pytest.raises(VideoError):
                watch_apart(made[name].path, limits=QUICK)

    def test_no_playlist_leads_to_another_file(self, tmp_path: Path):
        """The file that they name is a good video: who follows would find it."""
        made = write_hostile(tmp_path)
        assert watch_video(tmp_path / f"{TARGET}.mp4").info.frames == 48
        lists = [hostile for hostile in made if hostile.path.name.startswith(LISTS)]
        assert len(lists) >= 10
        for hostile in lists:
            with pytest.raises(UnsupportedVideoError):
                watch_video(hostile.path)


class TestOpenVideo:
    def test_a_picture_over_the_limit_is_refused_before_it_is_decoded(self, tmp_path: Path):
        made = write_video(tmp_path / "a.mp4", [MadeShot(plain((9, 9, 9)), 2)], size=(96, 54))
        few = VideoLimits(max_pixels=5_000)
        with pytest.raises((VideoLimitError, CorruptVideoError), match="5000"):
            watch_video(made.path, limits=few)

    def test_the_first_moving_picture_is_used_and_sound_alone_refused(self, tmp_path: Path):
        made = {hostile.path.name: hostile for hostile in write_hostile(tmp_path)}
        with pytest.raises(UnsupportedVideoError, match="cover"):
            probe(made["cover.mp4"].path)
        with pytest.raises(UnsupportedVideoError, match="no picture"):
            probe(made["only-sound-m4a.mp4"].path)


class TestProbe:
    def test_knows_what_watching_finds(self, tmp_path: Path):
        made = write_video(
            tmp_path / "a.mov",
            [MadeShot(texture(1), 30)],
            size=(96, 54),
            rotation=270,
            timecode="10:00:00:00",
        )
        assert probe(made.path) == watch_video(made.path).info
