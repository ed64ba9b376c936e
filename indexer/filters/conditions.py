"""A filter's terms -> a condition on `Track`, for SQLite and PostgreSQL.

No condition is ever NULL, so `not` always finds exactly the tracks that the rest does not.
"""

from __future__ import annotations

import operator
from types import MappingProxyType
from typing import TYPE_CHECKING

from sqlalchemy import ColumnElement, and_, func, not_, or_, select

from indexer.catalogue.columns import contains_in_any_case
from indexer.catalogue.models import Tag, Track, utc_now
from indexer.filters.fields import TAG_FIELDS, age_of, is_age, period_of
from indexer.filters.terms import And, Not, Term

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from sqlalchemy.orm import InstrumentedAttribute

    from indexer.filters.terms import Filter, Scalar

TAG_THRESHOLD = 0.15
"""A tag is heard from this score on. MusiCNN's probabilities are low: the strongest of 50 tags is
often near 0.3."""

VOCALS_FROM = 0.5
"""Probability of singing from which a track has vocals."""

TEMPO_TOLERANCE = 0.04
"""Of `bpm~=`, as a part of the tempo, around half of it, itself and its double.

Source: Gouyon et al. 2006, An experimental comparison of audio tempo induction algorithms, section
V: within 4 %, octave errors forgiven (we leave out the factors 3 and 1/3).
"""

NUMBERS: Mapping[
    str,
    InstrumentedAttribute[float]
    | InstrumentedAttribute[float | None]
    | InstrumentedAttribute[int | None],
] = MappingProxyType(
    {
        "bpm": Track.bpm,
        "duration": Track.duration_seconds,
        "loudness": Track.loudness_lufs,
        "valence": Track.valence,
        "arousal": Track.arousal,
        "disc": Track.disc_number,
        "track": Track.track_number,
    }
)
TEXTS: Mapping[str, InstrumentedAttribute[str] | InstrumentedAttribute[str | None]] = (
    MappingProxyType(
        {
            "artist": Track.artist,
            "album": Track.album,
            "album_artist": Track.album_artist,
            "title": Track.title,
            "path": Track.path,
            "licence": Track.licence,
        }
    )
)
COMPARISONS: Mapping[str, Callable[..., ColumnElement[bool]]] = MappingProxyType(
    {
        "=": operator.eq,
        ">=": operator.ge,
        "<=": operator.le,
        ">": operator.gt,
        "<": operator.lt,
    }
)
REVERSED = MappingProxyType({"<": ">", "<=": ">=", ">": "<", ">=": "<="})


def condition_of(wanted: Filter, *, now: datetime | None = None) -> ColumnElement[bool]:
    """The condition that a filter puts on tracks.

    Args:
        wanted: The filter.
        now: Ages are counted back from here; None for the present.

    Returns:
        A condition on `Track`; every value in it is a bound parameter.
    """
    moment = now or utc_now()
    if isinstance(wanted, Term):
        return _term(wanted, now=moment)
    if isinstance(wanted, Not):
        return not_(condition_of(wanted.term, now=moment))
    join = and_ if isinstance(wanted, And) else or_
    return join(*(condition_of(term, now=moment) for term in wanted.terms))


def tag_is_heard(name: str) -> ColumnElement[bool]:
    """Whether a tag, in small letters, is heard in a track, in either vocabulary."""
    # Not EXISTS: SQLite would go through every row of the tag again for each track.
    return Track.id.in_(select(Tag.track_id).where(Tag.name == name, Tag.score >= TAG_THRESHOLD))


def _term(term: Term, *, now: datetime) -> ColumnElement[bool]:
    if term.op == "between":
        return _between(term, now=now)
    if isinstance(term.value, tuple):
        return or_(*(_equal(term.field, value) for value in term.value if value is not None))
    if term.field == "added":
        return _added(term.op, str(term.value), now=now)
    if term.field in NUMBERS:
        return _compared(term.field, term.op, float(term.value))
    return _equal(term.field, term.value)


def _between(term: Term, *, now: datetime) -> ColumnElement[bool]:
    low, high = term.value if isinstance(term.value, tuple) else (None, None)
    bounds = []
    for sign, end in ((">=", low), ("<=", high)):
        if end is not None and term.field == "added":
            bounds.append(_added(sign, str(end), now=now))
        elif end is not None:
            bounds.append(COMPARISONS[sign](NUMBERS[term.field], float(end)))
    if term.field == "added":
        return and_(Track.added_at.is_not(None), *bounds)
    return and_(NUMBERS[term.field].is_not(None), *bounds)


def _compared(field: str, sign: str, value: float) -> ColumnElement[bool]:
    column = NUMBERS[field]
    if sign != "~=":
        return and_(column.is_not(None), COMPARISONS[sign](column, value))
    return or_(
        *(
            column.between(
                value * factor * (1 - TEMPO_TOLERANCE), value * factor * (1 + TEMPO_TOLERANCE)
            )
            for factor in (0.5, 1.0, 2.0)
        )
    )


def _added(sign: str, value: str, *, now: datetime) -> ColumnElement[bool]:
    """Compare a whole day, month or year with the moment a track was added; or its age."""
    if is_age(value):
        return COMPARISONS[REVERSED[sign]](Track.added_at, now - age_of(value))
    start, end = period_of(value)
    if sign == "=":
        return and_(Track.added_at >= start, Track.added_at < end)
    if sign in {">=", "<"}:
        return COMPARISONS[sign](Track.added_at, start)
    return Track.added_at >= end if sign == ">" else Track.added_at < end


def _equal(field: str, value: Scalar) -> ColumnElement[bool]:
    """The condition of `=`, for one value of any field but `added`."""
    if field in NUMBERS:
        return _compared(field, "=", float(value))
    if field in TAG_FIELDS:
        return tag_is_heard(str(value))
    if field in TEXTS:
        return contains_in_any_case(func.coalesce(TEXTS[field], ""), str(value))
    if field == "key":
        return Track.key == value if ":" in str(value) else Track.key.startswith(f"{value}:")
    if field == "mode":
        return Track.key.endswith(f":{value}")
    holds = (
        Track.vocal_probability >= VOCALS_FROM if field == "vocals" else Track.generated.is_(True)
    )
    return holds if value else not_(holds)
