"""`musiscene serve`: the service in the foreground."""

from __future__ import annotations

import os
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import click

from musiscene.console import Console, shared_options

if TYPE_CHECKING:
    from service.settings import ServiceSettings


@click.command(epilog="Example: musiscene serve --port 8000")
@click.option("--config", type=click.Path(dir_okay=False, path_type=Path), help="File of settings.")
@click.option("--host", help="Others than loopback ones need a key. [default: 127.0.0.1]")
@click.option("--port", type=click.IntRange(0, 65535), help="0 takes a free one. [default: 8000]")
@click.option("--workers", type=click.IntRange(1, 64), help="Processes that answer. [default: 1]")
@click.option("--no-worker", is_flag=True, help="Start no worker: `musiscene work` is one.")
@shared_options
def serve(
    console: Console,
    config: Path | None,
    host: str | None,
    port: int | None,
    workers: int | None,
    *,
    no_worker: bool,
) -> None:
    """Serve the library over HTTP; the API is documented at /docs.

    Settings come from a file, over it the environment, over that these options; docs/settings.md
    has them all. Without a key (`musiscene keys create`) only this machine is served.
    """
    from indexer.catalogue.database import catalogue_in
    from indexer.match import MODELS
    from musiscene.checkpoints.first_use import store_with
    from service.configuration import SettingsError, load_settings
    from service.jobs.child import worker_beside
    from service.server import serve as run
    from service.study.service import studies_in

    settings = load_settings(
        data_dir=console.data_dir,
        environment=os.environ,
        config=config,
        options={
            "database": console.database,
            "models_dir": console.models_dir,
            "host": host,
            "port": port,
            "workers": workers,
            "logs.level": "debug" if console.verbose else "error" if console.quiet else None,
        },
    )
    console.database, console.models_dir = settings.database, settings.models_dir
    catalogue_in(settings.data_dir, database=settings.database)
    _require_key(settings)
    if settings.studies and settings.workers > 1:
        raise SettingsError("studies need workers = 1: one process alone writes their answers")
    store_with(MODELS, console)
    shown = f"[{settings.host}]" if ":" in settings.host else settings.host
    console.note(f"http://{shown}:{settings.port}   (API: /docs; Ctrl-C stops the service)")
    for study in studies_in(settings.studies):
        console.note(f"http://{shown}:{settings.port}/studies/{study.name}/   (listening study)")
    options = ["--quiet", *(["--config", str(config)] if config else [])]
    with nullcontext() if no_worker else worker_beside(console, options):
        status = run(settings)
    click.get_current_context().exit(status)


def _require_key(settings: ServiceSettings) -> None:
    """See that others than this machine have to show a key.

    Args:
        settings: Where the service is to listen.

    Raises:
        KeyNeededError: If there is no key that they could show.
    """
    from datetime import UTC, datetime

    from indexer.catalogue.repository import Catalogue
    from service.security.errors import KeyNeededError
    from service.settings import is_loopback

    if is_loopback(settings.host):
        return
    with Catalogue.open(settings.database or settings.data_dir / "catalogue.sqlite") as catalogue:
        now = datetime.now(UTC)
        if not any(stored.record.is_valid(now) for stored in catalogue.keys.all()):
            raise KeyNeededError(settings.host)
