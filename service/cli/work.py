"""`musiscene work`: does the scans, music and plans that the service was asked for."""

from __future__ import annotations

import logging
import os
import signal
import sys
from contextlib import ExitStack, contextmanager
from functools import cache, partial
from pathlib import Path
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING

import click

from musiscene.cli.model_options import model_options
from musiscene.console import Console, shared_options

if TYPE_CHECKING:
    from collections.abc import Iterator

    from indexer.cli.scanner import Scanner
    from musiscene.cli.model_options import ChosenModel

logger = logging.getLogger(__name__)

INTERRUPTED = 130
CHILD_NICENESS = 5
"""Requests to the service that it belongs to come first."""


@click.command(epilog="Example: musiscene work")
@click.option("--config", type=click.Path(dir_okay=False, path_type=Path), help="File of settings.")
@click.option("--child", is_flag=True, hidden=True, help="End when standard input does.")
@shared_options
@model_options
def work(console: Console, chosen: ChosenModel, *, config: Path | None, child: bool) -> None:
    """Do the scans, music and plans that the service was asked for, until stopped.

    `musiscene serve` runs one such worker itself. More of them share the work, also on other
    machines with the same database and folders. Ctrl-C hands back what cannot be finished at once;
    a second one stops at once, and another worker goes on where this one was.
    """
    from indexer.catalogue.database import catalogue_in
    from indexer.catalogue.repository import Catalogue
    from indexer.spotting.kept_planner import KeptPlanner
    from musiscene.generate.backends import BackendOptions
    from service.configuration import load_settings
    from service.cue_plans.run import run_cue_plan, run_preview
    from service.generations.run import run_generation
    from service.jobs.presence import Presence
    from service.jobs.queue import JobQueue
    from service.jobs.worker import Worker
    from service.scans.run import run_scan

    settings = load_settings(
        data_dir=console.data_dir,
        environment=os.environ,
        config=config,
        options={"database": console.database, "models_dir": console.models_dir},
    )
    console.database, console.models_dir = settings.database, settings.models_dir
    data_dir = console.data_dir
    data_dir.mkdir(parents=True, exist_ok=True)
    location = catalogue_in(data_dir, database=console.database, create=True)
    queue = JobQueue(data_dir, database=console.database, redis=settings.jobs.redis)
    with (
        _stoppable(console) as stopping,
        ExitStack() as stack,
        Catalogue.open(location) as catalogue,
        Presence(data_dir) as presence,
    ):
        if child:
            os.nice(CHILD_NICENESS)
            Thread(target=_end_with_parent, args=(stopping,), daemon=True).start()
        opening = Lock()

        @cache
        def opened() -> Scanner:
            from indexer.cli.scanner import open_scanner

            return stack.enter_context(open_scanner(console, chosen))

        def open_scanner_once() -> Scanner:
            with opening:  # by the first job of several
                return opened()

        worker = Worker(
            catalogue.jobs,
            queue,
            presence,
            {
                "scan": partial(run_scan, open_scanner=open_scanner_once),
                "cue_plan": partial(
                    run_cue_plan,
                    open_scanner=open_scanner_once,
                    settings=settings,
                    kept=KeptPlanner(),
                ),
                "preview": partial(run_preview, open_scanner=open_scanner_once, settings=settings),
                "generation": partial(
                    run_generation,
                    open_scanner=open_scanner_once,
                    data_dir=data_dir,
                    options=BackendOptions(
                        model=settings.generation.model,
                        audiocraft_python=settings.generation.audiocraft_python,
                    ),
                ),
            },
            threads=settings.jobs.at_once,
            stale_seconds=settings.jobs.stale_seconds,
        )
        console.note(f"Waiting for jobs of {data_dir}   (Ctrl-C stops the worker)")
        worker.run(stopping)


def _end_with_parent(stopping: Event) -> None:
    """Stop when whoever started this process closes its pipe, or dies."""
    while sys.stdin.buffer.read(1):
        pass
    stopping.set()


@contextmanager
def _stoppable(console: Console) -> Iterator[Event]:
    """Ctrl-C or SIGTERM once sets the event, twice ends the process."""
    stopping = Event()

    def ask_to_stop(_signal: int, _frame: object) -> None:
        if stopping.is_set():
            sys.stderr.flush()
            os._exit(INTERRUPTED)  # threads that listen cannot be stopped
        stopping.set()
        console.note("Handing back what cannot be finished at once; once more stops at once.")

    before = {
        number: signal.signal(number, ask_to_stop) for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield stopping
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
