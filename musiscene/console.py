"""What every command of `musiscene` shares: its places, its switches, its way of speaking.

Stdout carries results alone: tables and sentences for people, or with `--json` one JSON document or
JSON Lines. Progress, notices and logs go to stderr.

    @click.command()
    @click.argument("paths", nargs=-1)
    @shared_options
    def index(console: Console, paths: tuple[str, ...]) -> None:
        with console.progress("tracks") as report:
            ...
        console.emit(result)
"""

from __future__ import annotations

import contextlib
import functools
import logging
import os
import sys
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec

import click
import msgspec

from musiscene.progress import BarReport, PlainReport, ProgressReport, Unit, progress_bars

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

Options = ParamSpec("Options")
LOGGED_PACKAGES = ("musiscene", "indexer", "service")


class Places(msgspec.Struct, frozen=True, kw_only=True):
    """Where things are, as the person said."""

    data_dir: Path | None = None
    """Catalogue, vectors and settings; None for the platform's data folder."""
    database: str | None = None
    """URL of the catalogue; None for a file in the data folder."""
    models_dir: Path | None = None
    """Folder of models that is looked in before the store; None for none."""


class Console:
    """One command's voice.

    Args:
        places: Where things are.
        as_json: Results are JSON.
        quiet: No progress and no notices.
        verbose: Logs say what is done.

    Attributes:
        as_json: As given.
        quiet: As given.
        verbose: As given.
        models_dir: Folder of models that is looked in before the store; None for none.
        database: URL of the catalogue; None for a file in the data folder.
        failures: How many items have failed.
    """

    def __init__(
        self,
        places: Places | None = None,
        *,
        as_json: bool = False,
        quiet: bool = False,
        verbose: bool = False,
    ) -> None:
        self._places = places or Places()
        self.models_dir = self._places.models_dir
        self.database = self._places.database
        self.as_json = as_json
        self.quiet = quiet
        self.verbose = verbose
        self.failures = 0

    @property
    def data_dir(self) -> Path:
        """Folder of the catalogue and the vectors; need not exist."""
        if self._places.data_dir is not None:
            return self._places.data_dir
        import platformdirs

        return Path(platformdirs.user_data_dir("musiscene"))

    def emit(self, document: Any) -> None:  # noqa: ANN401 - whatever msgspec can encode
        """Write one JSON document, or one line of JSON Lines, to stdout in JSON mode only.

        Args:
            document: A struct, or anything else that msgspec encodes; paths become strings.
        """
        if self.as_json:
            click.echo(msgspec.json.encode(document, enc_hook=_encode_path))

    def say(self, text: str) -> None:
        """Write a result for people to stdout; nothing in JSON mode.

        Args:
            text: Without a line end.
        """
        if not self.as_json:
            click.echo(text)

    def say_piecewise(self, before: str, pieces: Iterable[str]) -> str:
        """Write a result for people to stdout as it comes; nothing in JSON mode.

        Args:
            before: What it begins with.
            pieces: Of the result.

        Returns:
            The pieces together, without blanks around them.
        """
        text = ""
        for piece in pieces:
            fresh = piece if text.strip() else piece.lstrip()
            if fresh and not self.as_json:
                click.echo(fresh if text.strip() else before + fresh, nl=False)
            text += piece
        if not self.as_json:
            click.echo("" if text.strip() else before.rstrip())
        return text.strip()

    def note(self, text: str) -> None:
        """Write a notice to stderr, unless quiet.

        Args:
            text: Without a line end.
        """
        if not self.quiet:
            click.echo(text, err=True)

    def fail_item(self, item: str, reason: str) -> None:
        """List one item that failed on stderr; the command then ends with exit code 1.

        Args:
            item: For example its path.
            reason: What is wrong with it.
        """
        self.failures += 1
        click.echo(f"failed: {item}: {reason}", err=True)

    def table(self, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Write a table for people to stdout; nothing in JSON mode.

        Args:
            columns: Headings; the first column is never wrapped.
            rows: One text per column each; taken literally, so brackets in titles are safe.
        """
        if self.as_json:
            return
        from rich.console import Console as RichConsole
        from rich.table import Table
        from rich.text import Text

        table = Table(box=None, pad_edge=False)
        for index, column in enumerate(columns):
            table.add_column(column, overflow="fold", no_wrap=index == 0)
        for row in rows:
            table.add_row(*(Text(cell) for cell in row))
        RichConsole(file=sys.stdout).print(table)

    @contextlib.contextmanager
    def progress(self, unit: Unit = "items") -> Iterator[ProgressReport]:
        """Show progress on stderr: bars with rate and time left, or now and then a plain line.

        Args:
            unit: What is counted.

        Yields:
            What is told about each step; may be called from several threads.
        """
        if self.quiet:
            yield ProgressReport()
        elif sys.stderr.isatty():
            with progress_bars(unit) as bars:
                yield BarReport(bars)
        else:
            yield PlainReport(unit, sys.stderr)


def _database_of_file() -> str | None:
    """The URL in the file of `MUSISCENE_DATABASE_URL_FILE`, as containers hand secrets over.

    Returns:
        The URL; None where no file is named.

    Raises:
        UsageError: If the file cannot be read.
    """
    named = os.environ.get("MUSISCENE_DATABASE_URL_FILE")
    if not named:
        return None
    try:
        return Path(named).read_text(encoding="utf-8").strip() or None
    except (OSError, UnicodeDecodeError) as error:
        raise click.UsageError(f"MUSISCENE_DATABASE_URL_FILE: {named} cannot be read") from error


def place_options(group: Callable[Options, None]) -> Callable[..., None]:
    """Give the topmost group `--data-dir`, `--database` and `--models-dir`.

    Args:
        group: Its body, which runs before any command.

    Returns:
        The body to hand to `click.group()`.
    """

    @click.option(
        "--data-dir",
        type=click.Path(file_okay=False, path_type=Path),
        envvar="MUSISCENE_DATA_DIR",
        help="Folder of the catalogue and the vectors. [default: the platform's data folder]",
    )
    @click.option(
        "--database",
        envvar="MUSISCENE_DATABASE_URL",
        default=_database_of_file,
        metavar="URL",
        help="Catalogue in PostgreSQL: postgresql://USER@HOST/NAME [default: a file in --data-dir]",
    )
    @click.option(
        "--models-dir",
        type=click.Path(file_okay=False, path_type=Path),
        envvar="MUSISCENE_MODELS_DIR",
        help="Folder of models that is looked in before the store.",
    )
    @click.pass_context
    @functools.wraps(group)
    def with_places(
        context: click.Context,
        /,
        data_dir: Path | None,
        database: str | None,
        models_dir: Path | None,
        *args: Options.args,
        **kwargs: Options.kwargs,
    ) -> None:
        context.obj = Places(data_dir=data_dir, database=database, models_dir=models_dir)
        group(*args, **kwargs)

    return with_places


def shared_options(
    command: Callable[Concatenate[Console, Options], None],
) -> Callable[..., None]:
    """Give a command `--json`, `--quiet` and `--verbose`, and a console as its first argument.

    Args:
        command: Its body. After it, the exit code is 1 if `Console.fail_item` was called.

    Returns:
        The body to hand to `click.command()`.
    """

    @click.option("--json", "as_json", is_flag=True, help="Results as JSON on stdout.")
    @click.option("--quiet", "-q", is_flag=True, help="No progress and no notices.")
    @click.option("--verbose", "-v", is_flag=True, help="Say on stderr what is done.")
    @click.pass_context
    @functools.wraps(command)
    def with_console(
        context: click.Context,
        /,
        as_json: bool,  # noqa: FBT001 - click passes it by name
        quiet: bool,  # noqa: FBT001
        verbose: bool,  # noqa: FBT001
        *args: Options.args,
        **kwargs: Options.kwargs,
    ) -> None:
        _configure_logging(quiet=quiet, verbose=verbose)
        console = Console(
            context.find_object(Places), as_json=as_json, quiet=quiet, verbose=verbose
        )
        command(console, *args, **kwargs)
        if console.failures:
            context.exit(1)

    return with_console


class _StderrHandler(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        click.echo(self.format(record), err=True)


def _configure_logging(*, quiet: bool, verbose: bool) -> None:
    """Send our packages' logs to stderr, whatever stderr is by then."""
    level = logging.DEBUG if verbose else logging.ERROR if quiet else logging.WARNING
    for name in LOGGED_PACKAGES:
        logger = logging.getLogger(name)
        logger.setLevel(level)
        if not any(isinstance(handler, _StderrHandler) for handler in logger.handlers):
            handler = _StderrHandler()
            handler.setFormatter(logging.Formatter("%(levelname)s %(name)s: %(message)s"))
            logger.addHandler(handler)


def _encode_path(value: object) -> str:
    if isinstance(value, PurePath):
        return str(value)
    raise NotImplementedError(f"{type(value).__name__} is not a result")
