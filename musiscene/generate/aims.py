"""What music is to be, as it can be heard in it."""

from __future__ import annotations

import msgspec


class MusicAims(msgspec.Struct, frozen=True, kw_only=True):
    """What a backend set out to make, to be compared with what is heard; None where it is free."""

    tempo_bpm: float | None = None
    mode: str | None = None
    """`major` or `minor`."""
    arousal: float | None = None
    """-1 to 1."""
    valence: float | None = None
    """-1 to 1."""
