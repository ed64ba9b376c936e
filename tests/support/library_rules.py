"""What a catalogue of small files must hold, whatever has been done to it."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from indexer.vectors import VectorIndex
from tests.support.small_music import SmallEmbedder, Versions, read, texts

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

    from indexer.library import Library

ROWS = """
SELECT id, path, size_bytes, modified_ns, audio_hash, status, listening_version, model_version,
       artist, bpm, recording_id,
       (SELECT count(*) FROM segment WHERE segment.track_id = track.id),
       (SELECT count(*) FROM heard WHERE heard.track_id = track.id)
FROM track
"""
CAPTIONS = """
SELECT caption.track_id, caption.id, caption.kind, caption.text, vector.embedder, vector.data
FROM caption LEFT JOIN vector ON vector.caption_id = caption.id ORDER BY caption.id
"""


class CaptionRow(NamedTuple):
    """A caption and its vector."""

    id: int
    kind: str
    text: str
    embedder: str | None
    vector: bytes | None


class TrackRow(NamedTuple):
    """A track and what hangs on it."""

    id: str
    path: str
    size_bytes: int
    modified_ns: int
    audio_hash: str
    status: str
    ears: int
    words: int
    artist: str | None
    bpm: float
    recording: str | None
    segments: int
    heard: int
    captions: tuple[CaptionRow, ...]


class FileOnDisk(NamedTuple):
    """A file that a scan sees."""

    size_bytes: int
    modified_ns: int
    audio_hash: str
    artist: str | None
    is_broken: bool


def rows(library: Library) -> dict[str, TrackRow]:
    """Every track of a catalogue, by its id."""
    captions: defaultdict[str, list[CaptionRow]] = defaultdict(list)
    with library.catalogue._engine.connect() as connection:
        for track, *rest in connection.exec_driver_sql(CAPTIONS):
            captions[track].append(CaptionRow(*rest))
        found = connection.exec_driver_sql(ROWS).all()
        assert connection.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"
        assert connection.exec_driver_sql("PRAGMA foreign_key_check").all() == []
    return {
        row[0]: TrackRow._make(
            (
                *row[:6],
                int(row[6].removeprefix("ears-")),
                int(row[7].removeprefix("words-")),
                *row[8:],
                tuple(captions.pop(row[0], ())),
            )
        )
        for row in found
    }


def look(folder: Path) -> dict[str, FileOnDisk]:
    """Every file below a folder."""
    seen = {}
    for path in folder.rglob("*.mp3"):
        status, content = path.stat(), read(path)
        seen[str(path)] = FileOnDisk(
            status.st_size,
            status.st_mtime_ns,
            content.audio_hash,
            content.artist or None,
            content.is_broken,
        )
    return seen


def check_whole(tracks: Mapping[str, TrackRow]) -> None:
    """Every track is there with all that belongs to it, and all of it is of one making."""
    paths = Counter(track.path for track in tracks.values())
    assert set(paths.values()) <= {1}
    for track in tracks.values():
        assert (track.segments, track.heard, len(track.captions)) == (1, 1, 2), track
        assert track.bpm == 100 + track.ears, track
        said = {caption.kind: caption.text for caption in track.captions}
        music, scene = texts(track.audio_hash, ears=track.ears, words=track.words)
        assert said == {"music": music, "scene": scene}, track
        for caption in track.captions:
            assert caption.embedder is not None
            embedder = SmallEmbedder(int(caption.embedder.removeprefix("small-")))
            wanted = embedder.encode([caption.text])[0].astype("<f2").tobytes()
            assert caption.vector == wanted, track


def check_kept(before: Mapping[str, TrackRow], after: Mapping[str, TrackRow]) -> None:
    """No track is gone."""
    assert before.keys() <= after.keys(), before.keys() - after.keys()


def check_vectors(library: Library, tracks: Mapping[str, TrackRow]) -> None:
    """The published vectors are those of the catalogue, and a search finds them."""
    wanted = {
        caption.id: caption.vector
        for track in tracks.values()
        if track.status == "ready"
        for caption in track.captions
    }
    index = VectorIndex.open(
        library.vectors_dir,
        embedder=library.embedder.version,
        revision=library.catalogue.revision(),
    )
    assert index.rows["caption"].tolist() == sorted(wanted)
    if not wanted:
        return
    stored = np.stack(
        [np.frombuffer(wanted[one] or b"", "<f2").astype(np.float32) for one in sorted(wanted)]
    )
    stored /= np.linalg.norm(stored, axis=1, keepdims=True)
    found = index.vectors(np.arange(len(index.rows)))
    np.testing.assert_allclose(found, stored, atol=2e-3)
    some = np.linspace(0, len(stored) - 1, 5).astype(int)
    similarities, _ = index.search(stored[some], top_k=1)
    np.testing.assert_allclose(similarities[:, 0], 1.0, atol=2e-3)


class Look(NamedTuple):
    """What a scan could see, and what it was asked for."""

    files: Mapping[str, FileOnDisk]
    """All that there are, also where it was not looked."""
    roots: Collection[Path]
    unlisted: Collection[Path]
    """Folders that it met and could not list."""
    versions: Versions
    prunes: bool

    def sees(self, path: str) -> bool:
        """Whether a path is below the roots, and in no folder that could not be listed."""
        return _is_below(path, self.roots) and not _is_below(path, self.unlisted)


def check_scanned(
    before: Mapping[str, TrackRow], after: Mapping[str, TrackRow], look: Look
) -> None:
    """A scan that was not disturbed left what the files say, and each track where its audio is.

    Args:
        before: The tracks.
        after: They.
        look: At the files.
    """
    at_path = {track.path: track for track in after.values()}
    good = {path: f for path, f in look.files.items() if look.sees(path) and not f.is_broken}
    for path, file in good.items():
        track = at_path.get(path)
        assert track is not None, f"{path} was not taken in"
        assert _of_file(track) == (file.size_bytes, file.modified_ns, file.audio_hash, file.artist)
        assert (track.status, track.ears, track.words) == ("ready", *look.versions[:2]), track
    for track in after.values():
        assert {caption.embedder for caption in track.captions} == {
            f"small-{look.versions.embedder}"
        }
    _check_recordings(after)
    _check_ids(before, after, look, good)


def _of_file(track: TrackRow) -> tuple[int, int, str, str | None]:
    return track.size_bytes, track.modified_ns, track.audio_hash, track.artist


def _check_recordings(after: Mapping[str, TrackRow]) -> None:
    of_hash = defaultdict(set)
    for track in after.values():
        if track.status == "ready":
            of_hash[track.audio_hash].add(track.recording)
    recordings = [one for found in of_hash.values() for one in found]
    assert all(len(found) == 1 for found in of_hash.values()), of_hash
    assert len(set(recordings)) == len(recordings)
    assert None not in recordings


def _check_ids(
    before: Mapping[str, TrackRow],
    after: Mapping[str, TrackRow],
    look: Look,
    good: Mapping[str, FileOnDisk],
) -> None:
    in_place = {
        track.path: track.id
        for track in before.values()
        if track.path in good and good[track.path].audio_hash == track.audio_hash
    }
    lost = {track.id: track for track in before.values() if _is_lost(track, look, good)}
    id_at = {track.path: track.id for track in after.values()}
    for path, track_id in in_place.items():
        assert id_at[path] == track_id, f"{path} has another id than before"
    free = {path: file for path, file in good.items() if path not in in_place}
    claimed = {
        id_at[path]: path
        for path, file in free.items()
        if id_at[path] in lost and lost[id_at[path]].audio_hash == file.audio_hash
    }
    free_of = Counter(file.audio_hash for file in free.values())
    here = {track_id: track for track_id, track in lost.items() if look.sees(track.path)}
    for which in (here, lost):  # those that lost their file where it was looked go first
        taken = Counter(track.audio_hash for track in which.values() if track.id in claimed)
        for audio_hash, count in Counter(track.audio_hash for track in which.values()).items():
            assert taken[audio_hash] == min(count, free_of[audio_hash]), "an id was left behind"
    for path in free:
        if id_at[path] in before and id_at[path] not in claimed:
            assert before[id_at[path]].path == path, f"{path} took the id of another file"
    for track in before.values():
        if track.id in claimed or track.path in in_place:
            continue
        if track.id not in lost:
            assert after[track.id] == _like(after[track.id], track), "an unseen track was changed"
            continue
        _check_left(track, after, look, free, id_at, claimed)


def _check_left(
    track: TrackRow,
    after: Mapping[str, TrackRow],
    look: Look,
    free: Mapping[str, FileOnDisk],
    id_at: Mapping[str, str],
    claimed: Mapping[str, str],
) -> None:
    """A lost track that nobody claimed."""
    now = after.get(track.id)
    if track.path in free and id_at[track.path] not in claimed:
        assert id_at[track.path] == track.id, "a file that changed has another id"
        return
    if now is None:
        assert look.prunes
        assert look.sees(track.path)
        is_broken = track.path in look.files and look.files[track.path].is_broken
        assert not is_broken, "a track whose file is broken was deleted"
        return
    assert now.audio_hash == track.audio_hash
    if look.sees(track.path):
        assert now.status == "missing", now


def _is_lost(track: TrackRow, look: Look, good: Mapping[str, FileOnDisk]) -> bool:
    if _is_below(track.path, look.unlisted):
        return False
    if track.path not in look.files:
        return True
    if not look.sees(track.path):
        return False
    return track.path not in good or good[track.path].audio_hash != track.audio_hash


def _like(row: TrackRow, before: TrackRow) -> TrackRow:
    """The row before, but for what may change without a look at the file."""
    return before._replace(captions=row.captions, recording=row.recording)


def _is_below(path: str, folders: Collection[Path]) -> bool:
    return any(path.startswith(f"{folder}/") for folder in folders)
