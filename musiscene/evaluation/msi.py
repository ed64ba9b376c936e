"""Music Scene Imagination, judged: is a text like its reference, and like its own one most?

Every figure stands beside the same figure for the same texts moved to other rows. Likeness that
survives the move is manner, not hearing; what counts is the gap, and whether its interval is clear
of zero.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec
import numpy as np

from musiscene.evaluation.named import named_in
from musiscene.evaluation.systems import (
    CONTROLS,
    Kind,
    System,
    other_rows,
)
from musiscene.metrics.bert_score import TokenEncoder, bert_score
from musiscene.metrics.bootstrap import Interval, bootstrap_difference, bootstrap_mean
from musiscene.metrics.captioning import (
    METEOR_FORM,
    character_bleu,
    corpus_bleu,
    meteor,
    rouge_l,
)
from musiscene.metrics.diversity import Diversity, diversity
from musiscene.metrics.identification import (
    Identification,
    chance,
    identification,
    own_ranks,
    percentiles_within,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from musiscene.data.rows import SceneExample
    from musiscene.embed import TextEmbedder
    from musiscene.progress import ProgressReport

SHUFFLES: Final = 3
OWN_SHUFFLED: Final = "its own texts shuffled"
RECALL_K: Final = 10
ROUNDING: Final = 1e-9
METRICS: Final = ("rouge_l", "meteor", "bert_score", "recall_at_10", "reciprocal_rank")
"""Those that every row has; more is better."""


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """A metric of a system, beside the same texts on other rows."""

    value: Interval
    """Mean over the rows."""
    shuffled: float
    """Mean with the texts moved to other rows, over three such moves."""
    gap: Interval
    """The value minus the shuffled one, rows drawn in pairs."""


class Truth(msgspec.Struct, frozen=True, kw_only=True):
    """How much of what texts name is said of the music: instruments, moods, genres, pace, voice."""

    precision: float
    """Share of what they name that the row's music text names too; 0 if they name nothing."""
    recall: float
    """Share of what the music texts name that they name too."""
    shuffled_precision: float
    """With the texts moved to other rows."""
    shuffled_recall: float
    """With the texts moved to other rows."""


class SystemReport(msgspec.Struct, frozen=True, kw_only=True):
    """All figures of a system."""

    name: str
    """As given."""
    kind: Kind
    """As given."""
    bleu: tuple[float, ...]
    """BLEU-1 to BLEU-4 of the corpus, over words."""
    metrics: dict[str, Measured]
    """`METRICS`; `rouge_l` and `bert_score` are F1."""
    mu_llama: dict[str, float]
    """`bleu` and `bleu_4` over characters, `rouge_l` and `bert_score` as recall, `meteor`."""
    identification: Identification
    """Own reference among all."""
    within_annotator: Interval | None
    """Mean percentile rank among the same annotator's references; None if none is named."""
    truth: Truth
    """Of what the texts name."""
    diversity: Diversity
    """Of the texts."""


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """A system against one of its controls by one metric."""

    system: str
    """Its name."""
    control: str
    """Name of the control, or `OWN_SHUFFLED`."""
    metric: str
    """One of `METRICS`."""
    difference: Interval
    """System minus control, rows drawn in pairs."""

    @property
    def is_beaten(self) -> bool:
        """Whether the whole interval is above zero, by more than rounding."""
        return self.difference.low > ROUNDING


class MsiReport(msgspec.Struct, frozen=True, kw_only=True):
    """Systems side by side."""

    rows: int
    """How many were judged: those with a reference."""
    embedder: str
    """Version of the text embedder that identifies."""
    bert_score_model: str
    """Whose vectors BERTScore matches."""
    meteor_form: str
    """Which of METEOR's stages take part."""
    seed: int
    """Of the shuffles and the intervals."""
    chance: Identification
    """What texts that know nothing reach."""
    systems: tuple[SystemReport, ...]
    """In the order given."""
    verdicts: tuple[Verdict, ...]
    """Every system against every control that was given, and against its own texts shuffled."""


class _Judged(NamedTuple):
    report: SystemReport
    per_row: dict[str, NDArray[np.float64]]


