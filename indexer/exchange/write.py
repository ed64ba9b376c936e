"""A library is written into one file."""

from __future__ import annotations

import hashlib
import secrets
import zipfile
from importlib.metadata import version
from typing import TYPE_CHECKING

import msgspec

from indexer.errors import ExchangeError
from indexer.exchange.layout import FORMAT, MANIFEST, TRACKS, Manifest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from indexer.catalogue.repository import Catalogue

    Progress = Callable[[str, int, int | None], None]


def export_library(catalogue: Catalogue, target: Path, *, progress: Progress) -> Manifest:
    """Write all tracks of a catalogue, and what belongs to them, into one file.

    Args:
        catalogue: Open; may be written to meanwhile, which is not in the file.
        target: New file, or one to be replaced; it appears when it is whole.
        progress: Told how many tracks are written.

    Returns:
        What the file holds.

    Raises:
        ExchangeError: If it cannot be written.
    """
    beside = target.with_name(f".{target.name}-{secrets.token_hex(4)}")
    try:
        manifest = _write(catalogue, beside, progress)
        beside.replace(target)
    except OSError as error:
        raise ExchangeError(f"{target}: cannot be written ({error.strerror or error})") from error
    finally:
        beside.unlink(missing_ok=True)
    return manifest


def _write(catalogue: Catalogue, file: Path, progress: Progress) -> Manifest:
    digest, tracks, size_bytes = hashlib.sha256(), 0, 0
    encoder = msgspec.json.Encoder()
    with zipfile.ZipFile(file, "x", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        with archive.open(TRACKS, "w", force_zip64=True) as member:
            for record in catalogue.records():
                line = encoder.encode(record) + b"\n"
                member.write(line)
                digest.update(line)
                tracks, size_bytes = tracks + 1, size_bytes + len(line)
                progress("Exporting", tracks, None)
        manifest = Manifest(
            format=FORMAT,
            tracks=tracks,
            size_bytes=size_bytes,
            sha256=digest.hexdigest(),
            made_by=version("musiscene"),
        )
        archive.writestr(MANIFEST, msgspec.json.format(msgspec.json.encode(manifest), indent=2))
    return manifest
