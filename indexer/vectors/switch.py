"""A snapshot takes the place of the one before, at one stroke, and what nobody needs is removed."""

from __future__ import annotations

import secrets
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from indexer.errors import TornSnapshotError, VectorIndexError
from indexer.vectors.files import give_name, seal, write_whole
from indexer.vectors.layout import CURRENT, MANIFEST, PARTS, Manifest, current_name, read_manifest

if TYPE_CHECKING:
    from indexer.vectors.contents import Contents

KEPT: Final = 2
"""Snapshots that stay: the published one and the one before it."""


def make_current(directory: Path, manifest: Manifest, contents: Contents) -> Path:
    """Write a snapshot whose parts are there, and point to it; call under the lock.

    Args:
        directory: Of the snapshots.
        manifest: All of it but the files of the snapshot's own folder.
        contents: Its tables.

    Returns:
        The folder of the new snapshot.
    """
    before = current_name(directory)
    name = f"r{manifest.revision:08d}-{secrets.token_hex(4)}"
    folder = Path(tempfile.mkdtemp(prefix=".building-", dir=directory))
    try:
        contents.write(folder)
        manifest = msgspec.structs.replace(manifest, files=seal(folder))
        encoded = msgspec.json.format(msgspec.json.encode(manifest), indent=2)
        (folder / MANIFEST).write_bytes(encoded)
        seal(folder)
        give_name(folder, directory / name)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    write_whole(directory / CURRENT, name + "\n")
    _sweep(directory, keep=[one for one in (name, before) if one][:KEPT])
    return directory / name


def _sweep(directory: Path, *, keep: list[str]) -> None:
    """Remove what no snapshot needs any more, and what killed processes left; under the lock.

    Files that a reader has mapped stay readable for it on POSIX.
    """
    needed: set[str] = set()
    for name in keep:
        try:
            needed.update(part.name for part in read_manifest(directory / name).parts)
        except TornSnapshotError:
            continue
    for path in directory.iterdir():
        if path.is_dir() and path.name not in {*keep, PARTS}:
            shutil.rmtree(path, ignore_errors=True)
        elif path.is_file() and path.name.startswith(f".{CURRENT}-"):
            path.unlink(missing_ok=True)
    for path in (directory / PARTS).iterdir():
        if path.name not in needed:
            shutil.rmtree(path, ignore_errors=True)


def require_room(directory: Path, size_bytes: int) -> None:
    """Stop before a disk is filled.

    Args:
        directory: Of the snapshots.
        size_bytes: To be written.

    Raises:
        VectorIndexError: If there is less room.
    """
    free_bytes = shutil.disk_usage(directory).free
    if free_bytes < size_bytes:
        raise VectorIndexError(
            f"{directory}: {size_bytes / 1e6:.0f} MB are needed for the vectors and "
            f"{free_bytes / 1e6:.0f} MB are free; nothing is lost, make room and run "
            "`musiscene index` again"
        )
