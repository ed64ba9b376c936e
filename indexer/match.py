"""Briefs -> fitting tracks, each with its best window, a quoted caption and reasons. No HTTP here.

The steps (each a small function below):
    1. embed the brief's captions;
    2. search the vectors, with filters applied inside the search;
    3. score every candidate track exactly: for each kind of caption, the similarity of its nearest
       one, then a weighted sum over the kinds, then the mean over the brief's captions;
    4. turn the score into a confidence, and decide whether anything fits.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Literal
from uuid import UUID

import msgspec
import numpy as np

from indexer.errors import BriefError
from indexer.filters.selection import demands_of, why_nothing
from indexer.vectors import KINDS, VectorIndex

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from indexer.catalogue.models import Track
    from indexer.catalogue.repository import Catalogue
    from musiscene.embed import TextEmbedder

MAX_CAPTIONS = 50
MAX_CAPTION_CHARACTERS = 100_000
MAX_TOP_K = 500

KIND_WEIGHTS = {"music": 0.75, "scene": 0.25}
"""Share of each kind of caption in a track's score; docs/matching.md compares them."""

NEGATIVE_WEIGHT = 0.5
"""How much of a track's similarity to an unwanted text is taken off its score."""

CONFIDENCE_MIDPOINT = 0.299
CONFIDENCE_SLOPE = 15.3
"""Logistic curve from score to confidence; docs/matching.md says how it was fitted."""

FITS_FROM = 0.4
"""Confidence below which the best track is called no fit."""

HIT_TAGS = 5


class MatchedTrack(msgspec.Struct, frozen=True, kw_only=True):
    """The track of a hit, as its catalogue row has it."""

    id: UUID
    path: str
    title: str | None
    artist: str | None
    duration_seconds: float
    bpm: float
    key: str
    loudness_lufs: float | None
    licence: str | None
    generated: bool


class Window(msgspec.Struct, frozen=True, kw_only=True):
    """The stretch of the track that fits best."""

    start_seconds: float
    end_seconds: float


class Reason(msgspec.Struct, frozen=True, kw_only=True):
    """What one stage added to the score, and the sentence it went by."""

    stage: str
    share: float
    """Of the track's whole score, 0 to 1."""
    text: str


class Hit(msgspec.Struct, frozen=True, kw_only=True):
    """One track that was found."""

    rank: int
    score: float
    confidence: float
    track: MatchedTrack
    window: Window
    scene_caption: str
    tags: tuple[str, ...]
    reasons: tuple[Reason, ...]


