"""From a recipe and files to a tuned embedder: what `musiscene train` does with `embedder.toml`."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import msgspec
import torch

from musiscene.checkpoints.convert import EMBEDDER_SETTINGS, EmbedderSettings
from musiscene.checkpoints.registry import find_model
from musiscene.checkpoints.sources import fetch_embedded
from musiscene.checkpoints.tuned_embedder import ADD, CHECK_VECTORS, DELTA_NAME, DOWN, UP
from musiscene.data.rows import read_examples
from musiscene.errors import RecipeError
from musiscene.training.embedder import attach, tune
from musiscene.training.pairs import paired
from musiscene.training.run_folder import BEST_NAME, RunFolder

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from musiscene.checkpoints.progress import PullProgress
    from musiscene.checkpoints.store import ModelStore
    from musiscene.console import Console
    from musiscene.data.rows import SceneExample
    from musiscene.training.embedder import EmbedderResult
    from musiscene.training.embedder_recipe import EmbedderRecipe

BASE_FOLDER = "base"
CHECK_TEXTS = (
    "rain",
    "a toddler blows out birthday candles",
    "slow strings for a long farewell",
)
_LORA_A, _LORA_B = ".lora_A.default.weight", ".lora_B.default.weight"


def train_embedder(
    recipe: EmbedderRecipe,
    *,
    data: Sequence[Path],
    validation: Sequence[Path],
    out: Path,
    store: ModelStore,
    console: Console,
) -> EmbedderResult:
    """Tune the text embedder by a recipe, and write the change of the best look.

    Args:
        recipe: What to do.
        data: Files of rows to learn.
        validation: Files of rows to look at.
        out: The run's folder; a run that was begun there goes on. It keeps the untuned embedder in
            `base`, and gets `delta.safetensors`.
        store: Holds the ready form of the untuned embedder.
        console: Is told.

    Returns:
        How it went.

    Raises:
        RecipeError: If nothing can be learnt from the data, or the folder holds another run.
        ModelUnavailableError: If the untuned embedder cannot be had.
    """
    from sentence_transformers import SentenceTransformer

    examples, looked_at = _read(data, console), _read(validation, console)
    run = RunFolder(out)
    run.begin(recipe, [*data, *validation], len(examples))
    with console.progress("bytes") as report:
        base = _base(recipe.embedder, out, store, report)
    model = SentenceTransformer(
        str(base),
        device="cuda" if torch.cuda.is_available() else "cpu",
        local_files_only=True,
    )
    attach(model, recipe)
    with console.progress("items") as report:
        result = tune(recipe, model, examples, looked_at, run, report)
    settings = msgspec.json.decode(
        (store.folder(recipe.embedder) / EMBEDDER_SETTINGS).read_bytes(), type=EmbedderSettings
    )
    export_delta(out, base, settings.version)
    return result


def export_delta(run: Path, base: Path, base_version: str) -> Path:
    """Write the change of the best look, in float16, as `checkpoints.tuned_embedder` reads it.

    Args:
        run: The run's folder.
        base: The untuned embedder, a sentence-transformers folder.
        base_version: Version of its ready form.

    Returns:
        `RUN/delta.safetensors`.
    """
    from safetensors.torch import load_file, save_file
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(str(base), device="cpu", local_files_only=True).eval()
    weights = model.state_dict()
    tensors: dict[str, torch.Tensor] = {}
    best = load_file(run / BEST_NAME)
    for name, tensor in best.items():
        if name.endswith(_LORA_A):
            module = name.removesuffix(_LORA_A)
            up, down = _balanced(best[module + _LORA_B], tensor)
            weights[f"{module}.weight"] += up.float() @ down.float()
            tensors[_short(module) + UP], tensors[_short(module) + DOWN] = up, down
        elif not name.endswith(_LORA_B):
            parameter = name.replace(".base_layer.", ".")
            difference = (tensor - weights[parameter]).half()
            weights[parameter] += difference.float()
            tensors[_short(parameter) + ADD] = difference
    model.load_state_dict(weights)
    tensors[CHECK_VECTORS] = model.encode(
        list(CHECK_TEXTS),
        normalize_embeddings=True,
        convert_to_tensor=True,
        show_progress_bar=False,
    )
    target = run / DELTA_NAME
    metadata = {"base": base_version, "check_texts": json.dumps(CHECK_TEXTS)}
    save_file(dict(sorted(tensors.items())), target, metadata=metadata)
    return target


def _read(paths: Sequence[Path], console: Console) -> list[SceneExample]:
    examples: list[SceneExample] = []
    for path in paths:
        rows = read_examples(path)
        for bad in rows.bad:
            console.fail_item(bad.place, bad.reason)
        found = paired(rows.good)
        console.note(f"{path}: {len(found)} pairs of {len(rows.good)} rows")
        examples += found
    if not examples:
        raise RecipeError(paths[0], "holds no row with a scene and words about its music")
    return examples


def _base(name: str, out: Path, store: ModelStore, progress: PullProgress) -> Path:
    """The sentence-transformers folder of an embedder; is fetched once into the run's folder."""
    folder = out / BASE_FOLDER
    if not folder.exists():
        part = out / f".{BASE_FOLDER}.part"
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir()
        folders = tuple(filter(None, [store.local_folder]))
        fetch_embedded(find_model(name), part, folders=folders, progress=progress)
        part.rename(folder)
    return folder


def _balanced(up: torch.Tensor, down: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The same product of factors of equal size, in float16: neither is lost in its rounding."""
    factor = torch.sqrt(down.norm() / up.norm().clamp_min(1e-12)).clamp_min(1e-12)
    return (up * factor).half(), (down / factor).half()


def _short(name: str) -> str:
    """A parameter's name inside BERT, without its place in sentence-transformers."""
    return name[name.index("encoder.layer.") :]
