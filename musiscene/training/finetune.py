"""The training loop: batches of lessons, a loss over the answers, updates that can be interrupted.

Read `finetune` from top to bottom.

Source: Liu et al. 2023, MU-LLaMA, arXiv:2308.11276 (phases, optimiser, schedule). Unlike there, an
update's loss is the mean over all its answers' tokens whatever the batches were, so accumulation
changes nothing but memory; rows left over at the end of an epoch count; the schedule is set for
every update.
"""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
import torch

from musiscene.training.lessons import batch_rows, encode_epoch
from musiscene.training.losses import batch_loss, both_terms, learnt_tokens, pair_rows
from musiscene.training.optimiser import make_optimiser
from musiscene.training.processes import add_up, add_up_gradients, open_processes, share_out
from musiscene.training.run_folder import Place
from musiscene.training.schedule import learning_rate, peak_learning_rate

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from musiscene.music_language_model import MusicLanguageModel
    from musiscene.progress import ProgressReport
    from musiscene.training.examples import Example
    from musiscene.training.lessons import Lesson
    from musiscene.training.recipe import Recipe
    from musiscene.training.run_folder import RunFolder


Row = TypeVar("Row")


class TrainingResult(msgspec.Struct, frozen=True, kw_only=True):
    """How a training went."""

    updates: int
    """Done in all, those of earlier sessions included."""
    best_loss: float | None
    """Lowest validation loss."""
    stopped_early: bool
    """Whether patience ran out."""
    seconds: float
    """Of this session."""
    tokens_per_second: float
    """Read in this session, padding not counted."""


def finetune(
    recipe: Recipe,
    model: MusicLanguageModel,
    lessons: Sequence[Lesson],
    validation: Sequence[Lesson],
    run: RunFolder,
    report: ProgressReport,
) -> TrainingResult:
    """Train a model, from the beginning or from where the run was left.

    Args:
        recipe: What to do.
        model: Its phase's parameters are trained; LoRA is attached already.
        lessons: To learn.
        validation: Never learnt.
        run: Keeps state, metrics and the best weights.
        report: Told about the updates.

    Returns:
        How it went.
    """
    trained = start_training(model, recipe)
    optimiser = make_optimiser(trained.items(), weight_decay=recipe.weight_decay)
    place = run.load_state(trained, optimiser)
    looked_at = encode_epoch(
        spread(validation, recipe.validation_rows),
        model.language_model,
        max_tokens=recipe.max_tokens,
        seed=recipe.seed,
        epoch=0,
    )
    total = updates_in(recipe, len(lessons))
    peak = peak_learning_rate(
        recipe.base_learning_rate, rows_per_update=recipe.rows_per_batch * recipe.accumulate
    )
    started, tokens, stopped_early = time.monotonic(), 0, False
    for update, epoch, batches in _updates(recipe, model, lessons, first=place.update):
        rate = learning_rate(
            epoch,
            peak=peak,
            warmup_epochs=recipe.warmup_epochs,
            epochs=recipe.epochs,
        )
        torch.manual_seed(recipe.seed * 1_000_003 + update)  # LoRA's dropout, the same after a kill
        loss, ranking = _learn(model, batches, optimiser, rate, list(trained.values()), recipe)
        read = sum(len(row.token_ids) for batch in batches for row in batch)
        tokens += read
        speed = tokens / (time.monotonic() - started)
        run.note({
            "update": update, "epoch": round(epoch, 4), "loss": round(loss, 5),
            "learning_rate": rate, "tokens": read, "tokens_per_second": round(speed, 1),
            **({"ranking": round(ranking, 5)} if recipe.unlikelihood > 0 else {}),
        })  # fmt: skip
        report("Training", update, total)
        place = msgspec.structs.replace(place, update=update)
        if update % recipe.validate_every == 0 or update == total:
            place = _look(model, looked_at, recipe, run, trained, place)
            run.save_state(place, trained, optimiser)
            run.draw_curves()
            if recipe.patience is not None and place.looks_since_best >= recipe.patience:
                stopped_early = True
                break
    seconds = time.monotonic() - started
    return TrainingResult(
        updates=place.update,
        best_loss=place.best_loss,
        stopped_early=stopped_early,
        seconds=round(seconds, 2),
        tokens_per_second=round(tokens / seconds, 1) if seconds > 0 else 0.0,
    )


def start_training(model: MusicLanguageModel, recipe: Recipe) -> dict[str, torch.nn.Parameter]:
    """Let what a recipe trains learn, and freeze all else.

    Args:
        model: With LoRA attached in the lora phase.
        recipe: Its phase.

    Returns:
        Name -> parameter that learns, float32.
    """
    model.start_phase(recipe.phase)
    trained = dict(model.trainable(recipe.phase))
    if recipe.phase == "lora" and not recipe.norms_and_biases:
        for name in [name for name in trained if "lora_" not in name]:
            trained.pop(name).requires_grad = False
    for parameter in trained.values():
        parameter.data = parameter.data.float()
    if recipe.gradient_checkpointing:
        model.backbone.activation_checkpointing_enable({"use_reentrant": False})
    return trained


def updates_in(recipe: Recipe, lesson_count: int) -> int:
    """How many updates a training has.

    Args:
        recipe: The recipe.
        lesson_count: Rows of an epoch.

    Returns:
        The number; a fraction of an epoch is rounded up.
    """
    return math.ceil(recipe.epochs * _updates_per_epoch(recipe, lesson_count))


