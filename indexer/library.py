"""One library on disk: its catalogue, its vectors, and the text embedder they belong to.

DATA_DIR/
catalogue.sqlite    the truth; not there where it is in PostgreSQL
vectors/            snapshots, made from it; `vectors-...` for each database in PostgreSQL
"""

from __future__ import annotations

import logging
from contextlib import contextmanager
from hashlib import sha256
from typing import TYPE_CHECKING, Literal, Self

from filelock import FileLock, Timeout

from indexer.catalogue.database import catalogue_in, database_url, shown_url
from indexer.catalogue.repository import Catalogue
from indexer.errors import (
    CatalogueError,
    LibraryBusyError,
    NothingIndexedError,
    StaleSnapshotError,
    TornSnapshotError,
    VectorIndexError,
    WrongEmbedderError,
)
from indexer.feedback import embed_opinions_again
from indexer.vectors import (
    Changes,
    IndexSettings,
    VectorIndex,
    open_current,
    publish,
    publish_changes,
    publishing,
)
from indexer.vectors.parts import Progress, say_nothing
from musiscene.embed import TextEmbedder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from indexer.catalogue.vector_rows import VectorRows
    from musiscene.checkpoints.store import ModelStore

logger = logging.getLogger(__name__)

Publishing = Literal["changes", "compact", "anew"]

EMBEDDER_NAME = "scene-embedder"

CAPTIONS_AT_ONCE = 512
"""Embedded again and stored in one transaction."""


