"""Scenes of a video and their analysis, without a video."""

from __future__ import annotations

import msgspec

from musiscene.video.analysis import SceneFacts, Shot, VideoAnalysis, VideoInfo, VideoScene

CALM = SceneFacts(
    cuts_per_minute=1.0, motion=0.01, brightness=0.1, contrast=0.1, saturation=0.1, warmth=-0.3,
    speech=0.0, loudness_lufs=None,
)  # fmt: skip
FRANTIC = SceneFacts(
    cuts_per_minute=60.0, motion=0.4, brightness=0.7, contrast=0.3, saturation=0.6, warmth=0.3,
    speech=0.0, loudness_lufs=-12.0,
)  # fmt: skip


def scene(
    number: int, start: float, end: float, *, facts: SceneFacts = CALM, rate: int = 25
) -> VideoScene:
    """One scene of one shot."""
    return VideoScene(
        number=number,
        start_frame=round(start * rate),
        end_frame=round(end * rate),
        start_seconds=start,
        end_seconds=end,
        first_shot=number,
        last_shot=number,
        keyframes_seconds=((start + end) / 2,),
        facts=facts,
    )


def analysis(*scenes: VideoScene, name: str = "film.mp4") -> VideoAnalysis:
    """A silent film of scenes."""
    end = scenes[-1]
    info = VideoInfo(
        name=name, size_bytes=1, sha256="0" * 64, container="mov", codec="h264", width=64,
        height=48, rotation=0, frame_rate="25/1", is_variable_rate=False, frames=end.end_frame,
        duration_seconds=end.end_seconds, start_timecode=None, audio_codec=None, audio_streams=0,
        video_streams=1,
    )  # fmt: skip
    shots = tuple(
        Shot(
            start_frame=one.start_frame, end_frame=one.end_frame, start_seconds=one.start_seconds,
            end_seconds=one.end_seconds, begins="cut", strength=1.0, fingerprint="",
        )
        for one in scenes
    )  # fmt: skip
    first = msgspec.structs.replace(shots[0], begins="start")
    return VideoAnalysis(
        info=info, shots=(first, *shots[1:]), scenes=scenes, activity=(), sound=None
    )
