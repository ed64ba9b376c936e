"""The stages of the matcher: each holds a brief against tracks in one way, and says why.

A stage gives every candidate a value on its own scale, 0 where it knows nothing. What the values
are worth beside each other is learnt (`indexer/matching/fusion.py`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

import numpy as np

from indexer.matching.facts import fact_values
from indexer.matching.places import LARGEST
from musiscene.scene_reader import IMAGINED_TAGS, MOOD_NAMES, MOODS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from uuid import UUID

    from numpy.typing import NDArray

    from indexer.matching.brief import ReadBrief
    from indexer.matching.candidates import Candidates
    from indexer.taste import Taste

MOOD_REACH: Final = 4.0
"""Log-odds beyond which a track's mood is no better or worse: its place is not known so well."""
SHOWN_MOODS: Final = 2
SHOWN_TAGS: Final = 3
RULED_OUT: Final = -10.0
"""Outweighs all that speaks for a track that was rejected for the very same brief, or that the
answer must not be like."""
NEAR_DUPLICATE: Final = 0.6
"""Likeness from which a track is like one that is not wanted."""
SHOWN_SHARE: Final = 0.5
"""Of what speaks most against a track; what speaks less is not said."""


class Stage(Protocol):
    """One way of holding a brief against tracks."""

    name: str

    def score(self, brief: ReadBrief, candidates: Candidates) -> NDArray[np.float32]:
        """What each candidate is worth, float32, shape (tracks,)."""

    def reason(
        self,
        brief: ReadBrief,
        candidates: Candidates,
        position: int,
        captions: Mapping[int, str],
    ) -> str:
        """What the value of one candidate goes by, for a person.

        Args:
            brief: As it was read.
            candidates: The tracks.
            position: Of the track among them.
            captions: Texts of the track's captions, by their ids.

        Returns:
            A sentence or a few words; empty where there is nothing to say.
        """


class CaptionStage:
    """Likeness of the brief to a track's nearest caption of one kind.

    Args:
        kind: `music` or `scene`.
    """

    def __init__(self, kind: str) -> None:
        self.name = kind

    def score(self, brief: ReadBrief, candidates: Candidates) -> NDArray[np.float32]:
        """Cosine with the nearest caption, averaged over the brief, shape (tracks,)."""
        positions = candidates.of_kind(self.name)
        similarity = brief.vectors @ candidates.vectors[positions].T
        value: NDArray[np.float32] = brief.weights @ candidates.fold(similarity, positions)
        return value

    def reason(
        self,
        brief: ReadBrief,
        candidates: Candidates,
        position: int,
        captions: Mapping[int, str],
    ) -> str:
        """The caption that is nearest to the brief as a whole."""
        nearest = nearest_row(brief, candidates, position, self.name)
        return (
            "" if nearest is None else captions.get(int(candidates.entries["caption"][nearest]), "")
        )


def nearest_row(brief: ReadBrief, candidates: Candidates, position: int, kind: str) -> int | None:
    """The caption of a track that is nearest to a brief.

    Args:
        brief: As it was read.
        candidates: The tracks.
        position: Of the track among them.
        kind: Of the caption.

    Returns:
        Its position in `candidates.rows`; None if the track has none of this kind.
    """
    positions = candidates.of_kind(kind)
    own = positions[candidates.track_of_row[positions] == position]
    if not len(own):
        return None
    similarity = brief.weights @ (brief.vectors @ candidates.vectors[own].T)
    return int(own[similarity.argmax()])


class MoodStage:
    """Whether a track has the moods that the brief calls for, beside the library's other tracks.

    The mean, over the moods that each scene of the brief calls for, of their log-odds in the track.
    """

    name = "mood"

    def score(self, brief: ReadBrief, candidates: Candidates) -> NDArray[np.float32]:
        """Mean log-odds over those of an unknown track, -1 to 1, shape (tracks,)."""
        return mood_values(brief.mood, candidates.mood_log_chances)

    def reason(
        self,
        brief: ReadBrief,
        candidates: Candidates,
        position: int,
        captions: Mapping[int, str],  # noqa: ARG002  part of the protocol
    ) -> str:
        """The moods of both."""
        called = ", ".join(strongest_moods(brief.mood))
        heard = ", ".join(strongest_moods(np.exp(candidates.mood_log_chances[position])))
        return f"the brief calls for {called}; the music has {heard}"


