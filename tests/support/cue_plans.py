"""Plans of cues as they lie in a catalogue, without anything that watches a video."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID, uuid4

import msgspec

from indexer.catalogue.cue_plans import NewCuePlan
from indexer.matching.results import MatchedTrack
from indexer.spotting.cue_plan import Cue, CuePlan, CueTrack, PlanWishes
from musiscene.video.analysis import (
    SceneCaption,
    SceneFacts,
    Shot,
    VideoAnalysis,
    VideoInfo,
    VideoScene,
)

if TYPE_CHECKING:
    from indexer.catalogue.cue_plans import CuePlanRow
    from indexer.catalogue.repository import Catalogue

RATE = 25
FRAMES = 500


def video_info(name: str = "cut.mp4") -> VideoInfo:
    """Twenty seconds at 25 frames a second."""
    return VideoInfo(
        name=name,
        size_bytes=1_000,
        sha256="a" * 64,
        container="mov,mp4,m4a,3gp,3g2,mj2",
        codec="h264",
        width=320,
        height=180,
        rotation=0,
        frame_rate="25",
        is_variable_rate=False,
        frames=FRAMES,
        duration_seconds=FRAMES / RATE,
        start_timecode=None,
        audio_codec=None,
        audio_streams=0,
        video_streams=1,
    )


def analysis(name: str = "cut.mp4") -> VideoAnalysis:
    """Two scenes of ten seconds, each of one shot, without sound."""
    edges = [(0, 250), (250, FRAMES)]
    facts = SceneFacts(
        cuts_per_minute=6.0,
        motion=0.2,
        brightness=0.5,
        contrast=0.2,
        saturation=0.3,
        warmth=0.1,
        speech=0.0,
        loudness_lufs=None,
    )
    shots = tuple(
        Shot(
            start_frame=start,
            end_frame=end,
            start_seconds=start / RATE,
            end_seconds=end / RATE,
            begins="start" if start == 0 else "cut",
            strength=1.0,
            fingerprint=f"{start:016x}",
        )
        for start, end in edges
    )
    captions = ("a ship fights a storm", "mist lies on a quiet lake")
    scenes = tuple(
        VideoScene(
            number=number,
            start_frame=start,
            end_frame=end,
            start_seconds=start / RATE,
            end_seconds=end / RATE,
            first_shot=number,
            last_shot=number,
            keyframes_seconds=((start + end) / 2 / RATE,),
            facts=facts,
            captions=(SceneCaption(text=captions[number], source="given", by="cut.srt"),),
        )
        for number, (start, end) in enumerate(edges)
    )
    return VideoAnalysis(
        info=video_info(name), shots=shots, scenes=scenes, activity=(0.5,) * 20, sound=None
    )


def matched(track_id: UUID, path: str = "/m/a.wav") -> MatchedTrack:
    """A track as an answer names it."""
    fields = {
        "id": track_id, "path": path, "title": "Été", "artist": "A & B", "loudness_lufs": -14.0,
        "licence": None, "bpm": 120.0, "key": "C:major", "duration_seconds": 60.0,
        "generated": False,
    }  # fmt: skip
    known = {name: fields[name] for name in MatchedTrack.__struct_fields__ if name in fields}
    return msgspec.convert(known, MatchedTrack, strict=False)


def plan(track_id: UUID | None = None, name: str = "cut.mp4") -> CuePlan:
    """A track under the first scene, and nothing that fits the second."""
    heard = analysis(name)
    chosen = CueTrack(
        track=matched(track_id or uuid4()),
        source_start_seconds=4.0,
        confidence=0.8,
        fit=0.7,
        energy_fit=0.4,
        masking=0.0,
        starts_at="downbeat",
        ends_at="downbeat",
        reason="It fits.",
    )
    cues = (
        Cue(
            id="c1",
            kind="track",
            start_frame=0,
            end_frame=250,
            start_seconds=0.0,
            end_seconds=10.0,
            first_scene=0,
            last_scene=0,
            chosen=chosen,
        ),
        Cue(
            id="c2",
            kind="open",
            start_frame=250,
            end_frame=FRAMES,
            start_seconds=10.0,
            end_seconds=20.0,
            first_scene=1,
            last_scene=1,
            notice="Nothing fits.",
        ),
    )
    return CuePlan(
        video=heard.info,
        scenes=heard.scenes,
        cues=cues,
        wishes=PlanWishes(),
        value=8.0,
        activity=heard.activity,
    )


def stored_plan(
    catalogue: Catalogue, *, track_id: UUID | None = None, parent: UUID | None = None
) -> CuePlanRow:
    """A plan that is made, in a catalogue."""
    plan_id = UUID(int=uuid4().int)
    catalogue.cue_plans.add(
        NewCuePlan(
            id=plan_id,
            name="A cut",
            video_name="cut.mp4",
            video_bytes=1_000,
            video_sha256="a" * 64,
            parent_id=parent,
        )
    )
    documents = {"analysis": analysis(), "plan": plan(track_id)}
    encoded = {name: msgspec.json.encode(one).decode() for name, one in documents.items()}
    return catalogue.cue_plans.change(plan_id, 0, **encoded)
