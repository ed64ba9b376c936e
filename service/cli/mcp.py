"""`musiscene mcp`: the library for language models, over standard input and output."""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path

import click

from musiscene.console import Console, shared_options


@click.command(epilog="Example: musiscene --data-dir ~/music-library mcp")
@click.option("--config", type=click.Path(dir_okay=False, path_type=Path), help="File of settings.")
@shared_options
def mcp(console: Console, config: Path | None) -> None:
    """Let a language model ask the library: tools match, similar, track and cues.

    This speaks the Model Context Protocol on standard input and output, and is started by the
    model's own program; docs/mcp.md has what to put into its settings. No server has to run.
    """
    from indexer.match import MODELS
    from musiscene.checkpoints.first_use import store_with
    from service.agents.errors import McpMissingError
    from service.configuration import load_settings
    from service.serving import Serving

    if find_spec("mcp") is None:
        raise McpMissingError
    from service.agents.desk import Desk
    from service.agents.server import make_server

    settings = load_settings(
        data_dir=console.data_dir,
        environment=os.environ,
        config=config,
        options={"database": console.database, "models_dir": console.models_dir},
    )
    console.models_dir = settings.models_dir
    store_with(MODELS, console)
    serving = Serving(settings)
    try:
        serving.start()
        make_server(Desk(serving)).run("stdio")
    finally:
        serving.close()
