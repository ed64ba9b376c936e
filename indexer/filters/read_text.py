"""The text form of a filter -> its terms, by recursive descent.

    either  = both {"or" both}
    both    = single {["and"] single}
    single  = ("not" | "-") single | "(" either ")" | term
    term    = field operator value {"|" value} | field "=" [value] ".." [value]
    value   = word | quoted

Blanks may stand between any two parts. A word ends at a blank, `"`, `|` or a `)` that closes
nothing in it; within quotes `""` is one quote.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NoReturn, cast

import msgspec

from indexer.errors import FilterSyntaxError
from indexer.filters.fields import (
    FIELDS,
    MAX_DEPTH,
    MAX_LENGTH,
    MAX_TERMS,
    check_value,
    no_such_field,
    refused_operator,
)
from indexer.filters.terms import Term, all_of, any_of, negation

if TYPE_CHECKING:
    from indexer.filters.fields import Kind
    from indexer.filters.terms import Filter, Operator, Scalar

A_TERM = "a term such as bpm=110..130 or tag=piano"
_KEYWORD = re.compile(r"(and|or|not)\b(?!\s*[=<>!~])", re.IGNORECASE)
_FIELD = re.compile(r"[A-Za-z_]+")
_COMPARED = re.compile(r"\s*[=<>!~]")
_OPERATOR = re.compile(r">=|<=|!=|~=|=|>|<")
_QUOTED = re.compile(r'"((?:[^"]|"")*)"')
_PIECE = re.compile(r'[A-Za-z_]+|[^\s"()|]+|.', re.DOTALL)


class _Value(msgspec.Struct, frozen=True):
    """One value where it stands."""

    text: str
    """Without quotes."""
    written: str
    """With them."""
    position: int


def read_text(expression: str) -> Filter | None:
    """Read the text form of a filter.

    Args:
        expression: The filter.

    Returns:
        The filter, or None if there are only blanks.

    Raises:
        FilterSyntaxError: If it cannot be read.

    Example:
        >>> str(read_text("not (key=Bb:minor or bpm >= 90) and tag=Piano"))
        '-(key=A#:minor or bpm>=90) tag=piano'
    """
    if len(expression) > MAX_LENGTH:
        raise FilterSyntaxError(
            expression, MAX_LENGTH, f"the filter is longer than {MAX_LENGTH:,} characters"
        )
    return _Reader(expression).read()


class _Reader:
    """Reads one expression from left to right."""

    def __init__(self, expression: str) -> None:
        self._expression = expression
        self._position = 0
        self._terms = 0

    def read(self) -> Filter | None:
        if self._at_end():
            return None
        whole = self._either(depth=0)
        if not self._at_end():  # only this stops a series of terms
            self._fail("this ) closes no (")
        return whole

    def _either(self, *, depth: int) -> Filter:
        parts = [self._both(depth=depth)]
        while self._takes("or"):
            parts.append(self._both(depth=depth))
        return any_of(parts)

    def _both(self, *, depth: int) -> Filter:
        parts = [self._single(depth=depth)]
        while self._takes("and") or not (self._at_end() or self._next_is(")") or self._sees("or")):
            parts.append(self._single(depth=depth))
        return all_of(parts)

    def _single(self, *, depth: int) -> Filter:
        if depth > MAX_DEPTH:
            self._fail(f"more than {MAX_DEPTH} groups and negations inside each other")
        if self._takes("not") or self._skips("-"):
            return negation(self._single(depth=depth + 1))
        if not self._skips("("):
            return self._term()
        opened = self._position - 1
        inside = self._either(depth=depth + 1)
        if not self._skips(")"):
            self._fail_at(opened, "", "this ( is never closed", expected="a )")
        return inside

    def _term(self) -> Filter:
        field = self._field()
        operator = self._operator(field)
        self._skip_blanks()
        if operator == "!=":
            return negation(self._compared(field, "="))
        return self._compared(field, operator)

    def _field(self) -> str:
        name = _FIELD.match(self._expression, self._position)
        is_compared = name and _COMPARED.match(self._expression, name.end())
        if name is None or not (name[0].lower() in FIELDS or is_compared):
            self._fail("a term is missing", expected=A_TERM)
        if name[0].lower() not in FIELDS:
            self._fail(no_such_field(name[0]))
        self._position = name.end()
        return name[0].lower()

    def _operator(self, field: str) -> str:
        self._skip_blanks()
        taken = FIELDS[field].operators
        sign = _OPERATOR.match(self._expression, self._position)
        if sign is None:
            self._fail(f"no comparison after {field}", expected=" ".join(taken))
        if sign[0] not in {*taken, "!="}:
            self._fail_at(self._position, sign[0], refused_operator(field))
        self._position = sign.end()
        return sign[0]

    def _compared(self, field: str, operator: str) -> Term:
        kind = FIELDS[field]
        values = [self._value(kind)]
        while self._skips("|"):
            self._skip_blanks()
            values.append(self._value(kind))
        first = values[0]
        self._terms += len(values)
        if self._terms > MAX_TERMS:
            self._fail_at(first.position, first.written, f"more than {MAX_TERMS} terms and values")
        if len(values) > 1:
            if operator != "=" or not kind.has_lists:
                self._fail_at(first.position, first.written, f"{field} takes no list")
            return Term(field, "in", tuple(self._read(kind, value) for value in values))
        found: Scalar | tuple[Scalar | None, ...]
        if operator == "=" and kind.has_ranges and ".." in first.written:
            low, dots, high = first.written.partition("..")
            after_dots = first.position + len(low) + len(dots)
            ends = [_Value(low, low, first.position), _Value(high, high, after_dots)]
            operator, found = (
                "between",
                tuple(self._read(kind, end) if end.text else None for end in ends),
            )
        else:
            found = self._read(kind, first)
        try:
            check_value(operator, found)
        except ValueError as error:
            self._fail_at(first.position, first.written, str(error))
        return Term(field, cast("Operator", operator), found)

    def _read(self, kind: Kind, value: _Value) -> Scalar:
        try:
            return kind.read(value.text)
        except ValueError as error:
            self._fail_at(value.position, value.written, str(error), expected=kind.expected)

    def _value(self, kind: Kind) -> _Value:
        start = self._position
        if self._expression.startswith('"', start):
            quoted = _QUOTED.match(self._expression, start)
            if quoted is None:
                self._fail_at(start, "", "this quote is never closed", expected='a "')
            self._position, text = quoted.end(), quoted[1].replace('""', '"')
        else:
            self._position = self._word_end()
            text = self._expression[start : self._position]
            if not text:
                self._fail("a value is missing", expected=kind.expected)
        after = self._expression[self._position : self._position + 1]
        if after and not after.isspace() and after not in "|)":
            self._fail("no blank between terms", expected="a blank")
        return _Value(text, self._expression[start : self._position], start)

    def _word_end(self) -> int:
        depth = 0
        for position in range(self._position, len(self._expression)):
            char = self._expression[position]
            depth += (char == "(") - (char == ")")
            if char.isspace() or char in '"|' or depth < 0:
                return position
        return len(self._expression)

    # ---- where it stands ------------------------------------------------------------------

    def _skip_blanks(self) -> None:
        rest = self._expression[self._position :]
        self._position += len(rest) - len(rest.lstrip())

    def _at_end(self) -> bool:
        self._skip_blanks()
        return self._position == len(self._expression)

    def _sees(self, keyword: str) -> bool:
        self._skip_blanks()
        seen = _KEYWORD.match(self._expression, self._position)
        return seen is not None and seen[0].lower() == keyword

    def _takes(self, keyword: str) -> bool:
        is_seen = self._sees(keyword)
        self._position += len(keyword) if is_seen else 0
        return is_seen

    def _next_is(self, mark: str) -> bool:
        self._skip_blanks()
        return self._expression.startswith(mark, self._position)

    def _skips(self, mark: str) -> bool:
        is_next = self._next_is(mark)
        self._position += len(mark) if is_next else 0
        return is_next

    def _fail(self, reason: str, *, expected: str = "") -> NoReturn:
        """Refuse the piece at the present position."""
        piece = _PIECE.match(self._expression, self._position)
        self._fail_at(self._position, piece[0] if piece else "", reason, expected=expected)

    def _fail_at(self, position: int, found: str, reason: str, *, expected: str = "") -> NoReturn:
        raise FilterSyntaxError(
            self._expression, position, reason, found=found, expected=expected
        ) from None
