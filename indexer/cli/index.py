"""`musiscene index`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from musiscene.cli.model_options import model_options
from musiscene.console import Console, shared_options

if TYPE_CHECKING:
    from indexer.catalogue.rows import Failure
    from indexer.pipeline import ScanReport
    from musiscene.cli.model_options import ChosenModel
    from musiscene.console import ProgressReport


@click.command(epilog="Example: musiscene index ~/Music")
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--prune", is_flag=True, help="Delete tracks below PATHS whose files are gone.")
@shared_options
@model_options
def index(console: Console, chosen: ChosenModel, paths: tuple[Path, ...], *, prune: bool) -> None:
    """Listen to folders of music and keep what is heard.

    Files that have not changed are left alone, so the command can be stopped and run again. A file
    that cannot be heard is listed with its reason; the rest goes on.
    """
    from indexer.library import Library
    from indexer.match import MODELS
    from indexer.pipeline import scan

    store = chosen.store(console, also=MODELS)  # of searching too: nothing is fetched later
    model = chosen.load(store, console)
    with (
        Library.open(console.data_dir, store, create=True) as library,
        console.progress("tracks") as report,
    ):
        done = scan(
            paths,
            library=library,
            model=model,
            progress=_ScanLines(console, report),
            prune=prune,
        )
    _say_report(console, done)


class _ScanLines:
    """Shows a scan's progress, and each failure as it happens."""

    def __init__(self, console: Console, report: ProgressReport) -> None:
        self._console = console
        self._report = report
        self._total = self._heard = self._stored = 0

    def begin(self, total: int) -> None:
        self._total = total
        if total:
            self._report("Listening", 0, total)

    def heard(self, path: str) -> None:  # noqa: ARG002  part of the protocol
        self._heard += 1
        self._report("Listening", self._heard, self._total)
        self._report("Imagining", self._stored, self._total)

    def stored(self, path: str) -> None:  # noqa: ARG002  part of the protocol
        self._stored += 1
        self._report("Imagining", self._stored, self._total)

    def failed(self, failure: Failure) -> None:
        self._console.fail_item(failure.path, failure.reason)
        if failure.stage != "walk":
            self.heard(failure.path)
            self.stored(failure.path)


def _say_report(console: Console, report: ScanReport) -> None:
    console.emit(report)
    counts = report.counts
    parts = [f"{counts.tracks_indexed} tracks indexed", f"{counts.tracks_unchanged} unchanged"]
    for number, what in (
        (counts.tracks_moved, "moved or retagged"),
        (counts.tracks_missing, "missing"),
        (report.tracks_deleted, "deleted"),
        (len(report.failures), "failed"),
    ):
        if number:
            parts.append(f"{number} {what}")
    console.say(", ".join(parts) + f"; the library is in {console.data_dir}")
