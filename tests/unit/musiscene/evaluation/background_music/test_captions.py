from pathlib import Path
from typing import Any, cast

from musiscene.data.fusion import FusionError
from musiscene.evaluation.background_music.captions import (
    Captions,
    MusiSceneCaptioner,
    caption_clips,
)
from musiscene.evaluation.background_music.clips import Clip
from musiscene.progress import ProgressReport
from musiscene.writer import ModelVersions
from tests.support.background_music import PlainCaptioner

CLIPS = [Clip(id=name, video=f"{name} walks", music="drums") for name in ("ann", "bob")]


class Broken(PlainCaptioner):
    def caption(self, clip: Clip) -> Captions:
        if clip.id == "bob":
            raise FusionError("music: model: its answer is empty")
        return super().caption(clip)


class TestCaptionClips:
    def test_captions_once_and_goes_on(self, tmp_path: Path):
        captioner, path = PlainCaptioner(), tmp_path / "captions.jsonl"
        failures: list[tuple[str, str]] = []

        def run() -> dict[str, Captions]:
            return caption_clips(
                CLIPS, captioner, path, ProgressReport(), lambda *one: failures.append(one)
            )

        first = run()
        assert run() == first
        assert captioner.captioned == ["ann", "bob"]
        assert first["ann"].of("msi") == "ann walks at night"
        captioner.version = "plain-2"
        run()
        assert captioner.captioned == ["ann", "bob"] * 2
        assert failures == []

    def test_a_clip_that_cannot_be_captioned_is_listed(self, tmp_path: Path):
        failures: list[tuple[str, str]] = []
        found = caption_clips(
            CLIPS,
            Broken(),
            tmp_path / "captions.jsonl",
            ProgressReport(),
            lambda *one: failures.append(one),
        )
        assert list(found) == ["ann"]
        assert failures == [("bob", "music: model: its answer is empty")]


class Answering:
    name = "answering"

    def complete(self, *_args: object, **_options: object) -> str:
        return "Slow drums that walk beside somebody through all of a long and quiet day."


class Written:
    def imagine(self, descriptions: list[str], **_options: object) -> list[list[Any]]:
        return [[type("Scene", (), {"text": f"seen: {text}"})] for text in descriptions]


class Writing:
    asked_for_videos: bool | None = None

    def imaginer(self, *, of_videos: bool) -> Written:
        self.asked_for_videos = of_videos
        return Written()


class Reading:
    version = "made"
    versions = ModelVersions(listening="made", writing="made")


class TestMusiSceneCaptioner:
    def captioner(self, writing: Writing) -> MusiSceneCaptioner:
        return MusiSceneCaptioner(
            cast("Any", Reading()),
            cast("Any", writing),
            cast("Any", Answering),
            fuser_name="answering",
        )

    def test_writes_what_is_missing_and_says_who_did(self):
        writing = Writing()
        captions = self.captioner(writing).caption(CLIPS[0])
        assert captions.msi == "seen: drums"
        assert captions.imagined_by == "made from text"
        assert captions.fused_by == "answering"
        assert captions.fusion.startswith("Slow drums")
        assert writing.asked_for_videos is False

    def test_leaves_what_is_given(self):
        clip = Clip(id="a", video="a", music="drums", fusion="both", msi="a park")
        captions = self.captioner(Writing()).caption(clip)
        assert (captions.fusion, captions.msi) == ("both", "a park")
        assert (captions.fused_by, captions.imagined_by) == ("given", "given")
