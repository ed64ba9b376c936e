from __future__ import annotations

import csv
import io
import itertools
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import msgspec
import opentimelineio as otio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer.spotting.cue_plan import CuePlan, Duck
from indexer.spotting.errors import ExportError
from indexer.spotting.exports.formats import export_plan
from musiscene.video.timecode import can_drop_frames, frame_at, parse_timecode
from tests.support.exports import awkward_plan, chosen, cue, info, plan_of

if TYPE_CHECKING:
    from uuid import UUID

FILM, TV = Fraction(24000, 1001), Fraction(30000, 1001)
RATES = [
    pytest.param(rate, start, id=f"{float(rate):.3f}-{start}")
    for rate, start in [
        *itertools.product(
            [FILM, Fraction(24), Fraction(25), TV, Fraction(30), 2 * FILM, Fraction(48),
             Fraction(50), 2 * TV, Fraction(60)],
            [None, "01:00:00:00", "00:59:50:10"],
        ),
        *itertools.product([TV, 2 * TV], ["01:00:00;00", "00:59:50;00"]),
    ]
]  # fmt: skip
WHOLE = [pytest.param(Fraction(rate), None, id=str(rate)) for rate in (24, 25, 30, 48, 50, 60)]


def nowhere(_track: UUID) -> Path | None:
    return None


def somewhere(track: UUID) -> Path | None:
    return Path(f"/music/{track}.flac")


def content(plan: CuePlan, format_name: str, **options: Path | bool | None) -> bytes:
    drop_frame, video = options.get("drop_frame"), options.get("video")
    assert drop_frame is None or isinstance(drop_frame, bool)
    assert video is None or isinstance(video, Path)
    made = export_plan(plan, format_name, audio_of=somewhere, drop_frame=drop_frame, video=video)
    return made.content


def spans_of(plan: CuePlan) -> list[tuple[str, int, int]]:
    """Title, first and last frame of the music in the plan."""
    return [
        (one.chosen.track.title or "", one.start_frame, one.end_frame)
        for one in plan.cues
        if one.chosen is not None and not one.is_muted
    ]


class TestJson:
    def test_is_the_plan_itself(self):
        plan = awkward_plan(TV, "01:00:00;00")
        assert msgspec.json.decode(content(plan, "json"), type=CuePlan) == plan


class TestOpenTimelineIO:
    @pytest.mark.parametrize(("rate", "start"), RATES)
    def test_every_boundary_comes_back_to_the_frame(self, rate: Fraction, start: str | None):
        plan = awkward_plan(rate, start)
        timeline = otio.adapters.read_from_string(content(plan, "otio").decode(), "otio_json")
        found, sources = [], {}
        for track in timeline.tracks:
            for clip in track.find_clips():
                span = track.range_of_child(clip)
                if track.name in {"A2", "A3"}:
                    found.append(
                        (
                            clip.name,
                            int(span.start_time.value),
                            int(span.end_time_exclusive().value),
                        )
                    )
                    sources[int(span.start_time.value)] = clip.source_range.start_time.value
                assert span.start_time.value == int(span.start_time.value)
                assert span.start_time.rate == float(rate)
        assert sorted(found, key=lambda one: one[1]) == spans_of(plan)
        for one in plan.cues:
            if one.chosen is not None:
                assert sources[one.start_frame] == frame_at(one.chosen.source_start_seconds, rate)
        first = timeline.global_start_time
        if start is not None:
            assert first.to_timecode(float(rate), drop_frame=";" in start) == start
        assert [track.name for track in timeline.tracks] == ["V1", "A1", "A2", "A3"]
        assert all(track.duration().value == plan.video.frames for track in timeline.tracks)

    def test_fades_lie_within_their_clip(self):
        plan = awkward_plan(Fraction(25))
        timeline = otio.adapters.read_from_string(content(plan, "otio").decode(), "otio_json")
        fades = [
            one for track in timeline.tracks for one in track
            if isinstance(one, otio.schema.Transition)
        ]  # fmt: skip
        assert {(one.in_offset.value, one.out_offset.value) for one in fades} >= {(0, 13), (25, 0)}

    def test_carries_rights_landings_and_what_is_wanted(self):
        plan = awkward_plan(Fraction(25))
        timeline = otio.adapters.read_from_string(content(plan, "otio").decode(), "otio_json")
        clip = timeline.tracks[2].find_clips()[0]
        facts = clip.metadata["musiscene"]
        assert facts["licence"] == "CC BY 4.0"
        assert facts["gain_db"] == -3.0
        assert clip.media_reference.target_url.startswith("file:///music/")
        markers = {(one.name, int(one.marked_range.start_time.value))
                   for one in timeline.tracks.markers}  # fmt: skip
        assert {("scene 1", 0), ("landing: turn", 1507), ("music wanted", 3003)} <= markers

    def test_what_is_muted_is_disabled_and_what_is_gone_is_missing(self):
        muted = cue(0, (0, 100), chosen(), is_muted=True)
        plan = plan_of(info(frames=100), [muted])
        made = export_plan(plan, "otio", audio_of=nowhere).content
        timeline = otio.adapters.read_from_string(made.decode(), "otio_json")
        (clip,) = timeline.tracks[2].find_clips()
        assert not clip.enabled
        assert isinstance(clip.media_reference, otio.schema.MissingReference)

    def test_files_are_named_from_a_folder(self):
        plan = plan_of(info(frames=100), [cue(0, (0, 100), chosen())])
        made = export_plan(
            plan, "otio", audio_of=lambda _: Path("/films/a b/music.flac"),
            video=Path("/films/film.mov"), relative_to=Path("/films/out"),
        )  # fmt: skip
        timeline = otio.adapters.read_from_string(made.content.decode(), "otio_json")
        urls = [clip.media_reference.target_url for clip in timeline.find_clips()]
        assert urls == ["../film.mov", "../film.mov", "../a%20b/music.flac"]


