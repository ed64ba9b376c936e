"""Blackness, flashes and cuts beside each other; and what is said where the tools are missing."""

from __future__ import annotations

import sys
from fractions import Fraction
from typing import TYPE_CHECKING

import pytest

from musiscene.errors import VideoToolsMissingError
from musiscene.video.shots_detectors import CutDetectors
from musiscene.video.watch import watch_video
from tests.support.video import MadeShot, plain, texture, write_video

if TYPE_CHECKING:
    from pathlib import Path

BLACK = plain((0, 0, 0))


def starts(folder: Path, shots: list[MadeShot]) -> list[tuple[int, str]]:
    seen = watch_video(write_video(folder / "a.mp4", shots, size=(96, 54)).path).shots
    return [(shot.start_frame, shot.begins) for shot in seen[1:]]


class TestBlackness:
    def test_a_long_black_between_cuts_is_a_shot(self, tmp_path: Path):
        shots = [MadeShot(texture(1), 30), MadeShot(BLACK, 40), MadeShot(texture(2), 30)]
        assert starts(tmp_path, shots) == [(30, "cut"), (70, "cut")]

    def test_a_short_black_between_cuts_belongs_to_the_shot_before(self, tmp_path: Path):
        shots = [MadeShot(texture(1), 30), MadeShot(BLACK, 8), MadeShot(texture(2), 30)]
        assert starts(tmp_path, shots) == [(38, "cut")]

    def test_a_fade_at_either_end_is_no_boundary(self, tmp_path: Path):
        shots = [
            MadeShot(BLACK, 10),
            MadeShot(texture(1), 60, "fade", 8),
            MadeShot(BLACK, 20, "fade", 8),
        ]
        assert starts(tmp_path, shots) == []

    def test_a_video_that_is_black_throughout_is_one_shot(self, tmp_path: Path):
        assert starts(tmp_path, [MadeShot(BLACK, 30)]) == []


class TestShortShots:
    def test_a_flash_over_a_cut_is_one_cut(self, tmp_path: Path):
        shots = [MadeShot(texture(1), 30, flashes=(28, 29)), MadeShot(texture(2), 30)]
        assert starts(tmp_path, shots) == [(30, "cut")]

    def test_shots_of_five_frames_are_all_found(self, tmp_path: Path):
        shots = [MadeShot(texture(seed), 5) for seed in range(8)]
        assert starts(tmp_path, shots) == [(5 * number, "cut") for number in range(1, 8)]


class TestMissingTools:
    def test_says_what_to_install(self, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setitem(sys.modules, "scenedetect", None)
        with pytest.raises(VideoToolsMissingError, match=r"musiscene\[video\]"):
            CutDetectors(Fraction(25))

    def test_a_missing_screen_library_has_advice_of_its_own(self):
        error = VideoToolsMissingError("libGL.so.1: cannot open shared object file")
        assert "opencv-python-headless" in str(error)
        assert "libGL.so.1" in str(error)
