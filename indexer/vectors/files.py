"""Whole files or none: sealing what was written, and telling a torn file when one is opened.

Every file has its size and SHA-256 in a manifest. Hashing a large library's vectors takes seconds,
so a large file that was hashed once is remembered by its inode, size and times of change, until the
machine is started again. Whatever writes to a file through the system changes its time of inode
change, and what a failing power supply may have torn is hashed again at the first opening after.
Small files are hashed every time. Where nothing can be remembered, as in a folder that is mounted
to be read only, every file is hashed every time.
"""

from __future__ import annotations

import secrets
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from indexer.errors import TornSnapshotError
from indexer.vectors.layout import FileRecord
from musiscene.checkpoints.manifest import flush, sha256_of

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping

SMALL_BYTES: Final = 1 << 22
"""Files up to this size are hashed whenever they are opened."""
SETTLED_SECONDS: Final = 0.1
"""A file that changed more recently than this is not remembered: clocks of files tick slowly."""
REMEMBERED: Final = 1_000
"""Files at most; the oldest are forgotten."""
CHECKED: Final = ".checked.json"
BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")


class CheckedFiles:
    """Which large files were found whole since the machine was started.

    Args:
        directory: Of the snapshots; keeps the list.
    """

    def __init__(self, directory: Path) -> None:
        self._file = directory / CHECKED
        self._boot = _boot_id()
        self._known: dict[str, str] = {}
        self._is_changed = False
        if self._boot:
            try:
                self._known = msgspec.json.decode(self._file.read_bytes(), type=dict[str, str])
            except (OSError, msgspec.DecodeError, UnicodeDecodeError):
                self._known = {}

    def check(self, folder: Path, files: Mapping[str, FileRecord]) -> None:
        """Refuse files that are not what was written.

        Args:
            folder: Holds the files.
            files: From the manifest.

        Raises:
            TornSnapshotError: If one is missing, cut or changed.
        """
        for name, record in files.items():
            path = folder / name
            try:
                status = path.stat()
                is_known = self._known.get(self._key(status)) == record.sha256
                wrong = [] if is_known else check_whole(path, record)
            except OSError as error:
                raise TornSnapshotError(f"{path}: missing from the snapshot") from error
            if wrong:
                raise TornSnapshotError(wrong[0])
            self._remember(status, record)

    def keep(self) -> None:
        """Write the list down, where that can be done."""
        if not self._is_changed:
            return
        kept = dict(list(self._known.items())[-REMEMBERED:])
        beside = self._file.with_name(f"{CHECKED}-{secrets.token_hex(4)}")
        try:
            beside.write_bytes(msgspec.json.encode(kept))
            beside.replace(self._file)
        except OSError:  # a folder to be read only, a full disk: hashed again next time
            beside.unlink(missing_ok=True)

    def _remember(self, status: os.stat_result, record: FileRecord) -> None:
        is_settled = time.time() - status.st_ctime > SETTLED_SECONDS
        if self._boot and record.size_bytes > SMALL_BYTES and is_settled:
            self._known[self._key(status)] = record.sha256
            self._is_changed = True

    def _key(self, status: os.stat_result) -> str:
        return (
            f"{self._boot}:{status.st_dev}:{status.st_ino}:{status.st_size}:"
            f"{status.st_mtime_ns}:{status.st_ctime_ns}"
        )


def check_whole(path: Path, record: FileRecord) -> list[str]:
    """Hold a file against its record, every byte of it.

    Args:
        path: Of the file.
        record: From the manifest.

    Returns:
        What is wrong; empty for nothing.
    """
    try:
        size_bytes = path.stat().st_size
        if size_bytes != record.size_bytes:
            return [f"{path}: holds {size_bytes} bytes, should hold {record.size_bytes}"]
        if sha256_of(path) != record.sha256:
            return [f"{path}: its bytes differ from what was written"]
    except OSError:
        return [f"{path}: missing from the snapshot"]
    return []


def seal(folder: Path) -> dict[str, FileRecord]:
    """Flush a folder's files to disk and say what they hold, by name."""
    found = {}
    for path in sorted(folder.iterdir()):
        flush(path)
        found[path.name] = FileRecord(path.stat().st_size, sha256_of(path))
    flush(folder)
    return found


def give_name(building: Path, target: Path) -> None:
    """Let a finished folder take its place, so that it outlives a power cut.

    Args:
        building: Sealed.
        target: In the same file system; does not exist.
    """
    building.chmod(0o755)  # mkdtemp lets only its owner in
    building.rename(target)
    flush(target.parent)


def write_whole(target: Path, text: str) -> None:
    """Replace a small file at one stroke."""
    beside = target.with_name(f".{target.name}-{secrets.token_hex(4)}")
    try:
        beside.write_text(text, encoding="ascii")
        flush(beside)
        beside.replace(target)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
    flush(target.parent)


def _boot_id() -> str:
    try:
        return BOOT_ID.read_text(encoding="ascii").strip()
    except OSError:
        return ""