class TestEdl:
    @pytest.mark.parametrize(("rate", "start"), RATES)
    def test_every_boundary_comes_back_to_the_frame(self, rate: Fraction, start: str | None):
        plan = awkward_plan(rate, start)
        text = content(plan, "edl").decode()
        timeline = otio.adapters.read_from_string(text, "cmx_3600", rate=float(rate))
        music = next(track for track in timeline.tracks if track.name == "A2")
        first = parse_timecode(start, rate)[0] if start else 0
        assert spans_of(plan)[0][1] == 0  # so the reader's count begins there
        found = []
        for clip in music.find_clips():
            span = music.range_of_child(clip)
            found.append((int(span.start_time.value), int(span.end_time_exclusive().value)))
            seconds = clip.source_range.start_time.value
            assert seconds == int(seconds)
        assert found == [(start, end) for _, start, end in spans_of(plan)]
        picture = next(track for track in timeline.tracks if track.name == "V")
        (clip,) = picture.find_clips()
        assert clip.source_range.start_time.value == first
        assert clip.source_range.duration.value == plan.video.frames

    def test_says_how_it_counts(self):
        plan = awkward_plan(TV, "01:00:00;00")
        lines = content(plan, "edl").decode().split("\r\n")
        assert lines[1] == "FCM: DROP FRAME"
        assert "01:00:59;29 01:01:00;02" in "".join(lines)
        plain = content(plan, "edl", drop_frame=False).decode()
        assert "FCM: NON-DROP FRAME" in plain
        assert ";" not in plain

    def test_reels_are_valid_and_one_a_track(self):
        plan = awkward_plan(Fraction(25))
        events = [line.split() for line in content(plan, "edl").decode().splitlines()
                  if line[:3].isdigit()]  # fmt: skip
        assert [len(fields) for fields in events] == [8] * 7
        reels = [fields[1] for fields in events]
        assert all(len(reel) == 8 and reel.isalnum() and reel.isascii() for reel in reels)
        assert len(set(reels)) == 5  # "One" and "Two" come twice
        assert [fields[0] for fields in events] == [f"{number:03d}" for number in range(1, 8)]

    def test_more_events_than_numbers_are_refused(self):
        cues = [cue(number, (number, number + 1), chosen()) for number in range(999)]
        with pytest.raises(ExportError, match="999 events"):
            content(plan_of(info(frames=999), cues), "edl")

    def test_muted_cues_are_left_out(self):
        cues = [cue(0, (0, 50), chosen(), is_muted=True), cue(1, (50, 100), chosen("Two"))]
        text = content(plan_of(info(frames=100), cues), "edl").decode()
        assert "Two" in text
        assert "Night Drive" not in text


def seconds_of(text: str | None) -> Fraction:
    assert text is not None
    return Fraction(text.removesuffix("s"))


