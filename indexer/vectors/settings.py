"""What a vector index may cost, and when it is made anew."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta


class IndexSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When the index changes its kind, and how good it has to be; docs/decisions/0009."""

    flat_limit: Annotated[int, Meta(ge=1)] = 200_000
    """Up to so many vectors are searched exactly; past it an index is trained on them."""
    memory_bytes: Annotated[int, Meta(ge=0)] = 0
    """What a trained index may take; 0 for half of this machine's memory."""
    recall_goal: Annotated[float, Meta(gt=0, le=1)] = 0.98
    """Recall@10 against exact search that a trained index is set to."""
    deep_recall_goal: Annotated[float, Meta(gt=0, le=1)] = 0.95
    """Recall@200 likewise: the matcher asks for so many when it is asked for ten tracks."""
    delta_share: Annotated[float, Meta(gt=0, le=1)] = 0.02
    """Of a trained index: so many vectors may be searched exactly beside it before they join it."""
    dead_share: Annotated[float, Meta(gt=0, le=1)] = 0.25
    """Of a part's vectors: once so many are of tracks that are gone, it is written anew."""
    joined_rows: Annotated[int, Meta(ge=0)] = 1_000
    """Exact parts of fewer vectors are never kept beside a newer one, but joined with it."""
    seed: int = 0
    """Of training, and of the choice of what is measured."""


DEFAULT_SETTINGS = IndexSettings()
