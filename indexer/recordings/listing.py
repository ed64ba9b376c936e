"""Recordings that have several files, and which file to keep."""

from __future__ import annotations

import math
from itertools import groupby
from typing import TYPE_CHECKING, Final
from uuid import UUID

import msgspec

if TYPE_CHECKING:
    from collections.abc import Sequence, Set

    from indexer.catalogue.recordings import RecordingFile
    from indexer.catalogue.repository import Catalogue

LOSSLESS: Final = frozenset({"alac", "ape", "flac", "tak", "tta", "wavpack"})
"""FFmpeg's names of codecs that keep every sample; those of plain samples begin with `pcm_`."""
SAME_LENGTH_SECONDS: Final = 1.5
"""A copy shorter than the longest by more lacks something: its codec does not make up for it."""
BIT_RATE_SHARE: Final = 1.1
"""Step of the bit rates that are told apart: covers and tags take some of a file."""


class Copy(msgspec.Struct, frozen=True, kw_only=True):
    """One file of a recording."""

    track_id: UUID
    path: str
    codec: str
    lossless: bool
    bit_rate_kbps: int
    """Of the whole file, covers and tags among it."""
    size_bytes: int
    sample_rate: int
    channels: int
    duration_seconds: float


class Duplicate(msgspec.Struct, frozen=True, kw_only=True):
    """One recording with more than one file."""

    recording_id: UUID
    best: UUID
    """The track to keep."""
    why: str
    """What makes it the best."""
    files: tuple[Copy, ...]
    """The best first."""


def duplicates(catalogue: Catalogue, *, among: Set[UUID] | None = None) -> list[Duplicate]:
    """Recordings that have several files, those with the most first.

    Args:
        catalogue: Whose tracks have been grouped.
        among: Only recordings of which one of these tracks is a file; None for all.

    Returns:
        Each with its files, the best one first.
    """
    found = []
    for recording_id, files in groupby(
        catalogue.recordings.files(), key=lambda one: one.recording_id
    ):
        listed = list(files)
        if among is None or any(one.track_id in among for one in listed):
            found.append(_duplicate(recording_id, listed))
    return sorted(found, key=lambda one: (-len(one.files), one.files[0].path))


def _duplicate(recording_id: UUID, files: Sequence[RecordingFile]) -> Duplicate:
    longest = max(one.duration_seconds for one in files)
    copies = sorted((_copy(one) for one in files), key=lambda one: _rank(one, longest))
    return Duplicate(
        recording_id=recording_id,
        best=copies[0].track_id,
        why=_why(copies[0], copies[1]),
        files=tuple(copies),
    )


def _copy(file: RecordingFile) -> Copy:
    seconds = max(file.duration_seconds, 1e-3)
    return Copy(
        track_id=file.track_id,
        path=file.path,
        codec=file.codec,
        lossless=file.codec in LOSSLESS or file.codec.startswith("pcm_"),
        bit_rate_kbps=round(8 * file.size_bytes / seconds / 1000),
        size_bytes=file.size_bytes,
        sample_rate=file.sample_rate,
        channels=file.channels,
        duration_seconds=file.duration_seconds,
    )


def _rank(copy: Copy, longest: float) -> tuple[bool, bool, int, int, int, str]:
    """Sorts the best copy first."""
    is_cut = copy.duration_seconds < longest - SAME_LENGTH_SECONDS
    return (
        is_cut,
        not copy.lossless,
        # A lossless file's bit rate tells how well it was packed, not how good it is.
        -copy.channels if copy.lossless else -_bit_rate_step(copy.bit_rate_kbps),
        -copy.sample_rate,
        copy.size_bytes,
        copy.path,
    )


def _bit_rate_step(kbps: int) -> int:
    return round(math.log(max(kbps, 1), BIT_RATE_SHARE))


def _why(best: Copy, second: Copy) -> str:
    """What makes the best copy better than the next one."""
    if best.duration_seconds > second.duration_seconds + SAME_LENGTH_SECONDS:
        return f"longer by {best.duration_seconds - second.duration_seconds:.1f} s"
    if best.lossless != second.lossless:
        return "lossless"
    if best.lossless and best.channels > second.channels:
        return f"{best.channels} channels against {second.channels}"
    if not best.lossless and _bit_rate_step(best.bit_rate_kbps) > _bit_rate_step(
        second.bit_rate_kbps
    ):
        return f"{best.bit_rate_kbps} kbit/s against {second.bit_rate_kbps}"
    if best.sample_rate > second.sample_rate:
        return f"{best.sample_rate} Hz against {second.sample_rate}"
    return "as good as the next one"