class TestFcpxml:
    @pytest.mark.parametrize(("rate", "start"), RATES)
    def test_every_boundary_is_exact_to_the_frame(self, rate: Fraction, start: str | None):
        plan = awkward_plan(rate, start)
        root = ET.fromstring(content(plan, "fcpxml"))  # noqa: S314  ours
        first = parse_timecode(start, rate)[0] if start else 0
        found = []
        for clip in root.findall(".//asset-clip/asset-clip"):
            begins = seconds_of(clip.get("offset")) * rate - first
            ends = begins + seconds_of(clip.get("duration")) * rate
            assert begins.denominator == ends.denominator == 1
            found.append((clip.get("name"), int(begins), int(ends)))
        assert found == spans_of(plan)
        sequence = root.find(".//sequence")
        assert sequence is not None
        assert seconds_of(sequence.get("tcStart")) * rate == first
        assert sequence.get("tcFormat") == ("DF" if start and ";" in start else "NDF")
        frame = root.find(".//format")
        assert frame is not None
        assert seconds_of(frame.get("frameDuration")) == 1 / rate

    @pytest.mark.parametrize(("rate", "start"), WHOLE)
    def test_comes_back_through_opentimelineio(self, rate: Fraction, start: str | None):
        plan = awkward_plan(rate, start)
        project = otio.adapters.read_from_string(content(plan, "fcpxml").decode(), "fcpx_xml")
        found = []
        for track in project[0].tracks:
            for clip in track.find_clips():
                span = track.range_of_child(clip)
                if track.name != "0":
                    found.append(
                        (
                            clip.name,
                            int(span.start_time.value),
                            int(span.end_time_exclusive().value),
                        )
                    )
        assert sorted(found, key=lambda one: one[1]) == spans_of(plan)

    def test_levels_fades_and_ducks_are_volume(self):
        one = cue(
            0, (100, 500), chosen(source_start_seconds=10.0), fade_in_seconds=1.0,
            fade_out_seconds=2.0,
            gain_db=-2.0, ducks=(Duck(start_seconds=8.0, end_seconds=10.0, gain_db=-9.0),),
        )  # fmt: skip
        root = ET.fromstring(content(plan_of(info(frames=600), [one]), "fcpxml"))  # noqa: S314
        volume = root.find(".//adjust-volume")
        assert volume is not None
        assert volume.get("amount") == "-2.00dB"
        fades = [(fade.tag, fade.get("duration")) for fade in volume.findall("param/*")]
        assert fades[:2] == [("fadeIn", "1s"), ("fadeOut", "2s")]
        keys = [(key.get("time"), key.get("value")) for key in volume.iter("keyframe")]
        assert ("14s", "-11.00dB") in keys  # the video's 8 s are the track's 14 s
        assert ("16s", "-11.00dB") in keys
        assert keys[0] == ("10s", "-2.00dB")

    def test_what_is_wanted_is_to_be_done(self):
        root = ET.fromstring(content(awkward_plan(TV), "fcpxml"))  # noqa: S314  ours
        (wanted,) = [mark for mark in root.iter("marker") if mark.get("value") == "music wanted"]
        assert wanted.get("completed") == "0"


class TestLists:
    @pytest.mark.parametrize(("rate", "start"), RATES)
    def test_every_boundary_is_exact_to_the_frame(self, rate: Fraction, start: str | None):
        plan = awkward_plan(rate, start)
        bounds = [(first, last) for _, first, last in spans_of(plan)]
        first_frame = parse_timecode(start, rate)[0] if start else 0

        premiere = csv.DictReader(
            io.StringIO(content(plan, "premiere").decode("utf-16"), newline=""), delimiter="\t"
        )
        assert bounds == [
            tuple(parse_timecode(row[key], rate)[0] - first_frame for key in ("In", "Out"))
            for row in premiere if row["Description"].startswith("cue ")
        ]  # fmt: skip

        def frame(clock: str) -> int:
            minutes, seconds = clock.split(":")
            return frame_at(60 * int(minutes) + Fraction(seconds), rate)

        reaper = csv.DictReader(io.StringIO(content(plan, "reaper").decode(), newline=""))
        assert bounds == [
            (frame(row["Start"]), frame(row["End"]))
            for row in reaper if ": cue c" in row["Name"]
        ]  # fmt: skip
        labels = [line.split("\t") for line in content(plan, "audacity").decode().splitlines()]
        assert bounds == [
            (frame_at(Fraction(start), rate), frame_at(Fraction(end), rate))
            for start, end, name in labels if ": cue c" in name
        ]  # fmt: skip

    def test_premiere_writes_drop_frame_without_colons(self):
        text = content(awkward_plan(TV, "01:00:00;00"), "premiere").decode("utf-16")
        assert "01;01;00;02" in text
        assert ":" not in text.replace("landing: turn", "")


