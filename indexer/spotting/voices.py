"""The voice of a video against the music under it: masking and how far to duck."""

from __future__ import annotations

import logging
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from indexer.spotting.cue_plan import Duck
from musiscene.audio.excerpts import ANALYSIS_RATE
from musiscene.errors import AudioError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from indexer.catalogue.shown import ShownTrack

logger = logging.getLogger(__name__)

MOST_LISTENED: Final = 20
"""Tracks that are decoded for one video; the others are taken to mask as these do on average."""
MOST_KEPT: Final = 2_000
"""Tracks whose levels are kept, some 13 kB for three minutes."""
LEAST_DUCK_DB: Final = 0.5
MERGED_SECONDS: Final = 1.5
"""Music does not come up between two sentences that are nearer to each other."""
DUCK_LEAD_SECONDS: Final = 0.15
"""The music is down so long before the voice begins."""


class Voice(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch in which somebody speaks."""

    start_seconds: float
    end_seconds: float
    levels_db: NDArray[np.float64]
    """In the bands of `musiscene.audio.masking`, shape (bands,)."""


class TrackListener:
    """Levels of tracks in the bands of the voice, measured once for each track and process."""

    def levels_db(self, track: ShownTrack) -> NDArray[np.float32] | None:
        """The level of each second of a track in each band.

        Args:
            track: Its file is read where it was not before.

        Returns:
            In dB of full scale, shape (seconds, bands); None where the file cannot be read.
        """
        return _listen(track.audio_hash, track.path)


@lru_cache(maxsize=MOST_KEPT)
def _listen(_audio_hash: str, path: str) -> NDArray[np.float32] | None:
    from musiscene.audio.masking import window_levels_db
    from musiscene.audio.read import read_audio

    try:
        recording = read_audio(path, sample_rate=ANALYSIS_RATE)
    except AudioError as error:
        logger.warning("how much it masks the voice is not known: %s", error)
        return None
    return window_levels_db(recording.waveform, ANALYSIS_RATE)


def voices_of(
    stretches: Sequence[tuple[float, float]], levels_db: Sequence[Sequence[float]]
) -> tuple[Voice, ...]:
    """The voices of a video.

    Args:
        stretches: Start and end in seconds.
        levels_db: Of each of them in each band.

    Returns:
        Those whose levels are known, in order.
    """
    return tuple(
        Voice(start_seconds=start, end_seconds=end, levels_db=np.array(levels, np.float64))
        for (start, end), levels in zip(stretches, levels_db, strict=False)
        if len(levels)
    )


def mean_levels_db(levels_db: NDArray[np.floating]) -> NDArray[np.float64]:
    """The level of the mean power.

    Args:
        levels_db: Shape (seconds, bands).

    Returns:
        Shape (bands,).
    """
    mean: NDArray[np.float64] = 10 * np.log10(np.mean(10 ** (levels_db / 10), axis=0))
    return mean


def masked_seconds(
    voices: Sequence[Voice], music_db: NDArray[np.floating], borders: NDArray[np.float64]
) -> NDArray[np.float64]:
    """How much of the voice a track would cover between borders.

    Args:
        voices: Of the video.
        music_db: Levels of the track as it is played, shape (bands,).
        borders: In seconds, shape (pieces + 1,).

    Returns:
        Seconds of voice lost, shape (pieces,).
    """
    from musiscene.audio.masking import masking

    lost = np.zeros(len(borders) - 1)
    if voices:
        shares = masking(np.stack([voice.levels_db for voice in voices]), music_db)
        for voice, share in zip(voices, np.atleast_1d(shares), strict=True):
            lost += share * _shared(voice, borders[:-1], borders[1:])
    return lost


def spoken_seconds(voices: Sequence[Voice], borders: NDArray[np.float64]) -> NDArray[np.float64]:
    """How long somebody speaks between borders, in seconds, shape (pieces,)."""
    spoken = np.zeros(len(borders) - 1)
    for voice in voices:
        spoken += _shared(voice, borders[:-1], borders[1:])
    return spoken


def ducks_of(
    voices: Sequence[Voice],
    levels_db: NDArray[np.floating] | None,
    *,
    start_seconds: float,
    end_seconds: float,
    source_start_seconds: float,
    gain_db: float,
    deepest_db: float,
) -> tuple[tuple[Duck, ...], float]:
    """Where the music under a voice comes down and by how much.

    Args:
        voices: Of the video.
        levels_db: Of the track, shape (seconds, bands); None where they are not known.
        start_seconds: Of the cue in the video.
        end_seconds: Likewise.
        source_start_seconds: What of the track sounds at its start.
        gain_db: Of the cue.
        deepest_db: Ducks are not deeper, at most 0.

    Returns:
        Ducks in order, and the share of the voice that would be lost without them, 0 to 1.
    """
    from musiscene.audio.masking import masking, needed_gain_db

    found: list[Duck] = []
    lost = spoken = 0.0
    for voice in voices:
        start = max(voice.start_seconds, start_seconds)
        end = min(voice.end_seconds, end_seconds)
        if levels_db is None or not len(levels_db) or end <= start:
            continue
        ahead = source_start_seconds - start_seconds
        first = min(int(max(start + ahead, 0.0)), len(levels_db) - 1)
        under = levels_db[first : max(int(np.ceil(end + ahead)), first + 1)]
        music = mean_levels_db(under) + gain_db
        lost += float(masking(voice.levels_db, music)) * (end - start)
        spoken += end - start
        needed = max(float(needed_gain_db(voice.levels_db, music)), deepest_db)
        if needed <= -LEAST_DUCK_DB:
            duck = Duck(
                start_seconds=round(max(start - DUCK_LEAD_SECONDS, start_seconds), 3),
                end_seconds=round(end, 3),
                gain_db=round(needed, 1),
            )
            found.append(duck)
    return _merged(found), lost / spoken if spoken else 0.0


def _merged(ducks: Sequence[Duck]) -> tuple[Duck, ...]:
    """Ducks that are close to each other as one, as deep as the deepest."""
    merged: list[Duck] = []
    for duck in ducks:
        if merged and duck.start_seconds - merged[-1].end_seconds <= MERGED_SECONDS:
            last = merged.pop()
            duck = Duck(  # noqa: PLW2901  the two of them
                start_seconds=last.start_seconds,
                end_seconds=max(last.end_seconds, duck.end_seconds),
                gain_db=min(last.gain_db, duck.gain_db),
            )
        merged.append(duck)
    return tuple(merged)


def _shared(
    voice: Voice, starts: NDArray[np.float64], ends: NDArray[np.float64]
) -> NDArray[np.float64]:
    shared = np.minimum(ends, voice.end_seconds) - np.maximum(starts, voice.start_seconds)
    spoken: NDArray[np.float64] = np.maximum(shared, 0.0)
    return spoken
