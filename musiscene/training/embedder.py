"""Tunes the text embedder on pairs of scene and music, and exports the change.

Each scene is told from the others of its batch by its music, and each music by its scene. What
learns is a low-rank change of every linear layer of the encoder, with norms and biases; the word
vectors stay, so that words which no pair holds keep their meaning.

Source: van den Oord et al. 2018, arXiv:1807.03748, equation 4 (the loss); Radford et al. 2021,
arXiv:2103.00020, section 2.3 (in both directions); Hu et al. 2021, arXiv:2106.09685 (LoRA).
"""

from __future__ import annotations

import random
import time
import warnings
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import torch

from musiscene.metrics.identification import identification, own_ranks, percentiles_within
from musiscene.training.optimiser import make_optimiser
from musiscene.training.pairs import drawn_batches, drawn_pair, plain_pair
from musiscene.training.run_folder import Place
from musiscene.training.schedule import learning_rate

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sentence_transformers import SentenceTransformer

    from musiscene.data.rows import SceneExample
    from musiscene.progress import ProgressReport
    from musiscene.training.embedder_recipe import EmbedderRecipe
    from musiscene.training.pairs import Pair
    from musiscene.training.run_folder import RunFolder

LINEAR_LAYERS = ("query", "key", "value", "dense")
TEXTS_AT_ONCE = 32
"""Of one forward pass; texts of like length go together, so little is computed on padding."""


class EmbedderResult(msgspec.Struct, frozen=True, kw_only=True):
    """How a tuning went."""

    updates: int
    """Done in all, those of earlier sessions included."""
    recall_at_10: float
    """Share of validation scenes whose own music is among the first ten, at the best look."""
    within_annotator: float
    """Mean percentile rank among music of the same annotator at the best look; 0 is best."""
    seconds: float
    """Of this session."""


class Retrieval(msgspec.Struct, frozen=True, kw_only=True):
    """How well scenes find their own music, and the other way round."""

    rows: int
    """Pairs to choose from."""
    recall_at_1: float
    """Of scenes."""
    recall_at_10: float
    """Of scenes."""
    median_rank: float
    """Of scenes."""
    music_recall_at_10: float
    """Of music that looks for its scene."""
    within_annotator: float
    """Mean percentile rank of the own music among that of the same annotator; 0.5 is chance."""


def tune(
    recipe: EmbedderRecipe,
    model: SentenceTransformer,
    examples: Sequence[SceneExample],
    validation: Sequence[SceneExample],
    run: RunFolder,
    report: ProgressReport,
) -> EmbedderResult:
    """Tune an embedder, from the beginning or from where the run was left.

    Args:
        recipe: What to do.
        model: With a fresh change attached, see `attach`.
        examples: To learn.
        validation: Never learnt; looked at after each epoch.
        run: Keeps state, metrics and the weights of the best look.
        report: Told about the updates.

    Returns:
        How it went.
    """
    trained = {name: p for name, p in model.named_parameters() if p.requires_grad}
    optimiser = make_optimiser(trained.items(), weight_decay=recipe.weight_decay)
    place = run.load_state(trained, optimiser)
    total = sum(len(_batches(recipe, examples, epoch)) for epoch in range(recipe.epochs))
    started, first = time.monotonic(), place.update
    for update, epoch, pairs, is_last in _updates(recipe, examples, first=place.update):
        rate = learning_rate(
            update / total,
            peak=recipe.learning_rate,
            warmup_epochs=recipe.warmup_share,
            epochs=1.0 + 1.0 / total,
        )
        torch.manual_seed(recipe.seed * 1_000_003 + update)  # dropout, the same after a kill
        loss = _learn(model, pairs, optimiser, rate, recipe)
        speed = (update - first) / (time.monotonic() - started)
        run.note({
            "update": update, "epoch": epoch, "loss": round(loss, 5), "learning_rate": rate,
            "updates_per_second": round(speed, 3),
        })  # fmt: skip
        report("Tuning", update, total)
        place = msgspec.structs.replace(place, update=update)
        if is_last:
            place = _look(model, validation, run, trained, place)
            run.save_state(place, trained, optimiser)
            run.draw_curves()
    looks = [line for line in run.metrics() if "recall_at_10" in line]
    best = min(looks, key=lambda look: look["validation_loss"])
    return EmbedderResult(
        updates=place.update,
        recall_at_10=best["recall_at_10"],
        within_annotator=best["within_annotator"],
        seconds=round(time.monotonic() - started, 2),
    )


