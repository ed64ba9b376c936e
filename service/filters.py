"""How a request writes a filter; `indexer.filters` reads it."""

from __future__ import annotations

from typing import Annotated, Any, TypeAlias

from msgspec import Meta

from indexer.filters.fields import FIELDS, MAX_LENGTH

FILTER_DESCRIPTION = (
    f"Facts that a track must have, on {', '.join(FIELDS)}. Terms side by side, or with `and`, "
    "must all hold; `or`, `not` or `-`, and parentheses are as usual. Numbers and `added` take "
    "`=`, `<`, `<=`, `>`, `>=` and `=LOW..HIGH`, bpm also `~=` (half and double tempo too); the "
    "rest take `=`, and `A|B` means either. Text with blanks stands in double quotes."
)
OBJECT_DESCRIPTION = (
    "Or the same as an object: `and` or `or` with a list of such objects, `not` with one of them, "
    "or a term of `field`, `op` and `value`. `op` is one of `=`, `<`, `<=`, `>`, `>=`, `~=`, "
    "`between` ([low, high], null for an open end) and `in` (two values or more)."
)
FILTER_EXAMPLE = "bpm=100..130 key=C:major|G:major (mood=happy or genre=folk) -tag=metal"
OBJECT_EXAMPLE = {
    "and": [
        {"field": "bpm", "op": "between", "value": [100, 130]},
        {"field": "key", "op": "in", "value": ["C:major", "G:major"]},
        {"not": {"field": "tag", "op": "=", "value": "metal"}},
    ]
}

FilterInput: TypeAlias = Annotated[
    Annotated[str, Meta(max_length=MAX_LENGTH)] | dict[str, Any],
    Meta(
        description=f"{FILTER_DESCRIPTION} {OBJECT_DESCRIPTION}",
        examples=[FILTER_EXAMPLE, OBJECT_EXAMPLE],
    ),
]
"""A filter in either form."""
