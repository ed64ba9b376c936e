"""A library as one file to come back to: `musiscene backup` and `musiscene restore`.

The file is a TAR archive, not compressed, so that it never unpacks to more than its own size:

    catalogue.sqlite    everything in the database: tracks, keys, briefs, feedback, jobs, plans
    generated/...       music that was made, with its provenance
    tagging/...        journals that undo what was written into files
    manifest.json       format, and size and SHA-256 of each of the others; last

Vectors are not in it: they are made from the catalogue. Nor is the library's own music, nor the
videos of plans.

Invariants:
    - The file appears under its name when it was read back whole.
    - A restore changes nothing before all of the file was checked; what it replaces is kept.
"""

from __future__ import annotations

import hashlib
import secrets
import shutil
import tarfile
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.metadata import version
from io import BytesIO
from typing import IO, TYPE_CHECKING, Final

import msgspec
from filelock import FileLock, Timeout

from indexer.catalogue.copies import copy_catalogue, require_unused, require_whole
from indexer.catalogue.generations import GENERATED
from indexer.catalogue.repository import Catalogue
from indexer.errors import BackupError, CatalogueError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FORMAT: Final = 1
CATALOGUE: Final = "catalogue.sqlite"
MANIFEST: Final = "manifest.json"
FOLDERS: Final = (GENERATED, "tagging")
LARGEST_MANIFEST_BYTES: Final = 64 << 20
CHUNK_BYTES: Final = 1 << 20


class BackupFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One file in a backup."""

    size_bytes: int
    """Its length."""
    sha256: str
    """Of its bytes."""


class BackupManifest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a backup holds."""

    format: int
    """Of the archive."""
    made_by: str
    """Version of MusiScene."""
    made_at: datetime
    """When the catalogue was copied, in UTC."""
    files: dict[str, BackupFile]
    """Name in the archive -> the file."""


def back_up(data_dir: Path, target: Path) -> BackupManifest:
    """Write a library into one file, while others may use it.

    Args:
        data_dir: The library; its catalogue is in SQLite.
        target: New file, or one to be replaced.

    Returns:
        What the file holds.

    Raises:
        BackupError: If it cannot be written, or cannot be read back.
        CatalogueError: If the catalogue cannot be copied, or is damaged.
    """
    name = secrets.token_hex(4)
    beside = target.with_name(f".{target.name}-{name}")
    copy = target.with_name(f".{target.name}-{name}.sqlite")
    try:
        made_at = datetime.now(UTC)
        copy_catalogue(data_dir / CATALOGUE, copy)
        require_whole(copy)
        manifest = _write(beside, data_dir, copy, made_at)
        if read_manifest(beside) != manifest:
            raise BackupError(f"{target}: what was written cannot be read back; is the disk sound?")
        beside.chmod(0o600)  # it holds the digests of keys, and briefs
        beside.replace(target)
    except OSError as error:
        raise BackupError(f"{target}: cannot be written ({error.strerror or error})") from error
    finally:
        beside.unlink(missing_ok=True)
        copy.unlink(missing_ok=True)
    return manifest


def read_manifest(source: Path, into: Path | None = None) -> BackupManifest:
    """Read all of a backup and see that it is what was written.

    Args:
        source: The backup.
        into: Empty folder that its files are put in; None to read them only.

    Returns:
        What it holds.

    Raises:
        BackupError: If it is damaged, no backup, or made by a newer MusiScene.
    """
    found: dict[str, BackupFile] = {}
    encoded = b""
    try:
        with tarfile.open(source, "r:") as archive:
            for member in archive:
                content = _content(archive, member, source)
                if member.name == MANIFEST:
                    encoded = content.read(LARGEST_MANIFEST_BYTES)
                elif member.name in found or not _is_ours(member.name):
                    raise BackupError(f"{source}: {member.name!r} is in no backup, or twice")
                else:
                    found[member.name] = _take(content, member, into)
    except (tarfile.TarError, EOFError) as error:
        raise BackupError(f"{source}: no backup, or a damaged one ({error})") from error
    except OSError as error:
        raise BackupError(f"{source}: cannot be read ({error.strerror or error})") from error
    return _checked(encoded, found, source)


def restore(source: Path, data_dir: Path, *, replace: bool = False) -> Path | None:
    """Put a library back as it was: all of it, or nothing.

    Args:
        source: The backup.
        data_dir: Where it is to be.
        replace: Whether a library that is there is put aside.

    Returns:
        The folder that the library that was there lies in now; None where there was none.

    Raises:
        BackupError: If the file is damaged, a library is there that is not to be replaced, or one
            that is in use.
        CatalogueError: If the catalogue in it is damaged, or made by a newer MusiScene.
    """
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        with _locked(data_dir):
            _require_room(data_dir, replace=replace)
            staged = data_dir / f".restoring-{secrets.token_hex(4)}"
            staged.mkdir(mode=0o700)
            try:
                read_manifest(source, into=staged)
                require_whole(staged / CATALOGUE)
                Catalogue.open(staged / CATALOGUE).close()  # brings its tables up to date
                require_unused(staged / CATALOGUE)
                return _swap(staged, data_dir)
            finally:
                shutil.rmtree(staged, ignore_errors=True)
    except OSError as error:
        raise BackupError(f"{data_dir}: cannot be written ({error.strerror or error})") from error