def attach(model: SentenceTransformer, recipe: EmbedderRecipe) -> None:
    """Give an embedder a fresh low-rank change, and freeze all else but norms and biases.

    Args:
        model: BERT's architecture; is changed.
        recipe: Rank, dropout and seed.
    """
    from peft import LoraConfig, inject_adapter_in_model

    model.requires_grad_(requires_grad=False)
    torch.manual_seed(recipe.seed)
    config = LoraConfig(
        r=recipe.rank,
        lora_alpha=recipe.rank,
        target_modules=[*LINEAR_LAYERS],
        exclude_modules=["pooler.dense"],  # no sentence vector goes through it
    )
    network: Any = model[0].model
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*is_gradient_checkpointing.*")
        inject_adapter_in_model(config, network)
    for name, parameter in network.named_parameters():
        if ".layer." in name and (name.endswith(".bias") or "LayerNorm" in name):
            parameter.requires_grad = True
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = recipe.dropout


def retrieval(model: SentenceTransformer, examples: Sequence[SceneExample]) -> Retrieval:
    """Let every scene look for its own music among all, and every music for its scene.

    Args:
        model: The embedder.
        examples: With scene and music.

    Returns:
        The figures.
    """
    return _retrieval(*_encode_plain(model, examples), [row.annotator for row in examples])


def contrastive_loss(
    scenes: torch.Tensor, music: torch.Tensor, is_same: torch.Tensor, *, scale: float
) -> torch.Tensor:
    """How badly pairs are told from the other pairs of their batch, in both directions.

    Args:
        scenes: Unit vectors, shape (pairs, dimension).
        music: Unit vectors of the same shape.
        is_same: Boolean, shape (pairs, pairs): pairs that are no mistake of each other although
            they are two, as their texts are the same. The diagonal is ignored.
        scale: Cosines are multiplied by it.

    Returns:
        The mean negative log-likelihood of the own partner.
    """
    own = torch.arange(len(scenes), device=scenes.device)
    is_other = is_same & (own[:, None] != own)
    logits = (scale * scenes @ music.T).masked_fill(is_other, -torch.inf)
    cross_entropy = torch.nn.functional.cross_entropy
    return (cross_entropy(logits, own) + cross_entropy(logits.T, own)) / 2


def _batches(
    recipe: EmbedderRecipe, examples: Sequence[SceneExample], epoch: int
) -> list[list[SceneExample]]:
    return drawn_batches(
        examples,
        rows=recipe.rows_per_batch,
        one_annotator=recipe.one_annotator,
        seed=recipe.seed,
        epoch=epoch,
    )


def _updates(
    recipe: EmbedderRecipe, examples: Sequence[SceneExample], *, first: int
) -> Iterator[tuple[int, int, list[Pair], bool]]:
    # Number of the update from 1, epoch, its pairs, whether the epoch ends with it: after `first`.
    update = 0
    for epoch in range(recipe.epochs):
        batches = _batches(recipe, examples, epoch)
        for number, batch in enumerate(batches, start=1):
            update += 1
            if update > first:
                chance = random.Random(f"views {recipe.seed} {update}")  # noqa: S311 - no secret
                pairs = [drawn_pair(row, chance, bare_scenes=recipe.bare_scenes) for row in batch]
                yield update, epoch, pairs, number == len(batches)


