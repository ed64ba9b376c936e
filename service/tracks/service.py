"""What is answered about tracks."""

from __future__ import annotations

from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Final

import msgspec

from indexer.errors import CursorError, WaveformBusyError
from indexer.filters.selection import demands_of
from indexer.scene_map import MAX_POINTS, SceneMap, make_map
from indexer.similar.finder import SimilarFinder
from indexer.waveforms import Waveforms
from service.cursors import Cursor, digest_of, read_cursor, write_cursor
from service.tracks.errors import AudioGoneError, DrawingBusyError
from service.tracks.schemas import TrackPage, TrackView, view_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from indexer.catalogue.listing import Order
    from indexer.similar.results import SimilarResult
    from indexer.similar.seeds import Seed
    from indexer.waveforms import Waveform
    from service.serving import Serving

WAVEFORMS: Final = "waveforms"


class TrackService:
    """Answers about the tracks of one library.

    Args:
        serving: The library.
        data_dir: Where waveforms and the map's directions are kept.
    """

    def __init__(self, serving: Serving, data_dir: Path) -> None:
        self._serving = serving
        self._data_dir = data_dir
        self._waveforms = Waveforms(data_dir / WAVEFORMS)
        self._map_lock = Lock()
        self._map: SceneMap | None = None
        self._map_body: tuple[tuple[int, int], bytes] = ((-1, 0), b"")

    def close(self) -> None:
        """End what decodes files."""
        self._waveforms.close()

    def page(
        self, *, wanted: str, words: str, order: Order, limit: int, after: str | None
    ) -> TrackPage:
        """Some of the tracks.

        Args:
            wanted: A filter.
            words: That must all be in a track's names, path or captions.
            order: What to sort by.
            limit: At most so many.
            after: From the page before; None for the first page.

        Returns:
            The page.

        Raises:
            FilterError: If the filter cannot be read.
            CursorError: If `after` is not from the page before.
        """
        listing = self._serving.library.catalogue.listing
        conditions = [demand.condition for demand in demands_of(wanted)]
        asked = digest_of("tracks", wanted, words, order)
        cursor = None if after is None else read_cursor(after, asked=asked)
        total = listing.count(conditions, words=words) if cursor is None else cursor.total
        try:
            found = listing.page(
                conditions,
                words=words,
                order=order,
                after=None if cursor is None else cursor.place,
                limit=limit,
            )
        except ValueError as error:
            raise CursorError from error
        goes_on = None if found.end is None else write_cursor(Cursor(asked, found.end, total))
        return TrackPage(total=total, tracks=found.tracks, after=goes_on)

    def track(self, track_id: UUID) -> TrackView:
        """Everything that is known of one track; `TrackNotFoundError` where there is none."""
        return view_of(self._serving.library.catalogue.track(track_id))

    def file(self, track_id: UUID) -> Path:
        """The track's own file.

        Args:
            track_id: Of the track.

        Returns:
            Its path.

        Raises:
            TrackNotFoundError: If there is no such track.
            AudioGoneError: If its file is not there.
        """
        return _existing(self._serving.library.catalogue.track(track_id).path)

    def audio_roots(self) -> list[Path]:
        """Folders that audio is served from."""
        return self._serving.audio_roots()

    def waveform(self, track_id: UUID, *, points: int) -> Waveform:
        """The outline of a track.

        Args:
            track_id: Of the track.
            points: At most so many.

        Returns:
            The outline.

        Raises:
            TrackNotFoundError: If there is no such track.
            AudioGoneError: If its file is not there.
            WaveformError: If its file cannot be decoded.
            DrawingBusyError: If too many others are being drawn.
        """
        track = self._serving.library.catalogue.track(track_id)
        path = _existing(track.path)
        try:
            return self._waveforms.waveform(str(path), track.audio_hash, points=points)
        except WaveformBusyError as error:
            raise DrawingBusyError from error

    def similar(
        self,
        seeds: Sequence[Seed],
        *,
        wanted: str,
        diversity: float,
        per_artist: int | None,
        top_k: int,
    ) -> SimilarResult:
        """Tracks that are like others; see `SimilarFinder.similar`."""
        finder = SimilarFinder(self._serving.library.catalogue, self._serving.held().index)
        return finder.similar(
            seeds,
            filter_expression=wanted,
            diversity=diversity,
            per_artist=per_artist,
            top_k=top_k,
        )

    def map_json(self, *, limit: int) -> bytes:
        """The library in a plane, as JSON; kept until the catalogue changes.

        Args:
            limit: At most so many points.

        Returns:
            A `SceneMap`.

        Raises:
            NothingIndexedError: If the library holds no track.
        """
        index = self._serving.held().index
        with self._map_lock:
            if self._map is None or self._map.revision != index.manifest.revision:
                catalogue = self._serving.library.catalogue
                self._map = make_map(index, catalogue, folder=self._data_dir, limit=MAX_POINTS)
            key = (self._map.revision, limit)
            if self._map_body[0] != key:
                shown = msgspec.structs.replace(self._map, points=self._map.points[:limit])
                self._map_body = (key, msgspec.json.encode(shown))
            return self._map_body[1]


def _existing(path: str) -> Path:
    file = Path(path)
    if not file.is_file():
        raise AudioGoneError
    return file
