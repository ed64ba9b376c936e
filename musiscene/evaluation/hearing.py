"""Hearing, judged: does a model say what is in this track more than what is in another?

Three figures stand side by side: the facts that a model names against the truth of the track it
heard, the same words against other tracks, and what it says when it hears nothing. Words that suit
any track gain nothing over the last two, however often they are right. Texts are also looked up:
each looks for the description of its own passage among those of all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec
import numpy as np

from musiscene.evaluation.heard import SCENES
from musiscene.evaluation.named import FACETS, facet_of, named_in
from musiscene.evaluation.systems import other_rows
from musiscene.metrics.bootstrap import Interval, bootstrap_difference, bootstrap_mean
from musiscene.metrics.diversity import Diversity, diversity
from musiscene.metrics.identification import Identification, chance, identification, own_ranks

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from musiscene.embed import TextEmbedder
    from musiscene.evaluation.heard import Passage, Said

SHUFFLES: Final = 3
FEWEST_TRACKS: Final = 2
ALL_FACETS: Final = "all"
MEASURED: Final = "measured"
LABELS: Final = "labels"


class Truth(msgspec.Struct, frozen=True, kw_only=True):
    """What is true of each track."""

    name: str
    """`measured` or `labels`."""
    facts: tuple[frozenset[str], ...]
    """As `named_in` spells them, for each track; a facet without facts is not known of it."""
    values: frozenset[str] | None = None
    """Facts that can be right or wrong; None for all of the facets that are known."""


class FactScore(msgspec.Struct, frozen=True, kw_only=True):
    """How well the facts that texts name fit the tracks; means over the tracks."""

    truth: str
    """Name of the truth."""
    facet: str
    """One of `FACETS`, or `all`."""
    tracks: int
    """Of which the truth knows it."""
    precision: float
    """Share of the facts named that are true; 0 where none is named."""
    recall: float
    """Share of the true facts that are named."""
    f1: Interval
    """Harmonic mean of both on each track."""
    of_others: float
    """F1 of the texts about other tracks, over three such moves."""
    gap: Interval
    """F1 less `of_others`, tracks drawn in pairs."""
    of_nothing: float
    """F1 of what is said where nothing is heard."""
    gap_to_nothing: Interval
    """F1 less `of_nothing`, tracks drawn in pairs."""


class HearingScore(msgspec.Struct, frozen=True, kw_only=True):
    """All figures of one kind of texts."""

    name: str
    """One of `SAYINGS`, or a name given."""
    facts: tuple[FactScore, ...]
    """For each truth `all` first, then each facet that the truth knows."""
    identification: Identification
    """Description of the own passage among those of all, by the text embedder."""
    reciprocal_rank: Interval
    """Of the own description."""
    ranks: tuple[float, ...]
    """Of the own description, for each track."""
    agreement: Interval
    """Cosine with the own description less that with other tracks', drawn in pairs."""
    diversity: Diversity
    """Of the texts."""


class HearingReport(msgspec.Struct, frozen=True, kw_only=True):
    """What a model says of a library, judged."""

    model: str
    """Its version."""
    embedder: str
    """Version of the text embedder that identifies."""
    seed: int
    """Of the moves and the intervals."""
    tracks: tuple[str, ...]
    """Names, in the order of the ranks."""
    chance: Identification
    """What texts that know nothing reach."""
    scores: tuple[HearingScore, ...]
    """Of each kind of texts."""


def truth_of_measurements(passages: Sequence[Passage]) -> Truth:
    """What was measured in each passage.

    Args:
        passages: Each with its measurements in words.

    Returns:
        The facts that those words name.
    """
    return Truth(name=MEASURED, facts=tuple(named_in(passage.measured) for passage in passages))


def truth_of_labels(labels: Mapping[str, str], passages: Sequence[Passage]) -> Truth:
    """What people or makers say of each track.

    Args:
        labels: Name of a track -> its labels in words; tracks without any are not judged.
        passages: Of the tracks.

    Returns:
        The facts that those words name. Facts that no track is labelled with can be neither right
        nor wrong: labels of two genres say nothing of a third.
    """
    facts = tuple(named_in(labels.get(passage.name, "")) for passage in passages)
    return Truth(name=LABELS, facts=facts, values=frozenset().union(*facts))


