"""Column types and functions that mean the same on SQLite and on PostgreSQL."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import DateTime, Text
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import GenericFunction
from sqlalchemy.types import TypeDecorator

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Dialect, SQLColumnExpression
    from sqlalchemy.sql.compiler import SQLCompiler


class CleanText(TypeDecorator[str]):
    """Text as both databases can keep it.

    PostgreSQL refuses NUL, and neither takes half a surrogate pair; both come up in tags and in
    the messages of libraries. NUL is left out, the other becomes a question mark.
    """

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002
        """Clean a text on its way in."""
        if value is None or value.isascii():
            return value.replace("\0", "") if value else value
        return value.replace("\0", "").encode("utf-8", "replace").decode("utf-8")


class UtcDateTime(TypeDecorator[datetime]):
    """A moment, in UTC whatever the zone of the server, and with its zone also from SQLite."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Turn a moment to UTC: SQLite drops the zone."""
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Give a moment its zone."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class lowered(GenericFunction[str]):  # noqa: N801  a function, as SQLAlchemy names them
    """A text in small letters of every alphabet, as `str.lower` has them."""

    type = Text()
    inherit_cache = True


@compiles(lowered)
def _lowered(element: lowered, compiler: SQLCompiler, **options: Any) -> str:  # noqa: ANN401
    return f"lower({compiler.process(element.clauses, **options)})"


@compiles(lowered, "postgresql")
def _lowered_by_icu(element: lowered, compiler: SQLCompiler, **options: Any) -> str:  # noqa: ANN401
    # A database with the locale C knows only ASCII.
    return f'lower(({compiler.process(element.clauses, **options)}) COLLATE "und-x-icu")'


def contains_in_any_case(column: SQLColumnExpression[str], text: str) -> ColumnElement[bool]:
    """Whether a column that is never NULL holds a text, in any case."""
    return lowered(column).contains(text.lower(), autoescape=True)
