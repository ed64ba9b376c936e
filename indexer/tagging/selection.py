"""The tracks that a person means by some paths and a filter, and the files that are no tracks."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

import msgspec

from indexer.filters.selection import demands_of, why_nothing
from indexer.walk import Walk, below

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from indexer.catalogue.repository import Catalogue
    from indexer.catalogue.rows import KnownFile


class Selection(msgspec.Struct, frozen=True, kw_only=True):
    """What some paths stand for."""

    track_ids: tuple[UUID, ...]
    """Of the tracks that fulfil the filter, in the order of their paths."""
    failures: tuple[tuple[str, str], ...]
    """Path and reason, of what is not there or cannot be looked at."""
    not_indexed: tuple[str, ...]
    """Audio files below the paths that the catalogue does not have."""
    notice: str | None
    """Why there is no track, where the filter leaves none."""


def select_tracks(
    catalogue: Catalogue, paths: Sequence[Path], *, filter_expression: str = ""
) -> Selection:
    """Find the tracks below some paths.

    Args:
        catalogue: The library.
        paths: Files and folders.
        filter_expression: What the tracks must fulfil, as in `musiscene match`.

    Returns:
        The tracks and the files that are none.

    Raises:
        FilterError: If the filter cannot be read.
    """
    demands = demands_of(filter_expression)
    allowed = catalogue.track_ids(*(demand.condition for demand in demands)) if demands else None
    known = catalogue.known_files()
    found: dict[str, KnownFile] = {}
    failures: list[tuple[str, str]] = []
    not_indexed: list[str] = []
    for path in paths:
        root = _root_as_indexed(path, known)
        if str(root) in known and not root.is_dir():
            found[str(root)] = known[str(root)]  # of thousands of names, not each through all
            continue
        meant = list(filter(below([str(root)]), known))
        found |= {name: known[name] for name in meant}
        if root.exists():
            walk = Walk([root])
            not_indexed.extend(file.path for file in walk.files() if file.path not in known)
            failures.extend(walk.failures)
        elif not meant:
            failures.append((str(path), "no such file or folder, and no track is called so"))
    tracks = [file for name, file in sorted(found.items()) if file.status == "ready"]
    failures.extend(
        (name, "the file was gone at the last scan; run `musiscene index` on its folder")
        for name, file in sorted(found.items())
        if file.status != "ready"
    )
    chosen = [one.track_id for one in tracks if allowed is None or one.track_id in allowed]
    return Selection(
        track_ids=tuple(chosen),
        failures=tuple(failures),
        not_indexed=tuple(dict.fromkeys(not_indexed)),
        notice=why_nothing(catalogue, demands) if demands and not chosen else None,
    )


def _root_as_indexed(path: Path, known: Iterable[str]) -> Path:
    """The path as the catalogue spells it: as given, or else with its links resolved."""
    root = Path(os.path.abspath(path))  # noqa: PTH100  `absolute` keeps `..`
    resolved = Path(os.path.realpath(path))
    if resolved != root and not any(map(below([str(root)]), known)):
        return resolved
    return root
