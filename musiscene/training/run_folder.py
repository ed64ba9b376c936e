"""The folder of one training: what it was told, how it went, and where it can go on.

    recipe.json           the recipe, resolved; data files and their hashes; versions; the machine
    metrics.jsonl         a line for each update, and for each look at the validation loss
    state.safetensors     trained weights and the optimiser's moments, with the place in the data
    best.safetensors      trained weights at the lowest validation loss
    curves.png            losses and learning rate

`state` and `best` are replaced whole. A run that was killed goes on from `state`, and the lines of
`metrics.jsonl` that came after it are written again.
"""

from __future__ import annotations

import contextlib
import json
import platform
import time
from typing import TYPE_CHECKING, Any

import msgspec
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from musiscene.checkpoints.manifest import flush, sha256_of
from musiscene.errors import RecipeError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from torch import Tensor

    from musiscene.training.embedder_recipe import EmbedderRecipe
    from musiscene.training.recipe import Recipe

RECIPE_NAME = "recipe.json"
METRICS_NAME = "metrics.jsonl"
STATE_NAME = "state.safetensors"
BEST_NAME = "best.safetensors"
CURVES_NAME = "curves.png"
_MOMENTS = ("exp_avg", "exp_avg_sq", "step")


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """How far a training has come."""

    update: int = 0
    """Updates done."""
    best_loss: float | None = None
    """Lowest validation loss so far."""
    looks_since_best: int = 0
    """Validation losses since then."""


class RunFolder:
    """One training's folder.

    Args:
        path: Is made if it does not exist.
        is_written: False for those of several processes that only read it.
    """

    def __init__(self, path: Path, *, is_written: bool = True) -> None:
        self.path = path
        self._is_written = is_written

    def begin(
        self, recipe: Recipe | EmbedderRecipe, data: Sequence[Path], lesson_count: int
    ) -> None:
        """Write down what is trained, or check that it is the training that was begun here.

        Args:
            recipe: The recipe.
            data: Its files.
            lesson_count: What was learnt of them; fewer than before where audio has gone.

        Raises:
            RecipeError: If the folder holds another training.
        """
        told = {
            "recipe": msgspec.to_builtins(recipe),
            "data": {str(path): sha256_of(path) for path in data},
            "lessons": lesson_count,
        }
        file = self.path / RECIPE_NAME
        if file.exists():
            earlier = json.loads(file.read_text())
            # A recipe of an earlier version lacks the fields that have come since.
            is_same = msgspec.convert(earlier["recipe"], type(recipe)) == recipe
            if not is_same or sorted(earlier["data"].values()) != sorted(told["data"].values()):
                raise RecipeError(
                    self.path, "holds a training by another recipe or on other data; name another"
                )
            if earlier.get("lessons", lesson_count) != lesson_count:
                raise RecipeError(
                    self.path,
                    f"was begun with {earlier['lessons']} lessons, there are {lesson_count} now",
                )
            return
        self.path.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps({**told, **_circumstances()}, indent=2) + "\n")

    def note(self, entry: Mapping[str, Any]) -> None:
        """Add a line to the metrics."""
        if not self._is_written:
            return
        with (self.path / METRICS_NAME).open("a") as file:
            file.write(json.dumps(entry) + "\n")

    def metrics(self) -> list[dict[str, Any]]:
        """All lines of the metrics; a torn last one is left out."""
        lines: list[dict[str, Any]] = []
        with contextlib.suppress(FileNotFoundError, json.JSONDecodeError):
            for line in (self.path / METRICS_NAME).read_text().splitlines():
                lines.append(json.loads(line))  # noqa: PERF401 - what stands before a torn one
        return lines

    def save_state(
        self,
        place: Place,
        trained: Mapping[str, torch.nn.Parameter],
        optimiser: torch.optim.Optimizer,
    ) -> None:
        """Keep everything that going on needs."""
        if not self._is_written:
            return
        tensors: dict[str, Tensor] = {}
        for name, parameter in trained.items():
            tensors[f"weights.{name}"] = parameter.detach()
            for moment in _MOMENTS:
                value = optimiser.state[parameter].get(moment)
                if value is not None:
                    tensors[f"{moment}.{name}"] = value
        _write(self.path / STATE_NAME, tensors, {"place": msgspec.json.encode(place).decode()})

    def load_state(
        self, trained: Mapping[str, torch.nn.Parameter], optimiser: torch.optim.Optimizer
    ) -> Place:
        """Go back to where the training was, if it was begun.

        Args:
            trained: Receive their values.
            optimiser: Receives its moments.

        Returns:
            The place; the very beginning if nothing was kept.

        Raises:
            RecipeError: If the state cannot be read or is of other weights.
        """
        file = self.path / STATE_NAME
        if not file.exists():
            self._forget_after(0)
            return Place()
        try:
            with safe_open(file, "pt") as stored:
                place = msgspec.json.decode(stored.metadata()["place"], type=Place)
                for name, parameter in trained.items():
                    with torch.no_grad():
                        parameter.copy_(stored.get_tensor(f"weights.{name}"))
                    optimiser.state[parameter] = {
                        moment: stored.get_tensor(f"{moment}.{name}") for moment in _MOMENTS
                    }
        except (SafetensorError, KeyError, RuntimeError, msgspec.DecodeError) as error:
            raise RecipeError(file, f"cannot be gone on from: {error}") from error
        self._forget_after(place.update)
        return place

    def _forget_after(self, update: int) -> None:
        """Take out the metrics of updates that will be made again."""
        if not self._is_written:
            return
        kept = [line for line in self.metrics() if line["update"] <= update]
        text = "".join(json.dumps(line) + "\n" for line in kept)
        (self.path / METRICS_NAME).write_text(text)

    def save_best(self, trained: Mapping[str, torch.nn.Parameter], loss: float) -> None:
        """Keep the weights of the lowest validation loss."""
        if not self._is_written:
            return
        tensors = {name: parameter.detach() for name, parameter in trained.items()}
        _write(self.path / BEST_NAME, tensors, {"validation_loss": str(loss)})

    def draw_curves(self) -> None:
        """Draw the losses and the learning rate, if matplotlib is there."""
        if not self._is_written:
            return
        try:
            from matplotlib.figure import Figure
        except ImportError:
            return
        lines = self.metrics()
        steps = [line for line in lines if "loss" in line]
        looks = [line for line in lines if "validation_loss" in line]
        figure = Figure(figsize=(7, 4), layout="constrained")
        axes = figure.subplots()
        axes.plot([s["update"] for s in steps], [s["loss"] for s in steps], lw=0.7, label="train")
        axes.plot(
            [look["update"] for look in looks],
            [look["validation_loss"] for look in looks],
            "o-",
            label="validation",
        )
        axes.set(xlabel="update", ylabel="mean negative log-likelihood of a token")
        axes.legend()
        figure.savefig(self.path / CURVES_NAME, dpi=120)


def _write(path: Path, tensors: Mapping[str, Tensor], metadata: dict[str, str]) -> None:
    part = path.with_name(f".{path.name}.part")
    contiguous = {name: tensor.contiguous().cpu() for name, tensor in tensors.items()}
    save_file(contiguous, part, metadata=metadata)
    flush(part)
    part.replace(path)
    flush(path.parent)


def _circumstances() -> dict[str, Any]:
    from importlib.metadata import version

    packages = ("musiscene", "torch", "transformers", "peft", "accelerate")
    return {
        "versions": {name: version(name) for name in packages}
        | {"python": platform.python_version()},
        "machine": {
            "processor": platform.processor() or platform.machine(),
            "threads": torch.get_num_threads(),
            "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        },
        "begun_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }
