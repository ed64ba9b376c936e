"""`musiscene serve`: the service in the foreground."""

from __future__ import annotations

import click

from musiscene.console import Console, shared_options


@click.command(epilog="Example: musiscene serve --port 8000")
@click.option("--host", default="127.0.0.1", show_default=True, help="Loopback addresses only.")
@click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True)
@shared_options
def serve(console: Console, host: str, port: int) -> None:
    """Serve the library over HTTP; the API is documented at /docs."""
    import uvicorn

    from indexer.match import MODELS
    from musiscene.checkpoints.first_use import store_with
    from service.app import create_app
    from service.settings import ServiceSettings, is_loopback

    if not is_loopback(host):
        raise click.BadParameter(
            f"host {host}: without API keys the service listens on loopback only",
            param_hint="--host",
        )
    settings = ServiceSettings(
        data_dir=console.data_dir,
        database=console.database,
        models_dir=console.models_dir,
        host=host,
        port=port,
    )
    store_with(MODELS, console)
    app = create_app(settings)
    console.note(f"Documentation: http://{host}:{port}/docs   (Ctrl-C stops the service)")
    level = "debug" if console.verbose else "error" if console.quiet else "info"
    uvicorn.run(app, host=host, port=port, log_level=level)