def _write(file: Path, data_dir: Path, catalogue: Path, made_at: datetime) -> BackupManifest:
    files: dict[str, BackupFile] = {}
    with tarfile.open(file, "x:", format=tarfile.PAX_FORMAT) as archive:
        for name, path in [(CATALOGUE, catalogue), *_files_below(data_dir)]:
            with path.open("rb") as opened:
                described = tarfile.TarInfo(name)
                described.size = path.stat().st_size
                described.mode = 0o600
                hashing = _Hashing(opened)
                archive.addfile(described, hashing)
            files[name] = BackupFile(size_bytes=described.size, sha256=hashing.digest.hexdigest())
        manifest = BackupManifest(
            format=FORMAT, made_by=version("musiscene"), made_at=made_at, files=files
        )
        encoded = msgspec.json.encode(manifest)
        described = tarfile.TarInfo(MANIFEST)
        described.size = len(encoded)
        archive.addfile(described, BytesIO(encoded))
    return manifest


class _Hashing:
    """Hashes a file while it is read.

    Args:
        file: Open.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.digest = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        part = self._file.read(size)
        self.digest.update(part)
        return part


def _files_below(data_dir: Path) -> Iterator[tuple[str, Path]]:
    for folder in FOLDERS:
        for path in sorted((data_dir / folder).rglob("*")):
            if path.is_file() and not path.is_symlink():
                yield path.relative_to(data_dir).as_posix(), path


def _is_ours(name: str) -> bool:
    parts = name.split("/")
    if name == CATALOGUE:
        return True
    return len(parts) > 1 and parts[0] in FOLDERS and not {"", ".", ".."} & set(parts)


def _content(archive: tarfile.TarFile, member: tarfile.TarInfo, source: Path) -> IO[bytes]:
    content = archive.extractfile(member) if member.isreg() and not member.issparse() else None
    if content is None:
        raise BackupError(f"{source}: {member.name!r} is no plain file")
    return content


def _take(content: IO[bytes], member: tarfile.TarInfo, into: Path | None) -> BackupFile:
    digest, size_bytes = hashlib.sha256(), 0
    target = None
    if into is not None:
        safe = tarfile.data_filter(member, str(into))  # refuses what would lie outside
        path = into / safe.name
        path.parent.mkdir(parents=True, exist_ok=True)
        target = path.open("xb")
    try:
        while part := content.read(CHUNK_BYTES):
            digest.update(part)
            size_bytes += len(part)
            if target is not None:
                target.write(part)
    finally:
        if target is not None:
            target.close()
    return BackupFile(size_bytes=size_bytes, sha256=digest.hexdigest())


def _checked(encoded: bytes, found: dict[str, BackupFile], source: Path) -> BackupManifest:
    try:
        named = msgspec.json.decode(encoded, type=dict[str, object]).get("format")
        if named != FORMAT:
            raise BackupError(f"{source}: is of format {named}, this MusiScene reads {FORMAT}")
        manifest = msgspec.json.decode(encoded, type=BackupManifest)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BackupError(f"{source}: no backup, or its end is missing ({error})") from error
    wrong = sorted(
        name
        for name in manifest.files.keys() | found.keys()
        if manifest.files.get(name) != found.get(name)
    )
    if wrong or CATALOGUE not in found:
        raise BackupError(f"{source}: damaged: {', '.join(wrong[:5]) or CATALOGUE}")
    return manifest


def _require_room(data_dir: Path, *, replace: bool) -> None:
    present = data_dir / CATALOGUE
    if not present.exists():
        return
    if not replace:
        raise BackupError(f"{data_dir}: a library is here already; --replace puts it aside")
    try:
        require_unused(present)
    except CatalogueError as error:
        raise BackupError(str(error)) from error


@contextmanager
def _locked(data_dir: Path) -> Iterator[None]:
    try:
        with FileLock(data_dir / ".indexing.lock", timeout=0):
            yield
    except Timeout as error:
        raise BackupError(f"{data_dir}: `musiscene index` is at work here; wait for it") from error


def _swap(staged: Path, data_dir: Path) -> Path | None:
    """Put what is there aside, and the new library in its place; or leave all as it was.

    Args:
        staged: The new library.
        data_dir: Where it is to be.

    Returns:
        Where the old one lies; None where there was none.

    Raises:
        OSError: If one of them cannot be moved.
    """
    aside = data_dir / f"replaced-{datetime.now(UTC):%Y%m%dT%H%M%S}-{secrets.token_hex(2)}"
    aside.mkdir(mode=0o700)
    replaced = [
        *sorted(path.name for path in data_dir.glob("vectors*")),
        "queue.sqlite",  # what waits is put in again from the catalogue
        *FOLDERS,
        CATALOGUE,
    ]
    moves = [(data_dir / name, aside / name) for name in replaced]
    moves += [(staged / name, data_dir / name) for name in (*FOLDERS, CATALOGUE)]
    done: list[tuple[Path, Path]] = []
    try:
        for old, new in moves:
            if old.exists():
                old.rename(new)
                done.append((old, new))
    except OSError:
        for old, new in reversed(done):
            new.rename(old)
        aside.rmdir()
        raise
    if any(aside.iterdir()):
        return aside
    aside.rmdir()
    return None
