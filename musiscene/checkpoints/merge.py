"""Folds a checkpoint's LoRA into its language model, so that it runs without PEFT.

W' = W + (alpha / r) B A (Hu et al. 2021, arXiv:2106.09685, section 4.1). The audio enters through
the value projections as they were before, so the adapted layers' are kept beside the adapter.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from musiscene.checkpoints.lazy_tensors import Stacked, bytes_of, check_tensors
from musiscene.checkpoints.making import making, refuse_existing
from musiscene.checkpoints.manifest import (
    MANIFEST_NAME,
    ModelManifest,
    find_damage,
    read_manifest,
    write_manifest,
)
from musiscene.checkpoints.native import (
    ADAPTER_NAME,
    LANGUAGE_MODEL_FOLDER,
    LORA_FOLDER,
    LORA_WEIGHTS_NAME,
    SETTINGS_NAME,
    WEIGHTS_NAME,
    CheckpointSettings,
    own_language_model,
    read_settings,
    write_settings,
)
from musiscene.checkpoints.registry import find_model
from musiscene.checkpoints.safetensors_stream import write_safetensors
from musiscene.checkpoints.tensor_sources import open_hub_folder, open_safetensors
from musiscene.errors import ModelError, ModelIntegrityError, ModelUnavailableError

if TYPE_CHECKING:
    from collections.abc import Mapping

    import torch

    from musiscene.checkpoints.lazy_tensors import LazyTensor
    from musiscene.checkpoints.progress import PullProgress

_PREFIX = "base_model.model."
_DOWN, _UP = ".lora_A.weight", ".lora_B.weight"


class _LoraSettings(msgspec.Struct, frozen=True):
    """What decides of PEFT's `adapter_config.json`; other variants of LoRA are refused."""

    r: int
    lora_alpha: float
    bias: str = "none"
    use_dora: bool = False
    use_rslora: bool = False
    fan_in_fan_out: bool = False
    rank_pattern: dict[str, int] = {}
    alpha_pattern: dict[str, float] = {}

    @property
    def is_plain(self) -> bool:
        variants = (self.use_dora, self.use_rslora, self.fan_in_fan_out)
        return self.bias == "none" and not any((*variants, self.rank_pattern, self.alpha_pattern))


@dataclass(frozen=True)
class _MergedMatrix:
    """Base plus scaled product of the two LoRA matrices, in the type of the base."""

    base: LazyTensor
    down: LazyTensor
    up: LazyTensor
    scale: float

    @property
    def shape(self) -> tuple[int, ...]:
        return self.base.shape

    @property
    def dtype(self) -> torch.dtype:
        return self.base.dtype

    def rows(self, start: int, stop: int) -> torch.Tensor:
        down = self.down.rows(0, self.down.shape[0]).float()
        up = self.up.rows(start, stop).float()
        merged = self.base.rows(start, stop).float().addmm(up, down, alpha=self.scale)
        return merged.to(self.dtype)


