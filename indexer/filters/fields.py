"""What a filter can ask about: the fields, their operators, and how their values are spelt."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from types import MappingProxyType

import msgspec

from indexer.filters.terms import Scalar

MAX_LENGTH = 2_000
"""Characters of one filter."""
MAX_TERMS = 50
"""Terms of one filter; each value of a list counts."""
MAX_DEPTH = 20
"""Groups and negations inside each other."""

ORDERED = ("=", ">=", "<=", ">", "<")
AGE = re.compile(r"([0-9]{1,5})([hdwmy])")
DATE = re.compile(r"[0-9]{4}(-[0-9]{2}){0,2}")
HOURS_OF = MappingProxyType({"h": 1, "d": 24, "w": 7 * 24, "m": 30 * 24, "y": 365 * 24})
MAX_AGE = timedelta(days=50 * 365)
YEARS = range(1970, 2500)

MODES = ("major", "minor")
SHARPS = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
FLATS = MappingProxyType(
    {"Cb": "B", "Db": "C#", "Eb": "D#", "Fb": "E", "Gb": "F#", "Ab": "G#", "Bb": "A#"}
)

ALSO_CALLED = MappingProxyType({
    "tempo": "bpm", "length": "duration", "lufs": "loudness", "volume": "loudness",
    "energy": "arousal", "voice": "vocals", "instrumental": "vocals", "style": "genre",
    "license": "licence", "date": "added", "file": "path", "folder": "path", "name": "title",
})  # fmt: skip
"""What people write for a field; it is only suggested, so that each field keeps one name."""


class Kind(msgspec.Struct, frozen=True, kw_only=True):
    """How the values of some fields are written."""

    operators: tuple[str, ...]
    """Those the field takes."""
    expected: str
    """What a value looks like, for a person."""
    read: Callable[[str], Scalar]
    """Text of one value -> the value in its one spelling; raises ValueError."""
    has_ranges: bool = False
    """Whether `LOW..HIGH` may be asked for."""
    has_lists: bool = True
    """Whether `A|B` may be asked for."""

    def read_object(self, value: object) -> Scalar:
        """Read one value of the JSON form.

        Args:
            value: As JSON holds it.

        Returns:
            The value in its one spelling.

        Raises:
            ValueError: If it is no value of this kind.
        """
        if self.read is _number and isinstance(value, int | float) and not isinstance(value, bool):
            return _number(repr(value))
        if self.read is _yes_no and isinstance(value, bool):
            return value
        if self.read is not _number and self.read is not _yes_no and isinstance(value, str):
            return self.read(value)
        raise ValueError(f"{_shown(value)} is no value for this")


def is_age(value: Scalar) -> bool:
    """Whether a value of `added` is an age such as `7d`, not a date."""
    return isinstance(value, str) and AGE.fullmatch(value) is not None


def age_of(value: str) -> timedelta:
    """The length of an age such as `7d`; a month has 30 days, a year 365."""
    return timedelta(hours=int(value[:-1]) * HOURS_OF[value[-1]])


def period_of(value: str) -> tuple[datetime, datetime]:
    """The first moment (UTC) of a year, month or day, and the first one after it.

    Args:
        value: As `2026`, `2026-01` or `2026-01-31`.

    Returns:
        Beginning and end.

    Raises:
        ValueError: If there is no such day.
    """
    parts = [int(part) for part in value.split("-")]
    year, month, day = (*parts, 1, 1)[:3]
    start = datetime(year, month, day, tzinfo=UTC)
    if len(parts) == 1:
        return start, start.replace(year=year + 1)
    if len(parts) == 2:  # noqa: PLR2004
        return start, (start + timedelta(days=31)).replace(day=1)
    return start, start + timedelta(days=1)


def check_value(operator: str, value: Scalar | tuple[Scalar | None, ...]) -> None:
    """See that a comparison means something.

    Args:
        operator: One that the field takes.
        value: As its kind read it; two bounds for `between`, None for open.

    Raises:
        ValueError: If low is above high, a date is held against an age, or an age is to be equal.
    """
    if operator == "=" and not isinstance(value, tuple) and is_age(value):
        raise ValueError(f"an age is compared with <, <=, > or >=: added<{value}")
    if operator == "~=" and not (isinstance(value, float) and value > 0):
        raise ValueError("a tempo is above 0")
    if operator != "between" or not isinstance(value, tuple):
        return
    low, high = value
    if low is None or high is None:
        return
    if is_age(low) != is_age(high):
        raise ValueError("a range has two dates or two ages")
    if _order(low) > _order(high):
        raise ValueError("the low end is above the high end")


def nearest(word: str, known: list[str]) -> list[str]:
    """The known words that look most like this one, nearest first; none if none does."""
    return get_close_matches(word.lower(), known, n=3, cutoff=0.6)


def no_such_field(word: str) -> str:
    """What to say of a word that is no field."""
    near = [ALSO_CALLED[word.lower()]] if word.lower() in ALSO_CALLED else []
    near = near or nearest(word, list(FIELDS))
    if near:
        return f"no field {_shown(word)}; did you mean {' or '.join(near)}?"
    return f"no field {_shown(word)}; there are {', '.join(FIELDS)}"


def refused_operator(field: str) -> str:
    """What to say of an operator that a field does not take."""
    *others, last = FIELDS[field].operators
    return f"{field} is compared with " + (
        f"{', '.join(others)} or {last}" if others else f"{last} only"
    )


def _order(value: Scalar) -> float:
    if isinstance(value, str):
        return age_of(value).total_seconds() if is_age(value) else period_of(value)[0].timestamp()
    return float(value)


def _number(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise ValueError(f"{_shown(text)} is not a number")
    return number + 0.0  # -0.0 is 0


def _yes_no(text: str) -> bool:
    if text not in {"yes", "no"}:
        raise ValueError(f"it is yes or no, not {_shown(text)}")
    return text == "yes"


def _mode(text: str) -> str:
    if text.lower() not in MODES:
        raise ValueError(f"a mode is major or minor, not {_shown(text)}")
    return text.lower()


def _key(text: str) -> str:
    tonic, colon, mode = text.partition(":")
    tonic = tonic[:1].upper() + tonic[1:]
    tonic = FLATS.get(tonic, tonic)
    if tonic not in SHARPS or (colon and mode.lower() not in MODES):
        raise ValueError(f"{_shown(text)} is no key")
    return f"{tonic}{colon}{mode.lower()}"


def _added(text: str) -> str:
    if AGE.fullmatch(text):
        if age_of(text) > MAX_AGE:
            raise ValueError(f"{_shown(text)} is more than 50 years")
        return text
    if not DATE.fullmatch(text) or int(text[:4]) not in YEARS:
        raise ValueError(f"{_shown(text)} is neither a date nor an age")
    try:
        period_of(text)
    except ValueError:
        raise ValueError(f"there is no day {text}") from None
    return text


def _text(text: str) -> str:
    # Neither can be stored in a database, so it is in no track.
    if any(char == "\0" or "\ud800" <= char <= "\udfff" for char in text):
        raise ValueError("a text cannot hold NUL or half a surrogate pair")
    return text


def _tag(text: str) -> str:
    return _text(text).lower()


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 40 else text[:36] + "...'"  # noqa: PLR2004


NUMBER = Kind(
    operators=ORDERED, expected="a number such as 120, or 110..130", read=_number, has_ranges=True
)
TEMPO = msgspec.structs.replace(NUMBER, operators=(*ORDERED, "~="))
ADDED = Kind(
    operators=ORDERED,
    expected="a date such as 2026-01-31 or 2026, or an age such as 7d (h, d, w, m, y)",
    read=_added,
    has_ranges=True,
    has_lists=False,
)
KEY = Kind(operators=("=",), expected="a key such as E:major, Bb:minor or E", read=_key)
MODE = Kind(operators=("=",), expected="major or minor", read=_mode, has_lists=False)
YES_NO = Kind(operators=("=",), expected="yes or no", read=_yes_no, has_lists=False)
TAG = Kind(operators=("=",), expected="a tag such as piano", read=_tag)
TEXT = Kind(operators=("=",), expected="a word, or text in double quotes", read=_text)

TAG_FIELDS = ("tag", "mood", "genre", "instrument")
TEXT_FIELDS = ("artist", "album", "album_artist", "title", "path", "licence")
FIELDS: Mapping[str, Kind] = MappingProxyType({
    "bpm": TEMPO,
    **dict.fromkeys(("duration", "loudness", "valence", "arousal", "disc", "track"), NUMBER),
    "key": KEY,
    "mode": MODE,
    **dict.fromkeys(("vocals", "generated"), YES_NO),
    **dict.fromkeys(TAG_FIELDS, TAG),
    **dict.fromkeys(TEXT_FIELDS, TEXT),
    "added": ADDED,
})  # fmt: skip
"""Field -> how its values are written."""
