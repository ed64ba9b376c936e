"""Which folders a scan may read."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from service.jobs.errors import PathMissingError, PathRefusedError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


def checked_paths(paths: Iterable[str], *, roots: Sequence[Path]) -> list[str]:
    """See that paths lie within the folders that may be read, wherever their links lead.

    Nothing outside of them is told of, not even whether it exists.

    Args:
        paths: As a client gave them.
        roots: The folders that may be read.

    Returns:
        The same paths, absolute, without `..`.

    Raises:
        PathRefusedError: If one lies elsewhere.
        PathMissingError: If one lies there and does not exist.
    """
    allowed = [Path(os.path.realpath(root)) for root in roots]
    checked = []
    for text in paths:
        if "\0" in text or not Path(text).is_absolute():
            raise PathRefusedError
        real = Path(os.path.realpath(text))
        if not any(real.is_relative_to(root) for root in allowed):
            raise PathRefusedError
        if not real.exists():
            raise PathMissingError
        checked.append(os.path.abspath(text))  # noqa: PTH100  ends `..`
    return checked
