"""Finds tracks that are like others.

The steps:
    1. find the captions of each seed, or of its section (`seeds`);
    2. choose candidates, with filters applied inside the search (`candidates`);
    3. hold every candidate against every seed, part by part, and add up (`likeness`);
    4. choose: alike, but not all alike each other, and not all by one artist (`diversity`);
    5. say why (`explain`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
from sqlalchemy import func

from indexer.catalogue.models import Track
from indexer.errors import SeedError
from indexer.filters.selection import demands_of, why_nothing
from indexer.similar.candidates import CHOSEN_FROM, Source, find_pool, likeness_to, pool_of
from indexer.similar.diversity import Spread, choose_diverse
from indexer.similar.explain import explain, used_seed
from indexer.similar.likeness import WEIGHTS
from indexer.similar.results import SimilarResult
from indexer.similar.seeds import check_seeds, segments_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from indexer.catalogue.repository import Catalogue
    from indexer.catalogue.shown import ShownTrack
    from indexer.similar.candidates import Pool
    from indexer.similar.likeness import Part
    from indexer.similar.seeds import Seed
    from indexer.vectors import VectorIndex

MAX_TOP_K: Final = 500
DIVERSE_FROM: Final = 200
"""Candidates to choose from where the answers should differ: an album or two may all be alike."""


class SimilarFinder:
    """Finds tracks that are like others in one library.

    Args:
        catalogue: The tracks.
        index: Their caption vectors and measurements.
        weights: Share of each part in the score; a part that is left out does not count.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        index: VectorIndex,
        *,
        weights: Mapping[Part, float] = WEIGHTS,
    ) -> None:
        self._catalogue = catalogue
        self._index = index
        self._weights = weights

    def similar(
        self,
        seeds: Sequence[Seed],
        *,
        filter_expression: str | Mapping[str, Any] = "",
        diversity: float = 0.0,
        per_artist: int | None = None,
        top_k: int = 10,
    ) -> SimilarResult:
        """The tracks that are most like the seeds; never a seed itself, nor a copy of its audio.

        Args:
            seeds: What the tracks should be like, or unlike.
            filter_expression: What the tracks must fulfil, in either form of `indexer.filters`.
            diversity: 0 for the most alike, towards 1 for tracks that differ from each other.
            per_artist: At most so many tracks of one artist; tracks without an artist are not
                taken for one artist's. None for any number.
            top_k: How many tracks to return at most.

        Returns:
            The hits in the order of choice, which is that of the score where diversity is 0.

        Raises:
            SeedError: If a seed or its section cannot be used.
            TrackNotFoundError: If a seed is not in the catalogue.
            FilterError: If the filter cannot be read.
        """
        check_seeds(seeds, diversity=diversity)
        demands = demands_of(filter_expression)
        sources = [self._source(seed) for seed in seeds]
        used = tuple(used_seed(source) for source in sources)
        wanted = min(max(top_k, 1), MAX_TOP_K)
        allowed = self._catalogue.track_ids(
            Track.id.not_in([source.track.id for source in sources]),
            Track.audio_hash.not_in([source.track.audio_hash for source in sources]),
            func.coalesce(Track.recording_id, Track.id).not_in(
                [source.track.recording_id for source in sources if source.track.recording_id]
            ),
            *(demand.condition for demand in demands),
        )
        if not allowed:
            notice = (
                why_nothing(self._catalogue, demands) if demands else "There is no other track."
            )
            return SimilarResult(seeds=used, hits=(), notice=notice)
        pool = find_pool(self._index, sources, allowed, top_k=wanted)
        parts = np.array(
            [
                likeness_to(
                    self._index,
                    pool,
                    ordinal=source.ordinal,
                    rows=source.rows,
                    weights=self._weights,
                )
                for source in sources
            ]
        )
        seed_weights = np.array([source.seed.weight for source in sources])
        scores = np.tensordot(seed_weights / np.abs(seed_weights).sum(), parts.sum(axis=1), 1)
        chosen = self._choose(
            pool, scores, diversity=diversity, per_artist=per_artist, top_k=wanted
        )
        hits = explain(self._index, sources, pool, chosen, weights=self._weights, parts=parts)
        return SimilarResult(seeds=used, hits=hits)

    def _source(self, seed: Seed) -> Source:
        track = self._catalogue.track(seed.track_id)
        ordinal = self._index.track_ids.find(track.id)
        if ordinal is None:
            raise SeedError(
                f"{track.path}: was missing at the last scan; bring the file back and run "
                "`musiscene index` on its folder, or choose another track"
            )
        segments = segments_of(track, seed.section)
        rows = self._index.rows
        is_asked = (rows["track"] == ordinal) & np.isin(
            rows["segment"], [segment.id for segment in segments]
        )
        return Source(
            seed=seed,
            track=track,
            ordinal=ordinal,
            rows=np.flatnonzero(is_asked),
            span=(segments[0].start_seconds, segments[-1].end_seconds),
        )

    def _choose(
        self,
        pool: Pool,
        scores: NDArray[np.float64],
        *,
        diversity: float,
        per_artist: int | None,
        top_k: int,
    ) -> dict[int, ShownTrack]:
        """Positions in the pool of the tracks to show, in order, with their rows."""
        order = np.argsort(-scores, kind="stable")  # equals stay in the order of the index
        count = max(CHOSEN_FROM * (top_k + 5), DIVERSE_FROM if diversity else 0)
        while True:
            best = np.sort(order[:count])
            spread = Spread(per_artist)
            chosen = self._pick(
                pool, best, scores[best], spread=spread, diversity=diversity, top_k=top_k
            )
            if len(chosen) >= top_k or count >= len(order):
                return chosen
            count *= 4

    def _pick(
        self,
        pool: Pool,
        best: NDArray[np.intp],
        scores: NDArray[np.float64],
        *,
        spread: Spread,
        diversity: float,
        top_k: int,
    ) -> dict[int, ShownTrack]:
        """The same, of the best positions alone."""
        smaller = pool_of(self._index, pool.ordinals[best])
        ids = [self._index.track_ids[ordinal] for ordinal in smaller.ordinals]
        tracks = self._catalogue.shown(ids)

        def likeness(position: int) -> NDArray[np.float32]:
            parts = likeness_to(
                self._index,
                smaller,
                ordinal=int(smaller.ordinals[position]),
                rows=smaller.rows_of(position),
                weights=self._weights,
            )
            summed: NDArray[np.float32] = parts.sum(axis=0)
            return summed

        def accepts(position: int) -> bool:
            return ids[position] in tracks and spread.accepts(tracks[ids[position]])

        picked = choose_diverse(scores, likeness, accepts, diversity=diversity, top_k=top_k)
        return {int(best[position]): tracks[ids[position]] for position in picked}
