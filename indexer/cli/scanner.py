"""What scans folders into a library: for `musiscene index`, and for the service's worker."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path
    from threading import Event

    from indexer.engines.cluster.wire import Hello
    from indexer.engines.jobs import Engine
    from indexer.library import Library
    from indexer.pipeline import ScanOptions, ScanReport
    from indexer.progress import ScanProgress
    from musiscene.checkpoints.store import ModelStore
    from musiscene.cli.model_options import ChosenModel
    from musiscene.console import Console
    from musiscene.writer import ModelVersions


class Cluster(Protocol):
    """Where the work is done if not on this machine."""

    def engine(self, chosen: ChosenModel, console: Console, hello: Hello) -> Engine:
        """What does the work there."""


@dataclass(frozen=True, kw_only=True)
class Scanner:
    """An open library, and what listens to music for it."""

    store: ModelStore
    library: Library
    engine: Engine
    """Loads its models when something is first to be heard, and keeps them."""
    versions: ModelVersions

    def scan(
        self,
        paths: Sequence[Path],
        *,
        progress: ScanProgress,
        stop: Event,
        options: ScanOptions,
    ) -> ScanReport:
        """Bring the library in step with some folders; see `indexer.pipeline.scan`."""
        from indexer.pipeline import scan

        return scan(
            paths,
            library=self.library,
            engine=self.engine,
            versions=self.versions,
            progress=progress,
            stop=stop,
            options=options,
        )


@contextmanager
def open_scanner(
    console: Console, chosen: ChosenModel, *, cluster: Cluster | None = None
) -> Iterator[Scanner]:
    """Open the library of a command.

    Args:
        console: Names the library, and is told of models that are fetched.
        chosen: The models.
        cluster: Where the work is done; None for this machine.

    Yields:
        What scans.

    Raises:
        CatalogueError: If the catalogue cannot be opened.
        ModelUnavailableError: If a model is missing and cannot be fetched.
    """
    from indexer.engines.cluster.wire import Hello
    from indexer.engines.local import LocalEngine
    from indexer.engines.split_model import SplitModel
    from indexer.library import Library
    from indexer.match import MODELS

    store = chosen.store(console, also=MODELS)  # of searching too: nothing is fetched later
    versions = chosen.versions(store)
    with Library.open(console.data_dir, store, create=True, database=console.database) as library:
        engine: Engine
        if cluster is not None:
            hello = Hello(versions=versions, embedder=library.embedder.version)
            engine = cluster.engine(chosen, console, hello)
        else:
            engine = LocalEngine(
                lambda: SplitModel.load(chosen, store, console), console.data_dir / "spool"
            )
        yield Scanner(store=store, library=library, engine=engine, versions=versions)
