"""Briefs -> fitting tracks, each with its best window, a quoted caption and reasons. No HTTP here.

The pipeline:
    1. read the brief: vectors, the moods it calls for, what it says of the music in so many words
       (`indexer/matching/brief.py`);
    2. choose candidates by captions and moods, with filters applied inside the search;
    3. hold the brief against each candidate, stage by stage (`indexer/matching/stages.py`), and
       add up what the stages give, by learnt weights (`indexer/matching/fusion.py`);
    4. say how sure that is, and whether anything fits;
    5. find each track's window and say why (`indexer/matching/explain.py`).
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from indexer.feedback import taste_of
from indexer.filters.selection import demands_of, why_nothing
from indexer.library import EMBEDDER_NAME
from indexer.matching.brief import read_brief
from indexer.matching.candidates import Candidates
from indexer.matching.explain import ANY_WINDOW, explain, reading_of, unread
from indexer.matching.fusion import Fitted, answer_measures, fitted
from indexer.matching.places import LibraryMoods
from indexer.matching.results import BestTracks, MatchResult
from indexer.matching.scores import add_up, points_of
from indexer.matching.stages import (
    CaptionStage,
    FactStage,
    FeedbackStage,
    ImaginedStage,
    MoodStage,
    UnwantedStage,
    mood_values,
)
from indexer.recordings.folding import first_files
from indexer.taste import Taste
from musiscene.scene_reader import SCENE_READER_MODEL, SceneReader

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from uuid import UUID

    from numpy.typing import NDArray

    from indexer.catalogue.repository import Catalogue
    from indexer.library import Library
    from indexer.matching.brief import ReadBrief
    from indexer.matching.explain import WindowWish
    from indexer.matching.scores import Scores
    from indexer.matching.stages import Stage
    from indexer.vectors import VectorIndex
    from musiscene.embed import TextEmbedder

MODELS = (EMBEDDER_NAME, SCENE_READER_MODEL)
"""What matching needs from the model store."""
MAX_TOP_K = 500
ALL_LOOKED_AT = 2_000
"""Libraries of up to so many tracks are looked at whole; in larger ones the stages that can search
all of it choose candidates."""
CANDIDATES_PER_HIT = 20
SEARCH_ALL = frozenset({"mood", "imagined", "facts", "feedback"})
"""Stages that go by what was measured or said, and so can search a whole library."""
STAGES = ("mood", "imagined", "scene", "music", "facts", "unwanted", "feedback")
"""Of the pipeline; each can be left out."""


class Matcher:
    """Finds tracks for briefs in one library.

    Args:
        catalogue: The tracks.
        index: Their caption vectors and sounds, made by `embedder`.
        embedder: For the briefs.
        scene_reader: Says which moods a brief calls for.
        taste: What people said about earlier answers; None for nothing.
        without: Stages to leave out.
        learnt: Weights and curves; None for the shipped ones.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        index: VectorIndex,
        embedder: TextEmbedder,
        scene_reader: SceneReader,
        *,
        taste: Taste | None = None,
        without: Sequence[str] = (),
        learnt: Fitted | None = None,
    ) -> None:
        self.on_step: Callable[[str, float], None] = _say_nothing
        """Told what `read`, `filter`, `score` and `explain` took, in seconds."""
        self._catalogue = catalogue
        self._index = index
        self._embedder = embedder
        self._scene_reader = scene_reader
        self._learnt = learnt or fitted()
        self._moods = LibraryMoods(index.sounds, index.tags)
        stages: list[Stage] = [
            MoodStage(),
            ImaginedStage(),
            CaptionStage("scene"),
            CaptionStage("music"),
            FactStage(),
            UnwantedStage(index.track_ids.find, self._vectors_of),
            FeedbackStage(taste or Taste.empty()),
        ]
        self.stages = [stage for stage in stages if stage.name not in without]
        """In the order of the pipeline."""

    @classmethod
    def over(
        cls, library: Library, scene_reader: SceneReader, *, without: Sequence[str] = ()
    ) -> Self:
        """A matcher over a library as it is now.

        Args:
            library: Open.
            scene_reader: Says which moods a brief calls for.
            without: Stages to leave out.

        Returns:
            The matcher, with what people have said by now.

        Raises:
            NothingIndexedError: If the library holds no track.
            WrongEmbedderError: If another embedder made the library's vectors.
        """
        return cls(
            library.catalogue,
            library.vectors(),
            library.embedder,
            scene_reader,
            taste=taste_of(library.catalogue.opinions, embedder=library.embedder.version),
            without=without,
        )

    @property
    def revision(self) -> int:
        """Of the catalogue that this matcher searches."""
        return self._index.manifest.revision

    def match(  # noqa: PLR0913  the parts of a request
        self,
        captions: Sequence[str],
        *,
        weights: Sequence[float] | None = None,
        filter_expression: str | Mapping[str, Any] = "",
        negatives: Sequence[str] = (),
        unlike: Sequence[UUID] = (),
        wish: WindowWish = ANY_WINDOW,
        top_k: int = 10,
        without: Sequence[str] = (),
    ) -> MatchResult:
        """The tracks that fit one brief best.

        Args:
            captions: What is seen; several captions describe one video together.
            weights: How much each caption counts, such as its seconds; None for alike.
            filter_expression: What the tracks must fulfil, in either form of `indexer.filters`.
            negatives: What is not wanted. A word of the tag vocabularies rules out the tracks in
                which it is heard; a mood or another text only lowers what has it.
            unlike: Tracks that the answer must not be like.
            wish: The length and course of the stretch to use; shorter tracks are left out.
            top_k: How many tracks to return at most.
            without: Stages to leave out of this answer.

        Returns:
            The hits, best first, and whether the best of them fits.

        Raises:
            BriefError: If there is no caption, or too many or too long ones.
            FilterError: If the filter cannot be read.
        """
        with self._step("read"):
            brief = read_brief(
                captions,
                weights=weights,
                negatives=negatives,
                unlike=unlike,
                embedder=self._embedder,
                scene_reader=self._scene_reader,
            )
        demands = demands_of(
            filter_expression, negatives=negatives, length_seconds=wish.length_seconds
        )
        conditions = [demand.condition for demand in demands]
        with self._step("filter"):
            allowed = self._catalogue.track_ids(*conditions) if conditions else None
        wanted = min(max(top_k, 1), MAX_TOP_K)
        stages = [stage for stage in self.stages if stage.name not in without]
        with self._step("score"):
            scores = self.score(brief, stages, allowed=allowed, top_k=wanted)
        with self._step("explain"):
            ranked = [scores.candidates.track_ids[position] for position in scores.order]
            first = first_files(self._catalogue.recordings, ranked, top_k=wanted)
            best = [int(scores.order[position]) for position in first]
            tracks = self._catalogue.shown([scores.candidates.track_ids[one] for one in best])
            chance = self.answer_chance(brief, scores)
            hits = explain(
                brief,
                scores,
                best,
                tracks,
                stages,
                curve=self._learnt.fits,
                ceiling=chance,
                wish=wish,
            )
        return MatchResult(
            brief="\n".join(brief.captions),
            decision="matched" if chance >= self._learnt.answered_from else "nothing_fits",
            confidence=hits[0].confidence if hits else 0.0,
            hits=hits,
            reading=reading_of(brief, answerable=chance),
            notice=why_nothing(self._catalogue, demands) if allowed == set() else unread(brief),
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
        brief = read_brief(captions, embedder=self._embedder, scene_reader=self._scene_reader)
        scores = self.score(brief, self.stages, top_k=len(self._index.track_ids))
        return [scores.candidates.track_ids[position] for position in scores.order]

    def read(
        self, captions: Sequence[str], *, weights: Sequence[float], negatives: Sequence[str] = ()
    ) -> ReadBrief:
        """Read a brief, to be held against the library later.

        Args:
            captions: What is seen.
            weights: How much each caption counts.
            negatives: What is not wanted.

        Returns:
            The brief.

        Raises:
            BriefError: As for `match`.
        """
        return read_brief(
            captions,
            weights=weights,
            negatives=negatives,
            embedder=self._embedder,
            scene_reader=self._scene_reader,
        )

    def best_of(self, brief: ReadBrief, *, allowed: set[UUID] | None, top_k: int) -> BestTracks:
        """The tracks that are nearest to a brief, one file for each recording.

        Args:
            brief: As it was read.
            allowed: Only these tracks; None for all.
            top_k: How many.

        Returns:
            Their ids, best first, and the chance that the brief can be answered.
        """
        scores = self.score(brief, self.stages, allowed=allowed, top_k=top_k)
        ranked = [scores.candidates.track_ids[position] for position in scores.order]
        first = first_files(self._catalogue.recordings, ranked, top_k=top_k)
        chance = self.answer_chance(brief, scores)
        return BestTracks(
            track_ids=tuple(ranked[position] for position in first),
            chance=chance,
            reading=reading_of(brief, answerable=chance),
            is_answered=chance >= self._learnt.answered_from,
        )

    def scores_of(self, brief: ReadBrief, track_ids: Sequence[UUID]) -> NDArray[np.float32]:
        """Hold a brief against certain tracks.

        Args:
            brief: As it was read.
            track_ids: Of the tracks, at most `ALL_LOOKED_AT`.

        Returns:
            Scores, float32, shape (tracks,); `-inf` for a track that is not in the index.
        """
        scores = self.score(brief, self.stages, allowed=set(track_ids), top_k=len(track_ids))
        of_track = dict(zip(scores.candidates.track_ids, scores.total.tolist(), strict=True))
        found = [of_track.get(track_id, -np.inf) for track_id in track_ids]
        return np.array(found, np.float32)

    def confidence(self, score: float, *, ceiling: float) -> float:
        """The chance that a person would call a track fitting, 0 to 1.

        Args:
            score: Of the track beside a brief.
            ceiling: The chance that the brief can be answered.

        Returns:
            By the learnt curve.
        """
        return ceiling * self._learnt.fits.chance({"score": score})

    def score(
        self,
        brief: ReadBrief,
        stages: Sequence[Stage],
        *,
        allowed: set[UUID] | None = None,
        top_k: int = 10,
    ) -> Scores:
        """Hold a brief against the tracks that may be among the best.

        Args:
            brief: As it was read.
            stages: Of the pipeline.
            allowed: Only these tracks; None for all.
            top_k: How many of the best are asked for.

        Returns:
            The candidates with their points.
        """
        ordinals = self._candidates(brief, stages, allowed=allowed, top_k=top_k)
        candidates = Candidates(self._index, self._moods, ordinals)
        return add_up(brief, candidates, stages, self._learnt.weights)

    def answer_chance(self, brief: ReadBrief, scores: Scores) -> float:
        """The probability that a brief is a scene which the library has music for, 0 to 1.

        Args:
            brief: As it was read.
            scores: Of its candidates.

        Returns:
            0 without candidates.
        """
        if not len(scores.order):
            return 0.0
        chance = self._learnt.answerable.chance(self.measures(brief, scores))
        # What the embedder cannot read has vectors all the same, and they say nothing.
        return chance if brief.foreign is None else chance * (1.0 - brief.foreign.probability)

    def measures(self, brief: ReadBrief, scores: Scores) -> dict[str, float]:
        """What `answer_chance` goes by; there must be a candidate."""
        candidates, best = scores.candidates, scores.order[0]
        similarity = brief.weights @ (brief.vectors @ candidates.vectors.T)
        facts = FactStage().score(brief, candidates)[best]
        return answer_measures(
            brief.weights @ brief.mood_scores,
            strangeness=float(brief.weights @ brief.strangeness),
            mood_value=float(mood_values(brief.mood, candidates.mood_log_chances)[best]),
            likeness=float(similarity.max()),
            facts=float(facts),
        )

    def _candidates(
        self,
        brief: ReadBrief,
        stages: Sequence[Stage],
        *,
        allowed: set[UUID] | None,
        top_k: int,
    ) -> NDArray[np.intp]:
        """Ordinals of the tracks to look at closely, rising."""
        everywhere = np.arange(len(self._index.track_ids))
        if allowed is not None:
            everywhere = self._index.track_ids.ordinals_of(allowed)
        wanted = CANDIDATES_PER_HIT * top_k
        if len(everywhere) <= max(ALL_LOOKED_AT, wanted):
            return everywhere
        searching = [stage for stage in stages if stage.name in SEARCH_ALL]
        measured = Candidates(self._index, self._moods, everywhere)
        _, values = points_of(brief, measured, searching, self._learnt.weights)
        by_measure = everywhere[np.argpartition(-values, wanted)[:wanted]]
        _, rows = self._index.search(brief.vectors, top_k=wanted, allowed_tracks=allowed)
        return np.union1d(by_measure, self._index.rows["track"][rows.ravel()])

    @contextmanager
    def _step(self, name: str) -> Iterator[None]:
        began = time.perf_counter()
        yield
        self.on_step(name, time.perf_counter() - began)

    def _vectors_of(self, ordinal: int) -> NDArray[np.float32]:
        return self._index.vectors(np.flatnonzero(self._index.rows["track"] == ordinal))


def _say_nothing(_step: str, _seconds: float) -> None:
    pass
