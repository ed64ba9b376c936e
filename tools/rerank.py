"""What a language model would cost and gain that reads the first tracks of an answer again.

A track is worth more by how much likelier the brief becomes beside what is heard in the track than
beside nothing: the pointwise mutual information of brief and caption, in nats a token.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from indexer.matching.brief import read_brief
from indexer.matching.stages import nearest_row
from musiscene.checkpoints.store import ModelStore
from musiscene.metrics.bootstrap import bootstrap_difference

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from indexer.evaluation.briefs import JudgedBrief
    from indexer.library import Library
    from indexer.match import Matcher
    from musiscene.scene_reader import SceneReader

MODEL: Final = "smollm2-135m-instruct"
RERANKED: Final = 20
WEIGHTS: Final = (0.1, 0.3, 1.0, 3.0)
HEARD: Final = "Music: {caption}\nScene for this music: "
UNHEARD: Final = "Music: unknown.\nScene for this music: "
TOP: Final = 5
MAX_TOKENS: Final = 160


class Likelihoods:
    """How likely a causal language model finds a text after others.

    Args:
        folder: Of the model, as transformers wrote it.
    """

    def __init__(self, folder: Path) -> None:
        from transformers import AutoModelForCausalLM, AutoTokenizer
        from transformers.utils import logging

        untyped: Any = logging
        untyped.disable_progress_bar()
        self._tokenizer: Any = AutoTokenizer.from_pretrained(str(folder), local_files_only=True)
        self._model: Any = AutoModelForCausalLM.from_pretrained(str(folder), local_files_only=True)
        self._model.train(mode=False)

    def token_ids(self, text: str) -> list[int]:
        """Of a text, without what marks its beginning."""
        found: list[int] = self._tokenizer.encode(text, add_special_tokens=False)
        return found

    def after(self, contexts: Sequence[str], text: str) -> NDArray[np.float64]:
        """Mean log-likelihood of a text's tokens.

        Args:
            contexts: What it may stand behind.
            text: Its first `MAX_TOKENS` tokens are read.

        Returns:
            Nats a token, shape (contexts,).
        """
        import torch

        ids = self.token_ids(text)[:MAX_TOKENS]
        rows = [self.token_ids(context) + ids for context in contexts]
        longest = max(map(len, rows))
        # Padded on the left, so the text ends every row; masked, with positions of its own.
        padded = torch.tensor([[0] * (longest - len(row)) + row for row in rows])
        mask = torch.tensor([[0] * (longest - len(row)) + [1] * len(row) for row in rows])
        with torch.inference_mode():
            logits = self._model(
                input_ids=padded,
                attention_mask=mask,
                position_ids=(mask.cumsum(1) - 1).clamp(min=0),
                logits_to_keep=len(ids) + 1,
            ).logits[:, :-1]
        gains = torch.log_softmax(logits.float(), dim=-1)
        own = gains.gather(2, torch.tensor(ids).expand(len(rows), -1)[:, :, None])[:, :, 0]
        found: NDArray[np.float64] = own.mean(dim=1).double().numpy()
        return found


def measure_reranking(
    matcher: Matcher, library: Library, reader: SceneReader, briefs: Sequence[JudgedBrief]
) -> dict[str, object]:
    """Re-rank the first tracks of every brief, with several weights.

    Args:
        matcher: Over the library.
        library: Open.
        reader: For the briefs.
        briefs: With what they want.

    Returns:
        Name of a figure -> its value.
    """
    likelihoods = Likelihoods(ModelStore().folder(MODEL))
    tracks = library.catalogue.tracks(list(library.catalogue.track_ids()))
    captions = {caption.id: caption.text for track in tracks.values() for caption in track.captions}
    seconds, spreads = [], []
    ranked: dict[str, list[NDArray[np.bool_]]] = {}
    for judged in briefs:
        brief = read_brief([judged.text], embedder=library.embedder, scene_reader=reader)
        scores = matcher.score(brief, matcher.stages, top_k=len(tracks))
        first = [int(one) for one in scores.order[:RERANKED]]
        rows = [nearest_row(brief, scores.candidates, one, "music") for one in first]
        contexts = [
            UNHEARD
            if row is None
            else HEARD.format(caption=captions[int(scores.candidates.entries["caption"][row])])
            for row in rows
        ]
        started = time.perf_counter()
        found = likelihoods.after([*contexts, UNHEARD], judged.text)
        seconds.append(time.perf_counter() - started)
        information = found[:-1] - found[-1]
        spreads.append(information.std())
        plain = scores.total[first].astype(np.float64)
        wanted = np.array([one in judged.grades for one in scores.candidates.track_ids])
        rest = wanted[scores.order[RERANKED:]]
        points = {"plain order": plain, "by the language model alone": information}
        points |= {f"score + {weight} * information": plain + weight * information
                   for weight in WEIGHTS}  # fmt: skip
        for name, values in points.items():
            order = np.array(first)[np.argsort(-values, kind="stable")]
            ranked.setdefault(name, []).append(np.concatenate([wanted[order], rest]))
    return {
        f"{MODEL}: seconds to score {RERANKED} tracks, median (p95)": (
            f"{np.median(seconds):.2f} ({np.quantile(seconds, 0.95):.2f})"
        ),
        "deviation of information within a brief, nats a token": round(float(np.mean(spreads)), 4),
        **{name: _figures(own, ranked["plain order"]) for name, own in ranked.items()},
    }


def _figures(ranked: Sequence[NDArray[np.bool_]], plain: Sequence[NDArray[np.bool_]]) -> str:
    parts = []
    for label, metric in (("P@5", _precision), ("MRR", _reciprocal_rank)):
        own, before = (np.array([metric(one) for one in each]) for each in (ranked, plain))
        gain = bootstrap_difference(own, before)
        parts.append(
            f"{label} {own.mean():.3f} ({gain.mean:+.3f} [{gain.low:+.3f} {gain.high:+.3f}])"
        )
    return ", ".join(parts)


def _precision(wanted: NDArray[np.bool_]) -> float:
    return float(wanted[:TOP].mean())


def _reciprocal_rank(wanted: NDArray[np.bool_]) -> float:
    return 1.0 / (1.0 + float(wanted.argmax()))
