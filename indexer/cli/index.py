"""`musiscene index`: bring a library in step with its folders, and look after its vectors."""

from __future__ import annotations

import os
import signal
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

import click

from indexer.cli.scanner import open_scanner
from indexer.cli.snapshots import SNAPSHOT_COMMANDS
from indexer.progress import ScanProgress
from musiscene.cli.model_options import model_options
from musiscene.console import Console, shared_options

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from indexer.catalogue.rows import Failure
    from indexer.engines.cluster.wire import Hello
    from indexer.engines.jobs import Engine
    from indexer.pipeline import ScanOptions, ScanReport
    from musiscene.cli.model_options import ChosenModel
    from musiscene.progress import ProgressReport

INTERRUPTED = 130
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class ScanOrCommand(click.Group):
    """`index FOLDER...` scans; `index NAME` is a command of its own, as long as it has that name.

    A folder that is called like a command is named by `./NAME`.
    """

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Take arguments that begin with no command for those of `scan`."""
        if not args or args[0] not in {*self.commands, *ctx.help_option_names}:
            args = ["scan", *args]
        return super().parse_args(ctx, args)

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        """Both ways to use it."""
        return [*self.commands["scan"].collect_usage_pieces(ctx), "| COMMAND [ARGS]..."]

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The options of `scan`, and the commands."""
        click.Command.format_options(self.commands["scan"], ctx, formatter)
        self.format_commands(ctx, formatter)


@click.group(cls=ScanOrCommand, epilog="Example: musiscene index ~/Music")
def index() -> None:
    """Listen to folders of music and keep what is heard.

    `musiscene index FOLDER...` is short for `musiscene index scan FOLDER...`.
    """


@index.command(epilog="Example: musiscene index ~/Music --exclude 'Audiobooks/' --watch")
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--exclude",
    multiple=True,
    metavar="PATTERN",
    help="Leave out files and folders, as a line of .gitignore does. May be given several times; "
    "a folder may also hold a file .musisceneignore.",
)
@click.option("--watch", is_flag=True, help="Go on and keep PATHS in step until stopped.")
@click.option("--retry", is_flag=True, help="Try again what failed before and has not changed.")
@click.option("--prune", is_flag=True, help="Delete tracks below PATHS whose files are gone.")
@click.option(
    "--prune-floor",
    type=click.FloatRange(0.0, 1.0),
    default=0.5,
    show_default=True,
    help="Delete nothing if less than this share of the tracks still has a file.",
)
@click.option(
    "--engine",
    type=click.Choice(["local", "ray"]),
    default="local",
    show_default=True,
    help="Where the work is done: on this machine, or on those of a Ray cluster (docs/scale.md).",
)
@click.option(
    "--ray-address",
    metavar="HOST:PORT",
    help="Head of the Ray cluster. [default: RAY_ADDRESS, or the cluster of this machine]",
)
@click.option(
    "--ray-cores",
    type=click.IntRange(min=1),
    default=4,
    show_default=True,
    help="Cores of one worker at most; each loads the models once. A GPU has one worker.",
)
@shared_options
@model_options
def scan(  # noqa: PLR0913  one argument for each option
    console: Console,
    chosen: ChosenModel,
    *,
    paths: tuple[Path, ...],
    exclude: tuple[str, ...],
    watch: bool,
    retry: bool,
    prune: bool,
    prune_floor: float,
    engine: str,
    ray_address: str | None,
    ray_cores: int,
) -> None:
    """Listen to folders of music and keep what is heard.

    Files that have not changed are left alone, so the command can be stopped and run again. Ctrl-C
    finishes and stores what is in flight, a second one stops at once. A file that cannot be heard
    is listed with its reason; the rest goes on.
    """
    from indexer.pipeline import ScanOptions

    options = ScanOptions(exclude=exclude, retry=retry, prune=prune, prune_floor=prune_floor)
    cluster = _Cluster(address=ray_address, cores=ray_cores) if engine == "ray" else None
    with (
        _stoppable(console) as stop,
        _scanner(console, chosen, options, stop, cluster) as scan_once,
    ):
        report = scan_once(paths)
        _say_report(console, report)
        if watch:
            _keep_in_step(console, scan_once, paths, stop)
    if report.status == "interrupted":
        raise click.exceptions.Exit(INTERRUPTED)


for command in SNAPSHOT_COMMANDS:
    index.add_command(command)