def mood_values(
    wanted: NDArray[np.float32], log_chances: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Hold moods that are called for against those of tracks.

    Args:
        wanted: Probabilities, shape (moods,).
        log_chances: Log-probabilities, shape (tracks, moods).

    Returns:
        Expected log-odds over an even chance, as a share of `MOOD_REACH`, -1 to 1, shape (tracks,);
        the less the further the call is spread, down to 0 where it calls for every mood alike.
    """
    chosen = np.maximum(wanted, np.float32(1e-9))
    clarity = 1.0 + float(chosen @ np.log(chosen)) / np.log(len(MOODS))
    expected = clarity * ((log_chances + np.log(len(MOODS))) @ wanted)
    values: NDArray[np.float32] = np.clip(expected / MOOD_REACH, -1.0, 1.0).astype(np.float32)
    return values


def strongest_moods(chances: NDArray[np.float32], count: int = SHOWN_MOODS) -> list[str]:
    """Names of the most probable moods, strongest first."""
    return [MOOD_NAMES[number] for number in np.argsort(-chances)[:count]]


class ImaginedStage:
    """Whether a track sounds like the music that is imagined for the brief.

    What stands out in that music (`slow`, `strings`) is held against what stands out in the track
    beside the library's other tracks.
    """

    name = "imagined"

    def score(self, brief: ReadBrief, candidates: Candidates) -> NDArray[np.float32]:
        """Mean product of the standard scores over the tags, shape (tracks,)."""
        values = candidates.contrasts @ _contrast(brief) / np.float32(len(IMAGINED_TAGS))
        return values.astype(np.float32)

    def reason(
        self,
        brief: ReadBrief,
        candidates: Candidates,
        position: int,
        captions: Mapping[int, str],  # noqa: ARG002  part of the protocol
    ) -> str:
        """The tags that speak most for the track and against it."""
        heard, called = candidates.contrasts[position], _contrast(brief)
        products = heard * called
        strongest = np.argsort(-products)[:SHOWN_TAGS]
        both = [IMAGINED_TAGS[tag] for tag in strongest if heard[tag] > 0 and called[tag] > 0]
        neither = [IMAGINED_TAGS[tag] for tag in strongest if heard[tag] < 0 and called[tag] < 0]
        worst = int(products.argmin())
        said = f"the music imagined for it: {', '.join(imagined_tags(brief))}"
        said += f"; both have {', '.join(both)}" if both else ""
        said += f"; neither has much {', '.join(neither)}" if neither else ""
        return said + (f"; unlike in {IMAGINED_TAGS[worst]}" if products[worst] < 0 else "")


def imagined_tags(brief: ReadBrief, count: int = SHOWN_TAGS) -> list[str]:
    """What stands out most in the music that is imagined for a brief, strongest first."""
    return [IMAGINED_TAGS[tag] for tag in np.argsort(-brief.music)[:count]]


def _contrast(brief: ReadBrief) -> NDArray[np.float32]:
    scores = brief.music.clip(-LARGEST, LARGEST)
    centred: NDArray[np.float32] = scores - scores.mean()
    return centred


class FactStage:
    """Whether what the brief says of the music in so many words is true of a track."""

    name = "facts"

    def score(self, brief: ReadBrief, candidates: Candidates) -> NDArray[np.float32]:
        """Mean agreement over the wishes, -1 to 1, shape (tracks,)."""
        if not brief.wishes:
            return np.zeros(len(candidates), dtype=np.float32)
        values: NDArray[np.float32] = np.mean(
            [fact_values(wish, candidates) for wish in brief.wishes], axis=0, dtype=np.float32
        )
        return values

    def reason(
        self,
        brief: ReadBrief,
        candidates: Candidates,
        position: int,
        captions: Mapping[int, str],  # noqa: ARG002  part of the protocol
    ) -> str:
        """Which of them are true."""
        values = {wish.said: fact_values(wish, candidates)[position] > 0 for wish in brief.wishes}
        parts = [
            f"{what}: {', '.join(said for said, agrees in values.items() if agrees == is_true)}"
            for what, is_true in (("agrees", True), ("disagrees", False))
            if is_true in values.values()
        ]
        return "; ".join(parts)


class UnwantedStage:
    """Whether a track is what is not wanted.

    Named things (`drums`, `nothing sad`) are held against what was measured; other texts and tracks
    that the answer must not be like, against the captions.

    Args:
        ordinal_of: Track's id -> its ordinal in the index; None for one that is not there.
        vectors_of: A track's ordinal -> the vectors of its captions.
    """

    name = "unwanted"

    def __init__(
        self,
        ordinal_of: Callable[[UUID], int | None],
        vectors_of: Callable[[int], NDArray[np.float32]],
    ) -> None:
        self._ordinal_of = ordinal_of
        self._vectors_of = vectors_of

    def score(self, brief: ReadBrief, candidates: Candidates) -> NDArray[np.float32]:
        """How much speaks against each track, -1 to 0, or `RULED_OUT`, shape (tracks,)."""
        parts = [np.zeros(len(candidates), dtype=np.float32)]
        parts += [np.minimum(fact_values(wish, candidates), 0.0) for wish in brief.unwanted]
        everywhere = np.arange(len(candidates.rows))
        if len(brief.unwanted_vectors):
            similarity = np.maximum(brief.unwanted_vectors @ candidates.vectors.T, 0.0)
            parts += list(-candidates.fold(similarity, everywhere))
        for track_id in brief.unlike:
            ordinal = self._ordinal_of(track_id)
            if ordinal is not None:
                similarity = self._vectors_of(ordinal) @ candidates.vectors.T
                likeness = _above_floor(candidates.fold(similarity, everywhere))
                parts.append(np.where(candidates.ordinals == ordinal, RULED_OUT, -likeness))
        worst: NDArray[np.float32] = np.min(parts, axis=0).astype(np.float32)
        return worst

    def reason(
        self,
        brief: ReadBrief,
        candidates: Candidates,
        position: int,
        captions: Mapping[int, str],  # noqa: ARG002  part of the protocol
    ) -> str:
        """What of it speaks most against the track."""
        against = {
            wish.text: -float(fact_values(wish, candidates)[position]) for wish in brief.unwanted
        }
        own = candidates.vectors[candidates.track_of_row == position]
        near = (brief.unwanted_vectors @ own.T).max(axis=1, initial=0.0)
        for text, likeness in zip(brief.unwanted_texts, near.tolist(), strict=True):
            against[f"near to {text!r}"] = likeness
        for ordinal in map(self._ordinal_of, brief.unlike):
            if ordinal is None:
                continue
            if candidates.ordinals[position] == ordinal:
                return "is itself not wanted"
            nearest = (self._vectors_of(ordinal) @ own.T).max(axis=1, keepdims=True, initial=0.0)
            said = "near to a track that is not wanted"
            against[said] = max(against.get(said, 0.0), float(_above_floor(nearest)[0]))
        least = max(SHOWN_SHARE * max(against.values(), default=0.0), 1e-6)
        return "; ".join(said for said, value in against.items() if value >= least)


def _above_floor(similarity: NDArray[np.float32]) -> NDArray[np.float32]:
    """Mean likeness of the captions of a track, as a share of what is above a floor.

    Args:
        similarity: Of each of its captions with the nearest of other tracks, shape (captions,
            tracks).

    Returns:
        From 0 to 1, shape (tracks,).
    """
    likeness: NDArray[np.float32] = np.clip(
        (similarity.mean(axis=0) - NEAR_DUPLICATE) / (1.0 - NEAR_DUPLICATE), 0.0, 1.0
    )
    return likeness


class FeedbackStage:
    """What people said before about the track as the answer to this brief or a similar one.

    Args:
        taste: Of the library's people.
    """

    name = "feedback"

    def __init__(self, taste: Taste) -> None:
        self._taste = taste

    def score(self, brief: ReadBrief, candidates: Candidates) -> NDArray[np.float32]:
        """From -1 to 1, or `RULED_OUT` where this very brief was answered so, shape (tracks,)."""
        if not len(self._taste):
            return np.zeros(len(candidates), np.float32)  # the ids of a whole library cost time
        said = self._taste.adjust(
            brief.weighted_vectors, candidates.track_ids, brief="\n".join(brief.captions)
        )
        values: NDArray[np.float32] = np.where(said <= -1.0, np.float32(RULED_OUT), said)
        return values

    def reason(
        self,
        brief: ReadBrief,
        candidates: Candidates,
        position: int,
        captions: Mapping[int, str],  # noqa: ARG002  part of the protocol
    ) -> str:
        """The verdict that counts most."""
        said = self._taste.explain(
            brief.weighted_vectors,
            candidates.track_ids[position],
            brief="\n".join(brief.captions),
        )
        return said or ""
