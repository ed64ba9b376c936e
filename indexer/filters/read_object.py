"""The JSON form of a filter -> its terms.

{"and": [FILTER, ...]}   {"or": [FILTER, ...]}   {"not": FILTER}
{"field": "bpm", "op": ">=", "value": 110}
{"field": "bpm", "op": "between", "value": [110, 130]}      null for an open end
{"field": "key", "op": "in", "value": ["C:major", "G:major"]}
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from indexer.errors import FilterObjectError
from indexer.filters.fields import (
    FIELDS,
    MAX_DEPTH,
    MAX_LENGTH,
    MAX_TERMS,
    check_value,
    no_such_field,
)
from indexer.filters.terms import Term, all_of, any_of, negation

if TYPE_CHECKING:
    from indexer.filters.fields import Kind
    from indexer.filters.terms import Filter, Operator, Scalar

AN_OBJECT = 'an object with "and", "or", "not", or "field", "op" and "value"'
TERM_KEYS = frozenset({"field", "op", "value"})


def read_object(wanted: Mapping[str, Any]) -> Filter | None:
    """Read the JSON form of a filter.

    Args:
        wanted: The decoded object.

    Returns:
        The filter, or None if the object is empty.

    Raises:
        FilterObjectError: If it cannot be read; carries the path of the first trouble.

    Example:
        >>> str(read_object({"not": {"field": "bpm", "op": "between", "value": [110, None]}}))
        '-bpm=110..'
    """
    return _Reader().read(wanted, path="$", depth=0) if wanted else None


class _Reader:
    """Reads one object from the outside in."""

    def __init__(self) -> None:
        self._terms = 0
        self._characters = 0

    def read(self, wanted: object, *, path: str, depth: int) -> Filter:
        if depth > MAX_DEPTH:
            raise FilterObjectError(path, f"more than {MAX_DEPTH} filters inside each other")
        if not isinstance(wanted, Mapping):
            raise FilterObjectError(path, "no filter", expected=AN_OBJECT)
        keys = set(wanted)
        if keys == {"not"}:
            return negation(self.read(wanted["not"], path=f"{path}.not", depth=depth + 1))
        for word, join in (("and", all_of), ("or", any_of)):
            if keys == {word}:
                return join(self._parts(wanted[word], path=f"{path}.{word}", depth=depth + 1))
        if keys != TERM_KEYS:
            raise FilterObjectError(path, "no filter", expected=AN_OBJECT)
        return self._term(wanted, path=path)

    def _parts(self, parts: object, *, path: str, depth: int) -> list[Filter]:
        if not isinstance(parts, list | tuple) or not parts:
            raise FilterObjectError(path, "no filters", expected="a list of one or more")
        return [
            self.read(part, path=f"{path}[{number}]", depth=depth)
            for number, part in enumerate(parts)
        ]

    def _term(self, term: Mapping[str, Any], *, path: str) -> Term:
        field, operator, value = term["field"], term["op"], term["value"]
        if not isinstance(field, str):
            raise FilterObjectError(f"{path}.field", "no text", expected="the name of a field")
        kind = FIELDS.get(field)
        if kind is None:
            raise FilterObjectError(f"{path}.field", no_such_field(field))
        if operator not in operators_of(kind):
            raise FilterObjectError(
                f"{path}.op", f"no comparison for {field}", expected=" ".join(operators_of(kind))
            )
        found: Scalar | tuple[Scalar | None, ...]
        where = f"{path}.value"
        if operator == "in":
            found = self._list(kind, value, path=where)
        elif operator == "between":
            found = self._bounds(kind, value, path=where)
        else:
            found = self._value(kind, value, path=where)
        try:
            check_value(operator, found)
        except ValueError as error:
            raise FilterObjectError(where, str(error)) from error
        return Term(field, cast("Operator", operator), found)

    def _list(self, kind: Kind, values: object, *, path: str) -> tuple[Scalar, ...]:
        if not isinstance(values, list | tuple) or len(values) < 2:  # noqa: PLR2004
            raise FilterObjectError(path, "no list", expected="a list of two or more values")
        return tuple(
            self._value(kind, value, path=f"{path}[{number}]")
            for number, value in enumerate(values)
        )

    def _bounds(self, kind: Kind, bounds: object, *, path: str) -> tuple[Scalar | None, ...]:
        if not isinstance(bounds, list | tuple) or len(bounds) != 2:  # noqa: PLR2004
            raise FilterObjectError(path, "no range", expected="[low, high], null for an open end")
        return tuple(
            None if bound is None else self._value(kind, bound, path=f"{path}[{number}]")
            for number, bound in enumerate(bounds)
        )

    def _value(self, kind: Kind, value: object, *, path: str) -> Scalar:
        self._terms += 1
        if self._terms > MAX_TERMS:
            raise FilterObjectError(path, f"more than {MAX_TERMS} terms and values")
        self._characters += len(value) if isinstance(value, str) else 0
        if self._characters > MAX_LENGTH:
            raise FilterObjectError(path, f"more than {MAX_LENGTH:,} characters of text")
        try:
            return kind.read_object(value)
        except ValueError as error:
            raise FilterObjectError(path, str(error), expected=kind.expected) from error


def operators_of(kind: Kind) -> tuple[str, ...]:
    """What may stand under `op` for fields of this kind."""
    return (
        *kind.operators,
        *(["between"] if kind.has_ranges else []),
        *(["in"] if kind.has_lists else []),
    )
