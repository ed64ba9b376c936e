"""A filter as it was understood, the same whichever form it was written in.

The structs encode to the JSON form as they are: `msgspec.to_builtins(filter)`. `str(filter)` is its
text, with one spelling for each meaning; reading either gives the same filter back.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

Operator: TypeAlias = Literal["=", "<", "<=", ">", ">=", "~=", "between", "in"]
Scalar: TypeAlias = float | bool | str

_NEEDS_QUOTES = frozenset('"|()')


class Term(msgspec.Struct, frozen=True):
    """One fact that a track must have."""

    field: str
    """One of `fields.FIELDS`."""
    op: Operator
    """`between` and `in` are written with `=` in text."""
    value: Scalar | tuple[Scalar | None, ...]
    """As `fields` spells it; two bounds for `between`, either of them None for open; several values
    for `in`."""

    def __str__(self) -> str:
        if not isinstance(self.value, tuple):
            return f"{self.field}{self.op}{_write(self.value)}"
        between = "|" if self.op == "in" else ".."
        return f"{self.field}=" + between.join(
            "" if value is None else _write(value) for value in self.value
        )


class Not(msgspec.Struct, frozen=True, rename={"term": "not"}):
    """What must not hold."""

    term: Term | And | Or

    def __str__(self) -> str:
        return f"-{self.term}" if isinstance(self.term, Term) else f"-({self.term})"


class And(msgspec.Struct, frozen=True, rename={"terms": "and"}):
    """Two or more that must all hold; none of them is an `And`."""

    terms: tuple[Filter, ...]

    def __str__(self) -> str:
        return " ".join(f"({term})" if isinstance(term, Or) else str(term) for term in self.terms)


class Or(msgspec.Struct, frozen=True, rename={"terms": "or"}):
    """Two or more of which one must hold; none of them is an `Or`."""

    terms: tuple[Filter, ...]

    def __str__(self) -> str:
        return " or ".join(
            f"({term})" if isinstance(term, And) else str(term) for term in self.terms
        )


Filter: TypeAlias = Term | Not | And | Or


def negation(term: Filter) -> Filter:
    """What holds where the term does not; two negations are none."""
    return term.term if isinstance(term, Not) else Not(term)


def all_of(terms: list[Filter]) -> Filter:
    """What holds where all the terms do; at least one."""
    flat = [part for term in terms for part in (term.terms if isinstance(term, And) else (term,))]
    return flat[0] if len(flat) == 1 else And(tuple(flat))


def any_of(terms: list[Filter]) -> Filter:
    """What holds where one of the terms does; at least one."""
    flat = [part for term in terms for part in (term.terms if isinstance(term, Or) else (term,))]
    return flat[0] if len(flat) == 1 else Or(tuple(flat))


def _write(value: Scalar) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)  # noqa: PLR2004
    if value and not any(char.isspace() or char in _NEEDS_QUOTES for char in value):
        return value
    return '"' + value.replace('"', '""') + '"'
