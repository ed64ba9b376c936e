"""Every format in which a plan can be taken out, by its name."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import msgspec

from indexer.spotting.errors import ExportError
from indexer.spotting.exports.cue_sheet import write_cue_sheet
from indexer.spotting.exports.edl import write_edl
from indexer.spotting.exports.fcpxml import write_fcpxml
from indexer.spotting.exports.lists import write_audacity, write_premiere, write_reaper
from indexer.spotting.exports.opentimeline import write_otio
from indexer.spotting.exports.timeline import ExportTimeline, timeline_of

if TYPE_CHECKING:
    from pathlib import Path
    from uuid import UUID

    from indexer.spotting.cue_plan import CuePlan

NAME_CHARACTERS: Final = 80
UNSAFE_IN_NAMES: Final = re.compile(r'[\\/:*?"<>|]')


class ExportFormat(msgspec.Struct, frozen=True, kw_only=True):
    """One of them."""

    title: str
    """What a person calls it."""
    suffix: str
    """Of its files, with what tells several of the same kind apart."""
    media_type: str
    charset: str = "utf-8"
    """Of a text."""
    write: Callable[[ExportTimeline], bytes] | None
    """None for the plan itself."""


class ExportedFile(msgspec.Struct, frozen=True, kw_only=True):
    """A plan in one format."""

    name: str
    """After the video; safe on every system."""
    media_type: str
    charset: str
    """Of a text."""
    content: bytes


EXPORT_FORMATS: Final[Mapping[str, ExportFormat]] = MappingProxyType({
    "json": ExportFormat(
        title="JSON", suffix=".json", media_type="application/json", write=None
    ),
    "otio": ExportFormat(
        title="OpenTimelineIO",
        suffix=".otio",
        media_type="application/vnd.pixar.opentimelineio+json",
        write=write_otio,
    ),
    "edl": ExportFormat(
        title="EDL (CMX3600)", suffix=".edl", media_type="text/plain", write=write_edl
    ),
    "fcpxml": ExportFormat(
        title="Final Cut Pro XML",
        suffix=".fcpxml",
        media_type="application/xml",
        write=write_fcpxml,
    ),
    "premiere": ExportFormat(
        title="Premiere Pro markers",
        suffix=".premiere.csv",
        media_type="text/csv",
        charset="utf-16",
        write=write_premiere,
    ),
    "reaper": ExportFormat(
        title="Reaper regions and markers",
        suffix=".reaper.csv",
        media_type="text/csv",
        write=write_reaper,
    ),
    "audacity": ExportFormat(
        title="Audacity labels",
        suffix=".labels.txt",
        media_type="text/plain",
        write=write_audacity,
    ),
    "cue-sheet": ExportFormat(
        title="Cue sheet",
        suffix=".cue-sheet.csv",
        media_type="text/csv",
        write=write_cue_sheet,
    ),
})  # fmt: skip


def export_plan(
    plan: CuePlan,
    format_name: str,
    *,
    audio_of: Callable[[UUID], Path | None],
    video: Path | None = None,
    relative_to: Path | None = None,
    drop_frame: bool | None = None,
) -> ExportedFile:
    """Write a plan in one format.

    Args:
        plan: The plan.
        format_name: A key of `EXPORT_FORMATS`.
        audio_of: Where the file of a track lies; None where it is gone.
        video: Where the video lies; None where only its name is known, by which it is then named.
        relative_to: Folder from which files are named; None for whole addresses.
        drop_frame: How timecode counts; None for what the video's start timecode says.

    Returns:
        The file, as it would be saved.

    Raises:
        ExportError: If there is no such format, or it cannot hold this plan.
    """
    known = EXPORT_FORMATS.get(format_name)
    if known is None:
        raise ExportError(f"no format {format_name!r}; there are {', '.join(EXPORT_FORMATS)}")
    if known.write is None:
        content = msgspec.json.format(msgspec.json.encode(plan), indent=2) + b"\n"
        return _file(plan, known, content)
    try:
        timeline = timeline_of(
            plan, audio_of=audio_of, video=video, relative_to=relative_to, drop_frame=drop_frame
        )
    except ValueError as error:
        raise ExportError(str(error)) from error
    return _file(plan, known, known.write(timeline))


def _file(plan: CuePlan, known: ExportFormat, content: bytes) -> ExportedFile:
    return ExportedFile(
        name=file_stem(plan) + known.suffix,
        media_type=known.media_type,
        charset=known.charset,
        content=content,
    )


def file_stem(plan: CuePlan) -> str:
    """The name of a plan's files without their suffix: after the video, safe on every system.

    Args:
        plan: The plan.

    Returns:
        One line without marks that mean something in a path.
    """
    stem = plan.video.name.rpartition(".")[0] or plan.video.name
    printable = "".join(char if char.isprintable() else " " for char in stem)
    plain = " ".join(UNSAFE_IN_NAMES.sub(" ", printable).split()).strip(". ")
    return f"{plain[:NAME_CHARACTERS].strip('. ') or 'video'} cues"