class MsiJudge:
    """Judges systems on the same rows.

    Args:
        examples: The rows, at least two, each with a reference.
        embedder: Identifies.
        token_encoder: For BERTScore.
        seed: Of the shuffles and the intervals.
    """

    def __init__(
        self,
        examples: Sequence[SceneExample],
        embedder: TextEmbedder,
        token_encoder: TokenEncoder,
        *,
        seed: int = 0,
    ) -> None:
        self._references = [example.scene for example in examples]
        self._annotators = [example.annotator for example in examples]
        self._embedder = embedder
        self._token_encoder = token_encoder
        self._seed = seed
        self._reference_vectors = embedder.encode(self._references)
        self._reference_tokens = [token_encoder.encode(text) for text in self._references]
        self._facts = [named_in(example.music_line) for example in examples]
        self._moves = [other_rows(len(examples), seed=seed + move) for move in range(SHUFFLES)]

    def judge(self, systems: Sequence[System], report: ProgressReport) -> MsiReport:
        """Judge systems and compare them with the controls among them.

        Args:
            systems: With a text for every row.
            report: Is told how many are done.

        Returns:
            The report.

        Raises:
            ValueError: If a system has another number of texts than there are rows.
        """
        judged = []
        for number, system in enumerate(systems):
            report("Judging", number, len(systems))
            judged.append(self._judge_one(system))
        report("Judging", len(systems), len(systems))
        return MsiReport(
            rows=len(self._references),
            embedder=self._embedder.version,
            bert_score_model=self._token_encoder.version,
            meteor_form=METEOR_FORM,
            seed=self._seed,
            chance=chance(len(self._references)),
            systems=tuple(one.report for one in judged),
            verdicts=tuple(self._verdicts(judged)),
        )

    def _judge_one(self, system: System) -> _Judged:
        texts = list(system.texts)
        token_vectors = {text: self._token_encoder.encode(text) for text in set(texts)}
        similarity = self._similarity(texts)
        tokens = [token_vectors[text] for text in texts]
        bert = bert_score(tokens, self._reference_tokens)
        ranks = own_ranks(similarity)
        meteors = meteor(texts, self._references)
        per_row = _by_metric(rouge_l(texts, self._references), meteors, bert.f1, ranks)
        moved = [
            _by_metric(
                rouge_l([texts[other] for other in move], self._references),
                meteor([texts[other] for other in move], self._references),
                bert_score([tokens[other] for other in move], self._reference_tokens).f1,
                own_ranks(similarity[move]),
            )
            for move in self._moves
        ]
        shuffled = {name: np.mean([one[name] for one in moved], axis=0) for name in METRICS}
        bleu, bleu_4 = character_bleu(texts, self._references)
        stemmed = rouge_l(texts, self._references, is_stemmed=True)
        report = SystemReport(
            name=system.name,
            kind=system.kind,
            bleu=corpus_bleu(texts, self._references),
            metrics={
                name: Measured(
                    value=bootstrap_mean(per_row[name], seed=self._seed),
                    shuffled=float(shuffled[name].mean()),
                    gap=bootstrap_difference(per_row[name], shuffled[name], seed=self._seed),
                )
                for name in METRICS
            },
            mu_llama={
                "bleu": float(bleu.mean()),
                "bleu_4": float(bleu_4.mean()),
                "meteor": float(meteors.mean()),
                "rouge_l": float(stemmed[:, 1].mean()),
                "bert_score": float(bert.recall.mean()),
            },
            identification=identification(ranks),
            within_annotator=self._within_annotator(similarity),
            truth=self._truth(texts),
            diversity=diversity(texts),
        )
        return _Judged(report, per_row)

    def _similarity(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Of each text with each reference; equal texts have equal rows."""
        unique = list(dict.fromkeys(texts))
        place = {text: row for row, text in enumerate(unique)}
        cosines = self._embedder.encode(unique) @ self._reference_vectors.T
        return cosines[[place[text] for text in texts]]

    def _truth(self, texts: Sequence[str]) -> Truth:
        named = [named_in(text) for text in texts]
        moved = [self._shares([named[other] for other in move]) for move in self._moves]
        precision, recall = self._shares(named)
        shuffled_precision, shuffled_recall = np.mean(moved, axis=0)
        return Truth(
            precision=precision,
            recall=recall,
            shuffled_precision=float(shuffled_precision),
            shuffled_recall=float(shuffled_recall),
        )

    def _shares(self, named: Sequence[frozenset[str]]) -> tuple[float, float]:
        """Precision and recall of what is named, over all rows together."""
        right = sum(len(said & true) for said, true in zip(named, self._facts, strict=True))
        said, true = sum(map(len, named)), sum(map(len, self._facts))
        return right / max(said, 1), right / max(true, 1)

    def _within_annotator(self, similarity: NDArray[np.float32]) -> Interval | None:
        percentiles = percentiles_within(similarity, self._annotators)
        known = percentiles[~np.isnan(percentiles)]
        return bootstrap_mean(known, seed=self._seed) if len(known) else None

    def _verdicts(self, judged: Sequence[_Judged]) -> list[Verdict]:
        controls = [one for one in judged if one.report.kind == "control"]
        verdicts = []
        for one in judged:
            name = one.report.name
            if one.report.kind in {"control", "ceiling"}:
                continue
            for metric in METRICS:
                gap = one.report.metrics[metric].gap
                verdicts.append(
                    Verdict(system=name, control=OWN_SHUFFLED, metric=metric, difference=gap)
                )
                verdicts += [
                    Verdict(
                        system=name,
                        control=control.report.name,
                        metric=metric,
                        difference=bootstrap_difference(
                            one.per_row[metric], control.per_row[metric], seed=self._seed
                        ),
                    )
                    for control in controls
                ]
        return verdicts


def in_words(verdicts: Sequence[Verdict]) -> list[str]:
    """Say which systems do not beat which controls.

    Args:
        verdicts: From a report.

    Returns:
        A sentence for each system.
    """
    sentences = []
    for system in dict.fromkeys(verdict.system for verdict in verdicts):
        failed: dict[str, list[str]] = {}
        for verdict in verdicts:
            if verdict.system == system and not verdict.is_beaten:
                interval = verdict.difference
                failed.setdefault(verdict.control, []).append(
                    f"{verdict.metric} ({interval.low:+.3f} to {interval.high:+.3f})"
                )
        if not failed:
            sentences.append(f"{system} beats every control by every metric.")
        sentences += [
            f"{system} does not beat {control} by {', '.join(failed[control])}."
            for control in (OWN_SHUFFLED, *CONTROLS)
            if control in failed
        ]
    return sentences


def _by_metric(
    rouge: NDArray[np.float64],
    meteors: NDArray[np.float64],
    bert_f1: NDArray[np.float64],
    ranks: NDArray[np.float64],
) -> dict[str, NDArray[np.float64]]:
    found = (ranks <= RECALL_K).astype(np.float64)
    return dict(zip(METRICS, (rouge[:, 2], meteors, bert_f1, found, 1.0 / ranks), strict=True))
