"""Sees that a retagged copy is the same music with the tags that were meant, and nothing less.

The tags are read twice: by mutagen, which has written them, and by FFmpeg, which has not.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from indexer.errors import TagError
from indexer.tagging.sheets import OURS, open_sheet
from musiscene.audio.container import open_audio
from musiscene.audio.limits import AudioLimits
from musiscene.audio.read import identify_audio
from musiscene.errors import AudioError

if TYPE_CHECKING:
    from pathlib import Path

    from indexer.tagging.sheets import TagSheet

FFMPEG_NAMES: Final = frozenset({
    "bpm", "tbpm", "tmpo", "tempo", "initialkey", "initial key", "initial_key", "key", "tkey",
    "mood", "tmoo", "genre", "grouping", "tit1", "grp1", "comment", "description", "tbp", "tke",
    "tt1",
})  # fmt: skip
"""What FFmpeg calls the fields that are written."""
_TOUCHED: Final = re.compile(rf"{OURS.lower()}.*")


def audio_hash_of(path: Path) -> str:
    """Hash the encoded sound of a file.

    Args:
        path: The file.

    Returns:
        As the catalogue has it.

    Raises:
        TagError: If the sound cannot be found.
    """
    try:
        return identify_audio(path).audio_hash
    except AudioError as error:
        raise TagError(path, f"its sound cannot be read ({error.reason})") from error


def check_copy(
    former: Path, copy: Path, *, codec: str, known_hash: str, meant: TagSheet, names: set[str]
) -> None:
    """See that a copy may take the place of a file.

    Args:
        former: The file.
        copy: The same, retagged.
        codec: FFmpeg's name for the coding of its sound.
        known_hash: Of its sound, as the catalogue has it.
        meant: Holds what was to be written.
        names: Of the fields that were touched.

    Raises:
        TagError: If the sound or a tag that was not touched is another, or a touched one is not
            what was meant.
        OSError: If a file cannot be read.
    """
    found = audio_hash_of(copy)
    if found != known_hash and found != audio_hash_of(former):
        raise TagError(former, "its sound would change, so it is left as it is")
    written = open_sheet(copy, codec=codec)
    wrong = sorted(name for name in names if written.values(name) != meant.values(name))
    if wrong:
        raise TagError(former, f"{', '.join(wrong)} cannot be written into it as it should be")
    if written.others(names) != open_sheet(former, codec=codec).others(names):
        raise TagError(former, "other tags in it would not be kept, so it is left as it is")
    _check_stated(former, copy)


def _check_stated(former: Path, copy: Path) -> None:
    """See that FFmpeg finds the same other tags.

    Args:
        former: The file.
        copy: The same, retagged.

    Raises:
        TagError: If it does not.
    """
    before, after = _stated(former), _stated(copy)
    lost = sorted(
        key
        for key, value in before.items()
        if after.get(key) != value and key not in FFMPEG_NAMES and not _TOUCHED.fullmatch(key)
    )
    if lost:
        shown = ", ".join("".join(c if c.isprintable() else "?" for c in key) for key in lost[:5])
        raise TagError(former, f"its other tags would change ({shown}), so it is left as it is")


def _stated(path: Path) -> dict[str, str]:
    """The tags of a file and how many streams of each kind it has, as FFmpeg reads them.

    Args:
        path: The file.

    Returns:
        Names in small letters, and their values.

    Raises:
        TagError: If FFmpeg cannot read it.
    """
    try:
        with open_audio(path, limits=AudioLimits()) as opened:
            stated = {
                key.lower(): value
                for tags in (opened.container.metadata, opened.stream.metadata)
                for key, value in tags.items()
            }
            for stream in opened.container.streams:
                kind = f"number of {stream.type} streams"
                stated[kind] = str(int(stated.get(kind, "0")) + 1)
            return stated
    except AudioError as error:
        raise TagError(path, f"it cannot be read again ({error.reason})") from error
