"""Final Cut Pro XML 1.10: the picture in the spine, the music connected below it.

Source: Apple, "Document Type Definition" and "Story Elements" of FCPXML,
developer.apple.com/documentation/professional-video-applications/fcpxml-reference.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Final
from xml.etree import ElementTree as ET

from indexer.spotting.preview.levels import level_points
from musiscene.audio.tags import clean_tag

if TYPE_CHECKING:
    from indexer.spotting.exports.timeline import ExportTimeline, MusicClip

VERSION: Final = "1.10"
FORMAT_ID: Final = "r1"
VIDEO_ID: Final = "r2"
NAMESPACE: Final = "musiscene"


def write_fcpxml(timeline: ExportTimeline) -> bytes:
    """A plan as an `.fcpxml` file.

    Args:
        timeline: The plan.

    Returns:
        One project; music lies on lanes -1 and -2 in the role `music`, with volume, ducks and
        fades. Muted cues are disabled, and open cues are markers to be done.
    """
    base = timeline.base
    root = ET.Element("fcpxml", version=VERSION)
    ids = _resources(root, timeline)
    event = ET.SubElement(ET.SubElement(root, "library"), "event", name=timeline.name)
    project = ET.SubElement(event, "project", name=f"{timeline.name} cues")
    count = {"tcFormat": "DF" if base.drop_frame else "NDF"}
    start, duration = _time(timeline, base.start), _time(timeline, timeline.video.frames)
    sequence = ET.SubElement(
        project,
        "sequence",
        {"format": FORMAT_ID, "duration": duration, "tcStart": start, **count},
        audioLayout="stereo",
        audioRate="48k",
    )
    picture = ET.SubElement(
        ET.SubElement(sequence, "spine"),
        "asset-clip",
        {"ref": VIDEO_ID, "offset": start, "name": timeline.name, "start": start, **count},
        duration=duration,
        audioRole="dialogue",
    )
    for clip in timeline.clips:
        _music(picture, timeline, clip, ids[clip.chosen.track.id])
    for marker in timeline.markers:
        made = ET.SubElement(
            picture,
            "marker",
            start=_time(timeline, base.start + marker.start),
            duration=_time(timeline, max(1, marker.end - marker.start)),
            value=marker.name,
            note=marker.text,
        )
        if marker.kind == "open":
            made.set("completed", "0")
    ET.indent(root)
    text = ET.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE fcpxml>\n{text}\n'.encode()


def _resources(root: ET.Element, timeline: ExportTimeline) -> dict[object, str]:
    """Write the files that are used; the id of each track's."""
    video = timeline.video
    resources = ET.SubElement(root, "resources")
    ET.SubElement(
        resources,
        "format",
        id=FORMAT_ID,
        frameDuration=_rational(1 / timeline.base.fps, whole=False),
        width=str(video.width),
        height=str(video.height),
    )
    picture = ET.SubElement(
        resources,
        "asset",
        id=VIDEO_ID,
        name=timeline.name,
        start=_time(timeline, timeline.base.start),
        duration=_time(timeline, video.frames),
        hasVideo="1",
        format=FORMAT_ID,
        videoSources="1",
    )
    if video.audio_codec is not None:
        picture.attrib |= {"hasAudio": "1", "audioSources": "1"}
    _file(picture, timeline.url(timeline.video_path))
    ids: dict[object, str] = {}
    for clip in timeline.clips:
        if clip.chosen.track.id in ids:
            continue
        ids[clip.chosen.track.id] = name = f"r{len(ids) + 3}"
        asset = ET.SubElement(
            resources,
            "asset",
            {"id": name, "name": clip.title, "start": "0s", "hasAudio": "1"},
            duration=_time(timeline, clip.available),
            audioSources="1",
        )
        _file(asset, timeline.url(clip.path))
    return ids


def _file(asset: ET.Element, url: str) -> None:
    ET.SubElement(asset, "media-rep", kind="original-media", src=url)


def _music(picture: ET.Element, timeline: ExportTimeline, clip: MusicClip, asset: str) -> None:
    start = _time(timeline, clip.source)
    made = ET.SubElement(
        picture,
        "asset-clip",
        {"ref": asset, "lane": str(-1 - clip.lane), "name": clip.title, "start": start},
        offset=_time(timeline, timeline.base.start + clip.start),
        duration=_time(timeline, clip.frames),
        audioRole="music",
        enabled="0" if clip.cue.is_muted else "1",
    )
    facts = _facts(clip)
    ET.SubElement(made, "note").text = "; ".join(f"{key}: {facts[key]}" for key in facts)
    _volume(made, timeline, clip)
    metadata = ET.SubElement(made, "metadata")
    for key, value in facts.items():
        ET.SubElement(metadata, "md", key=f"{NAMESPACE}.{key}", value=value, type="string")


def _volume(made: ET.Element, timeline: ExportTimeline, clip: MusicClip) -> None:
    volume = ET.SubElement(made, "adjust-volume", amount=f"{clip.cue.gain_db:.2f}dB")
    if not (clip.fade_in or clip.fade_out or clip.cue.ducks):
        return
    amount = ET.SubElement(volume, "param", name="amount")
    if clip.fade_in:
        ET.SubElement(amount, "fadeIn", type="easeIn", duration=_time(timeline, clip.fade_in))
    if clip.fade_out:
        ET.SubElement(amount, "fadeOut", type="easeOut", duration=_time(timeline, clip.fade_out))
    if clip.cue.ducks:
        keys = ET.SubElement(amount, "keyframeAnimation")
        for seconds, level_db in level_points(clip.cue):
            into = Fraction(seconds).limit_denominator(10**6) * timeline.base.fps - clip.start
            at = _time(timeline, clip.source + round(into))
            ET.SubElement(keys, "keyframe", time=at, value=f"{level_db:.2f}dB", curve="linear")


def _facts(clip: MusicClip) -> dict[str, str]:
    track = clip.chosen.track
    facts = {
        "cue": clip.cue.id,
        "artist": clean_tag(track.artist),
        "licence": clean_tag(track.licence) or clip.rights.licence,
        "writers": clip.rights.writers,
        "publisher": clip.rights.publisher,
        "isrc": clip.rights.isrc,
        "usage": clip.cue.usage,
        "confidence": f"{clip.chosen.confidence:.2f}",
    }
    return {key: value for key, value in facts.items() if value}


def _time(timeline: ExportTimeline, frames: int) -> str:
    return _rational(frames / timeline.base.fps)


def _rational(seconds: Fraction, *, whole: bool = True) -> str:
    if whole and seconds.denominator == 1:
        return f"{seconds.numerator}s"
    return f"{seconds.numerator}/{seconds.denominator}s"
