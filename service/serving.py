"""What the running service holds: the library, and a matcher over its newest vectors."""

from __future__ import annotations

import logging
from threading import Lock
from typing import TYPE_CHECKING

from indexer.library import Library
from indexer.match import Matcher
from musiscene.checkpoints.store import ModelStore
from musiscene.scene_reader import SCENE_READER_MODEL, SceneReader

if TYPE_CHECKING:
    from service.settings import ServiceSettings

logger = logging.getLogger(__name__)


class Serving:
    """Opens the library when the service starts, and follows it while others index.

    Args:
        settings: Where the library and the models are.
    """

    def __init__(self, settings: ServiceSettings) -> None:
        store = ModelStore(local_folder=settings.models_dir)
        self.library = Library.open(
            settings.data_dir, store, create=False, database=settings.database
        )
        self._scene_reader = SceneReader.load(store.folder(SCENE_READER_MODEL))
        self._lock = Lock()
        self._state: tuple[object, ...] = ()
        self._matcher: Matcher | None = None

    def matcher(self) -> Matcher:
        """Follow the catalogue, and what people say about its answers.

        Requests that run on an older matcher keep its files until they are done.

        Returns:
            A matcher over the catalogue as it is now.

        Raises:
            NothingIndexedError: If the library holds no track.
        """
        opinions = self.library.catalogue.opinions.state()
        with self._lock:
            if (
                self._matcher is None
                or (self.library.catalogue.revision(), opinions) != self._state
            ):
                self._matcher = Matcher.over(self.library, self._scene_reader)
                self._state = (self._matcher.revision, opinions)
                logger.info("serving revision %d of the catalogue", self._matcher.revision)
            return self._matcher

    def close(self) -> None:
        """Close the library."""
        self.library.close()
