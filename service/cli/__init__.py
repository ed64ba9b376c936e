"""The one command, `musiscene`: the commands of all three packages under one roof.

Every error that a person can do something about ends here as one message and an exit code.
"""

from __future__ import annotations

import sys
from importlib.metadata import version
from typing import TYPE_CHECKING

import click

from indexer.cli.cues import cues
from indexer.cli.duplicates import duplicates
from indexer.cli.feedback import feedback
from indexer.cli.index import index
from indexer.cli.match import match
from indexer.cli.similar import similar
from indexer.cli.tag import tag
from indexer.errors import (
    ClusterError,
    DriverMissingError,
    IndexerError,
    NothingIndexedError,
    TaggerMissingError,
)
from indexer.evaluation.cli import retrieval
from musiscene.cli import checkpoint, data, evaluate, generate, imagine, models, study, train
from musiscene.console import place_options
from musiscene.errors import (
    GeneratorMissingError,
    ModelError,
    ModelUnavailableError,
    MusiSceneError,
    VideoToolsMissingError,
)
from service.agents.errors import McpMissingError
from service.cli.backup import backup, restore
from service.cli.doctor import doctor
from service.cli.keys import keys
from service.cli.mcp import mcp
from service.cli.serve import serve
from service.cli.serve_study import serve_study
from service.cli.work import work
from service.configuration import SettingsError
from service.jobs.errors import RedisMissingError
from service.security.errors import KeyNeededError

if TYPE_CHECKING:
    from collections.abc import Sequence

WRONG_INPUT = 2
SOMETHING_MISSING = 3
INTERRUPTED = 130

EXIT_CODE_OF: dict[type[Exception], int] = {
    NothingIndexedError: SOMETHING_MISSING,
    DriverMissingError: SOMETHING_MISSING,
    ClusterError: SOMETHING_MISSING,
    TaggerMissingError: SOMETHING_MISSING,
    ModelUnavailableError: SOMETHING_MISSING,
    GeneratorMissingError: SOMETHING_MISSING,
    VideoToolsMissingError: SOMETHING_MISSING,
    ModelError: WRONG_INPUT,
    IndexerError: WRONG_INPUT,
    SettingsError: WRONG_INPUT,
    KeyNeededError: SOMETHING_MISSING,
    RedisMissingError: SOMETHING_MISSING,
    McpMissingError: SOMETHING_MISSING,
    MusiSceneError: WRONG_INPUT,
}
"""Error -> exit code. A kind that is not named takes its base class's row."""


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(version("musiscene"), prog_name="musiscene")
@place_options
def commands() -> None:
    """Music for scenes: index a library, then find the tracks for a video.

    Exit codes: 0 done, 1 some items failed (each is listed), 2 wrong use or input, 3 something is
    missing (the message says how to get it), 130 interrupted.
    """


for command in (
    models, checkpoint, index, match, cues, similar, duplicates, tag, feedback, imagine, serve,
    keys, doctor, backup, restore, work, mcp, generate, train, data, evaluate, study,
):  # fmt: skip
    commands.add_command(command)
evaluate.add_command(retrieval)
study.add_command(serve_study)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        arguments: Without the program's name; None for the process's own.

    Returns:
        The exit code.
    """
    try:
        status = commands.main(arguments, prog_name="musiscene", standalone_mode=False)
    except click.exceptions.Abort:
        click.echo("interrupted; what was done is kept", err=True)
        return INTERRUPTED
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except tuple(EXIT_CODE_OF) as error:
        click.echo(f"error: {error}", err=True)
        return next(EXIT_CODE_OF[kind] for kind in type(error).__mro__ if kind in EXIT_CODE_OF)
    except BrokenPipeError:  # the reader has seen enough, as in `... | head`
        sys.stderr.close()
        return 0
    return int(status or 0)