def _learn(
    model: SentenceTransformer,
    pairs: Sequence[Pair],
    optimiser: torch.optim.Optimizer,
    rate: float,
    recipe: EmbedderRecipe,
) -> float:
    model.train()
    parameters = [p for group in optimiser.param_groups for p in group["params"]]
    with torch.autocast(model.device.type, torch.bfloat16, enabled=recipe.precision == "bfloat16"):
        vectors = _encode(model, [text for pair in pairs for text in pair])
    loss = contrastive_loss(
        vectors[0::2],
        vectors[1::2],
        torch.tensor([[one.scene == other.scene for other in pairs] for one in pairs]).to(
            vectors.device
        ),
        scale=recipe.scale,
    )
    optimiser.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    torch.nn.utils.clip_grad_norm_(parameters, 1.0)
    for group in optimiser.param_groups:
        group["lr"] = rate
    optimiser.step()
    return float(loss.detach())


def _encode(model: SentenceTransformer, texts: Sequence[str]) -> torch.Tensor:
    """Unit vectors with gradients, float32, shape (texts, dimension)."""
    tokenizer: Any = model.tokenizer
    lengths = [len(text) for text in texts]
    order = sorted(range(len(texts)), key=lengths.__getitem__)
    pieces = []
    for start in range(0, len(order), TEXTS_AT_ONCE):
        tokens = tokenizer(
            [texts[place] for place in order[start : start + TEXTS_AT_ONCE]],
            padding=True,
            truncation=True,
            max_length=model.max_seq_length,
            return_tensors="pt",
        )
        features = model({name: tensor.to(model.device) for name, tensor in tokens.items()})
        pieces.append(features["sentence_embedding"].float())
    vectors = torch.cat(pieces)[torch.argsort(torch.tensor(order))]
    return torch.nn.functional.normalize(vectors, dim=-1)


def _encode_plain(
    model: SentenceTransformer, examples: Sequence[SceneExample]
) -> tuple[torch.Tensor, torch.Tensor]:
    pairs = [plain_pair(row) for row in examples]
    model.eval()
    with torch.inference_mode():
        vectors = _encode(model, [text for pair in pairs for text in pair]).cpu()
    return vectors[0::2], vectors[1::2]


def _retrieval(scenes: torch.Tensor, music: torch.Tensor, annotators: Sequence[str]) -> Retrieval:
    similarity = (scenes @ music.T).numpy()
    found = identification(own_ranks(similarity))
    within = percentiles_within(similarity, annotators)
    return Retrieval(
        rows=found.rows,
        recall_at_1=found.recall_at_1,
        recall_at_10=found.recall_at_10,
        median_rank=found.median_rank,
        music_recall_at_10=identification(own_ranks(similarity.T)).recall_at_10,
        within_annotator=0.5 if np.isnan(within).all() else float(np.nanmean(within)),
    )


def _look(
    model: SentenceTransformer,
    validation: Sequence[SceneExample],
    run: RunFolder,
    trained: dict[str, torch.nn.Parameter],
    place: Place,
) -> Place:
    """Measure on the validation rows, and keep the weights if their loss is the lowest."""
    scenes, music = _encode_plain(model, validation)
    texts = [plain_pair(row).scene for row in validation]
    is_same = torch.tensor([[one == other for other in texts] for one in texts])
    loss = float(contrastive_loss(scenes, music, is_same, scale=20.0))
    figures = _retrieval(scenes, music, [row.annotator for row in validation])
    run.note({
        "update": place.update, "validation_loss": round(loss, 5),
        **{name: round(value, 5) for name, value in msgspec.structs.asdict(figures).items()},
    })  # fmt: skip
    if place.best_loss is None or loss < place.best_loss:
        run.save_best(trained, loss)
        return Place(update=place.update, best_loss=loss)
    return msgspec.structs.replace(place, looks_since_best=place.looks_since_best + 1)
