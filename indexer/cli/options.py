"""Options that several commands take."""

from __future__ import annotations

import math
from typing import Final

import click

from indexer.errors import FilterSyntaxError

BESIDE: Final = " / "
"""Between the name of a track and that of the song in it."""

top_k_option = click.option(
    "--top-k",
    type=click.IntRange(1, 500),
    default=10,
    show_default=True,
    help="How many tracks to show at most.",
)


def check_filter(_context: click.Context, _option: click.Parameter, expression: str) -> str:
    """Refuse a filter that cannot be read, with a mark under the piece; a callback of Click."""
    from indexer.filters import read_text

    try:
        read_text(expression)
    except FilterSyntaxError as error:
        raise click.BadParameter(f"{error}\n\n{error.marked}") from error
    return expression


def check_finite(
    _context: click.Context, _option: click.Parameter, value: float | tuple[float, ...] | None
) -> float | tuple[float, ...] | None:
    """Refuse infinity and what is no number, which a range lets through; a callback of Click."""
    given = value if isinstance(value, tuple) else () if value is None else (value,)
    if not all(math.isfinite(one) for one in given):
        raise click.BadParameter("give a number that is not infinite")
    return value
