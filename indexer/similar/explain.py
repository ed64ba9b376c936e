"""Why a track is like a seed, and which stretch of it."""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING, Final

import numpy as np

from indexer.matching.explain import matched_track, reasons_of, strongest_tags
from indexer.similar.likeness import CAPTION_PARTS, sound_texts
from indexer.similar.results import SimilarHit, UsedSeed
from indexer.vectors import KINDS
from indexer.windows import FoundWindow, Timeline, best_window, song_in

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from indexer.catalogue.models import Track
    from indexer.catalogue.shown import ShownTrack
    from indexer.similar.candidates import Pool, Source
    from indexer.similar.likeness import Part
    from indexer.vectors import VectorIndex

HIT_TAGS: Final = 5
WHY_PARTS: Final = 3
"""A sentence names so many reasons at most: those that lift the track most above the others."""
TELLING_FROM: Final = 0.5
"""What is less alike is no reason, however unlike the other tracks are."""


def used_seed(source: Source) -> UsedSeed:
    """A seed as an answer shows it."""
    start, end = source.span
    return UsedSeed(
        track=matched_track(source.track),
        weight=source.seed.weight,
        start_seconds=round(start, 2),
        end_seconds=round(end, 2),
    )


def explain(
    index: VectorIndex,
    sources: Sequence[Source],
    pool: Pool,
    chosen: Mapping[int, ShownTrack],
    *,
    weights: Mapping[Part, float],
    parts: NDArray[np.float32],
) -> tuple[SimilarHit, ...]:
    """Turn chosen candidates into hits, each held against the seed that it is most like.

    Args:
        index: The library's.
        sources: The seeds.
        pool: The candidates.
        chosen: Position of a candidate -> its row, in the order of the answer.
        weights: Part -> its share.
        parts: Weighted likeness, shape (seeds, parts, candidates).

    Returns:
        The hits.
    """
    seed_weights = np.array([source.seed.weight for source in sources])
    hits = []
    for rank, (position, track) in enumerate(chosen.items(), start=1):
        points = seed_weights / np.abs(seed_weights).sum() @ parts[:, :, position]  # (parts,)
        main = int((seed_weights * parts[:, :, position].sum(axis=1)).argmax())
        rows = pool.rows_of(position)
        texts = _texts(index, sources[main], track, rows, ordinal=int(pool.ordinals[position]))
        lifts = parts[main, :, position] - parts[main].mean(axis=1)
        shares = parts[main, :, position] / np.array(list(weights.values())) * sum(weights.values())
        lifts = np.where(shares < TELLING_FROM, -1.0, lifts.round(6))
        telling = [part for lift, part in sorted(zip(-lifts, weights, strict=True)) if lift <= 0]
        window = _window(index, sources, track, rows)
        hits.append(
            SimilarHit(
                rank=rank,
                score=round(float(points.sum()), 4),
                track=matched_track(track),
                window=window,
                song=song_in(track, window),
                scene_caption=texts["scene"],
                tags=strongest_tags(track, HIT_TAGS),
                reasons=reasons_of(
                    {part: float(given) for part, given in zip(weights, points, strict=True)},
                    {str(part): text for part, text in texts.items()},
                ),
                why=_why(sources[main].track, [texts[part] for part in telling[:WHY_PARTS]]),
            )
        )
    return tuple(hits)


def _texts(
    index: VectorIndex, source: Source, track: ShownTrack, rows: NDArray[np.intp], *, ordinal: int
) -> dict[Part, str]:
    """What each part went by, in words; of the captions, the one that is nearest to the seed."""
    texts = sound_texts(
        index.sounds[source.ordinal],
        index.sounds[ordinal],
        seed_tags=index.tags[source.ordinal],
        tags=index.tags[ordinal],
    )
    captions = {caption.id: caption.text for caption in track.captions}
    for kind in CAPTION_PARTS:
        number = KINDS.index(kind)
        asked = source.rows[index.rows["kind"][source.rows] == number]
        own = rows[index.rows["kind"][rows] == number]
        texts[kind] = ""
        if len(asked) and len(own):
            nearest = (index.vectors(asked) @ index.vectors(own).T).mean(axis=0).argmax()
            texts[kind] = captions.get(int(index.rows["caption"][own[nearest]]), "")
    return texts


def _window(
    index: VectorIndex, sources: Sequence[Source], track: ShownTrack, rows: NDArray[np.intp]
) -> FoundWindow:
    """The stretch whose captions are nearest to the wanted seeds'."""
    asked = np.concatenate([source.rows for source in sources if source.seed.weight > 0])
    near = (index.vectors(asked) @ index.vectors(rows).T).mean(axis=0)
    owners = index.rows["segment"][rows]
    relevance = [near[owners == part.id].max(initial=0.0) for part in track.segments]
    return best_window(
        Timeline.of(track), relevance=np.array(relevance) if track.segments else None
    )


def _why(seed: Track, texts: Sequence[str]) -> str:
    name = seed.title or PurePath(seed.path).stem
    said = "; ".join(text.rstrip(".") for text in texts if text)
    if not said:
        return f"Nothing in it is much like {name}."
    return f"Like {name} in this: {said}."
