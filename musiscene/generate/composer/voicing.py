"""Chords -> voices that move as little as they can."""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise, product
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from musiscene.generate.composer.harmony import Chord

WIDEST_GAP: Final = 12
"""Between neighbouring voices, in semitones."""
LOW_CLOSE: Final = 52
"""Below E3 voices stand a fourth apart or more, lest they growl."""


def lead_voices(
    chords: Sequence[Chord], *, count: int, low: int, high: int
) -> list[tuple[int, ...]]:
    """Lay chords in voices.

    Args:
        chords: In their order.
        count: Voices, 2 to 5.
        low: Lowest MIDI number.
        high: Highest.

    Returns:
        MIDI numbers of each chord, rising.
    """
    laid: list[tuple[int, ...]] = []
    for chord in chords:
        choices = _choices(upper_tones(chord), count, low, high, leads=chord.leads)
        if not laid:
            middle = (low + high) / 2
            laid.append(min(choices, key=lambda one: (abs(sum(one) / len(one) - middle), one)))
            continue
        before = laid[-1]
        laid.append(min(choices, key=lambda one: (_effort(before, one, low, high), one)))
    return laid


def upper_tones(chord: Chord) -> tuple[int, ...]:
    """What is played above the bass: without a root that would rub against its major seventh.

    Args:
        chord: Of any kind.

    Returns:
        Pitch classes.
    """
    has_seventh = (chord.root - 1) % 12 in chord.tones
    return chord.tones[1:] if has_seventh else chord.tones


@lru_cache(maxsize=4096)
def _choices(
    tones: tuple[int, ...], count: int, low: int, high: int, *, leads: bool
) -> tuple[tuple[int, ...], ...]:
    wanted = _doubled(tones, count, leads=leads)
    places = [[p for p in range(low, high + 1) if p % 12 == tone] for tone in wanted]
    laid = {tuple(sorted(one)) for one in product(*places)}
    good = [one for one in laid if len(set(one)) == count and _is_well_laid(one)]
    return tuple(good or [one for one in laid if len(set(one)) == count] or sorted(laid))


def _doubled(tones: tuple[int, ...], count: int, *, leads: bool) -> tuple[int, ...]:
    """As many tones as voices: the fifth falls out first, root or fifth is doubled."""
    if len(tones) > count:
        order = [tone for n, tone in enumerate(tones) if n != 2] + [tones[2]]
        return tuple(order[:count]) if count >= 3 else tones[:count]
    more = [tones[0], tones[-1] if leads or len(tones) < 3 else tones[2]]
    return (*tones, *more[: count - len(tones)])


def _is_well_laid(pitches: tuple[int, ...]) -> bool:
    for lower, upper in pairwise(pitches):
        gap = upper - lower
        if gap > WIDEST_GAP or gap == 1 or (lower < LOW_CLOSE and gap < 5):
            return False
    return True


def _effort(before: tuple[int, ...], one: tuple[int, ...], low: int, high: int) -> float:
    moved = sum(abs(new - old) for new, old in zip(one, before, strict=False))
    parallels = 0
    pairs = list(zip(before, one, strict=False))
    for number, (old, new) in enumerate(pairs):
        for older, newer in pairs[number + 1 :]:
            same = (older - old) % 12 == (newer - new) % 12
            parallels += same and (older - old) % 12 in {0, 7} and old != new
    off_centre = abs(sum(one) / len(one) - (low + high) / 2)
    return moved + 4.0 * parallels + 0.3 * off_centre
