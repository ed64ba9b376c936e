"""Filters of every shape, for tests that hold for all of them."""

from __future__ import annotations

from hypothesis import strategies as st

from indexer.filters.fields import FIELDS, TAG_FIELDS, TEXT_FIELDS
from indexer.filters.terms import Filter, Operator, Term, all_of, any_of, negation

NUMBERS = ("bpm", "duration", "loudness", "valence", "arousal")
KEYS = ("E:major", "A#:minor", "C", "C#")

numbers = st.sampled_from([60.0, 90.0, 120.0, 140.0, 30.0, -14.0, 0.5, -0.25]) | st.floats(
    allow_nan=False, allow_infinity=False
).map(lambda value: value + 0.0)
texts = (
    st.sampled_from(["band", "Piano", "metal", "harp", "LOUD", "/m/s", "cc-", "_g"])
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
    | st.sampled_from(["and", "a|b", 'say "hi"', "(live)", "..", "=x", "-", "%", "\\", "=", "~="])
)
days = st.dates().filter(lambda day: 1970 <= day.year < 2500).map(lambda day: day.isoformat())
dates = st.builds(lambda day, length: day[:length], days, st.sampled_from([4, 7, 10]))
ages = st.builds(
    lambda number, unit: f"{number}{unit}", st.integers(0, 49), st.sampled_from("hdwmy")
)


def _term(field: str, op: Operator, value: object) -> Term:
    return Term(field, op, value)  # type: ignore[arg-type]


def _lists(values: st.SearchStrategy[str] | st.SearchStrategy[float]) -> st.SearchStrategy[object]:
    return st.lists(values, min_size=2, max_size=3).map(tuple)


def _ends(ends: tuple[float, float], keep: tuple[bool, bool]) -> tuple[float | None, ...]:
    return tuple(end if kept else None for end, kept in zip(sorted(ends), keep, strict=True))


ORDERED = st.sampled_from(["=", "<", "<=", ">", ">="])
terms: st.SearchStrategy[Term] = st.one_of(
    st.builds(_term, st.sampled_from(NUMBERS), ORDERED, numbers),
    st.builds(_term, st.sampled_from(NUMBERS), st.just("in"), _lists(numbers)),
    st.builds(
        _term,
        st.sampled_from(NUMBERS),
        st.just("between"),
        st.builds(_ends, st.tuples(numbers, numbers), st.tuples(st.booleans(), st.booleans())),
    ),
    st.builds(_term, st.just("bpm"), st.just("~="), st.floats(1, 1e300)),
    st.builds(_term, st.just("added"), ORDERED, dates),
    st.builds(_term, st.just("added"), st.sampled_from(["<", "<=", ">", ">="]), ages),
    st.builds(
        _term,
        st.just("added"),
        st.just("between"),
        st.tuples(days, days).map(lambda pair: tuple(sorted(pair))),
    ),
    st.builds(_term, st.just("key"), st.just("="), st.sampled_from(KEYS)),
    st.builds(_term, st.just("key"), st.just("in"), _lists(st.sampled_from(KEYS))),
    st.builds(_term, st.just("mode"), st.just("="), st.sampled_from(["major", "minor"])),
    st.builds(_term, st.sampled_from(["vocals", "generated"]), st.just("="), st.booleans()),
    st.builds(_term, st.sampled_from(TAG_FIELDS), st.just("="), texts.map(str.lower)),
    st.builds(_term, st.sampled_from(TEXT_FIELDS), st.just("="), texts),
    st.builds(_term, st.sampled_from(TEXT_FIELDS), st.just("in"), _lists(texts)),
)

filters: st.SearchStrategy[Filter] = st.recursive(
    terms,
    lambda inner: st.one_of(
        inner.map(negation),
        st.lists(inner, min_size=1, max_size=3).map(all_of),
        st.lists(inner, min_size=1, max_size=3).map(any_of),
    ),
    max_leaves=8,
)
"""Filters as reading makes them."""

WORDS = (*FIELDS, "and", "or", "not", "tempo", "yes", "major", "120", "7d", "2026-01", "-1e5")
expressions: st.SearchStrategy[str] = st.one_of(
    st.text(max_size=60),
    st.lists(
        st.sampled_from([*WORDS, *'=<>~!()|"-:. ', "..", ">=", "~=", "bpm=90", "tag=piano", " "])
        | st.text(max_size=3),
        max_size=25,
    ).map("".join),
)
"""Any text, and text that is nearly a filter."""
