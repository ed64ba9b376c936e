"""CMX3600 edit decision list: the picture, and the music as cuts on one channel.

Source: Steinberg, "Edit Decision List", xmil.biz/EDL-X/CMX3600.pdf (the layout of its lines).
"""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, Final

from indexer.spotting.errors import ExportError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from indexer.spotting.exports.timeline import ExportTimeline, MusicClip

MOST_EVENTS: Final = 999
TITLE_CHARACTERS: Final = 70
REEL_LETTERS: Final = 5
"""And three digits make a reel name of eight, which is as many as the format has."""
COLOUR_OF_KIND: Final = {"scene": "CYAN", "landing": "GREEN", "open": "RED"}


def write_edl(timeline: ExportTimeline) -> bytes:
    """A plan as an `.edl` file.

    Args:
        timeline: The plan.

    Returns:
        Event 1 is the picture with its sound (A1), the others are music (A2). Fades, levels and
        markers are comments. Muted cues are left out.

    Raises:
        ExportError: If there are more events than the format has numbers.
    """
    clips = timeline.heard
    if len(clips) >= MOST_EVENTS:
        raise ExportError(
            f"an EDL holds {MOST_EVENTS} events, the plan needs {len(clips) + 1}: take otio"
        )
    mode = "DROP FRAME" if timeline.base.drop_frame else "NON-DROP FRAME"
    lines = [f"TITLE: {timeline.name[:TITLE_CHARACTERS]}", f"FCM: {mode}", ""]
    lines.extend(_picture(timeline))
    reels: dict[object, str] = {}
    for number, clip in enumerate(clips, start=2):
        reel = reels.setdefault(clip.chosen.track.id, _reel(clip.title, len(reels) + 1))
        lines.extend(_music(timeline, clip, number, reel))
    return "".join(f"{line}\r\n" for line in lines).encode()


def _picture(timeline: ExportTimeline) -> Iterator[str]:
    channel = "V" if timeline.video.audio_codec is None else "B"
    start, end = _code(timeline, 0), _code(timeline, timeline.video.frames)
    yield _event(1, _reel(timeline.name, 0), channel, (start, end, start, end))
    yield f"* FROM CLIP NAME: {_text(timeline.video_path.name)}"
    for marker in timeline.markers:
        at = _code(timeline, marker.start)
        said = f"{marker.name}: {marker.text}" if marker.text else marker.name
        yield f"* LOC: {at} {COLOUR_OF_KIND[marker.kind]:<7} {said}"


def _music(timeline: ExportTimeline, clip: MusicClip, number: int, reel: str) -> Iterator[str]:
    times = (
        _source(timeline, clip.source), _source(timeline, clip.source + clip.frames),
        _code(timeline, clip.start), _code(timeline, clip.end),
    )  # fmt: skip
    yield _event(number, reel, "A2", times)
    yield f"* FROM CLIP NAME: {_text(clip.path.name)}"
    yield f"* COMMENT: {clip.title}"
    if clip.fade_in or clip.fade_out:
        yield f"* COMMENT: FADE IN {clip.fade_in} FRAMES, FADE OUT {clip.fade_out} FRAMES"
    if clip.cue.gain_db or clip.cue.ducks:
        yield f"* COMMENT: LEVEL {clip.cue.gain_db:+.1f} DB"
    for duck in clip.cue.ducks:
        span = f"{duck.start_seconds:.3f} TO {duck.end_seconds:.3f} S"
        yield f"* COMMENT: DUCK {duck.gain_db:+.1f} DB FROM {span}"


def _event(number: int, reel: str, channel: str, times: tuple[str, str, str, str]) -> str:
    return f"{number:03d}  {reel:<8} {channel:<5} C        {' '.join(times)}"


def _code(timeline: ExportTimeline, frame: int) -> str:
    return timeline.base.timecode(frame)


def _source(timeline: ExportTimeline, frame: int) -> str:
    """Of a sound file, whose own count begins at 0."""
    return timeline.base.timecode(frame - timeline.base.start)


def _reel(name: str, number: int) -> str:
    """A name of its own, of capital letters and digits."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().upper()
    return f"{re.sub('[^A-Z0-9]', '', plain)[:REEL_LETTERS]:X<{REEL_LETTERS}}{number:03d}"


def _text(name: str) -> str:
    return " ".join("".join(char if char.isprintable() else " " for char in name).split())
