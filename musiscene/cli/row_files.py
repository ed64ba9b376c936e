"""Files of rows on the command line."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Iterable

    from musiscene.console import Console
    from musiscene.data.rows import SceneExample, Split

existing_file = click.Path(exists=True, dir_okay=False, path_type=Path)
out_file = click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    required=True,
    help="JSON Lines; a run that was stopped goes on with it.",
)


def read_files(
    console: Console, files: Iterable[Path], *, by_file_name: bool
) -> list[SceneExample]:
    """Read rows of any form; lines that are none are told.

    Args:
        console: Is told.
        files: JSON Lines.
        by_file_name: Whether rows without a split have that of their file's name.

    Returns:
        The rows of all files.

    Raises:
        MusiSceneError: If a file cannot be read.
    """
    from musiscene.data.rows import read_examples

    examples: list[SceneExample] = []
    for path in files:
        rows = read_examples(path, split=split_named(path) if by_file_name else None)
        for bad in rows.bad:
            console.fail_item(bad.place, bad.reason)
        examples += rows.good
    return examples


def split_named(path: Path) -> Split | None:
    """The split that a file is named after, if it is."""
    from musiscene.data.splits import SPLITS

    return next((name for name in SPLITS if name == path.stem), None)
