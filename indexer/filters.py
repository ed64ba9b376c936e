"""One filter grammar for the command line, URLs and JSON.

    bpm=110..130 key=E:major vocals=no mood=happy duration>=60 -tag=metal

Terms stand side by side, separated by blanks, and all must hold. A leading `-` turns a term round.

`bpm`, `duration` (seconds), `loudness` (LUFS), `valence`, `arousal`
    a number after `=`, `>=`, `<=`, `>` or `<`, or `=LOW..HIGH` with either end left out
`key`, `mode`
    `E:major`, `Eb:minor` or a tonic alone; `major` or `minor`
`vocals`, `generated`
    `yes` or `no`
`tag`, `mood`, `genre`, `instrument`
    a tag that is heard, in either vocabulary; the four names mean the same
`artist`, `album`, `title`, `path`, `licence`
    text found anywhere in it, in any case

A value with blanks stands in double quotes: `artist="The Band"`.
"""

from __future__ import annotations

import math
import operator as operators
import re
from typing import TYPE_CHECKING

from sqlalchemy import ColumnElement, and_, func, not_, select

from indexer.catalogue.models import Tag, Track
from indexer.errors import FilterSyntaxError

if TYPE_CHECKING:
    from sqlalchemy.orm import InstrumentedAttribute

MAX_LENGTH = 2_000
"""Characters of one filter."""

MAX_TERMS = 50
"""Terms of one filter."""

TAG_THRESHOLD = 0.15
"""A tag is heard from this score on. MusiCNN's probabilities are low: the strongest of 50 tags is
often near 0.3."""

NUMBERS: dict[str, InstrumentedAttribute[float] | InstrumentedAttribute[float | None]] = {
    "bpm": Track.bpm,
    "duration": Track.duration_seconds,
    "loudness": Track.loudness_lufs,
    "valence": Track.valence,
    "arousal": Track.arousal,
}
TEXTS: dict[str, InstrumentedAttribute[str] | InstrumentedAttribute[str | None]] = {
    "artist": Track.artist,
    "album": Track.album,
    "title": Track.title,
    "path": Track.path,
    "licence": Track.licence,
}
TAGS = ("tag", "mood", "genre", "instrument")
FIELDS = (*NUMBERS, "key", "mode", "vocals", "generated", *TAGS, *TEXTS)

COMPARISONS = {
    "=": operators.eq,
    ">=": operators.ge,
    "<=": operators.le,
    ">": operators.gt,
    "<": operators.lt,
}
FLATS = {"Cb": "B", "Db": "C#", "Eb": "D#", "Fb": "E", "Gb": "F#", "Ab": "G#", "Bb": "A#"}

_TERM = re.compile(
    r'(?P<negated>-?)(?P<field>[a-z]+)(?P<operator>>=|<=|=|>|<)(?P<value>"[^"]*"|[^\s"]+)'
)


def parse_filter(expression: str) -> ColumnElement[bool] | None:
    """A condition on `Track` that holds for what the filter asks for.

    Args:
        expression: The filter, see the module's docstring.

    Returns:
        The condition, or None for an empty filter.

    Raises:
        FilterSyntaxError: If the filter cannot be read; carries the position of the first trouble.
    """
    if len(expression) > MAX_LENGTH:
        raise FilterSyntaxError(
            expression[:60] + "...", MAX_LENGTH, f"longer than {MAX_LENGTH:,} characters"
        )
    conditions: list[ColumnElement[bool]] = []
    position = _skip_blanks(expression, 0)
    while position < len(expression):
        match = _TERM.match(expression, position)
        if match is None:
            raise FilterSyntaxError(
                expression, position, "expected a term such as bpm=110..130 or -tag=metal"
            )
        condition = _condition(expression, match)
        conditions.append(not_(condition) if match["negated"] else condition)
        if len(conditions) > MAX_TERMS:
            raise FilterSyntaxError(expression, position, f"more than {MAX_TERMS} terms")
        end = _skip_blanks(expression, match.end())
        if end == match.end() < len(expression):
            raise FilterSyntaxError(expression, end, "expected a blank between terms")
        position = end
    return and_(*conditions) if conditions else None


def _skip_blanks(expression: str, position: int) -> int:
    while position < len(expression) and expression[position].isspace():
        position += 1
    return position


def _condition(expression: str, match: re.Match[str]) -> ColumnElement[bool]:
    field, operator, value = match["field"], match["operator"], match["value"].strip('"')
    if field not in FIELDS:
        raise FilterSyntaxError(
            expression, match.start("field"), f"no field {field!r}; there are {', '.join(FIELDS)}"
        )
    if field in NUMBERS:
        return _number_condition(expression, match)
    if operator != "=":
        raise FilterSyntaxError(
            expression, match.start("operator"), f"{field} is compared with = only"
        )
    try:
        if field in TEXTS:
            return func.coalesce(TEXTS[field], "").icontains(value, autoescape=True)
        return _word_condition(field, value)
    except ValueError as error:
        raise FilterSyntaxError(expression, match.start("value"), str(error)) from error


def _number_condition(expression: str, match: re.Match[str]) -> ColumnElement[bool]:
    column, operator, value = NUMBERS[match["field"]], match["operator"], match["value"]
    try:
        low, dots, high = value.partition("..")
        if operator == "=" and dots:
            bounds = [column >= _number(low)] if low else []
            bounds += [column <= _number(high)] if high else []
        else:
            bounds = [COMPARISONS[operator](column, _number(value))]
    except ValueError as error:
        raise FilterSyntaxError(expression, match.start("value"), str(error)) from error
    return and_(column.is_not(None), *bounds)  # so that `-` finds tracks without the number


def _number(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise ValueError(f"{text!r} is not a number")
    return number


def _word_condition(field: str, value: str) -> ColumnElement[bool]:
    if field == "key":
        return _key_condition(value)
    if field == "mode":
        if value not in {"major", "minor"}:
            raise ValueError(f"a mode is major or minor, not {value!r}")
        return Track.key.endswith(":" + value)
    if field in TAGS:
        heard = select(Tag.id).where(
            Tag.track_id == Track.id, Tag.name == value.lower(), Tag.score >= TAG_THRESHOLD
        )
        return heard.exists()
    if value not in {"yes", "no"}:
        raise ValueError(f"{field} is yes or no, not {value!r}")
    holds = Track.vocal_probability >= 0.5 if field == "vocals" else Track.generated.is_(True)  # noqa: PLR2004
    return holds if value == "yes" else not_(holds)


def _key_condition(value: str) -> ColumnElement[bool]:
    tonic, colon, mode = value.partition(":")
    tonic = tonic[:1].upper() + tonic[1:]
    tonic = FLATS.get(tonic, tonic)
    if tonic not in {*FLATS.values(), "C", "D", "F", "G", "A"}:
        raise ValueError(f"{value!r} is no key; write E:major, Bb:minor or a tonic alone")
    if not colon:
        return Track.key.startswith(tonic + ":")
    if mode not in {"major", "minor"}:
        raise ValueError(f"{value!r} is no key; write E:major, Bb:minor or a tonic alone")
    return Track.key == f"{tonic}:{mode}"