@contextmanager
def _stoppable(console: Console) -> Iterator[Event]:
    """Ctrl-C or SIGTERM once sets the event, twice ends the process."""
    stop = Event()

    def ask_to_stop(_signal: int, _frame: object) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()
        console.note("Finishing what is in flight; once more stops at once.")

    before = {number: signal.signal(number, ask_to_stop) for number in STOP_SIGNALS}
    try:
        yield stop
    except KeyboardInterrupt:
        # Threads that listen cannot be stopped, and Python would wait for them.
        click.echo("stopped at once; what was stored is kept", err=True)
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(INTERRUPTED)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@dataclass(frozen=True, kw_only=True)
class _Cluster:
    """Where the work is done if not here."""

    address: str | None
    cores: int
    """Of one worker, at most."""

    def engine(self, chosen: ChosenModel, console: Console, hello: Hello) -> Engine:
        from indexer.engines.cluster.crew import Crew
        from indexer.engines.cluster.engine import ClusterEngine
        from indexer.engines.cluster.equip import LocalModels
        from indexer.engines.cluster.machines import ray_machines, require_ray

        require_ray()
        equip = LocalModels(chosen=chosen, models_dir=console.models_dir)
        crew = Crew(equip=equip, hello=hello, cores_per_worker=self.cores)
        return ClusterEngine(lambda: ray_machines(self.address), crew)


@contextmanager
def _scanner(
    console: Console,
    chosen: ChosenModel,
    options: ScanOptions,
    stop: Event,
    cluster: _Cluster | None,
) -> Iterator[Callable[[tuple[Path, ...]], ScanReport]]:
    """What scans folders; the models are loaded once, when something is to be heard."""
    with open_scanner(console, chosen, cluster=cluster) as scanner:

        def scan_once(paths: tuple[Path, ...]) -> ScanReport:
            with console.progress("tracks") as report:
                return scanner.scan(
                    paths, progress=_ScanLines(console, report), stop=stop, options=options
                )

        yield scan_once


def _keep_in_step(
    console: Console,
    scan_once: Callable[[tuple[Path, ...]], ScanReport],
    paths: tuple[Path, ...],
    stop: Event,
) -> None:
    """Scan again whenever something has changed below the folders, until asked to stop."""
    from indexer.errors import IndexerError
    from indexer.watch import changes

    console.note("Watching for changes; Ctrl-C stops.")
    for _ in changes(paths, stop=stop, without=console.data_dir):
        try:
            report = scan_once(paths)
        except IndexerError as error:  # a disk that is away or full, another indexer at work
            console.note(f"{error}\nTrying again after the next change.")
        else:
            if report.did_something:
                _say_report(console, report)


class _ScanLines(ScanProgress):
    """Shows a scan's progress, and each failure as it happens."""

    def __init__(self, console: Console, report: ProgressReport) -> None:
        self._console = console
        self._report = report
        self._total = self._done = self._failed = 0

    def walked(self, files: int) -> None:
        self._report("Looking for music", files, None)

    def begin(self, total: int) -> None:
        self._total, self._done = total, 0
        if total:
            self._report("Indexing", 0, total)

    def stored(self, path: str) -> None:  # noqa: ARG002  all are shown as one
        self._count()

    def failed(self, failure: Failure) -> None:
        self._console.fail_item(failure.path, failure.reason)
        self._failed += 1
        if self._total and failure.stage != "walk":
            self._count()

    def _count(self) -> None:
        self._done += 1
        failures = f"{self._failed} failed" if self._failed else ""
        self._report("Indexing", self._done, self._total, note=failures)


def _say_report(console: Console, report: ScanReport) -> None:
    console.emit(report)
    counts = report.counts
    parts = [f"{counts.tracks_indexed} tracks indexed", f"{counts.tracks_unchanged} unchanged"]
    for number, what in (
        (counts.tracks_imagined, "imagined anew"),
        (counts.tracks_moved, "moved or retagged"),
        (counts.tracks_missing, "missing"),
        (report.tracks_deleted, "deleted"),
        (report.duplicates_found, "of them duplicates (see `musiscene duplicates`)"),
        (len(report.failures), "failed"),
    ):
        if number:
            parts.append(f"{number} {what}")
    console.say(", ".join(parts) + f"; the library is in {console.data_dir}")
    if report.status == "interrupted":
        console.note("Stopped before the end; run the same command again to go on.")
