"""What the running service holds: the library, and a matcher over its newest vectors.

Invariants:
    - An answer comes from one snapshot; requests that run on an older one keep its files.
    - No request waits for a new snapshot: it is opened and warmed while the old one answers.
    - Vectors are made by whoever changes the library. Only where nobody is at work, as after a
      crash between storing tracks and publishing them, the service publishes them itself.
"""

from __future__ import annotations

import logging
from threading import Condition, Event, Lock, Thread
from typing import TYPE_CHECKING, Final

import msgspec

from indexer.errors import IndexerError, LibraryBusyError, NothingIndexedError
from indexer.feedback import taste_of
from indexer.gathering import GatheringEmbedder, GatheringReader
from indexer.library import Library
from indexer.match import Matcher
from indexer.matching.brief import read_brief
from indexer.matching.explain import reading_of
from musiscene.checkpoints.store import ModelStore
from musiscene.errors import MusiSceneError
from musiscene.scene_reader import SCENE_READER_MODEL, SceneReader
from service.problems import WarmingError
from service.threads import keep_to_one_thread

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path
    from uuid import UUID

    from indexer.matching.results import Reading
    from indexer.vectors import VectorIndex
    from service.settings import ServiceSettings

logger = logging.getLogger(__name__)

LOOK_SECONDS: Final = 1.0
"""How often is looked for a new snapshot."""
FIRST_SECONDS: Final = 10.0
"""So long the start, or a request, waits for the first snapshot to be warm."""
WARMING: Final = "somebody walks through a town in the rain"


class Held(msgspec.Struct, frozen=True):
    """What answers requests, all of it from one snapshot."""

    index: VectorIndex
    matcher: Matcher
    opinions: tuple[int, UUID | None]
    """State of what people have said, in the matcher."""

    @property
    def revision(self) -> int:
        """Of the catalogue that the snapshot was made from."""
        return self.index.manifest.revision


class Serving:
    """Opens the library when the service starts, and follows it while others index.

    Args:
        settings: Where the library and the models are.

    Attributes:
        library: Open.
        stopping: Set when the service is about to stop; streams end then.
        on_step: Told what each step of an answer took, in seconds.
        on_match: Told how each brief was decided.
    """

    def __init__(self, settings: ServiceSettings) -> None:
        store = ModelStore(local_folder=settings.models_dir)
        self.library = Library.open(
            settings.data_dir, store, create=False, database=settings.database
        )
        self.stopping = Event()
        self._settings = settings
        self.on_step: Callable[[str, float], None] = lambda _step, _seconds: None
        self.on_match: Callable[[str], None] = lambda _decision: None
        self.library.embedder = GatheringEmbedder(self.library.embedder)
        self._scene_reader = GatheringReader(SceneReader.load(store.folder(SCENE_READER_MODEL)))
        self._held: Held | None = None
        self._trouble: Exception | None = None
        self._looked = Condition()
        self._taste_lock = Lock()
        self._closed = Event()
        self._seen_revision = -1
        self._follower = Thread(target=self._follow, name="snapshots", daemon=True)

    def start(self) -> None:
        """Open the vectors and follow them from now on; gives up waiting after some seconds."""
        self._follower.start()
        with self._looked:
            self._looked.wait_for(self._has_looked, FIRST_SECONDS)

    def close(self) -> None:
        """Follow no longer, and close the library."""
        self.stopping.set()
        self._closed.set()
        if self._follower.is_alive():
            self._follower.join()
        self.library.close()

    def held(self) -> Held:
        """What answers a request, with what people have said by now.

        Returns:
            The newest snapshot that is warm, and the matcher over it.

        Raises:
            NothingIndexedError: If the library holds no track.
            WarmingError: If the first snapshot is not open yet.
        """
        keep_to_one_thread()
        held = self._held or self._first()
        opinions = self.library.catalogue.opinions.state()
        if opinions == held.opinions:
            return held
        with self._taste_lock:
            held = self._held or held
            if opinions != held.opinions:
                self._held = held = self._over(held.index)
        return held

    def matcher(self) -> Matcher:
        """The matcher of `held`.

        Returns:
            The matcher.

        Raises:
            NothingIndexedError: If the library holds no track.
            WarmingError: If the first snapshot is not open yet.
        """
        return self.held().matcher

    def reading(self, captions: Sequence[str]) -> Reading:
        """What captions call for, whatever the library holds.

        Args:
            captions: What is seen.

        Returns:
            Moods, imagined music and wishes.

        Raises:
            BriefError: If they cannot be read.
        """
        brief = read_brief(
            captions, embedder=self.library.embedder, scene_reader=self._scene_reader
        )
        return reading_of(brief, answerable=0.0)

    def require_ready(self) -> Held:
        """What answers requests, without waiting for it.

        Returns:
            The newest snapshot that is warm.

        Raises:
            NothingIndexedError: If the library holds no track.
            WarmingError: If the first snapshot is not open yet.
        """
        if self._held is None:
            raise self._trouble or WarmingError
        return self._held

    def audio_roots(self) -> list[Path]:
        """Folders that audio is served from; none where no folder was ever scanned."""
        return self._settings.audio_roots(self.library.catalogue.scans.known_roots())

    def _first(self) -> Held:
        with self._looked:
            self._looked.wait_for(self._has_looked, FIRST_SECONDS)
        return self.require_ready()

    def _has_looked(self) -> bool:
        return self._held is not None or self._trouble is not None

    def _follow(self) -> None:
        """Run beside the requests: look for a snapshot, warm it, put it in the old one's place."""
        while not self._closed.is_set():
            try:
                index = self._newer()
                if index is not None:
                    self._switch(index)
                self._trouble = None
            except (IndexerError, MusiSceneError) as error:
                if isinstance(error, NothingIndexedError):
                    self._held = None
                elif self._trouble is None:
                    logger.warning("the newest vectors cannot be served: %s", error)
                self._trouble = error
            with self._looked:
                self._looked.notify_all()
            self._closed.wait(LOOK_SECONDS)

    def _newer(self) -> VectorIndex | None:
        """A snapshot that is to take the place of the one held; None where there is none yet."""
        revision, seen = self.library.catalogue.revision(), self._seen_revision
        self._seen_revision = revision
        held = self._held
        if held is not None and held.revision == revision:
            return None
        present = self.library.present_vectors()
        if present is not None and present.manifest.embedder != self.library.embedder.version:
            present = None
        if present is not None and present.manifest.revision == revision:
            return present
        if (held is None or revision == seen) and self._is_at_rest():
            return self.library.vectors()
        is_news = held is None or (
            present is not None and present.manifest.revision > held.revision
        )
        return present if is_news else None

    def _is_at_rest(self) -> bool:
        """Whether nobody is indexing, who would publish what they found."""
        try:
            with self.library.indexing():
                return True
        except LibraryBusyError:
            return False

    def _switch(self, index: VectorIndex) -> None:
        fresh = self._over(index)
        fresh.matcher.match([WARMING], top_k=1)
        with self._taste_lock:
            self._held = fresh
        logger.info("serving revision %d of the catalogue", fresh.revision)

    def _over(self, index: VectorIndex) -> Held:
        library = self.library
        opinions = library.catalogue.opinions.state()
        taste = taste_of(library.catalogue.opinions, embedder=library.embedder.version)
        matcher = Matcher(
            library.catalogue, index, library.embedder, self._scene_reader, taste=taste
        )
        matcher.on_step = self.on_step
        return Held(index, matcher, opinions)
