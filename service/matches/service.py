"""What is answered to a brief."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, Final

from indexer.catalogue.briefs import AskedBrief
from indexer.catalogue.models import new_id, utc_now
from indexer.fallback import is_wanted, linked
from indexer.matching.explain import WindowWish

if TYPE_CHECKING:
    from indexer.matching.results import MatchResult
    from service.briefs.history import BriefHistory
    from service.generations.service import GenerationService
    from service.matches.schemas import MatchRequest
    from service.serving import Serving

AT_ONCE: Final = os.cpu_count() or 1
"""Matches that are computed at the same time; more would only take the cores from each other. With
16 clients on two cores, a sixth more are answered in a second."""


class MatchService:
    """Answers briefs from one library.

    Args:
        serving: The library.
        history: Remembers what was asked.
        generations: Makes music when nothing fits.
    """

    def __init__(
        self, serving: Serving, history: BriefHistory, generations: GenerationService
    ) -> None:
        self._serving = serving
        self._history = history
        self._generations = generations
        self._turns = threading.BoundedSemaphore(AT_ONCE)

    def match(self, asked: MatchRequest, *, key: str | None = None) -> MatchResult:
        """The tracks that fit a brief; remembers it unless it is not to be.

        Args:
            asked: The brief.
            key: The client's idempotency key, for the music that is made.

        Returns:
            The tracks, best first; and the music that is made for the brief, if it is to be.

        Raises:
            BriefError: If there is no caption, or too many or too long ones.
            FilterError: If the filter cannot be read.
            NothingIndexedError: If the library holds no track.
            QueueLimitError: If music is to be made and too many jobs wait.
        """
        with self._turns:
            result = self._serving.matcher().match(
                asked.captions,
                weights=asked.weights,
                filter_expression=asked.filter,
                negatives=asked.negatives,
                unlike=asked.unlike,
                wish=WindowWish(length_seconds=asked.length_seconds, arc=asked.arc),
                top_k=asked.top_k,
                without=[] if asked.use_feedback else ["feedback"],
            )
        self._serving.on_match(result.decision)
        if asked.remember:
            self._history.remember(_as_asked(asked, result))
        if not is_wanted(asked.fallback, result):
            return result
        job = self._generations.stand_in(
            asked.captions, result.reading, seconds=asked.length_seconds, key=key
        )
        return linked(result, job)


def _as_asked(asked: MatchRequest, result: MatchResult) -> AskedBrief:
    return AskedBrief(
        id=new_id(),
        asked_at=utc_now(),
        captions=asked.captions,
        filter=asked.filter,
        negatives=asked.negatives,
        length_seconds=asked.length_seconds,
        arc=asked.arc,
        decision=result.decision,
        confidence=result.confidence,
        track_ids=[hit.track.id for hit in result.hits],
    )
