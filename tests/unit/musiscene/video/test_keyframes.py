"""Frames that are looked up by their time."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import av
import numpy as np
import pytest

from musiscene.errors import UnsupportedVideoError
from musiscene.video.keyframes import keyframes
from tests.support.video import MadeShot, plain, texture, write_video

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

SMALL = (96, 54)


class TestKeyframes:
    @pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.ts"])
    def test_gives_the_very_frame(self, tmp_path: Path, name: str):
        levels = [MadeShot(plain((value, value, value)), 1) for value in range(20, 220, 1)]
        made = write_video(
            tmp_path / name, levels, size=SMALL, options={"preset": "ultrafast", "g": "25"}
        )
        with av.open(str(made.path)) as container:
            truth = [frame.to_ndarray(format="rgb24").mean() for frame in container.decode(video=0)]
        wanted = [0, 199, 3, 120, 121, 45]
        found = keyframes(made.path, [number / 25 for number in wanted])
        assert [picture.mean() for picture in found] == pytest.approx(
            [truth[number] for number in wanted], abs=0.4
        )

    def test_times_between_and_after_frames_give_what_is_shown(self, tmp_path: Path):
        shots = [MadeShot(plain((200, 0, 0)), 10), MadeShot(plain((0, 0, 200)), 10)]
        made = write_video(tmp_path / "a.mp4", shots, size=SMALL)
        red, blue, last = keyframes(made.path, [0.399, 0.4, 60.0])
        assert red[..., 0].mean() > 100 > red[..., 2].mean()
        assert blue[..., 2].mean() > 100
        assert last[..., 2].mean() > 100

    def test_is_upright_with_square_pixels_and_small(self, tmp_path: Path):
        made = write_video(
            tmp_path / "a.mp4",
            [MadeShot(texture(1), 3)],
            size=SMALL,
            rotation=90,
            pixel_aspect=Fraction(4, 3),
        )
        (whole,) = keyframes(made.path, [0.0])
        assert whole.shape == (128, 54, 3)
        assert whole.dtype == np.uint8
        (small,) = keyframes(made.path, [0.0], longest_side=64)
        assert small.shape == (64, 27, 3)

    def test_turns_the_right_way(self, tmp_path: Path):
        def left_is_white(_number: int, size: tuple[int, int]) -> NDArray[np.uint8]:
            rgb = np.zeros((size[1], size[0], 3), dtype=np.uint8)
            rgb[:, : size[0] // 2] = 255
            return rgb

        made = write_video(
            tmp_path / "a.mp4", [MadeShot(left_is_white, 3)], size=SMALL, rotation=90
        )
        (upright,) = keyframes(made.path, [0.0])
        assert upright[:40].mean() > 200
        assert upright[-40:].mean() < 50

    def test_refuses_what_is_no_video(self, tmp_path: Path):
        (tmp_path / "a.mp4").write_text("no video")
        with pytest.raises(UnsupportedVideoError):
            keyframes(tmp_path / "a.mp4", [0.0])
