"""What one request asks of every track, and why no track fulfils it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import ColumnElement, not_

from indexer.catalogue.models import Track, utc_now
from indexer.filters import read_filter
from indexer.filters.conditions import condition_of, tag_is_heard
from indexer.filters.fields import TAG_FIELDS, nearest
from indexer.filters.terms import And, Not, Or, Term
from musiscene.vocabularies import MSD_TAGS, MTT_TAGS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from indexer.catalogue.repository import Catalogue
    from indexer.filters.terms import Filter

TAG_NAMES = frozenset(name.lower() for name in (*MTT_TAGS, *MSD_TAGS))
"""Every tag that can be heard."""


class Demand(msgspec.Struct, frozen=True):
    """One of the things that must all hold."""

    text: str
    """As a person reads it."""
    condition: ColumnElement[bool]
    """On `Track`."""
    unknown_tags: tuple[str, ...] = ()
    """Tags it asks for that are in no vocabulary."""


def demands_of(
    wanted: str | Mapping[str, Any],
    *,
    negatives: Sequence[str] = (),
    length_seconds: float | None = None,
) -> list[Demand]:
    """What a request asks of every track.

    Args:
        wanted: A filter in either form.
        negatives: What is not wanted; a word of the tag vocabularies rules out the tracks in which
            it is heard, any other text asks nothing here.
        length_seconds: How long a track must be at least; None for any length.

    Returns:
        The demands, all of which must hold; none if everything will do.

    Raises:
        FilterError: If the filter cannot be read.
    """
    found, now = read_filter(wanted), utc_now()
    parts = found.terms if isinstance(found, And) else [found] if found is not None else []
    demands = [
        Demand(
            f"({part})" if isinstance(part, Or) else str(part),
            condition_of(part, now=now),
            tuple(tag for tag in _tags(part) if tag not in TAG_NAMES),
        )
        for part in parts
    ]
    if length_seconds is not None:
        condition = Track.duration_seconds >= length_seconds
        demands.append(Demand(f"{length_seconds:g} seconds or more", condition))
    for negative in negatives:
        tag = negative.strip().lower().removeprefix("no ")
        if tag in TAG_NAMES:
            demands.append(Demand(f"no {tag}", not_(tag_is_heard(tag))))
    return demands


def why_nothing(catalogue: Catalogue, demands: Sequence[Demand]) -> str:
    """Say why no track fulfils all the demands.

    Args:
        catalogue: The tracks.
        demands: Fulfilled by none of them.

    Returns:
        A sentence or more: how many tracks each demand leaves, and tags that no track can have.
    """
    left = [
        f"{demand.text} leaves {len(catalogue.track_ids(demand.condition))}" for demand in demands
    ]
    said = f"No track of {catalogue.count_tracks()} fulfils what is asked: {', '.join(left)}."
    for tag in dict.fromkeys(tag for demand in demands for tag in demand.unknown_tags):
        near = nearest(tag, sorted(TAG_NAMES))
        said += f" {tag!r} is a tag that is never heard"
        said += f"; did you mean {' or '.join(near)}?" if near else "."
    return said


def _tags(part: Filter) -> Iterator[str]:
    if isinstance(part, Term):
        if part.field in TAG_FIELDS:
            yield from (
                str(tag) for tag in (part.value if isinstance(part.value, tuple) else (part.value,))
            )
        return
    for inner in (part.term,) if isinstance(part, Not) else part.terms:
        yield from _tags(inner)
