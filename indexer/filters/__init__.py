"""One filter grammar for the command line, URLs and JSON.

    bpm=110..130 key=C:major|G:major (mood=happy or genre=folk) -vocals=yes added<30d

Each module is one step: `read_text` and `read_object` read the two forms into `terms`, whose words
and values `fields` knows; `terms` prints them back; `conditions` makes SQL of them.
docs/matching.md tells people how to write a filter.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from indexer.filters.read_object import read_object
from indexer.filters.read_text import read_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from indexer.filters.terms import Filter

__all__ = ["read_filter", "read_object", "read_text"]


def read_filter(wanted: str | Mapping[str, Any]) -> Filter | None:
    """Read a filter in either form.

    Args:
        wanted: Text, or an object as JSON holds it.

    Returns:
        The filter, or None for an empty one.

    Raises:
        FilterSyntaxError: If the text cannot be read.
        FilterObjectError: If the object cannot be read.
    """
    return read_text(wanted) if isinstance(wanted, str) else read_object(wanted)