class Library:
    """An open library.

    Args:
        catalogue: The tracks.
        vectors_dir: Where the snapshots live.
        embedder: Makes the vectors of captions and briefs.
        index_settings: What the vector index may cost; None for the usual.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        vectors_dir: Path,
        embedder: TextEmbedder,
        *,
        index_settings: IndexSettings | None = None,
    ) -> None:
        self.catalogue = catalogue
        self.vectors_dir = vectors_dir
        self.embedder = embedder
        self.index_settings = index_settings or IndexSettings()

    @classmethod
    def open(
        cls, data_dir: Path, store: ModelStore, *, create: bool, database: str | None = None
    ) -> Self:
        """Open the library in a folder.

        Args:
            data_dir: The folder.
            store: Holds the text embedder.
            create: Make the folder and the catalogue where there is none.
            database: URL of the catalogue; None for the folder's own file. A catalogue by URL is
                made where there is none, in any case.

        Returns:
            The library, to be closed.

        Raises:
            NothingIndexedError: If there is no library here and `create` is false.
            CatalogueError: If the catalogue cannot be opened.
            ModelUnavailableError: If the text embedder is not on this machine.
        """
        location = catalogue_in(data_dir, database=database, create=create)
        try:
            data_dir.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise CatalogueError(f"{data_dir}: cannot be created ({error.strerror})") from error
        embedder = TextEmbedder.load(store.folder(EMBEDDER_NAME))
        return cls(Catalogue.open(location), vectors_folder(data_dir, database), embedder)

    def close(self) -> None:
        """Close the catalogue."""
        self.catalogue.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    @contextmanager
    def indexing(self) -> Iterator[None]:
        """Hold the library for one writer.

        Yields:
            While nobody else can index into it.

        Raises:
            LibraryBusyError: If another process is indexing; into a catalogue in PostgreSQL, on
                whichever machine.
        """
        try:
            with (
                FileLock(self.vectors_dir.parent / ".indexing.lock", timeout=0),
                self.catalogue.indexing(),
            ):
                yield
        except Timeout as error:
            raise LibraryBusyError(
                f"{self.vectors_dir.parent}: another `musiscene index` is at work here; "
                "wait for it or stop it"
            ) from error

    def embed_again(self) -> int:
        """Make the vectors anew that another embedder made, of captions and of judged briefs.

        May be interrupted, and goes on with what is left. To be called while `indexing`.

        Returns:
            How many captions got another vector.
        """
        version, done = self.embedder.version, 0
        while others := self.catalogue.captions_of_others(embedder=version, limit=CAPTIONS_AT_ONCE):
            vectors = self.embedder.encode(list(others.values())).astype("<f2")
            self.catalogue.replace_vectors(
                {caption: row.tobytes() for caption, row in zip(others, vectors, strict=True)},
                embedder=version,
            )
            done += len(others)
        embed_opinions_again(self.catalogue.opinions, self.embedder)
        return done

    def publish(self, *, progress: Progress = say_nothing, how: Publishing = "changes") -> Path:
        """Make the vectors searchable as the catalogue has them now.

        Only what has changed since the last time is indexed; where that has become much, all is.

        Args:
            progress: Told about each step of indexing all.
            how: Index only `changes`; or put all into one part, with the cells of the present index
                where they still fit (`compact`) or with nothing taken over (`anew`).

        Returns:
            The folder of the snapshot; the present one where nothing has changed.

        Raises:
            VectorIndexError: If it cannot be written; the catalogue keeps every vector.
        """
        try:
            with publishing(self.vectors_dir), self.catalogue.vector_rows() as rows:
                done = self._publish_changes(rows) if how == "changes" else None
                return done or self._publish_all(rows, progress, keep_training=how != "anew")
        except OSError as error:
            raise VectorIndexError(
                f"{self.vectors_dir}: the vectors cannot be written ({error.strerror or error}); "
                "nothing is lost, run `musiscene index` again when there is room"
            ) from error

    def _publish_all(self, rows: VectorRows, progress: Progress, *, keep_training: bool) -> Path:
        return publish(
            self.vectors_dir,
            rows.vectors(embedder=self.embedder.version),
            rows.sounds(),
            embedder=self.embedder.version,
            dimension=self.embedder.dimension,
            revision=rows.revision,
            settings=self.index_settings,
            progress=progress,
            keep_training=keep_training,
        )

    def _publish_changes(self, rows: VectorRows) -> Path | None:
        """The new snapshot, or the current one; None where all has to be indexed."""
        current = self.present_vectors()
        if current is None:
            return None
        manifest = current.manifest
        if manifest.embedder != self.embedder.version or manifest.revision > rows.revision:
            return None
        if manifest.revision == rows.revision:
            return current.folder
        since = manifest.revision
        gone = rows.changed_tracks(since=since) | current.track_ids.without(rows.track_ids())
        changes = Changes(
            gone=gone,
            vectors=rows.vectors(embedder=self.embedder.version, since=since),
            sounds=rows.sounds(since=since),
            revision=rows.revision,
        )
        return publish_changes(self.vectors_dir, changes, settings=self.index_settings)

    def present_vectors(self) -> VectorIndex | None:
        """The vectors as they were last published; None where there are none to be read."""
        try:
            return open_current(self.vectors_dir)
        except TornSnapshotError:
            return None

    def vectors(self) -> VectorIndex:
        """Open the vectors, making them again where they are not what the catalogue has.

        A process that was killed between storing tracks and publishing leaves a stale snapshot;
        nothing is lost by it, since the catalogue holds every vector.

        Returns:
            The vectors as the catalogue has them now.

        Raises:
            NothingIndexedError: If the catalogue holds no track.
            WrongEmbedderError: If another embedder made the catalogue's vectors, or some of them.
        """
        version = self.embedder.version
        if not self.catalogue.count_tracks():
            raise NothingIndexedError(
                "the library holds no tracks; run `musiscene index FOLDER` first"
            )
        if self.catalogue.captions_of_others(embedder=version, limit=1):
            raise WrongEmbedderError(
                f"another text embedder than {version} made vectors of this library; run "
                "`musiscene index FOLDER` again: it makes them anew from the stored captions, "
                "without listening"
            )
        try:
            return self._open()
        except (
            NothingIndexedError,
            StaleSnapshotError,
            TornSnapshotError,
            WrongEmbedderError,
        ) as error:
            logger.warning("%s; making it again from the catalogue", error)
        self.publish()
        return self._open()

    def _open(self) -> VectorIndex:
        return VectorIndex.open(
            self.vectors_dir, embedder=self.embedder.version, revision=self.catalogue.revision()
        )


def vectors_folder(data_dir: Path, database: str | None) -> Path:
    """The folder of a catalogue's vectors; the revisions of two catalogues may be the same.

    Args:
        data_dir: The library's folder.
        database: URL of the catalogue; None for the folder's own file.

    Returns:
        The folder, which need not be there.
    """
    if database is None:
        return data_dir / "vectors"
    shown = shown_url(database_url(database))
    return data_dir / f"vectors-{sha256(shown.encode()).hexdigest()[:12]}"
