"""The clips that music is made for: JSON Lines, in VACAD's form or with fewer fields.

`clip_id` and `video_caption` must be there. What is heard stands in `music_caption` or in VACAD's
`music_*` fields, or `audio` names a file, relative to the clips' own. `fused` (or `fused_music`)
and `msi` are captions that were made before.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
from msgspec import Meta

from musiscene.data.rows import MUSIC_FIELDS, BadRow, Name, Text, read_rows

if TYPE_CHECKING:
    from collections.abc import Iterator


class _ClipRow(msgspec.Struct, frozen=True, kw_only=True):
    clip_id: Name
    video_caption: Annotated[str, Meta(min_length=1, max_length=20_000)]
    music_caption: Text = ""
    music_elements: Text = ""
    music_context: Text = ""
    music_features: Text = ""
    music_heard: Text = ""
    fused: Text = ""
    fused_music: Text = ""
    msi: Text = ""
    audio: Text = ""


class Clip(msgspec.Struct, frozen=True, kw_only=True):
    """One clip."""

    id: str
    """Unique."""
    video: str
    """What is seen."""
    music: str = ""
    """What is heard; empty where only `audio` tells."""
    fusion: str = ""
    """Both together; empty where it is to be made."""
    msi: str = ""
    """The scene imagined from the music; empty where it is to be made."""
    audio: Path | None = None
    """The clip's own music."""
    is_vacad: bool = False
    """Whether `music` is VACAD's four answers, whose scenes are whole videos."""


class Clips(msgspec.Struct, frozen=True, kw_only=True):
    """What a file holds."""

    good: tuple[Clip, ...]
    """In order."""
    bad: tuple[BadRow, ...]
    """Lines that are no clip, or that name one again."""


def read_clips(path: Path) -> Clips:
    """Read clips.

    Args:
        path: JSON Lines.

    Returns:
        The clips, and the lines that are none.

    Raises:
        MusiSceneError: If the file cannot be read.
    """
    rows = read_rows(path, _ClipRow)
    bad = list(rows.bad)
    good: dict[str, Clip] = {}
    for number, row in enumerate(rows.good, start=1):
        clip = _clip(row, path.parent)
        reason = next(_faults(clip, good.keys() | set()), None)
        if reason:
            bad.append(BadRow(path=str(path), line=number, reason=f"{row.clip_id}: {reason}"))
        else:
            good[clip.id] = clip
    return Clips(good=tuple(good.values()), bad=tuple(bad))


def _clip(row: _ClipRow, folder: Path) -> Clip:
    fields = [" ".join(getattr(row, name).split()) for name in MUSIC_FIELDS]
    told = [text if text[-1] in ".!?" else f"{text}." for text in fields if text]
    return Clip(
        id=row.clip_id,
        video=row.video_caption.strip(),
        music=row.music_caption.strip() or " ".join(told),
        fusion=(row.fused or row.fused_music).strip(),
        msi=row.msi.strip(),
        audio=folder / row.audio if row.audio else None,
        is_vacad=bool(row.music_elements),
    )


def _faults(clip: Clip, seen: set[str]) -> Iterator[str]:
    if clip.id in seen:
        yield "the clip was named before"
    if clip.audio is not None and not clip.audio.is_file():
        yield f"{clip.audio}: no such file"
    if not clip.music and clip.audio is None:
        yield "neither `music_caption`, nor VACAD's `music_*`, nor `audio`"
