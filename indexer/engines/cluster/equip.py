"""A worker's models, from the model store of its own machine."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from indexer.engines.cluster.worker import Equipment
    from musiscene.cli.model_options import ChosenModel


@dataclass(frozen=True, kw_only=True)
class LocalModels:
    """Makes a `LocalEngine` of the chosen models.

    What of them is missing on the machine is fetched there once, as `musiscene models pull` does.
    """

    chosen: ChosenModel
    """Which models."""
    models_dir: Path | None
    """Folder that is looked in before the store, the same on every machine."""

    def __call__(self, cores: int) -> Equipment:
        """Load the models now: a machine that cannot must not be given files to fail.

        Args:
            cores: How many the worker may use.

        Returns:
            The equipment.

        Raises:
            ModelUnavailableError: If a model is missing and cannot be fetched.
            ModelIntegrityError: If a model's files are damaged.
        """
        from indexer.engines.cluster.worker import Equipment
        from indexer.engines.local import LocalEngine
        from indexer.engines.split_model import SplitModel
        from indexer.library import EMBEDDER_NAME
        from musiscene.console import Console, Places
        from musiscene.embed import TextEmbedder

        console = Console(Places(models_dir=self.models_dir), quiet=True)
        store = self.chosen.store(console, also=(EMBEDDER_NAME,))
        embedder = TextEmbedder.load(store.folder(EMBEDDER_NAME))
        # A process of its own, so a folder of its own: engines empty theirs.
        spool = Path(tempfile.gettempdir()) / f"musiscene-spool-{os.getpid()}"
        model = SplitModel.load(self.chosen, store, console)
        engine = LocalEngine(lambda: model, spool, cores=cores)
        return Equipment(
            engine=engine, versions=self.chosen.versions(store), embedder=embedder.version
        )
