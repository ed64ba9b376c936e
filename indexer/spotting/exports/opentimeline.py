"""OpenTimelineIO: the picture, its sound, and the music on two tracks in turn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from indexer.spotting.errors import ExportError
from musiscene.audio.tags import clean_tag

if TYPE_CHECKING:
    import opentimelineio as otio

    from indexer.spotting.exports.timeline import ExportTimeline, MusicClip

NAMESPACE: Final = "musiscene"
COLOUR_OF_KIND: Final = {"scene": "CYAN", "landing": "GREEN", "open": "RED"}


def write_otio(timeline: ExportTimeline) -> bytes:
    """A plan as an `.otio` file.

    Args:
        timeline: The plan.

    Returns:
        Tracks V1 (picture), A1 (its sound, if it has any), A2 and A3 (music). Fades are transitions
        within their clip; muted cues are clips that are disabled.

    Raises:
        ExportError: If OpenTimelineIO is not installed.
    """
    try:
        import opentimelineio as otio
    except ImportError as error:
        raise ExportError(
            "OpenTimelineIO is not installed: pip install 'musiscene[video]'"
        ) from error

    base = timeline.base
    made = otio.schema.Timeline(
        name=timeline.name,
        global_start_time=otio.opentime.RationalTime(base.start, float(base.fps)),
        metadata={NAMESPACE: {"drop_frame": base.drop_frame, "notices": list(base.notices)}},
    )
    kinds = [("V1", otio.schema.TrackKind.Video)]
    if timeline.video.audio_codec is not None:
        kinds.append(("A1", otio.schema.TrackKind.Audio))
    for name, kind in kinds:
        picture = otio.schema.Clip(
            name=timeline.name,
            media_reference=otio.schema.ExternalReference(
                target_url=timeline.url(timeline.video_path),
                available_range=_range(timeline, base.start, timeline.video.frames),
            ),
            source_range=_range(timeline, base.start, timeline.video.frames),
        )
        made.tracks.append(otio.schema.Track(name=name, kind=kind, children=[picture]))
    for lane in range(2):
        made.tracks.append(_music_track(timeline, lane))
    made.tracks.markers.extend(
        otio.schema.Marker(
            name=marker.name,
            comment=marker.text,
            color=COLOUR_OF_KIND[marker.kind],
            marked_range=_range(timeline, marker.start, marker.end - marker.start),
            metadata={NAMESPACE: {"kind": marker.kind}},
        )
        for marker in timeline.markers
    )
    text: str = otio.adapters.write_to_string(made, "otio_json")
    return text.encode()


def _music_track(timeline: ExportTimeline, lane: int) -> otio.schema.Track:
    import opentimelineio as otio

    def gap(frames: int) -> otio.schema.Gap:
        return otio.schema.Gap(source_range=_range(timeline, 0, frames))

    def fade(before: int, after: int) -> otio.schema.Transition:
        return otio.schema.Transition(
            transition_type=otio.schema.TransitionTypes.SMPTE_Dissolve,
            in_offset=otio.opentime.RationalTime(before, float(timeline.base.fps)),
            out_offset=otio.opentime.RationalTime(after, float(timeline.base.fps)),
        )

    track = otio.schema.Track(name=f"A{lane + 2}", kind=otio.schema.TrackKind.Audio)
    reached = 0
    for clip in timeline.clips:
        if clip.lane != lane:
            continue
        if clip.start > reached:
            track.append(gap(clip.start - reached))
        if clip.fade_in:
            track.append(fade(0, clip.fade_in))
        track.append(_music_clip(timeline, clip))
        if clip.fade_out:
            track.append(fade(clip.fade_out, 0))
        reached = clip.end
    if reached < timeline.video.frames:
        track.append(gap(timeline.video.frames - reached))
    return track


def _music_clip(timeline: ExportTimeline, clip: MusicClip) -> otio.schema.Clip:
    import opentimelineio as otio

    available = _range(timeline, 0, clip.available)
    reference = (
        otio.schema.ExternalReference(target_url=timeline.url(clip.path), available_range=available)
        if clip.is_there
        else otio.schema.MissingReference(name=clip.title, available_range=available)
    )
    made = otio.schema.Clip(
        name=clip.title,
        media_reference=reference,
        source_range=_range(timeline, clip.source, clip.frames),
        metadata={NAMESPACE: _facts(clip)},
    )
    made.enabled = not clip.cue.is_muted
    return made


def _facts(clip: MusicClip) -> dict[str, Any]:
    cue, chosen, track = clip.cue, clip.chosen, clip.chosen.track
    return {
        "cue": cue.id,
        "track": str(track.id),
        "artist": clean_tag(track.artist),
        "licence": clean_tag(track.licence) or clip.rights.licence,
        "generated": track.generated,
        "rights": msgspec.to_builtins(clip.rights),
        "usage": cue.usage,
        "pinned": cue.is_pinned,
        "gain_db": cue.gain_db,
        "ducks": [msgspec.to_builtins(duck) for duck in cue.ducks],
        "source_start_seconds": chosen.source_start_seconds,
        "confidence": chosen.confidence,
        "fit": chosen.fit,
        "energy_fit": chosen.energy_fit,
        "masking": chosen.masking,
        "reason": clean_tag(chosen.reason),
    }


def _range(timeline: ExportTimeline, start: int, frames: int) -> otio.opentime.TimeRange:
    import opentimelineio as otio

    rate = float(timeline.base.fps)
    return otio.opentime.TimeRange(
        otio.opentime.RationalTime(start, rate), otio.opentime.RationalTime(frames, rate)
    )