class MatchResult(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to one brief."""

    brief: str
    decision: Literal["matched", "nothing_fits"]
    confidence: float
    hits: tuple[Hit, ...]
    generation: None = None
    """Music made for the brief; there is no generator yet."""
    notice: str | None = None
    """Why there are no hits; None where there are some."""


class Scored(msgspec.Struct, frozen=True):
    """One candidate track on its way to being a hit."""

    track_id: UUID
    score: float
    shares: dict[str, float]
    """Kind -> its part of the score."""
    captions: dict[str, int]
    """Kind -> id of the caption that was nearest."""
    segment_id: int


class Matcher:
    """Finds tracks for briefs in one library.

    Args:
        catalogue: The tracks.
        index: Their caption vectors, made by `embedder`.
        embedder: For the briefs.
        weights: Kind of caption -> its share of the score; 0 leaves a kind out.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        index: VectorIndex,
        embedder: TextEmbedder,
        *,
        weights: Mapping[str, float] = KIND_WEIGHTS,
    ) -> None:
        self._catalogue = catalogue
        self._index = index
        self._embedder = embedder
        self._weights = weights

    def match(
        self,
        captions: Sequence[str],
        *,
        filter_expression: str | Mapping[str, Any] = "",
        negatives: Sequence[str] = (),
        length_seconds: float | None = None,
        top_k: int = 10,
    ) -> MatchResult:
        """The tracks that fit one brief best.

        Args:
            captions: What is seen; several captions describe one video together.
            filter_expression: What the tracks must fulfil, in either form of `indexer.filters`.
            negatives: What is not wanted. A word of the tag vocabularies rules out the tracks in
                which it is heard; any other text only lowers what is near to it.
            length_seconds: The window's wanted length; shorter tracks are left out.
            top_k: How many tracks to return at most.

        Returns:
            The hits, best first, and whether the best of them fits.

        Raises:
            BriefError: If there is no caption, or too many or too long ones.
            FilterError: If the filter cannot be read.
        """
        texts = check_captions(captions)
        demands = demands_of(filter_expression, negatives=negatives, length_seconds=length_seconds)
        conditions = [demand.condition for demand in demands]
        allowed = self._catalogue.track_ids(*conditions) if conditions else None
        queries = self._embedder.encode(texts)
        unwanted = self._embedder.encode(list(negatives))
        wanted = min(max(top_k, 1), MAX_TOP_K)
        scored = self._score(queries, unwanted, allowed=allowed, top_k=wanted)
        tracks = self._catalogue.tracks([candidate.track_id for candidate in scored])
        hits = tuple(
            _hit(rank, candidate, tracks[candidate.track_id], length_seconds=length_seconds)
            for rank, candidate in enumerate(scored, start=1)
            if candidate.track_id in tracks
        )
        confidence = hits[0].confidence if hits else 0.0
        return MatchResult(
            brief="\n".join(texts),
            decision="matched" if confidence >= FITS_FROM else "nothing_fits",
            confidence=confidence,
            hits=hits,
            notice=why_nothing(self._catalogue, demands) if allowed == set() else None,
        )

    def rank(self, captions: Sequence[str]) -> list[UUID]:
        """Every track of the library in the order in which `match` would give them.

        Args:
            captions: As for `match`.

        Returns:
            Their ids, best first.

        Raises:
            BriefError: If there is no caption, or too many or too long ones.
        """
        queries = self._embedder.encode(check_captions(captions))
        scored = self._score(queries, queries[:0], allowed=None, top_k=len(self._index.track_ids))
        return [candidate.track_id for candidate in scored]

    def _score(
        self,
        queries: NDArray[np.float32],
        unwanted: NDArray[np.float32],
        *,
        allowed: set[UUID] | None,
        top_k: int,
    ) -> list[Scored]:
        """The best tracks, best first; equal scores are ordered by id."""
        ordinals = self._candidates(queries, allowed=allowed, top_k=top_k)
        rows = np.flatnonzero(np.isin(self._index.rows["track"], ordinals))
        if not len(rows):
            return []
        vectors = self._index.vectors(rows)
        similarity = queries @ vectors.T  # (captions, rows)
        penalty = NEGATIVE_WEIGHT * (unwanted @ vectors.T).max(axis=0, initial=0.0)  # (rows,)
        scored = [
            self._score_track(rows[of_track], similarity[:, of_track], penalty[of_track])
            for of_track in _groups(self._index.rows["track"][rows])
        ]
        scored.sort(key=lambda candidate: (-candidate.score, candidate.track_id))
        return scored[:top_k]

    def _candidates(
        self, queries: NDArray[np.float32], *, allowed: set[UUID] | None, top_k: int
    ) -> NDArray[np.intp]:
        """Ordinals of at least `top_k` tracks with the nearest captions, or of all there are."""
        depth = 8 * top_k + 200
        while True:
            _, rows = self._index.search(queries, top_k=depth, allowed_tracks=allowed)
            ordinals: NDArray[np.intp] = np.unique(self._index.rows["track"][rows.ravel()])
            if len(ordinals) >= 2 * top_k or rows.shape[1] < depth:
                return ordinals
            depth *= 4

    def _score_track(
        self,
        rows: NDArray[np.intp],
        similarity: NDArray[np.float32],
        penalty: NDArray[np.float32],
    ) -> Scored:
        """Fold the captions of one track.

        Args:
            rows: Its rows in the index, shape (rows,).
            similarity: To the brief's captions, shape (captions, rows).
            penalty: For being near to what is not wanted, shape (rows,).

        Returns:
            The track with its score.
        """
        entries = self._index.rows[rows]
        shares: dict[str, float] = {}
        nearest: dict[str, int] = {}
        segment_id = int(entries["segment"][0])
        for number, kind in enumerate(KINDS):
            of_kind = np.flatnonzero(entries["kind"] == number)
            if not len(of_kind):
                continue
            shares[kind] = self._weights[kind] * float(similarity[:, of_kind].max(axis=1).mean())
            best = of_kind[similarity[:, of_kind].mean(axis=0).argmax()]
            nearest[kind] = int(entries["caption"][best])
            segment_id = int(entries["segment"][best])  # the last kind, `scene`, has the last word
        score = sum(shares.values()) - float(penalty.max(initial=0.0))
        track_id = self._index.track_ids[int(entries["track"][0])]
        return Scored(track_id, score, shares, nearest, segment_id)