class TestCueSheet:
    def test_says_what_is_not_on_file(self):
        one = cue(0, (0, 1505), chosen(artist=None, licence=None))
        text = content(plan_of(info(frames=2000), [one]), "cue-sheet").decode("utf-8-sig")
        (row,) = csv.DictReader(io.StringIO(text, newline=""))
        assert row["title"] == "Night Drive"
        assert {row[key] for key in ("artist", "writers", "publisher", "isrc", "licence")} == {
            "not on file"
        }
        assert (row["in"], row["out"]) == ("00:00:00:00", "00:01:00:05")
        assert row["duration"] == "1:00.200"
        assert row["generated"] == "no"

    def test_leaves_out_what_is_not_heard(self):
        cues = [cue(0, (0, 50), chosen(), is_muted=True), cue(1, (50, 100), kind="open")]
        text = content(plan_of(info(frames=100), cues), "cue-sheet").decode("utf-8-sig")
        assert not list(csv.DictReader(io.StringIO(text, newline="")))


class TestAnyCut:
    @settings(max_examples=40, deadline=None)
    @given(
        bounds=st.lists(st.integers(1, 200_000), min_size=1, max_size=6, unique=True).map(sorted),
        rate=st.sampled_from([FILM, Fraction(25), TV, Fraction(50), 2 * TV]),
        start=st.sampled_from([None, "01:00:00:00", "09:58:59:23"]),
        drop_frame=st.booleans(),
        source_start_seconds=st.floats(0, 3_000),
    )
    def test_comes_back_to_the_frame(
        self, *, bounds: list[int], rate: Fraction, start: str | None, drop_frame: bool,
        source_start_seconds: float,
    ):  # fmt: skip
        drop_frame = drop_frame and can_drop_frames(rate)
        track = chosen(source_start_seconds=source_start_seconds, duration_seconds=20_000.0)
        cues = [cue(number, span, track, rate=rate)
                for number, span in enumerate(itertools.pairwise([0, *bounds]))]  # fmt: skip
        plan = plan_of(info(frames=bounds[-1], rate=rate, start_timecode=start), cues)
        spans = [(one.start_frame, one.end_frame) for one in plan.cues]
        text = content(plan, "edl", drop_frame=drop_frame).decode()
        timeline = otio.adapters.read_from_string(text, "cmx_3600", rate=float(rate))
        music = next(track for track in timeline.tracks if track.name == "A2")
        ranges = [music.range_of_child(clip) for clip in music.find_clips()]
        assert [
            (int(one.start_time.value), int(one.end_time_exclusive().value)) for one in ranges
        ] == spans
        text = content(plan, "otio", drop_frame=drop_frame).decode()
        timeline = otio.adapters.read_from_string(text, "otio_json")
        assert spans == sorted(
            (int(span.start_time.value), int(span.end_time_exclusive().value))
            for track in timeline.tracks if track.name in {"A2", "A3"}
            for clip in track.find_clips() for span in [track.range_of_child(clip)]
        )  # fmt: skip


class TestExportPlan:
    def test_an_unknown_format_is_refused(self):
        with pytest.raises(ExportError, match="there are json, otio"):
            export_plan(awkward_plan(TV), "aaf", audio_of=nowhere)

    def test_drop_frame_that_cannot_be_is_refused(self):
        with pytest.raises(ExportError, match="no drop frame"):
            export_plan(awkward_plan(Fraction(25)), "edl", audio_of=nowhere, drop_frame=True)

    def test_a_silent_film_has_no_sound_of_its_own(self):
        plan = plan_of(info(frames=100, audio_codec=None), [cue(0, (0, 100), chosen())])
        timeline = otio.adapters.read_from_string(content(plan, "otio").decode(), "otio_json")
        assert [track.name for track in timeline.tracks] == ["V1", "A2", "A3"]
        assert " V     C " in content(plan, "edl").decode()
