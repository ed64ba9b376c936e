from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import numpy as np
import pytest

from musiscene.errors import CaptionerError, VideoStoppedError
from musiscene.video import keyframes
from musiscene.video.captioners.describe import MOST_GIVEN, caption_scenes, given_for
from musiscene.video.captions.given import timed_caption
from tests.support.scenes import analysis, scene

if TYPE_CHECKING:
    from collections.abc import Sequence

    from musiscene.video.analysis import CaptionSource, VideoScene

FILM = analysis(scene(0, 0, 10), scene(1, 10, 20), scene(2, 20, 40))
NOWHERE = Path("film.mp4")


class Looker:
    name = "looker"
    licence: str | None = "apache-2.0"
    source: CaptionSource = "model"
    most_frames = 1

    def __init__(self, *, fails_at: Sequence[int] = ()) -> None:
        self._fails_at = fails_at

    def caption(self, scene: VideoScene, frames: Sequence[np.ndarray]) -> str:
        if scene.number in self._fails_at:
            raise CaptionerError("out of order")
        return f"{len(frames)} of {scene.number}"


@pytest.fixture
def frames(monkeypatch: pytest.MonkeyPatch) -> None:
    def made(_path: Path, seconds: Sequence[float], **_: object) -> list[np.ndarray]:
        return [np.zeros((8, 8, 3), np.uint8) for _ in seconds]

    monkeypatch.setattr(keyframes, "keyframes", made)


class TestNothingGiven:
    def test_says_what_was_measured(self):
        found = caption_scenes(FILM, NOWHERE, None)
        assert [len(one.captions) for one in found.scenes] == [1, 1, 1]
        assert found.scenes[0].captions[0].source == "measured"
        assert not any(one.no_music for one in found.scenes)


class TestKnown:
    @pytest.mark.usefixtures("frames")
    def test_nobody_is_asked_about_what_is_known(self):
        first = caption_scenes(FILM, NOWHERE, Looker())
        known = first.scenes[1]
        half = msgspec.structs.replace(FILM, scenes=(FILM.scenes[0], known, FILM.scenes[2]))
        found = caption_scenes(half, NOWHERE, Looker(fails_at=[1]))
        assert found.notices == ()
        assert [one.captions[0].text for one in found.scenes] == ["1 of 0", "1 of 1", "1 of 2"]

    @pytest.mark.usefixtures("frames")
    def test_what_the_user_says_now_comes_first(self):
        first = caption_scenes(FILM, NOWHERE, Looker(), [timed_caption(0, 9, "before")])
        found = caption_scenes(first, NOWHERE, None, [timed_caption(0, 9, "now")])
        assert [one.text for one in found.scenes[0].captions] == ["now", "1 of 0"]


class TestGiven:
    def test_lies_on_the_scenes_it_covers(self):
        given = [
            timed_caption(0, 9.9, "a sea"),
            timed_caption(9, 21, "a storm"),
            timed_caption(25, None, "hit: lightning"),
        ]
        found = caption_scenes(FILM, NOWHERE, None, given, given_by="film.srt")
        said = [[one.text for one in each.captions] for each in found.scenes]
        assert said == [["a sea", "a storm"], ["a storm"], ["lightning"]]
        assert {one.by for one in found.scenes[0].captions} == {"film.srt"}

    def test_a_hardly_overlapping_caption_says_nothing(self):
        assert given_for(FILM.scenes[1], [timed_caption(0, 10.5, "a sea")]) == []

    def test_a_short_caption_inside_a_long_scene_counts(self):
        assert len(given_for(FILM.scenes[2], [timed_caption(30, 31, "a bird")])) == 1

    def test_only_the_most_telling_are_kept(self):
        given = [timed_caption(20, 21 + index, str(index)) for index in range(12)]
        kept = given_for(FILM.scenes[2], given)
        assert [one.text for one in kept] == [
            str(index) for index in range(11, 11 - MOST_GIVEN, -1)
        ]

    def test_no_music_marks_a_scene_that_it_mostly_covers(self):
        given = [timed_caption(0, 6, "no music"), timed_caption(15, 24, "[no music]")]
        found = caption_scenes(FILM, NOWHERE, None, given)
        assert [one.no_music for one in found.scenes] == [True, False, False]
        assert all("no music" not in one.captions[0].text for one in found.scenes)

    def test_a_marker_marks_its_scene(self):
        found = caption_scenes(FILM, NOWHERE, None, [timed_caption(30, None, "NM")])
        assert [one.no_music for one in found.scenes] == [False, False, True]


@pytest.mark.usefixtures("frames")
class TestCaptioner:
    def test_follows_what_was_given(self):
        found = caption_scenes(FILM, NOWHERE, Looker(), [timed_caption(0, 10, "a sea")])
        assert [one.text for one in found.scenes[0].captions] == ["a sea", "1 of 0"]
        assert found.scenes[1].captions[0].licence == "apache-2.0"

    def test_what_it_cannot_say_is_measured_and_noticed(self):
        found = caption_scenes(FILM, NOWHERE, Looker(fails_at=[1]))
        assert [one.captions[0].source for one in found.scenes] == ["model", "measured", "model"]
        assert "1 of 3 scenes, first scene 2: out of order" in found.notices[0]

    def test_fails_where_it_fails_at_every_scene(self):
        with pytest.raises(CaptionerError, match="out of order"):
            caption_scenes(FILM, NOWHERE, Looker(fails_at=[0, 1, 2]))

    def test_stops_and_tells_how_far_it_is(self):
        told: list[float] = []
        caption_scenes(FILM, NOWHERE, Looker(), progress=lambda _what, done: told.append(done))
        assert told == pytest.approx([1 / 3, 2 / 3, 1])
        stop = threading.Event()
        stop.set()
        with pytest.raises(VideoStoppedError):
            caption_scenes(FILM, NOWHERE, Looker(), stop=stop)

    def test_an_analysis_stays_what_it_is(self):
        found = caption_scenes(FILM, NOWHERE, Looker())
        bare = tuple(msgspec.structs.replace(one, captions=()) for one in found.scenes)
        assert msgspec.structs.replace(found, scenes=bare) == FILM
