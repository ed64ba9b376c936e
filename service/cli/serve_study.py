"""`musiscene study serve`: the pages of one study, for raters."""

from __future__ import annotations

from pathlib import Path

import click

from musiscene.console import Console, shared_options


@click.command("serve", epilog="Example: musiscene study serve STUDY")
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(1, 65535), default=8010, show_default=True)
@click.option(
    "--open",
    "to_everybody",
    is_flag=True,
    help="With --host: let everybody who can reach it take a place of an open study.",
)
@shared_options
def serve_study(
    console: Console, folder: Path, *, host: str, port: int, to_everybody: bool
) -> None:
    """Serve a study's pages until Ctrl-C; answers are on the disk before they are acknowledged.

    Raters elsewhere need --host, such as 0.0.0.0, and best a proxy that speaks HTTPS before it.
    """
    from functools import partial

    from musiscene.study.create import LINKS_FILE
    from service.server import serve
    from service.settings import SecuritySettings, ServiceSettings, is_loopback
    from service.study.app import create_study_app
    from service.study.service import StudyDesk

    settings = ServiceSettings(
        data_dir=folder, host=host, port=port, security=SecuritySettings(failures_per_minute=30)
    )
    desk = StudyDesk([folder], tries_per_minute=settings.security.failures_per_minute)
    desk.start()
    try:
        [name] = desk.folders
        is_open = desk.get(name).study.plan.is_open
        if is_open and not is_loopback(host) and not to_everybody:
            raise click.UsageError(
                f"with --host {host} everybody who can reach this machine could take a place of "
                "this open study; say --open if that is meant, or make a study with is_open = false"
            )
        shown = f"[{host}]" if ":" in host else host
        address = f"http://{shown}:{port}/studies/{name}/"
        if is_open:
            console.note(f"{address}   (open to everybody who has this link)")
        else:
            console.note(f"{address}#TOKEN   (one for each line of {folder / LINKS_FILE})")
        if is_loopback(host):
            console.note("Only this machine can reach it; raters elsewhere need --host 0.0.0.0.")
        status = serve(settings, partial(create_study_app, settings, desk))
    finally:
        desk.close()
    click.get_current_context().exit(status)