def judge_hearing(
    passages: Sequence[Passage],
    said: Said,
    truths: Sequence[Truth],
    embedder: TextEmbedder,
    *,
    seed: int = 0,
) -> HearingReport:
    """Judge what a model says of passages.

    Args:
        passages: At least two.
        said: About them, in their order.
        truths: What is true of them; scenes are judged by their moods alone, since a scene should
            name neither instruments nor tempo.
        embedder: Identifies.
        seed: Of the moves and the intervals.

    Returns:
        The report.

    Raises:
        ValueError: If there are fewer than two passages.
    """
    moves = [other_rows(len(passages), seed=seed + move) for move in range(SHUFFLES)]
    references = embedder.encode([passage.measured for passage in passages])
    scores = []
    for name, texts in said.texts.items():
        facets = ("mood",) if name == SCENES else FACETS
        facts = [
            score
            for truth in truths
            for score in _fact_scores(texts, said.of_nothing[name], truth, facets, moves, seed)
        ]
        similarity = embedder.encode(list(texts)) @ references.T
        ranks = own_ranks(similarity)
        own = np.diagonal(similarity).astype(np.float64)
        others = np.mean([similarity[move, range(len(move))] for move in moves], axis=0)
        scores.append(
            HearingScore(
                name=name,
                facts=tuple(facts),
                identification=identification(ranks),
                reciprocal_rank=bootstrap_mean(1.0 / ranks, seed=seed),
                ranks=tuple(ranks.tolist()),
                agreement=bootstrap_difference(own, others.astype(np.float64), seed=seed),
                diversity=diversity(texts),
            )
        )
    return HearingReport(
        model=said.version,
        embedder=embedder.version,
        seed=seed,
        tracks=tuple(passage.name for passage in passages),
        chance=chance(len(passages)),
        scores=tuple(scores),
    )


def in_words(report: HearingReport) -> list[str]:
    """Say of which texts it is shown that they come from what was heard.

    Args:
        report: Of a model.

    Returns:
        A sentence for each kind of texts and truth.
    """
    sentences = []
    for score in report.scores:
        for fact in score.facts:
            if fact.facet != ALL_FACETS:
                continue
            gaps = {"other tracks": fact.gap, "nothing": fact.gap_to_nothing}
            beaten = [name for name, gap in gaps.items() if gap.low > 0]
            open_ones = [name for name in gaps if name not in beaten]
            verdict = f"is better than {' and '.join(beaten)}" if beaten else ""
            if open_ones:
                joint = ", but " if beaten else ""
                verdict += f"{joint}is not shown to be better than {' or '.join(open_ones)}"
            sentences.append(f"{score.name}, against what is {_KNOWN[fact.truth]}, {verdict}.")
    return sentences


def _fact_scores(
    texts: Sequence[str],
    of_nothing: str,
    truth: Truth,
    facets: Sequence[str],
    moves: Sequence[Sequence[int]],
    seed: int,
) -> list[FactScore]:
    named = [named_in(text) for text in texts]
    nothing = [named_in(of_nothing)] * len(named)
    # One facet alone is the same as all.
    wanted = [ALL_FACETS, *facets] if len(facets) > 1 else [ALL_FACETS]
    scores = []
    for facet in wanted:
        looked_at = facets if facet == ALL_FACETS else (facet,)
        own = _by_track(named, truth, looked_at)
        known = ~np.isnan(own[:, 2])
        if known.sum() < FEWEST_TRACKS:
            continue
        others = np.mean(
            [_by_track([named[other] for other in move], truth, looked_at) for move in moves],
            axis=0,
        )[known, 2]
        nothings = _by_track(nothing, truth, looked_at)[known, 2]
        precision, recall, f1 = own[known].T
        scores.append(
            FactScore(
                truth=truth.name,
                facet=facet,
                tracks=int(known.sum()),
                precision=float(precision.mean()),
                recall=float(recall.mean()),
                f1=bootstrap_mean(f1, seed=seed),
                of_others=float(others.mean()),
                gap=bootstrap_difference(f1, others, seed=seed),
                of_nothing=float(nothings.mean()),
                gap_to_nothing=bootstrap_difference(f1, nothings, seed=seed),
            )
        )
    return scores


def _by_track(
    named: Sequence[frozenset[str]], truth: Truth, facets: Sequence[str]
) -> NDArray[np.float64]:
    """Precision, recall and F1 of each track, shape (tracks, 3); NaN where nothing is known."""
    rows = []
    for facts, true in zip(named, truth.facts, strict=True):
        wanted = {fact for fact in true if facet_of(fact) in facets}
        known = {facet_of(fact) for fact in wanted}
        given = {fact for fact in facts if facet_of(fact) in known}
        if truth.values is not None:
            given &= truth.values
        right = len(given & wanted)
        rows.append(
            (
                right / max(1, len(given)),
                right / len(wanted),
                2.0 * right / (len(given) + len(wanted)),
            )
            if wanted
            else (np.nan,) * 3
        )
    return np.array(rows, dtype=np.float64)


_KNOWN: Final = {MEASURED: "measured", LABELS: "labelled"}
