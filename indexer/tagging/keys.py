"""How keys are written: by musicians, on the Camelot wheel, and in Open Key notation.

Source: ID3 2.4.0, frame TKEY (musical); Mixed In Key's Camelot wheel (8B is C major, 8A its
relative A minor, +1 is a fifth up); Open Key notation (1d is C major, 1m A minor).
"""

from __future__ import annotations

from typing import Final, Literal

KeyNotation = Literal["musical", "camelot", "openkey"]

TONICS: Final = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
MAJOR_NAMES: Final = ("C", "Db", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")
MINOR_NAMES: Final = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "G#", "A", "Bb", "B")
C_MAJOR_CAMELOT: Final = 8
HOURS: Final = 12
RELATIVE_MAJOR: Final = 3
FIFTH: Final = 7


def written_key(key: str, notation: KeyNotation) -> str:
    """A key in one of three notations.

    Args:
        key: As the catalogue has it, such as `F#:minor`.
        notation: Which.

    Returns:
        The key; empty for what is none.

    Example:
        >>> [written_key("F#:minor", notation) for notation in ("musical", "camelot", "openkey")]
        ['F#m', '11A', '4m']
    """
    tonic, _, mode = key.partition(":")
    if tonic not in TONICS or mode not in {"major", "minor"}:
        return ""
    number, is_minor = TONICS.index(tonic), mode == "minor"
    if notation == "musical":
        return MINOR_NAMES[number] + "m" if is_minor else MAJOR_NAMES[number]
    major = (number + RELATIVE_MAJOR) % HOURS if is_minor else number
    fifths = major * FIFTH % HOURS  # 7 is its own inverse modulo 12
    if notation == "openkey":
        return f"{fifths + 1}{'m' if is_minor else 'd'}"
    return f"{(fifths + C_MAJOR_CAMELOT - 1) % HOURS + 1}{'A' if is_minor else 'B'}"
