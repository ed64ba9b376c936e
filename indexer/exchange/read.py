"""A library is taken in from one file: all of it or nothing."""

from __future__ import annotations

import hashlib
import zipfile
from contextlib import contextmanager
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, Final

import msgspec

from indexer.errors import ExchangeError
from indexer.exchange.layout import (
    FORMAT,
    LARGEST_MANIFEST_BYTES,
    LONGEST_LINE_BYTES,
    MANIFEST,
    TRACKS,
    Manifest,
    TrackRecord,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from indexer.catalogue.repository import Catalogue

    Progress = Callable[[str, int, int | None], None]

MOST_TIMES_LARGER: Final = 100
"""Than packed: what unpacks to more is no library, but made to fill a disk."""


class ImportReport(msgspec.Struct, frozen=True, kw_only=True):
    """What an import did."""

    added: int
    """Tracks that are new here."""
    known: int
    """Tracks that were here: the same audio under the same path."""
    kept: tuple[str, ...]
    """Paths under which other audio is here; what is here was kept."""
    opinions: int
    """Of people, that are new here."""


def import_library(
    catalogue: Catalogue,
    source: Path,
    *,
    relocate: tuple[str, str] | None = None,
    max_bytes: int,
    progress: Progress,
) -> ImportReport:
    """Add the tracks of an exported library to a catalogue.

    Nothing is kept of a file that turns out to be damaged at its last line.

    Args:
        catalogue: Takes them; nobody else should index into it meanwhile.
        source: The file.
        relocate: Folder that paths begin with, and the one to put in its place.
        max_bytes: Refuse a file that unpacks to more.
        progress: Told how many tracks are read.

    Returns:
        What was done.

    Raises:
        ExchangeError: If the file is damaged, no exported library, too large, or made by a newer
            MusiScene.
    """
    try:
        with zipfile.ZipFile(source) as archive:
            manifest = _read_manifest(archive, source, max_bytes=max_bytes)
            with catalogue.taking_in() as taking:
                for number, record in enumerate(_records(archive, manifest, source), start=1):
                    with _naming(source, number):
                        _move(record.track, relocate)
                        taking.take(msgspec.structs.asdict(record))
                    progress("Importing", number, manifest.tracks)
                return ImportReport(
                    added=taking.added,
                    known=taking.known,
                    kept=tuple(taking.kept),
                    opinions=taking.opinions,
                )
    except (zipfile.BadZipFile, EOFError, NotImplementedError) as error:
        raise ExchangeError(f"{source}: no exported library, or a damaged one ({error})") from error
    except OSError as error:
        raise ExchangeError(f"{source}: cannot be read ({error.strerror or error})") from error


def _read_manifest(archive: zipfile.ZipFile, source: Path, *, max_bytes: int) -> Manifest:
    members = {member.filename: member for member in archive.infolist()}
    if set(members) != {MANIFEST, TRACKS} or len(archive.infolist()) != len(members):
        raise ExchangeError(f"{source}: no exported library: it should hold two files")
    if members[MANIFEST].file_size > LARGEST_MANIFEST_BYTES:
        raise ExchangeError(f"{source}: its manifest is too large")
    with archive.open(MANIFEST) as file:
        encoded = file.read(LARGEST_MANIFEST_BYTES)
    try:
        found = msgspec.json.decode(encoded, type=dict[str, Any]).get("format")
        if found != FORMAT:
            raise ExchangeError(f"{source}: is of format {found}, this MusiScene reads {FORMAT}")
        manifest = msgspec.json.decode(encoded, type=Manifest)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ExchangeError(f"{source}: its manifest cannot be read ({error})") from error
    packed = members[TRACKS]
    if packed.file_size != manifest.size_bytes:
        raise ExchangeError(f"{source}: {TRACKS} is not as long as its manifest says")
    if manifest.size_bytes > max_bytes:
        raise ExchangeError(
            f"{source}: unpacks to {manifest.size_bytes / 1e6:.0f} MB, more than the "
            f"{max_bytes / 1e6:.0f} MB that are allowed (--max-mb)"
        )
    if manifest.size_bytes > MOST_TIMES_LARGER * max(packed.compress_size, 1 << 16):
        raise ExchangeError(f"{source}: unpacks to more than {MOST_TIMES_LARGER} times its size")
    return manifest


def _records(archive: zipfile.ZipFile, manifest: Manifest, source: Path) -> Iterator[TrackRecord]:
    digest, lines, size_bytes = hashlib.sha256(), 0, 0
    decoder = msgspec.json.Decoder(TrackRecord)
    with archive.open(TRACKS) as file:
        while line := file.readline(LONGEST_LINE_BYTES + 1):
            lines, size_bytes = lines + 1, size_bytes + len(line)
            if len(line) > LONGEST_LINE_BYTES or size_bytes > manifest.size_bytes:
                raise ExchangeError(f"{source}: line {lines} is too long")
            digest.update(line)
            with _naming(source, lines):
                yield decoder.decode(line)
    if (lines, size_bytes) != (manifest.tracks, manifest.size_bytes) or (
        digest.hexdigest() != manifest.sha256
    ):
        raise ExchangeError(f"{source}: {TRACKS} is not what its manifest says; copy it again")


@contextmanager
def _naming(source: Path, number: int) -> Iterator[None]:
    """Say where in the file something is wrong.

    Args:
        source: The file.
        number: Of the track.

    Yields:
        While the track is read.

    Raises:
        ExchangeError: With the number of the track.
    """
    try:
        yield
    except (msgspec.DecodeError, UnicodeDecodeError, ExchangeError) as error:
        raise ExchangeError(f"{source}: track {number}: {error}") from error


def _move(track: dict[str, Any], relocate: tuple[str, str] | None) -> None:
    """Give a track the path that it has here.

    Args:
        track: Its row; changed.
        relocate: Folder that paths begin with, and the one to put in its place.

    Raises:
        ExchangeError: If it has none that a file could have.
    """
    path = track.get("path")
    if not isinstance(path, str) or not path or "\0" in path or ".." in PurePosixPath(path).parts:
        raise ExchangeError(f"its path is {str(path)[:80]!r}")
    if relocate is not None:
        old, new = (PurePosixPath(one) for one in relocate)
        if PurePosixPath(path).is_relative_to(old):
            track["path"] = str(new / PurePosixPath(path).relative_to(old))
