"""Which parts of a snapshot are kept as they are when something changes, and which are not.

Exact parts are joined with what is added once it is half their size, so that n vectors that came in
small steps lie in at most about log2(n) parts, and each was written at most about log2(n) times.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np

from indexer.vectors.layout import FLAT

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from indexer.vectors.contents import Contents
    from indexer.vectors.layout import PartRecord
    from indexer.vectors.settings import IndexSettings


def is_overgrown(
    records: list[PartRecord], alive: NDArray[np.intp], added: int, settings: IndexSettings
) -> bool:
    """Whether too much is searched exactly, or a trained part holds too much that is gone.

    Args:
        records: The parts.
        alive: Vectors of each that belong to a row, shape (parts,).
        added: Vectors to be added.
        settings: The limits.

    Returns:
        True if all vectors had better be indexed anew.
    """
    exact = added
    for record, own in zip(records, alive.tolist(), strict=True):
        if record.training is None:
            exact += own
        elif record.count - own > settings.dead_share * record.count:
            return True
    trained = int(alive.sum()) + added - exact
    limit = settings.flat_limit
    if trained:
        limit = min(limit, max(int(settings.delta_share * trained), 10 * settings.joined_rows))
    return exact > limit


def parts_to_join(
    records: list[PartRecord], alive: NDArray[np.intp], added: int, settings: IndexSettings
) -> set[int]:
    """Choose exact parts that are written anew together with what was added.

    Args:
        records: The parts.
        alive: Vectors of each that belong to a row, shape (parts,).
        added: Vectors to be added.
        settings: The limits.

    Returns:
        Their numbers.
    """
    size, joined = added, set()
    for number in reversed(range(len(records))):
        record, own = records[number], int(alive[number])
        is_small = size > 0 and own <= max(2 * size, settings.joined_rows)
        is_hollow = record.count - own > settings.dead_share * record.count
        if record.kind == FLAT and (not own or is_hollow or is_small):
            joined.add(number)
            size += own
    return joined


def renumbered(kept: Contents, count: int, joined: set[int]) -> tuple[int, Contents]:
    """Give the parts that stay new numbers, and those that are joined the number after them.

    Args:
        kept: What stays of a snapshot.
        count: Parts that it had.
        joined: Numbers of those that are written anew together.

    Returns:
        The number of the part to be made, and the contents with the new numbers.
    """
    staying = [number for number in range(count) if number not in joined]
    numbers = np.full(count, len(staying), "<u2")
    numbers[staying] = np.arange(len(staying))
    places = kept.places.copy()
    places["part"] = numbers[places["part"]]
    return len(staying), msgspec.structs.replace(kept, places=places)
