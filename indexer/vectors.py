"""FAISS snapshots of the catalogue's caption vectors.

A snapshot is a folder that never changes once it is published:

    vectors/
      CURRENT                  name of the published folder, replaced atomically
      r00000042-1f3a9c0e/      revision of the catalogue it was made from, and a random part
        captions.faiss         inner-product index over float32 unit vectors, one row a caption
        rows.npy               structured (caption, track, segment, kind), one entry a row
        tracks.npy             16-byte ids; `rows["track"]` counts into it
        manifest.json          embedder, dimension, count, revision, size and SHA-256 of each file

Invariants:
    - SQL is the truth: a snapshot can be thrown away and made again from the catalogue.
    - Files are written in a folder beside, flushed to disk, and only then is `CURRENT` replaced; a
      process killed at any point leaves the old snapshot or the new one, never a mixture.
    - A reader keeps what it has opened: the old files stay valid while it holds them mapped.
"""

from __future__ import annotations

import secrets
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self
from uuid import UUID

import msgspec
import numpy as np
from filelock import FileLock

from indexer.errors import (
    NothingIndexedError,
    StaleSnapshotError,
    TornSnapshotError,
    WrongEmbedderError,
)
from indexer.sounds import SOUND_DTYPE, TAG_COUNT, pack_sounds
from musiscene.checkpoints.manifest import flush, sha256_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from indexer.catalogue.rows import SoundRow, VectorRow

KINDS = ("music", "scene")
ROW_DTYPE = np.dtype([("caption", "<i8"), ("track", "<i4"), ("segment", "<i8"), ("kind", "u1")])
CURRENT = "CURRENT"
FILES = ("captions.faiss", "rows.npy", "tracks.npy", "sounds.npy", "tags.npy")


