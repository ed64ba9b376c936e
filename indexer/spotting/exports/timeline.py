"""A plan as an editor's timeline: clips of whole frames, and markers.

Timelines count whole frames, so what sounds at a cue's first frame is moved by at most half a frame
against the plan; the cue's own boundaries are exact.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias
from urllib.parse import quote

import msgspec

from indexer.spotting.cue_plan import Cue, CuePlan, CueTrack
from indexer.spotting.rights import Rights, read_rights
from musiscene.audio.tags import clean_tag
from musiscene.video.analysis import VideoInfo
from musiscene.video.timecode import Timebase, frame_at, timebase_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

MarkerKind: TypeAlias = Literal["scene", "landing", "open"]


class MusicClip(msgspec.Struct, frozen=True, kw_only=True):
    """A cue with a track, in frames of the video."""

    cue: Cue
    chosen: CueTrack
    title: str
    """One line, also where the tags have none."""
    path: Path
    """Of the file; the library's last one where it is gone."""
    is_there: bool
    rights: Rights
    start: int
    """Counted from the beginning of the video."""
    end: int
    source: int
    """Frame of the track that sounds at `start`."""
    available: int
    """Frames of the whole track."""
    fade_in: int
    """Frames from `start`."""
    fade_out: int
    """Frames before `end`."""
    lane: int
    """0 and 1 in turn."""

    @property
    def frames(self) -> int:
        """How long it is."""
        return self.end - self.start


class ExportMarker(msgspec.Struct, frozen=True, kw_only=True):
    """Something that an editor should see on the timeline."""

    kind: MarkerKind
    start: int
    """Frame from the beginning of the video."""
    end: int
    """Equal to `start` for a moment."""
    name: str
    text: str


class ExportTimeline(msgspec.Struct, frozen=True, kw_only=True):
    """The whole cut."""

    name: str
    """Of the video, without its suffix; one line."""
    video: VideoInfo
    video_path: Path
    """As given; only the name where it is not known where the video lies."""
    base: Timebase
    clips: tuple[MusicClip, ...]
    """In order; muted ones too."""
    markers: tuple[ExportMarker, ...]
    """In order."""
    relative_to: Path | None
    """Folder from which files are named; None for whole addresses."""

    @property
    def heard(self) -> tuple[MusicClip, ...]:
        """The clips that are not muted."""
        return tuple(clip for clip in self.clips if not clip.cue.is_muted)

    def url(self, path: Path) -> str:
        """How a file of the timeline is named."""
        try:
            if not path.is_absolute():
                return quote(os.fsencode(path))
            if self.relative_to is None:
                return path.as_uri()
            return quote(os.fsencode(os.path.relpath(path, self.relative_to)))
        except UnicodeEncodeError:  # no name that a file system can hold
            return quote(str(path), errors="replace")


def timeline_of(
    plan: CuePlan,
    *,
    audio_of: Callable[[UUID], Path | None],
    video: Path | None = None,
    relative_to: Path | None = None,
    drop_frame: bool | None = None,
) -> ExportTimeline:
    """See a plan as a timeline.

    Args:
        plan: The plan.
        audio_of: Where the file of a track lies; None where it is gone.
        video: Where the video lies, if that is known.
        relative_to: Folder from which files are named.
        drop_frame: How frames are counted; None for what the video says.

    Returns:
        The timeline.

    Raises:
        ValueError: If drop frame is asked for at a rate that has none.
    """
    base = timebase_of(plan.video, drop_frame=drop_frame)
    paths: dict[UUID, Path | None] = {}
    rights: dict[UUID, Rights] = {}
    clips: list[MusicClip] = []
    for cue in plan.cues:
        if cue.kind != "track" or cue.chosen is None or cue.end_frame <= cue.start_frame:
            continue
        track = cue.chosen.track
        if track.id not in paths:
            paths[track.id] = path = audio_of(track.id)
            rights[track.id] = Rights() if path is None else read_rights(path)
        clips.append(
            _clip(cue, cue.chosen, paths[track.id], rights[track.id], base, lane=len(clips) % 2)
        )
    return ExportTimeline(
        name=clean_tag(Path(plan.video.name).stem) or "video",
        video=plan.video,
        video_path=Path(plan.video.name) if video is None else video.absolute(),
        base=base,
        clips=tuple(clips),
        markers=_markers(plan, base),
        relative_to=relative_to,
    )


def track_title(chosen: CueTrack) -> str:
    """What a track is called: its title, or else its file's name; one line."""
    stem = Path(chosen.track.path).stem
    return clean_tag(chosen.track.title) or clean_tag(stem) or "untitled"


def _clip(
    cue: Cue, chosen: CueTrack, path: Path | None, rights: Rights, base: Timebase, *, lane: int
) -> MusicClip:
    frames = cue.end_frame - cue.start_frame
    available = max(frames, -int(-chosen.track.duration_seconds * base.fps // 1))
    fade_in = min(max(0, frame_at(cue.fade_in_seconds, base.fps)), frames)
    fade_out = min(max(0, frame_at(cue.fade_out_seconds, base.fps)), frames - fade_in)
    source = frame_at(max(0.0, chosen.source_start_seconds), base.fps)
    return MusicClip(
        cue=cue,
        chosen=chosen,
        title=track_title(chosen),
        path=Path(chosen.track.path) if path is None else path.absolute(),
        is_there=path is not None,
        rights=rights,
        start=cue.start_frame,
        end=cue.end_frame,
        source=min(source, available - frames),
        available=available,
        fade_in=fade_in,
        fade_out=fade_out,
        lane=lane,
    )


def _markers(plan: CuePlan, base: Timebase) -> tuple[ExportMarker, ...]:
    found = [
        ExportMarker(
            kind="scene",
            start=scene.start_frame,
            end=scene.end_frame,
            name=f"scene {scene.number + 1}",
            text=clean_tag(scene.captions[0].text if scene.captions else "") or "",
        )
        for scene in plan.scenes
    ]
    for cue in plan.cues:
        if cue.kind == "open":
            found.append(
                ExportMarker(
                    kind="open",
                    start=cue.start_frame,
                    end=cue.end_frame,
                    name="music wanted",
                    text=clean_tag(cue.notice) or "nothing in the library fits",
                )
            )
        elif cue.chosen is not None and not cue.is_muted:
            found.extend(
                ExportMarker(
                    kind="landing",
                    start=(frame := frame_at(landing.video_seconds, base.fps)),
                    end=frame,
                    name=f"landing: {landing.kind}",
                    text=track_title(cue.chosen),
                )
                for landing in cue.chosen.landings
            )
    return tuple(sorted(found, key=lambda marker: (marker.start, marker.kind)))