def check_captions(captions: Sequence[str]) -> list[str]:
    """Check a brief.

    Args:
        captions: As a person gave them.

    Returns:
        The captions without surrounding blanks and without empty ones.

    Raises:
        BriefError: If none is left, or there are too many or too long ones.
    """
    texts = [text for caption in captions if (text := caption.strip())]
    if not texts:
        raise BriefError("the brief is empty; say what is seen, in a sentence or two")
    if len(texts) > MAX_CAPTIONS:
        raise BriefError(f"a brief may have {MAX_CAPTIONS} captions, this one has {len(texts)}")
    longest = max(map(len, texts))
    if longest > MAX_CAPTION_CHARACTERS:
        raise BriefError(
            f"a caption may have {MAX_CAPTION_CHARACTERS:,} characters, one has {longest:,}"
        )
    return texts


def confidence_of(score: float) -> float:
    """The probability that a person would call a track with this score fitting, 0 to 1."""
    return 1.0 / (1.0 + math.exp(-CONFIDENCE_SLOPE * (score - CONFIDENCE_MIDPOINT)))


def _groups(ordinals: NDArray[np.int32]) -> list[NDArray[np.intp]]:
    """Positions of equal values, one array for each value."""
    order = np.argsort(ordinals, kind="stable")
    starts = np.flatnonzero(np.diff(ordinals[order])) + 1
    return np.split(order, starts)


def _hit(rank: int, candidate: Scored, track: Track, *, length_seconds: float | None) -> Hit:
    captions = {caption.id: caption for caption in track.captions}
    quoted = {kind: captions[number] for kind, number in candidate.captions.items()}
    total = sum(candidate.shares.values())
    scene = quoted.get("scene")
    return Hit(
        rank=rank,
        score=round(candidate.score, 4),
        confidence=round(confidence_of(candidate.score), 4),
        track=MatchedTrack(
            id=track.id,
            path=track.path,
            title=track.title,
            artist=track.artist,
            duration_seconds=round(track.duration_seconds, 2),
            bpm=round(track.bpm, 1),
            key=track.key,
            loudness_lufs=None if track.loudness_lufs is None else round(track.loudness_lufs, 1),
            licence=track.licence,
            generated=track.generated,
        ),
        window=_window(candidate, track, length_seconds=length_seconds),
        scene_caption=scene.text if scene else "",
        tags=strongest_tags(track, HIT_TAGS),
        reasons=tuple(
            Reason(
                stage=kind,
                share=round(share / total, 3) if total > 0 else 0.0,
                text=quoted[kind].text,
            )
            for kind, share in sorted(candidate.shares.items(), key=lambda item: -item[1])
        ),
    )


def _window(candidate: Scored, track: Track, *, length_seconds: float | None) -> Window:
    """The best segment, or a stretch of the wanted length that begins with it."""
    segment = next(part for part in track.segments if part.id == candidate.segment_id)
    start, end = segment.start_seconds, segment.end_seconds
    if length_seconds is not None:
        start = max(0.0, min(start, track.duration_seconds - length_seconds))
        end = start + length_seconds
    return Window(start_seconds=round(start, 2), end_seconds=round(end, 2))


def strongest_tags(track: Track, count: int) -> tuple[str, ...]:
    """The tags that are heard most in a track, whatever their vocabulary, strongest first."""
    best: dict[str, float] = {}
    for tag in track.tags:
        best[tag.name] = max(best.get(tag.name, 0.0), tag.score)
    return tuple(sorted(best, key=lambda name: (-best[name], name))[:count])