class Manifest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a snapshot holds, so that nothing else is taken for it."""

    embedder: str
    """Version of the text embedder."""
    dimension: int
    """Of each vector."""
    count: int
    """Rows of the index."""
    revision: int
    """Of the catalogue it was made from."""
    kind: str
    """FAISS index type: `flat` is exact."""
    files: dict[str, tuple[int, str]]
    """File name -> size in bytes and SHA-256."""


class VectorIndex:
    """A published snapshot, open for searching.

    Args:
        folder: The snapshot's folder.
        manifest: Its manifest.
    """

    def __init__(self, folder: Path, manifest: Manifest) -> None:
        import faiss

        self.folder = folder
        self.manifest = manifest
        self._index = faiss.read_index(str(folder / "captions.faiss"), faiss.IO_FLAG_MMAP)
        self.rows: NDArray[np.void] = np.load(folder / "rows.npy", allow_pickle=False)
        tracks = np.load(folder / "tracks.npy", allow_pickle=False)
        self.track_ids = [UUID(bytes=bytes(row)) for row in tracks]
        self.sounds: NDArray[np.void] = np.load(folder / "sounds.npy", allow_pickle=False)
        self.tags: NDArray[np.float16] = np.load(folder / "tags.npy", allow_pickle=False)

    @classmethod
    def open(cls, directory: Path, *, embedder: str, revision: int) -> Self:
        """Open the published snapshot of a vector directory.

        Args:
            directory: Holds `CURRENT` and the snapshots.
            embedder: Version that the queries will be embedded with.
            revision: The catalogue's, now.

        Returns:
            The snapshot, its files mapped into memory.

        Raises:
            NothingIndexedError: If nothing was ever published here.
            TornSnapshotError: If a file is missing, cut or changed.
            WrongEmbedderError: If another embedder made the vectors.
            StaleSnapshotError: If the catalogue has changed since.
        """
        try:
            name = (directory / CURRENT).read_text(encoding="ascii").strip()
        except FileNotFoundError as error:
            raise NothingIndexedError(
                "nothing is indexed yet; run `musiscene index FOLDER` first"
            ) from error
        folder = directory / name
        manifest = _read_manifest(folder)
        if manifest.embedder != embedder:
            raise WrongEmbedderError(
                f"{folder}: made by {manifest.embedder}, but queries are embedded by {embedder}"
            )
        if manifest.revision != revision:
            raise StaleSnapshotError(
                f"{folder}: made at revision {manifest.revision} of the catalogue, "
                f"which is now at {revision}"
            )
        for file_name in FILES:
            if file_name not in manifest.files:
                raise TornSnapshotError(f"{folder}: made before snapshots held {file_name}")
        for file_name, (size_bytes, sha256) in manifest.files.items():
            _check_file(folder / file_name, size_bytes=size_bytes, sha256=sha256)
        opened = cls(folder, manifest)
        if (opened.sounds.dtype, opened.tags.shape[1:]) != (SOUND_DTYPE, (TAG_COUNT,)):
            raise TornSnapshotError(f"{folder}: its sounds are laid out as an earlier version did")
        return opened

    def __len__(self) -> int:
        return self.manifest.count

    def search(
        self, query: NDArray[np.float32], *, top_k: int, allowed_tracks: set[UUID] | None = None
    ) -> tuple[NDArray[np.float32], NDArray[np.intp]]:
        """The captions nearest to each query.

        Args:
            query: Unit vectors, float32, shape (queries, dimension).
            top_k: How many captions to return for each.
            allowed_tracks: Only captions of these tracks; None for all. The restriction holds
                inside the search, so it never makes the answer shorter than it has to be.

        Returns:
            Similarities in [-1, 1] and row numbers, both of shape (queries, found), best first,
            where found = min(top_k, number of allowed captions).
        """
        selected = self.row_mask(allowed_tracks)
        found = min(top_k, int(selected.sum()))
        if found == 0:
            return np.empty((len(query), 0), np.float32), np.empty((len(query), 0), np.intp)
        parameters = None
        if allowed_tracks is not None:
            parameters = _only(selected)
        similarities, row_numbers = self._index.search(query, found, params=parameters)
        return similarities, row_numbers

    def row_mask(self, allowed_tracks: set[UUID] | None) -> NDArray[np.bool_]:
        """Which rows belong to the allowed tracks, bool, shape (rows,)."""
        if allowed_tracks is None:
            return np.ones(len(self.rows), dtype=np.bool_)
        allowed = np.fromiter((track_id in allowed_tracks for track_id in self.track_ids), np.bool_)
        mask: NDArray[np.bool_] = allowed[self.rows["track"]]
        return mask

    def vectors(self, row_numbers: NDArray[np.intp]) -> NDArray[np.float32]:
        """The stored vectors of some rows, float32, shape (rows, dimension)."""
        return self._index.reconstruct_batch(row_numbers)


def _only(selected: NDArray[np.bool_]) -> Any:  # noqa: ANN401  FAISS has no type for it
    """Search parameters that restrict a search to some rows."""
    from faiss import IDSelectorBitmap, SearchParameters

    bitmap: Any = IDSelectorBitmap  # in Python both take other arguments than their stubs say
    parameters: Any = SearchParameters
    return parameters(sel=bitmap(np.packbits(selected, bitorder="little")))


def publish(
    directory: Path,
    vectors: Iterable[VectorRow],
    sounds: Iterable[SoundRow],
    *,
    embedder: str,
    dimension: int,
    revision: int,
) -> Path:
    """Write a snapshot of the vectors and make it the current one.

    Args:
        directory: Where snapshots live; created where needed.
        vectors: All vectors of the catalogue at `revision`.
        sounds: What was measured in its tracks.
        embedder: Version of the text embedder that made them.
        dimension: Of each vector.
        revision: Of the catalogue.

    Returns:
        The folder of the new snapshot.
    """
    directory.mkdir(parents=True, exist_ok=True)
    with FileLock(directory / ".lock"):
        return _publish(
            directory, vectors, sounds, embedder=embedder, dimension=dimension, revision=revision
        )


def _publish(
    directory: Path,
    vectors: Iterable[VectorRow],
    sounds: Iterable[SoundRow],
    *,
    embedder: str,
    dimension: int,
    revision: int,
) -> Path:
    name = f"r{revision:08d}-{secrets.token_hex(4)}"
    building = Path(tempfile.mkdtemp(prefix=".building-", dir=directory))
    try:
        count = _write_index(building, vectors, sounds, dimension=dimension)
        manifest = Manifest(
            embedder=embedder,
            dimension=dimension,
            count=count,
            revision=revision,
            kind="flat",
            files={
                path.name: (path.stat().st_size, sha256_of(path))
                for path in sorted(building.iterdir())
            },
        )
        (building / "manifest.json").write_bytes(
            msgspec.json.format(msgspec.json.encode(manifest), indent=2)
        )
        for path in building.iterdir():
            flush(path)
        building.chmod(0o755)  # mkdtemp lets only its owner in
        building.rename(directory / name)
    except BaseException:
        shutil.rmtree(building, ignore_errors=True)
        raise
    pointer = directory / f".{CURRENT}-{name}"
    pointer.write_text(name + "\n", encoding="ascii")
    flush(pointer)
    pointer.replace(directory / CURRENT)
    flush(directory)
    _sweep(directory, keep=name)
    return directory / name


def _write_index(
    folder: Path, vectors: Iterable[VectorRow], sounds: Iterable[SoundRow], *, dimension: int
) -> int:
    import faiss

    index = faiss.IndexFlatIP(dimension)
    rows: list[tuple[int, int, int, int]] = []
    tracks: dict[UUID, int] = {}
    waiting: list[NDArray[np.float16]] = []
    for vector in vectors:
        ordinal = tracks.setdefault(vector.track_id, len(tracks))
        rows.append((vector.caption_id, ordinal, vector.segment_id, KINDS.index(vector.kind)))
        waiting.append(np.frombuffer(vector.data, dtype="<f2"))
        if len(waiting) == 1 << 14:
            index.add(_unit(waiting))
            waiting.clear()
    if waiting:
        index.add(_unit(waiting))
    faiss.write_index(index, str(folder / "captions.faiss"))
    np.save(folder / "rows.npy", np.array(rows, dtype=ROW_DTYPE))
    ids = np.frombuffer(b"".join(track.bytes for track in tracks), np.uint8).reshape(-1, 16)
    np.save(folder / "tracks.npy", ids)
    measured, tags = pack_sounds(sounds, tracks)
    np.save(folder / "sounds.npy", measured)
    np.save(folder / "tags.npy", tags)
    return len(rows)


def _unit(vectors: list[NDArray[np.float16]]) -> NDArray[np.float32]:
    # Rounding to float16 moves a vector's length by up to 1e-3: similarities would pass 1.
    stacked = np.stack(vectors).astype(np.float32)
    lengths = np.linalg.norm(stacked, axis=1, keepdims=True)
    unit: NDArray[np.float32] = stacked / np.maximum(lengths, np.float32(1e-12))
    return unit


def _read_manifest(folder: Path) -> Manifest:
    try:
        return msgspec.json.decode((folder / "manifest.json").read_bytes(), type=Manifest)
    except (OSError, msgspec.DecodeError) as error:
        raise TornSnapshotError(f"{folder}: its manifest cannot be read ({error})") from error


def _check_file(path: Path, *, size_bytes: int, sha256: str) -> None:
    try:
        found_bytes = path.stat().st_size
    except OSError as error:
        raise TornSnapshotError(f"{path}: missing from the snapshot") from error
    if found_bytes != size_bytes:
        raise TornSnapshotError(f"{path}: holds {found_bytes} bytes, should hold {size_bytes}")
    if sha256_of(path) != sha256:
        raise TornSnapshotError(f"{path}: its bytes differ from what was written")


def _sweep(directory: Path, *, keep: str) -> None:
    """Remove older snapshots and what killed processes left; call under the lock.

    Files that a reader has mapped stay readable for it on POSIX.
    """
    for path in directory.iterdir():
        if path.is_dir() and path.name != keep:
            shutil.rmtree(path, ignore_errors=True)
