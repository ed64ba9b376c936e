"""What music is to be, as it can be heard in it."""

from __future__ import annotations

import msgspec

from musiscene.affect import MUSIC_MIDDLE, MUSIC_SPREAD
from musiscene.scene_reader import MOOD_MIDDLE, MOOD_SPREAD


class MusicAims(msgspec.Struct, frozen=True, kw_only=True):
    """What a backend set out to make, to be compared with what is heard; None where it is free."""

    tempo_bpm: float | None = None
    mode: str | None = None
    """`major` or `minor`."""
    arousal: float | None = None
    """-1 to 1, on the scale of `musiscene.affect`; see `as_heard`."""
    valence: float | None = None
    """Likewise."""


def as_heard(valence: float, arousal: float) -> tuple[float, float]:
    """Where music that has some mood is heard to be.

    Moods are spread over the whole plane; what is measured in music lies closer together.

    Args:
        valence: Of the mood, -1 to 1.
        arousal: Likewise.

    Returns:
        Valence and arousal as `musiscene.affect` measures them in such music.

    Example:
        >>> [round(value, 2) for value in as_heard(0.15, 0.5)]
        [0.1, 0.25]
    """
    heard = [
        music_middle + music_spread * (place - middle) / spread
        for place, middle, spread, music_middle, music_spread in zip(
            (valence, arousal), MOOD_MIDDLE, MOOD_SPREAD, MUSIC_MIDDLE, MUSIC_SPREAD, strict=True
        )
    ]
    return heard[0], heard[1]
