"""Notes as people play them: not quite in time, not quite even, with swing where it belongs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from musiscene.generate.composer.parts.page import Note
    from musiscene.generate.composer.plan import MusicPlan

TIMING_SECONDS: Final = 0.005
"""Deviation of a player, of a drummer half of it."""
MOST_SECONDS: Final = 0.015
UNEVEN: Final = 3.0
"""Deviation of velocities."""
PHRASING: Final = 5.0
"""By which velocities rise to the middle of a phrase."""
SWINGING: Final = 2
"""Parts of a beat where there is swing."""
SWUNG_FROM, SWUNG_TO = 0.45, 0.8
"""Parts of a beat that swing moves."""


def humanise(notes: Sequence[Note], plan: MusicPlan) -> list[Note]:
    """Let people play.

    Args:
        notes: As they are written.
        plan: Of the piece; its seed says how they deviate.

    Returns:
        The notes in their order, at most `MOST_SECONDS` and the swing away from where they were;
        what strikes on a point of the picture stays where it is.
    """
    random = np.random.default_rng((plan.seed, 13))
    drummers = {player.name for player in plan.ensemble.players if player.is_drums}
    hits = {float(bar.start) for bar in plan.form.bars if bar.hit}
    phrasing = _phrasing(plan)
    swing = plan.ensemble.swing if plan.metre.division == SWINGING else 0.0
    late = random.normal(0.0, TIMING_SECONDS, len(notes))
    uneven = random.normal(0.0, UNEVEN, len(notes))
    played: list[Note] = []
    for number, note in enumerate(notes):
        start, length = swung(note.start, swing), note.length
        deviation = float(np.clip(late[number], -MOST_SECONDS, MOST_SECONDS))
        deviation *= 0.5 if note.player in drummers else 1.0
        if note.start in hits or note.start == 0.0:
            deviation = max(0.0, deviation) if note.start == 0.0 else 0.0
        loud = note.velocity + uneven[number] + phrasing[min(int(note.start), len(phrasing) - 1)]
        played.append(
            msgspec.structs.replace(
                note,
                start=start,
                length=max(0.05, length - (start - note.start)),
                velocity=int(np.clip(round(loud), 1, 127)),
                delay=note.delay + deviation,
            )
        )
    return played


def swung(start: float, swing: float) -> float:
    """Where a note begins when it swings.

    Args:
        start: Beat.
        swing: Share of half a beat.

    Returns:
        Its beat, later between two beats.

    Example:
        >>> swung(1.5, 0.3), swung(2.0, 0.3), swung(1.25, 0.3)
        (1.65, 2.0, 1.25)
    """
    part = start % 1.0
    return start + 0.5 * swing if swing and SWUNG_FROM < part < SWUNG_TO else start


def _phrasing(plan: MusicPlan) -> list[float]:
    """What each beat adds to velocities."""
    rises = []
    for bar in plan.form.bars:
        rise = PHRASING * np.sin(np.pi * (bar.place + 0.5) / max(1, bar.phrase)) - PHRASING / 2
        rises += [float(rise)] * bar.beats
    return rises