def validation_loss(
    model: MusicLanguageModel, rows: Sequence[Example], recipe: Recipe
) -> float | None:
    """Mean negative log-likelihood of a token of the answers.

    Args:
        model: In any state; gradients are not computed.
        rows: Encoded lessons.
        recipe: Its batch size and precision.

    Returns:
        The loss; None without rows.
    """
    processes = open_processes()
    model.eval()
    by_length = sorted(rows, key=lambda row: len(row.token_ids))
    size = recipe.rows_per_batch
    batches = [by_length[first : first + size] for first in range(0, len(by_length), size)]
    count = learnt_tokens(by_length)
    if count == 0:
        return None
    total = torch.zeros((), dtype=torch.float64, device=processes.device)
    with torch.no_grad():
        for batch in share_out(batches, processes.num_processes)[processes.process_index]:
            total += batch_loss(model, batch, recipe).double() * learnt_tokens(batch)
    return float(add_up(total)) / count


def spread(rows: Sequence[Row], count: int | None) -> list[Row]:
    """Some rows, evenly spread, since files follow each other and in them tracks.

    Args:
        rows: All of them.
        count: How many; None for all.

    Returns:
        The rows in order.

    Example:
        >>> spread("abcdef", 3)
        ['a', 'c', 'e']
    """
    chosen = min(count or len(rows), len(rows))
    return [rows[place * len(rows) // chosen] for place in range(chosen)]


def with_other_audio(rows: Sequence[Example]) -> list[Example]:
    """Rows with audio, each with that of another row, far away in their order.

    A model that listens answers them worse than the rows as they are.

    Args:
        rows: In the order of their tracks; those without audio are left out.

    Returns:
        The rows.
    """
    heard = [row for row in rows if row.features is not None]
    shift = len(heard) // 2
    others = heard[shift:] + heard[:shift]
    return [
        msgspec.structs.replace(row, features=other.features)
        for row, other in zip(heard, others, strict=True)
    ]


def _updates_per_epoch(recipe: Recipe, lesson_count: int) -> int:
    return math.ceil(math.ceil(lesson_count / recipe.rows_per_batch) / recipe.accumulate)


def _updates(
    recipe: Recipe, model: MusicLanguageModel, lessons: Sequence[Lesson], *, first: int
) -> Iterator[tuple[int, float, list[list[Example]]]]:
    # Number of the update from 1, epochs done before it, its batches: all after `first`.
    per_epoch = _updates_per_epoch(recipe, len(lessons))
    total = updates_in(recipe, len(lessons))
    for epoch in range(first // per_epoch, math.ceil(recipe.epochs)):
        rows = encode_epoch(
            lessons,
            model.language_model,
            max_tokens=recipe.max_tokens,
            seed=recipe.seed,
            epoch=epoch,
        )
        places = batch_rows(
            [len(row.token_ids) for row in rows],
            rows=recipe.rows_per_batch,
            seed=recipe.seed,
            epoch=epoch,
        )
        for number in range(per_epoch):
            update = epoch * per_epoch + number + 1
            if first < update <= total:
                start = number * recipe.accumulate
                own = places[start : start + recipe.accumulate]
                batches = [[rows[place] for place in batch] for batch in own]
                yield update, (update - 1) / per_epoch, batches


def _learn(
    model: MusicLanguageModel,
    batches: list[list[Example]],
    optimiser: torch.optim.Optimizer,
    rate: float,
    parameters: list[torch.nn.Parameter],
    recipe: Recipe,
) -> tuple[float, float]:
    """One update; its loss and the ranking term."""
    processes = open_processes()
    learnt = max(sum(learnt_tokens(batch) for batch in batches), 1)
    weights = torch.tensor([1 / learnt, 1 / sum(map(len, batches))], device=processes.device)
    paired = [
        pair_rows(batch) if recipe.unlikelihood > 0 else [(row, None) for row in batch]
        for batch in batches
    ]
    total = torch.zeros(2, dtype=torch.float64, device=processes.device)
    optimiser.zero_grad(set_to_none=True)
    model.train()
    for batch in share_out(paired, processes.num_processes)[processes.process_index]:
        terms = both_terms(model, batch, recipe) * weights
        loss: Any = terms[0] + recipe.unlikelihood * terms[1]
        loss.backward()
        total += terms.detach().double()
    if processes.num_processes > 1:
        add_up_gradients(parameters)
    if recipe.max_gradient_norm > 0:
        torch.nn.utils.clip_grad_norm_(parameters, recipe.max_gradient_norm)
    for group in optimiser.param_groups:
        group["lr"] = rate
    optimiser.step()
    loss_sum, ranking = add_up(total).tolist()
    return loss_sum, ranking


def _look(
    model: MusicLanguageModel,
    rows: Sequence[Example],
    recipe: Recipe,
    run: RunFolder,
    trained: dict[str, torch.nn.Parameter],
    place: Place,
) -> Place:
    """Measure the validation loss, and keep the weights if it is the lowest."""
    loss = validation_loss(model, rows, recipe)
    if loss is None:
        run.save_best(trained, math.nan)
        return place
    looked = {"update": place.update, "validation_loss": round(loss, 5)}
    unlike = validation_loss(model, with_other_audio(rows), recipe)
    if unlike is not None:
        looked["other_audio_loss"] = round(unlike, 5)
    run.note(looked)
    if place.best_loss is None or loss < place.best_loss:
        run.save_best(trained, loss)
        return Place(update=place.update, best_loss=loss)
    return msgspec.structs.replace(place, looks_since_best=place.looks_since_best + 1)
