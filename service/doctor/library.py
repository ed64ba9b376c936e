"""Checks of the library: the database, its tables, tracks, vectors, keys and jobs."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from indexer.catalogue.database import HEAD_REVISION, connect, current_revision, shown_url
from indexer.catalogue.repository import Catalogue
from indexer.errors import IndexerError, TornSnapshotError
from service.doctor.findings import fail, ok, warn
from service.settings import is_loopback

if TYPE_CHECKING:
    from collections.abc import Iterator

    from service.doctor.findings import Finding
    from service.settings import ServiceSettings


def database(settings: ServiceSettings) -> Iterator[Finding]:
    """The database, and what is in it; nothing is made or brought up to date.

    Args:
        settings: Of the service.

    Yields:
        One finding after another; only the first if the database cannot be used.
    """
    from sqlalchemy.exc import SQLAlchemyError

    file = settings.data_dir / "catalogue.sqlite"
    if settings.database is None and not file.exists():
        yield fail("database", f"{file} is not there", "run `musiscene index FOLDER`")
        return
    try:
        engine = connect(settings.database or file)
        with engine.connect() as connection:
            revision = current_revision(connection)
        engine.dispose()
    except (IndexerError, SQLAlchemyError) as error:
        shown = str(error) if isinstance(error, IndexerError) else type(error).__name__
        advice = "see that the server runs, or that the file is a MusiScene catalogue"
        yield fail("database", shown, advice)
        return
    shown = shown_url(engine.url)
    if revision != HEAD_REVISION:
        advice = "any command that opens the library brings it up to date; back it up first"
        yield warn("database", f"{shown} is at revision {revision}, not {HEAD_REVISION}", advice)
        return
    yield ok("database", f"{shown}, revision {revision}")
    with closing(Catalogue.open(settings.database or file)) as catalogue:
        yield from _contents(catalogue, settings)


def _contents(catalogue: Catalogue, settings: ServiceSettings) -> Iterator[Finding]:
    count = catalogue.count_tracks()
    if count:
        yield ok("library", f"{count:,} tracks, revision {catalogue.revision()}")
        yield from _vectors(catalogue, settings)
    else:
        yield fail("library", "no tracks", "run `musiscene index FOLDER`")
    yield from _keys(catalogue, settings)
    yield from _jobs(catalogue)


def _vectors(catalogue: Catalogue, settings: ServiceSettings) -> Iterator[Finding]:
    from indexer.library import vectors_folder
    from indexer.vectors import open_current

    try:
        manifest = open_current(vectors_folder(settings.data_dir, settings.database)).manifest
    except TornSnapshotError as error:
        yield fail("vectors", str(error), "musiscene index rebuild")
        return
    if manifest.revision != catalogue.revision():
        found = f"made at revision {manifest.revision}, the library is at {catalogue.revision()}"
        yield warn("vectors", found, "they are made again when an index run or the service rests")
    else:
        yield ok("vectors", f"{manifest.count:,}; `musiscene index verify` compares them all")


def _keys(catalogue: Catalogue, settings: ServiceSettings) -> Iterator[Finding]:
    stored = [one.record for one in catalogue.keys.all()]
    valid = [record for record in stored if record.is_valid(datetime.now(UTC))]
    if valid:
        yield ok("keys", f"{len(valid)} of {len(stored)} are valid")
    elif not is_loopback(settings.host):
        found = f"none is valid, and the service is to listen on {settings.host}"
        yield fail("keys", found, "musiscene keys create NAME --scope read")
    elif stored:
        found = "none is valid any more, so nobody is let in"
        yield warn("keys", found, "musiscene keys create NAME --scope read")
    else:
        yield ok("keys", "none; only this machine is served")


def _jobs(catalogue: Catalogue) -> Iterator[Finding]:
    counts: dict[str, int] = {}
    for (_kind, status), number in catalogue.jobs.counts().items():
        counts[status] = counts.get(status, 0) + number
    said = ", ".join(f"{number} {status}" for status, number in sorted(counts.items())) or "none"
    if counts.get("queued") and not counts.get("running"):
        advice = "if it stays so, start a worker: musiscene work"
        yield warn("jobs", f"{said}, and nobody works on one", advice)
    else:
        yield ok("jobs", said)