def merge_lora(folder: Path, out: Path, *, progress: PullProgress) -> CheckpointSettings:
    """Make a checkpoint folder without LoRA that computes the same.

    Args:
        folder: A checkpoint with LoRA; it is not changed.
        out: The folder to make.
        progress: Told about the bytes so far.

    Returns:
        The settings of the new folder.

    Raises:
        ModelError: If there is nothing to merge, or `out` exists.
        ModelUnavailableError: If the folder is no finished checkpoint, or the disk is full.
        ModelIntegrityError: If the folder is damaged, or its LoRA is of another kind.
    """
    refuse_existing(out)
    settings = read_settings(folder)
    manifest = _sound_manifest(folder)
    if settings.merged or not (folder / LORA_FOLDER).is_dir():
        raise ModelError(str(folder), "has no LoRA to merge")
    base = open_hub_folder(own_language_model(folder, settings))
    weights = base | _merged_matrices(folder / LORA_FOLDER, base)
    adapter = open_safetensors(folder / ADAPTER_NAME)
    adapter["value_projections"] = Stacked(_adapted_values(base, settings.adapter_layers))
    copied = [path for path in sorted(folder.rglob("*")) if _is_copied(path, folder)]
    needed_bytes = bytes_of([*weights.values(), *adapter.values()])
    needed_bytes += sum(path.stat().st_size for path in copied)
    merged = msgspec.structs.replace(settings, merged=True)
    with making(out, needed_bytes=needed_bytes, progress=progress) as part:
        for path in copied:
            target = part / path.relative_to(folder)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
        write_settings(part, merged)
        write_safetensors(
            part / ADAPTER_NAME, adapter, step="write the audio adapter", progress=progress
        )
        write_safetensors(
            part / LANGUAGE_MODEL_FOLDER / WEIGHTS_NAME,
            weights,
            step="merge the language model",
            progress=progress,
        )
        progress("check and seal", 0, None)
        write_manifest(part, find_model(manifest.name), f"{manifest.source}, LoRA merged")
    return merged


def _sound_manifest(folder: Path) -> ModelManifest:
    manifest = read_manifest(folder)
    if manifest is None:
        raise ModelUnavailableError(str(folder), f"is not finished: it has no {MANIFEST_NAME}")
    damage = find_damage(folder, manifest, hashes=False)
    if damage is not None:
        raise ModelIntegrityError(str(folder), f"is damaged: {damage}. Import it again")
    return manifest


def _merged_matrices(lora_folder: Path, base: Mapping[str, LazyTensor]) -> dict[str, LazyTensor]:
    settings = _read_lora_settings(lora_folder / "adapter_config.json")
    path = lora_folder / LORA_WEIGHTS_NAME
    lora = open_safetensors(path)
    targets = [
        name.removeprefix(_PREFIX).removesuffix(_DOWN) for name in lora if name.endswith(_DOWN)
    ]
    expected = {}
    for target in targets:
        matrix = base.get(f"{target}.weight")
        if matrix is None:
            raise ModelIntegrityError(str(path), f"adapts {target}, which the model does not have")
        expected[_PREFIX + target + _DOWN] = (settings.r, matrix.shape[1])
        expected[_PREFIX + target + _UP] = (matrix.shape[0], settings.r)
    check_tensors(lora, expected, where=str(path))
    return {
        f"{target}.weight": _MergedMatrix(
            base[f"{target}.weight"],
            lora[_PREFIX + target + _DOWN],
            lora[_PREFIX + target + _UP],
            settings.lora_alpha / settings.r,
        )
        for target in targets
    }


def _read_lora_settings(path: Path) -> _LoraSettings:
    try:
        settings = msgspec.json.decode(path.read_bytes(), type=_LoraSettings)
    except OSError as error:
        raise ModelUnavailableError(str(path), f"cannot be read: {error.strerror}") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ModelIntegrityError(str(path), f"is damaged: {error}") from error
    if not settings.is_plain:
        raise ModelIntegrityError(
            str(path), "is of a kind of LoRA that cannot be merged here; merge it with PEFT"
        )
    return settings


def _adapted_values(base: Mapping[str, LazyTensor], adapter_layers: int) -> list[LazyTensor]:
    """The value projections of the last layers."""
    count = sum(name.endswith("self_attn.v_proj.weight") for name in base)
    return [
        base[f"model.layers.{layer}.self_attn.v_proj.weight"]
        for layer in range(count - adapter_layers, count)
    ]


def _is_copied(path: Path, folder: Path) -> bool:
    """Whether a file stays as it is."""
    inside = path.relative_to(folder)
    if not path.is_file() or inside.parts[0] == LORA_FOLDER:
        return False
    if inside.parts[0] == LANGUAGE_MODEL_FOLDER:
        return ".safetensors" not in inside.name
    return inside not in {Path(name) for name in (SETTINGS_NAME, ADAPTER_NAME, MANIFEST_NAME)}
