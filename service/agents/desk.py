"""What the tools of `musiscene mcp` answer, from the library itself; no MCP here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from indexer.matching.brief import check_captions
from indexer.matching.explain import WindowWish, matched_track
from indexer.similar.finder import SimilarFinder
from indexer.similar.seeds import Seed, clock, read_section
from indexer.windows import Timeline, best_window
from service.tracks.schemas import view_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from indexer.catalogue.models import Track
    from indexer.matching.results import MatchedTrack
    from indexer.windows import Arc, FoundWindow
    from service.serving import Serving


class Cues(msgspec.Struct, frozen=True, kw_only=True):
    """Where to cut into a track and out of it."""

    track: MatchedTrack
    window: FoundWindow
    text: str
    """In and out point as people say them."""


class Desk:
    """Answers about one library.

    Args:
        serving: The library, started.
    """

    def __init__(self, serving: Serving) -> None:
        self._serving = serving

    def match(
        self,
        scenes: Sequence[str],
        *,
        top_k: int,
        wanted: str,
        negatives: Sequence[str],
        wish: WindowWish,
    ) -> dict[str, Any]:
        """Tracks for scenes; see `Matcher.match`."""
        result = self._serving.matcher().match(
            scenes, filter_expression=wanted, negatives=negatives, wish=wish, top_k=top_k
        )
        return _plain(result)

    def similar(
        self, track: str, *, section: str | None, top_k: int, wanted: str, diversity: float
    ) -> dict[str, Any]:
        """Tracks that are like one; see `SimilarFinder.similar`."""
        catalogue = self._serving.library.catalogue
        seed = Seed(
            track_id=catalogue.track_called(track),
            section=None if section is None else read_section(section),
        )
        finder = SimilarFinder(catalogue, self._serving.held().index)
        return _plain(
            finder.similar([seed], filter_expression=wanted, diversity=diversity, top_k=top_k)
        )

    def track(self, track: str) -> dict[str, Any]:
        """Everything that is known of a track."""
        return _plain(view_of(self._track(track)))

    def cues(self, track: str, scenes: Sequence[str], wish: WindowWish) -> dict[str, Any]:
        """In and out point of the stretch of a track that fits.

        Args:
            track: Its id, its path, or the path's end.
            scenes: What is seen; none for the track's best stretch as such.
            wish: How long it should be, and the course that its energy should take.

        Returns:
            `Cues`.
        """
        found = self._track(track)
        window = best_window(
            Timeline.of(found),
            length_seconds=wish.length_seconds,
            arc=wish.arc,
            relevance=self._relevance(found, scenes) if scenes else None,
        )
        points = (window.start_seconds, window.end_seconds)
        text = f"in {clock(points[0])} ({points[0]:.3f} s), out {clock(points[1])} "
        text += f"({points[1]:.3f} s): {window.text}"
        return _plain(Cues(track=matched_track(found), window=window, text=text))

    def _track(self, name: str) -> Track:
        catalogue = self._serving.library.catalogue
        return catalogue.track(catalogue.track_called(name))

    def _relevance(self, track: Track, scenes: Sequence[str]) -> NDArray[np.float32] | None:
        """How near each segment comes to the scenes, shape (segments,); None without segments."""
        if not track.segments:
            return None
        texts, shares = check_captions(scenes)
        index = self._serving.held().index
        ordinal = index.track_ids.find(track.id)
        own = np.flatnonzero(index.rows["track"] == (-1 if ordinal is None else ordinal))
        vectors = self._serving.library.embedder.encode(texts)
        likeness = np.array(shares, np.float32) @ (vectors @ index.vectors(own).T)
        segments = index.rows["segment"][own]
        return np.array(
            [likeness[segments == one.id].max(initial=0.0) for one in track.segments], np.float32
        )


def wish_of(length_seconds: float | None, arc: Arc | None) -> WindowWish:
    """What a window should be like."""
    return WindowWish(length_seconds=length_seconds, arc=arc)


def _plain(result: msgspec.Struct) -> dict[str, Any]:
    plain: dict[str, Any] = msgspec.to_builtins(result)
    return plain
