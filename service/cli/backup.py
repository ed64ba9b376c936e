"""`musiscene backup` and `musiscene restore`: a library as one file to come back to."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from musiscene.console import Console, shared_options

if TYPE_CHECKING:
    from service.settings import ServiceSettings

SERVER_ADVICE = (
    "the catalogue is in PostgreSQL, which has its own tools: "
    'pg_dump --format=custom --file=catalogue.dump "$MUSISCENE_DATABASE_URL" writes it, and '
    "pg_restore --clean --if-exists --single-transaction "
    '--dbname="$MUSISCENE_DATABASE_URL" catalogue.dump puts it back; '
    "copy DATA_DIR/generated and DATA_DIR/tagging beside it"
)


@click.command(epilog="Example: musiscene backup /backups/library.tar")
@click.argument("target", type=click.Path(path_type=Path, dir_okay=False))
@shared_options
def backup(console: Console, target: Path) -> None:
    """Write the library into one file, also while the service runs.

    In it are the catalogue (tracks, captions, feedback, keys, jobs, briefs, plans of cues), music
    that was generated and the journals of written tags; not your own music, nor the videos of
    plans, nor the vectors, which are made from the catalogue. It is read back before it takes its
    name.
    """
    from indexer.backup import CATALOGUE, back_up

    settings = _settings(console)
    if not (settings.data_dir / CATALOGUE).exists():
        from indexer.errors import NothingIndexedError

        raise NothingIndexedError(f"{settings.data_dir}: there is no library here")
    manifest = back_up(settings.data_dir, target)
    size_mb = target.stat().st_size / 1e6
    console.emit({"file": target, "size_bytes": target.stat().st_size, "manifest": manifest})
    console.say(f"{len(manifest.files):,} files, {size_mb:.1f} MB, written to {target}")


@click.command(epilog="Example: musiscene restore /backups/library.tar")
@click.argument("source", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@click.option("--replace", is_flag=True, help="Put the library that is here aside.")
@shared_options
def restore(console: Console, source: Path, *, replace: bool) -> None:
    """Put a library back as `musiscene backup` wrote it: all of it, or nothing.

    All of the file is checked before anything is changed. A library that is here is kept in a
    folder beside; stop the service first. Keys that were revoked since the backup work again.
    """
    from indexer.backup import restore as put_back

    settings = _settings(console)
    aside = put_back(source, settings.data_dir, replace=replace)
    console.emit({"library": settings.data_dir, "replaced": aside})
    if aside is not None:
        console.note(f"The library that was here is kept in {aside}")
    console.say(
        f"restored to {settings.data_dir}; vectors are made when it is used, or by "
        "`musiscene index rebuild`"
    )


def _settings(console: Console) -> ServiceSettings:
    from indexer.errors import BackupError
    from service.configuration import load_settings

    settings = load_settings(
        data_dir=console.data_dir, environment=os.environ, options={"database": console.database}
    )
    if settings.database is not None:
        raise BackupError(SERVER_ADVICE)
    return settings
