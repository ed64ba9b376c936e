"""Options that several commands take."""

from __future__ import annotations

import click

from indexer.errors import FilterSyntaxError


def check_filter(_context: click.Context, _option: click.Parameter, expression: str) -> str:
    """Refuse a filter that cannot be read, with a mark under the piece; a callback of Click."""
    from indexer.filters import read_text

    try:
        read_text(expression)
    except FilterSyntaxError as error:
        raise click.BadParameter(f"{error}\n\n{error.marked}") from error
    return expression
