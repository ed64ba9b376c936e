"""The sheet by which writers and publishers are paid: what is heard, from when, for how long."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from indexer.spotting.exports.lists import csv_text
from musiscene.audio.tags import clean_tag

if TYPE_CHECKING:
    from indexer.spotting.exports.timeline import ExportTimeline, MusicClip

NOT_ON_FILE: Final = "not on file"
"""Where neither the library nor the file's tags say it; nothing is guessed."""
COLUMNS: Final = (
    "cue", "title", "artist", "writers", "publisher", "album", "isrc", "iswc", "ipi", "usage",
    "in", "out", "duration", "licence", "copyright", "generated", "library_path",
)  # fmt: skip
USAGE: Final = {
    "background": "background",
    "visual": "visual (seen in the picture)",
    "theme": "theme",
}


def write_cue_sheet(timeline: ExportTimeline) -> bytes:
    """The cues that are heard as CSV, UTF-8 with a mark that spreadsheets know.

    Args:
        timeline: The plan.

    Returns:
        One line a cue; in and out are timecode, the duration is minutes and seconds.
    """
    rows = [COLUMNS, *(_row(timeline, clip) for clip in timeline.heard)]
    return csv_text(rows).encode("utf-8-sig")


def _row(timeline: ExportTimeline, clip: MusicClip) -> tuple[str, ...]:
    track, rights = clip.chosen.track, clip.rights
    stated = (
        clip.title if clean_tag(track.title) else None, clean_tag(track.artist), rights.writers,
        rights.publisher, rights.album, rights.isrc, rights.iswc, rights.ipi,
    )  # fmt: skip
    seconds = clip.frames / timeline.base.fps
    minutes, rest = divmod(round(seconds * 1000), 60_000)
    return (
        clip.cue.id,
        *(value or NOT_ON_FILE for value in stated),
        USAGE[clip.cue.usage],
        timeline.base.timecode(clip.start),
        timeline.base.timecode(clip.end),
        f"{minutes}:{rest / 1000:06.3f}",
        clean_tag(track.licence) or rights.licence or NOT_ON_FILE,
        rights.copyright or NOT_ON_FILE,
        "yes" if track.generated else "no",
        clean_tag(str(clip.path)) or NOT_ON_FILE,
    )
