"""Chords: progressions by mode and style, written as degrees, and what each chord holds.

A degree is read in the scale of the mode: `VI` of a minor key is its flat sixth. Upper case is a
major triad, lower case a minor one; `V/vi` is the dominant of the sixth degree; `I^3` has its third
in the bass.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    import numpy as np

    from musiscene.generate.composer.form import Form

MAJOR: Final = (0, 2, 4, 5, 7, 9, 11)
MINOR: Final = (0, 2, 3, 5, 7, 8, 10)
SCALES: Final = {"major": MAJOR, "minor": MINOR}
SUFFIXES: Final[dict[str, tuple[int, ...]]] = {
    "": (), "7": (10,), "M7": (11,), "6": (9,), "9": (10, 14), "M9": (11, 14), "add9": (14,),
}  # fmt: skip
"""Semitones above the root that are added to a triad."""
SPECIAL: Final[dict[str, tuple[int, ...]]] = {
    "o": (0, 3, 6), "o7": (0, 3, 6, 9), "h7": (0, 3, 6, 10), "sus4": (0, 5, 7),
    "sus2": (0, 2, 7), "7sus4": (0, 5, 7, 10), "5": (0, 7),
}  # fmt: skip
"""Suffixes that say all of a chord."""
DEGREES: Final = ("I", "II", "III", "IV", "V", "VI", "VII")
_TOKEN: Final = re.compile(
    r"(?P<shift>[b#]?)(?P<degree>[IV]+|[iv]+)(?P<suffix>[^/^]*)(?:/(?P<target>[b#]?[IViv]+))?"
    r"(?:\^(?P<bass>[1357]))?"
)

# Phrases by style and mode: openings stay open, closings lead home. Bars are divided by spaces,
# two chords of a bar by a comma.
OPENINGS: Final[dict[str, dict[str, tuple[str, ...]]]] = {
    "plain": {
        "major": ("I V vi IV", "I vi IV V", "I IV I^3 V", "I iii IV V", "I V^3 vi V", "I ii V I"),
        "minor": ("i VI iv V", "i iv VI V", "i VII VI V", "i v^3 VI V", "i iv i V", "i VI III V"),
    },
    "warm": {
        "major": (
            "Iadd9 V^3 vi7 IVM7", "I V/vi vi IVadd9", "Iadd9 iii7 IVM7 V7sus4,V7",
            "I I^3 IVM7 iv", "I vi7 ii7 V7sus4,V7",
        ),
        "minor": (
            "iadd9 VIM7 iv7 V7sus4,V7", "i v^3 VIM7 V", "i iv7 VI V7", "i VI iv^3 V7sus4,V7",
        ),
    },
    "epic": {
        "major": ("I bVI bVII I", "I V vi IV", "I bVII IV I", "I iii IV V", "I vi bVI bVII"),
        "minor": ("i VI iv V", "i VI VII V", "i v VI V", "i iv VI V", "i VII VI V"),
    },
    "jazz": {
        "major": (
            "I6 vi7 ii7 V7", "IM7 VI7 ii7 V7", "IM7 iii7,VI7 ii7 V9", "IM7 IVM7 iii7,vi7 ii7,V7",
        ),
        "minor": ("i6 VI7 iih7 V7", "i iv7 iih7 V7", "i7 iv7 i V7", "i i7^7 VIM7 V7"),
    },
    "folk": {
        "major": ("I I IV V", "I IV I V", "I V IV I", "I vi IV V", "I bVII IV I"),
        "minor": ("i VII i v", "i i iv V", "i VII VI V", "i III VII V", "i iv i V"),
    },
    "rock": {
        "major": ("I bVII IV I", "I IV V IV", "I V vi IV", "I I IV V", "I bIII IV I"),
        "minor": ("i VI VII i", "i VII VI V", "i III VII V", "i iv VI V", "i i VI V"),
    },
    "still": {
        "major": ("Iadd9 IVM7 Iadd9 vi7", "IM7 iii7 IVM7 IVM7", "Iadd9 Iadd9 IVadd9 V7sus4"),
        "minor": ("iadd9 VIM7 i iv", "i i VIM7 V7sus4", "iadd9 iv7 i v7"),
    },
    "tense": {
        "major": ("I bII I bII", "I iv I V", "I bVI I V7"),
        "minor": ("i i iio^3 V", "i bII i V", "i VI i viio7", "i iv^3 V V7"),
    },
}  # fmt: skip
CLOSINGS: Final[dict[str, dict[str, tuple[str, ...]]]] = {
    "plain": {
        "major": ("I IV V I", "vi IV V7 I", "vi ii V7 I", "IV I^5 V7 I"),
        "minor": ("i iv V i", "VI iv V7 i", "i iio^3 V7 i", "iv i^5 V7 i"),
    },
    "warm": {
        "major": ("vi7 IVM7 I^5,V7sus4 Iadd9", "IVM7 iv I^5,V7 I", "vi7 ii7 V7sus4,V7 Iadd9"),
        "minor": ("VIM7 iv7 i^5,V7 i", "iv7 VI V7sus4,V7 iadd9", "i^3 iih7 V7sus4,V7 i"),
    },
    "epic": {
        "major": ("vi IV V I", "bVI bVII I I", "IV V Vsus4,V I"),
        "minor": ("VI iv V i", "iv VI V i", "VI VII Vsus4,V i"),
    },
    "jazz": {
        "major": ("ii7 V7 I6 I6", "ii7 V9 IM7 IM7", "iii7,VI7 ii7,V7 I6 I6"),
        "minor": ("iih7 V7 i6 i6", "iv7 V7 i i", "VIM7 iih7,V7 i6 i6"),
    },
    "folk": {
        "major": ("I IV V I", "vi IV V I", "I V IV,V I"),
        "minor": ("i iv V i", "VI iv V i", "i VII V i"),
    },
    "rock": {
        "major": ("I IV V I", "bVII IV V I", "vi IV V I"),
        "minor": ("i VI V i", "iv VI V i", "i VII V i"),
    },
    "still": {
        "major": ("vi7 IVM7 V7sus4 Iadd9", "IVM7 iv Iadd9 Iadd9"),
        "minor": ("VIM7 iv7 v7 iadd9", "iv7 VIM7 V7sus4 i"),
    },
    "tense": {
        "major": ("bVI iv V7 I", "iv bII V I"),
        "minor": ("iv iio^3 V7 i", "bII viio7 V7 i"),
    },
}  # fmt: skip
CADENCES: Final = {
    "major": ("I", "V7 I", "IV V7 I", "vi IV V7 I"),
    "minor": ("i", "V7 i", "iv V7 i", "VI iv V7 i"),
}
"""Of short cues, by bars."""


class Chord(msgspec.Struct, frozen=True, kw_only=True):
    """One chord in a key."""

    name: str
    """As it is written."""
    tones: tuple[int, ...]
    """Pitch classes: root, third, fifth and what is added."""
    bass: int
    """Pitch class."""
    leads: bool
    """Whether it leads home: a dominant."""

    @property
    def root(self) -> int:
        """Pitch class."""
        return self.tones[0]


@lru_cache(maxsize=1024)
def chord_of(token: str, tonic: int, mode: str) -> Chord:
    """Read a chord.

    Args:
        token: As in the tables.
        tonic: Semitones above C.
        mode: `major` or `minor`.

    Returns:
        Its tones.

    Raises:
        ValueError: If it cannot be read.

    Example:
        >>> chord_of("V7", 0, "minor").tones, chord_of("V/vi", 0, "major").tones
        ((7, 11, 2, 5), (4, 8, 11))
    """
    parts = _TOKEN.fullmatch(token)
    if parts is None:
        raise ValueError(f"{token}: no chord")
    if parts["target"]:
        home = chord_of(parts["target"], tonic, mode)
        inner = chord_of(parts["degree"] + parts["suffix"], home.root, "major")
        return msgspec.structs.replace(inner, name=token, leads=True)
    degree, suffix = parts["degree"], parts["suffix"]
    shift = {"b": -1, "#": 1, "": 0}[parts["shift"]]
    number = DEGREES.index(degree.upper())
    steps = SCALES[mode][number]
    if mode == "minor" and suffix.startswith("o") and number == len(DEGREES) - 1:
        steps = 11  # the raised seventh
    root = (tonic + steps + shift) % 12
    shape = SPECIAL.get(suffix)
    if shape is None:
        shape = (0, 4 if degree.isupper() else 3, 7, *SUFFIXES[suffix])
    tones = tuple((root + step) % 12 for step in shape)
    bass = tones[("1", "3", "5", "7").index(parts["bass"])] if parts["bass"] else root
    return Chord(
        name=token, tones=tones, bass=bass, leads=(number in {4, 6} and degree.upper() != "VII")
        or suffix.startswith("o7"),
    )  # fmt: skip


def write_chords(
    form: Form, *, tonic: int, mode: str, style: str, random: np.random.Generator
) -> tuple[tuple[Chord, ...], ...]:
    """Choose the chords of a piece: a theme that comes again has its own, a little varied.

    Args:
        form: Bars and sections.
        tonic: Semitones above C.
        mode: `major` or `minor`.
        style: Of `OPENINGS`.
        random: Chooses.

    Returns:
        One or two chords for each bar; the last is the tonic.
    """
    home = "I" if mode == "major" else "i"
    openings, closings = OPENINGS[style][mode], CLOSINGS[style][mode]
    first, last = random.permutation(len(openings)), random.permutation(len(closings))
    bars: list[str] = []
    themes = {"intro": 0, "A": 0, "B": 1, "C": 2}
    for number, section in enumerate(form.sections[:-1]):
        if section.name == "rest":
            bars += [home] * section.bars
            continue
        theme = themes[section.name] + (section.take >= 2)
        opening = openings[first[theme % len(first)]].split()
        closing = closings[last[(theme + section.take) % len(last)]].split()
        is_end = number == len(form.sections) - 2
        bars += _phrase(section.bars, opening, closing, mode, is_end=is_end)
    return (
        *(tuple(chord_of(one, tonic, mode) for one in bar.split(",")) for bar in bars),
        (chord_of(home, tonic, mode),),
    )


def _phrase(
    bars: int, opening: list[str], closing: list[str], mode: str, *, is_end: bool
) -> list[str]:
    """A phrase of so many bars; the one before the last chord ends on its dominant."""
    if is_end:  # the last chord of the cadence is the last bar of the piece
        if bars < 3:
            cadence = CADENCES[mode][bars].split()[:-1]
            return cadence if bars else []
        lead = opening * (bars // 4 + 1)
        closed = closing if closing[-2] not in {"I", "i", "I6", "i6", "IM7"} else closing[:-1]
        return [*lead[: bars - len(closed) + 1], *closed[:-1]]
    if bars <= 4:
        return opening[:bars]
    lead = opening * (bars // 4 + 1)
    return [*lead[: bars - 4], *closing]


def melody_scale(chord: Chord, tonic: int, mode: str) -> tuple[int, ...]:
    """The tones that a melody may use over a chord: the scale, with what the chord changes in it.

    Args:
        chord: What sounds.
        tonic: Semitones above C.
        mode: `major` or `minor`.

    Returns:
        Pitch classes, rising.

    Example:
        >>> melody_scale(chord_of("V7", 9, "minor"), 9, "minor")
        (0, 2, 4, 8, 11)
    """
    scale = {(tonic + step) % 12 for step in SCALES[mode]}
    strange = set(chord.tones) - scale
    pushed = {(tone + step) % 12 for tone in strange for step in (-1, 1)} - set(chord.tones)
    beside = {(chord.tones[0] + 1) % 12, (chord.tones[1] + 1) % 12} - set(chord.tones)
    kept = scale - pushed | set(chord.tones)
    return tuple(sorted(kept - beside if len(kept - beside) >= 5 else kept))
