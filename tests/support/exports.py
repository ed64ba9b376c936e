"""A plan of cues with music at awkward frames, for what is taken out of plans."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING
from uuid import UUID, uuid5

import msgspec

from indexer.matching.results import MatchedTrack
from indexer.spotting.cue_plan import Cue, CuePlan, CueTrack, Landing, PlanWishes
from musiscene.video.analysis import SceneCaption, SceneFacts, VideoInfo, VideoScene

if TYPE_CHECKING:
    from collections.abc import Sequence

    from indexer.spotting.cue_plan import CueKind

NAMES = UUID("6ba7b810-9dad-11d1-80b4-00c04fd430c8")
FACTS = SceneFacts(
    cuts_per_minute=4.0, motion=0.2, brightness=0.5, contrast=0.2, saturation=0.3, warmth=0.0,
    speech=0.0, loudness_lufs=None,
)  # fmt: skip


def info(
    *,
    frames: int,
    rate: Fraction = Fraction(25),
    start_timecode: str | None = None,
    name: str = "film.mov",
    audio_codec: str | None = "aac",
) -> VideoInfo:
    """What is known of a video of so many frames."""
    return VideoInfo(
        name=name, size_bytes=1, sha256="0" * 64, container="mov", codec="h264", width=320,
        height=180, rotation=0, frame_rate=str(rate), is_variable_rate=False, frames=frames,
        duration_seconds=float(frames / rate), start_timecode=start_timecode,
        audio_codec=audio_codec, audio_streams=int(audio_codec is not None), video_streams=1,
    )  # fmt: skip


def chosen(
    title: str | None = "Night Drive",
    *,
    artist: str | None = "The Band",
    source_start_seconds: float = 12.345678,
    duration_seconds: float = 4_000.0,
    path: str | None = None,
    licence: str | None = "CC BY 4.0",
    landings: tuple[Landing, ...] = (),
) -> CueTrack:
    """A track that plays."""
    place = path or f"/music/{title}.flac"
    track = MatchedTrack(
        id=uuid5(NAMES, ascii(place)), path=place, title=title, artist=artist,
        duration_seconds=duration_seconds, bpm=120.0, key="C major", loudness_lufs=-14.0,
        licence=licence, generated=False,
    )  # fmt: skip
    return CueTrack(
        track=track, source_start_seconds=source_start_seconds, confidence=0.7, fit=0.6,
        energy_fit=0.5, masking=0.1, starts_at="downbeat", ends_at="phrase", landings=landings,
        reason="It is calm.",
    )  # fmt: skip


def cue(
    number: int,
    span: tuple[int, int],
    track: CueTrack | None = None,
    *,
    rate: Fraction = Fraction(25),
    kind: CueKind = "track",
    **changes: object,
) -> Cue:
    """A stretch of the video; `changes` are further fields."""
    start, end = span
    made = Cue(
        id=f"c{number}", kind=kind, start_frame=start, end_frame=end,
        start_seconds=round(float(start / rate), 6), end_seconds=round(float(end / rate), 6),
        first_scene=0, last_scene=0, chosen=track,
    )  # fmt: skip
    return msgspec.structs.replace(made, **changes)


def plan_of(video: VideoInfo, cues: Sequence[Cue], *, caption: str = "A lake.") -> CuePlan:
    """A plan with one scene."""
    scene = VideoScene(
        number=0, start_frame=0, end_frame=video.frames, start_seconds=0.0,
        end_seconds=video.duration_seconds, first_shot=0, last_shot=0, keyframes_seconds=(0.0,),
        facts=FACTS, captions=(SceneCaption(text=caption, source="given", by="file"),),
    )  # fmt: skip
    return CuePlan(video=video, scenes=(scene,), cues=tuple(cues), wishes=PlanWishes(), value=1.0)


def awkward_plan(rate: Fraction, start_timecode: str | None = None) -> CuePlan:
    """Cues that begin and end beside the minutes at which drop frame skips numbers."""
    minute, ten = round(rate) * 60, int(rate * 600)
    landing = Landing(
        kind="turn", video_seconds=float((minute + 7) / rate), track_seconds=20.0,
        residual_frames=0.2,
    )  # fmt: skip
    bounds = [0, 1, minute - 1, minute, minute + 1, 2 * minute + 3, ten - 1, ten + 2, ten + 200]
    tracks: list[CueTrack | None] = [
        chosen("One", source_start_seconds=0.0), None, chosen("Two", landings=(landing,)),
        chosen("Three", source_start_seconds=59.94), chosen("One", source_start_seconds=61.5), None,
        chosen("Four", source_start_seconds=600.0), chosen("Two", source_start_seconds=1.0),
    ]  # fmt: skip
    kinds: list[CueKind] = ["track" if track else "open" for track in tracks]
    kinds[1] = "silence"
    cues = [
        cue(
            number, (bounds[number], bounds[number + 1]), tracks[number], rate=rate,
            kind=kinds[number], fade_in_seconds=0.5, fade_out_seconds=1.0, gain_db=-3.0,
        )
        for number in range(len(tracks))
    ]  # fmt: skip
    video = info(frames=bounds[-1], rate=rate, start_timecode=start_timecode)
    return plan_of(video, cues)
