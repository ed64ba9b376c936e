"""Reads a MERT of the model hub as the plain HuBERT that it is, without its remote code.

MERT's network is HuBERT's (Li et al. 2024, arXiv:2306.00107, section 3); its own model class adds a
branch on constant-Q spectra, which only its training used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import torch

from musiscene.checkpoints.lazy_tensors import Held, check_tensors, few
from musiscene.checkpoints.native import WEIGHTS_NAME
from musiscene.checkpoints.safetensors_stream import write_safetensors
from musiscene.checkpoints.tensor_sources import open_hub_folder, read_json_object
from musiscene.errors import ModelIntegrityError

if TYPE_CHECKING:
    from pathlib import Path

    from transformers import HubertConfig

    from musiscene.checkpoints.lazy_tensors import LazyTensor
    from musiscene.checkpoints.progress import PullProgress

PREPROCESSOR_NAME = "preprocessor_config.json"
MODEL_TYPES = ("mert_model", "hubert")
_MASK_NAME = "masked_spec_embed"
_RENAMED = {
    "pos_conv_embed.conv.weight_g": "pos_conv_embed.conv.parametrizations.weight.original0",
    "pos_conv_embed.conv.weight_v": "pos_conv_embed.conv.parametrizations.weight.original1",
}
_NOT_COPIED = {
    "_name_or_path",
    "architectures",
    "auto_map",
    "dtype",
    "model_type",
    "torch_dtype",
    "transformers_version",
}
_PREPROCESSING: dict[str, Any] = {
    "do_normalize": True,
    "feature_size": 1,
    "padding_side": "right",
    "padding_value": 0.0,
    "return_attention_mask": True,
    "sampling_rate": 24_000,
}
"""What MERT was trained with."""


class PlannedEncoder(msgspec.Struct, frozen=True, kw_only=True):
    """An encoder that was checked and can be written."""

    config: Any
    """`HubertConfig`."""
    preprocessing: dict[str, Any]
    """Content of `preprocessor_config.json`."""
    tensors: dict[str, Any]
    """Name in `HubertModel` -> lazy tensor."""
    notices: tuple[str, ...]
    """What a person should know."""

    @property
    def hidden_states(self) -> int:
        """How many there are: the input of the first layer and the output of each."""
        return int(self.config.num_hidden_layers) + 1

    @property
    def width(self) -> int:
        """Of a hidden state."""
        return int(self.config.hidden_size)


def plan_mert(folder: Path) -> PlannedEncoder:
    """Read configs and headers, and check that every weight is there.

    Args:
        folder: `config.json` and weights, as the hub has them.

    Returns:
        What `write_encoder` takes.

    Raises:
        ModelUnavailableError: If the folder holds no config or no weights.
        ModelIntegrityError: If they are damaged, of another model, or not complete.
    """
    config = _plain_config(folder)
    found = {_renamed(name): tensor for name, tensor in open_hub_folder(folder).items()}
    expected = _expected_shapes(folder, config)
    if _MASK_NAME in expected and _MASK_NAME not in found:
        found[_MASK_NAME] = Held(torch.zeros(expected[_MASK_NAME]))  # only training reads it
    extra = found.keys() - expected.keys()
    kept = {name: tensor for name, tensor in found.items() if name in expected}
    check_tensors(kept, expected, where=str(folder))
    config.dtype = kept["encoder.layer_norm.weight"].dtype
    notices = [f"{folder}: not part of the encoder and dropped: {few(extra)}"] if extra else []
    preprocessing, preprocessing_notice = _preprocessing(folder)
    return PlannedEncoder(
        config=config,
        preprocessing=preprocessing,
        tensors=kept,
        notices=(*notices, *preprocessing_notice),
    )


def write_encoder(plan: PlannedEncoder, target: Path, *, progress: PullProgress) -> None:
    """Write an encoder's folder.

    Args:
        plan: What to write.
        target: Is made.
        progress: Told about the bytes so far.
    """
    target.mkdir()
    plan.config.save_pretrained(target)
    encoded = msgspec.json.format(msgspec.json.encode(plan.preprocessing), indent=2)
    (target / PREPROCESSOR_NAME).write_bytes(encoded + b"\n")
    tensors: dict[str, LazyTensor] = plan.tensors
    write_safetensors(
        target / WEIGHTS_NAME, tensors, step="write the audio encoder", progress=progress
    )


def _plain_config(folder: Path) -> HubertConfig:
    from huggingface_hub.errors import StrictDataclassError
    from transformers import HubertConfig

    path = folder / "config.json"
    found = read_json_object(path)
    if found.get("model_type") not in MODEL_TYPES:
        raise ModelIntegrityError(
            str(path), f"is of a {found.get('model_type')}, not of a MERT (mert_model) or HuBERT"
        )
    if found.get("deepnorm"):
        raise ModelIntegrityError(
            str(path), "scales its residuals (deepnorm), which HuBERT does not; use MERT-v1"
        )
    known = HubertConfig().to_dict().keys() - _NOT_COPIED
    try:
        return HubertConfig(
            **{name: value for name, value in found.items() if name in known},
            architectures=["HubertModel"],
        )
    except (StrictDataclassError, TypeError, ValueError) as error:
        raise ModelIntegrityError(str(path), f"is damaged: {error}") from error


def _expected_shapes(folder: Path, config: HubertConfig) -> dict[str, tuple[int, ...]]:
    from transformers import HubertModel

    try:
        with torch.device("meta"):
            model = HubertModel(config)
    except (ArithmeticError, LookupError, RuntimeError, TypeError, ValueError) as error:
        raise ModelIntegrityError(
            str(folder / "config.json"), f"describes no network: {error}"
        ) from error
    return {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}


def _renamed(name: str) -> str:
    for old, new in _RENAMED.items():
        name = name.replace(old, new)
    return name


def _preprocessing(folder: Path) -> tuple[dict[str, Any], tuple[str, ...]]:
    path = folder / PREPROCESSOR_NAME
    settings = {"feature_extractor_type": "Wav2Vec2FeatureExtractor", **_PREPROCESSING}
    if not path.is_file():
        notice = f"{folder}: no {PREPROCESSOR_NAME}, so the waveform will be normalised at 24 kHz"
        return settings, (notice,)
    found = read_json_object(path)
    return settings | {key: found[key] for key in _PREPROCESSING if key in found}, ()
