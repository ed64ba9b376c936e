"""Who wrote and who publishes a track, as far as its own file says so; nothing is guessed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import msgspec

from musiscene.audio.limits import AudioLimits
from musiscene.audio.tags import ISRC, clean_tag, tagged_licence
from musiscene.errors import AudioError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

LIMITS: Final = AudioLimits(timeout_seconds=10.0)
ISWC: Final = re.compile(r"T\d{10}", re.ASCII)
"""International Standard Musical Work Code (ISO 15707), without its dots and dashes."""
IPI: Final = re.compile(r"\d{9,11}", re.ASCII)
"""Interested Party Information number of a writer or publisher."""
ID3_FORMATS: Final = frozenset({"aac", "aiff", "mp3", "wav"})


class Rights(msgspec.Struct, frozen=True, kw_only=True):
    """What the tags of one file say; None for what they do not."""

    composer: str | None = None
    writer: str | None = None
    """Where a tag says writer rather than composer."""
    lyricist: str | None = None
    publisher: str | None = None
    """Or the label."""
    album: str | None = None
    isrc: str | None = None
    """Of the recording."""
    iswc: str | None = None
    """Of the work."""
    ipi: str | None = None
    copyright: str | None = None
    licence: str | None = None

    @property
    def writers(self) -> str | None:
        """Composer, writer and lyricist, each once."""
        named = dict.fromkeys(
            name for name in (self.composer, self.writer, self.lyricist) if name is not None
        )
        return "; ".join(named) or None


def read_rights(path: Path) -> Rights:
    """Read what a file says of its rights; its sound is not decoded.

    Args:
        path: Any file.

    Returns:
        What its tags hold; nothing for a file that cannot be opened as audio.
    """
    from musiscene.audio.container import open_audio

    try:
        with open_audio(path, limits=LIMITS) as opened:
            tags = {key.lower(): value for key, value in opened.container.metadata.items()}
            tags |= {key.lower(): value for key, value in opened.stream.metadata.items()}
            if opened.format_name not in ID3_FORMATS:
                tags.pop("text", None)  # the lyricist in ID3 alone
    except AudioError:
        return Rights()
    return Rights(
        composer=_first(tags, "composer", "tcom"),
        writer=_first(tags, "writer", "songwriter"),
        lyricist=_first(tags, "lyricist", "text"),
        publisher=_first(tags, "publisher", "tpub", "label", "organization"),
        album=_first(tags, "album"),
        isrc=_code(_first(tags, "isrc", "tsrc"), ISRC),
        iswc=_code(_first(tags, "iswc"), ISWC),
        ipi=_code(_first(tags, "ipi"), IPI),
        copyright=_first(tags, "copyright"),
        licence=tagged_licence(tags),
    )


def _first(tags: Mapping[str, str], *keys: str) -> str | None:
    """The first tag that says anything."""
    return next((text for key in keys if (text := clean_tag(tags.get(key))) is not None), None)


def _code(text: str | None, pattern: re.Pattern[str]) -> str | None:
    """A number of a register without its marks; None for anything else under its name."""
    plain = re.sub(r"[\s.\-]", "", text or "").upper()
    return plain if pattern.fullmatch(plain) else None
