"""A folder with MusicGen's weights -> the model, ready to be used.

Text encoder, decoder and audio codec lie in the same folder. Only safetensors are read: a pickle
can run code when it is opened, and code of a folder is never run.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from musiscene.checkpoints.manifest import read_manifest, sha256_of
from musiscene.errors import GenerationError, GeneratorMissingError

if TYPE_CHECKING:
    from pathlib import Path

    import torch

MELODY_TYPE: Final = "musicgen_melody"
MODEL_TYPES: Final = ("musicgen", MELODY_TYPE)
PICKLES: Final = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.th")


@dataclass(frozen=True, kw_only=True)
class LoadedMusicGen:
    """A model that can be used."""

    model: Any
    """`MusicgenForConditionalGeneration` or `MusicgenMelodyForConditionalGeneration`."""
    tokenizer: Any
    """Of the text encoder."""
    name: str
    """Of the variant, or of the folder."""
    source: str
    """Repository and commit, or the checksum of the weights."""
    device: str
    """`cpu` or `cuda`."""
    dtype: torch.dtype
    """Of the decoder; text encoder and codec stay in float32."""

    @property
    def is_melody(self) -> bool:
        """Whether it can follow a melody."""
        return bool(self.model.config.model_type == MELODY_TYPE)

    @property
    def sample_rate(self) -> int:
        """In Hz."""
        return int(self.model.config.audio_encoder.sampling_rate)

    @property
    def samples_per_frame(self) -> int:
        """What one frame of codes decodes to."""
        return math.prod(self.model.config.audio_encoder.upsampling_ratios)

    @property
    def frame_rate(self) -> float:
        """Frames per second."""
        return self.sample_rate / self.samples_per_frame

    @property
    def channels(self) -> int:
        """1 or 2."""
        return int(self.model.decoder.config.audio_channels)


def check_folder(folder: Path) -> str:
    """See that a folder has weights that may be read.

    Args:
        folder: The folder.

    Returns:
        The type of the model, one of `MODEL_TYPES`.

    Raises:
        GeneratorMissingError: If it has none; the message says what it has.
    """
    import msgspec

    try:
        settings = msgspec.json.decode((folder / "config.json").read_bytes())
    except (OSError, msgspec.DecodeError) as error:
        raise GeneratorMissingError(f"{folder}: has no config.json of a MusicGen model") from error
    found = settings.get("model_type") if isinstance(settings, dict) else None
    if found not in MODEL_TYPES:
        raise GeneratorMissingError(f"{folder}: is no MusicGen model, but {found}")
    if not any(folder.glob("*.safetensors")):
        pickles = sorted(path.name for pattern in PICKLES for path in folder.glob(pattern))
        has = f"only {', '.join(pickles)}, which can run code when opened" if pickles else "none"
        raise GeneratorMissingError(
            f"{folder}: MusicGen's weights are read as safetensors alone, and it has {has};"
            " get them with: musiscene models pull musicgen-small"
        )
    return str(found)


def weights_bytes(folder: Path) -> int:
    """What the weights of a folder take."""
    return sum(path.stat().st_size for path in folder.glob("*.safetensors"))


def load_weights(
    folder: Path, *, name: str, device: str, dtype: torch.dtype | None = None
) -> LoadedMusicGen:
    """Load a model.

    Args:
        folder: With `config.json`, tokenizer and safetensors.
        name: Of the variant, or of the folder.
        device: `cpu` or `cuda`.
        dtype: Of the decoder; None for half precision on a GPU and float32 elsewhere.

    Returns:
        The model.

    Raises:
        GeneratorMissingError: If the folder has no weights that may be read.
        GenerationError: If they cannot be loaded.
    """
    import torch
    from safetensors import SafetensorError
    from transformers import (
        AutoTokenizer,
        MusicgenForConditionalGeneration,
        MusicgenMelodyForConditionalGeneration,
    )

    from musiscene.generate.musicgen.narrow import narrow_products  # imports torch

    is_melody = check_folder(folder) == MELODY_TYPE
    kind: Any = (
        MusicgenMelodyForConditionalGeneration if is_melody else MusicgenForConditionalGeneration
    )
    chosen = dtype or _fast_dtype(device)
    try:
        model = kind.from_pretrained(
            folder,
            local_files_only=True,
            use_safetensors=True,
            trust_remote_code=False,
            dtype=torch.float32,
        )
        tokenizer = AutoTokenizer.from_pretrained(
            folder, local_files_only=True, trust_remote_code=False
        )
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
        raise GenerationError(f"{folder}: MusicGen cannot be loaded ({error})") from error
    model.decoder.to(chosen)  # T5 overflows in half precision, and the codec is heard
    if device == "cpu" and chosen == torch.float32:
        narrow_products(model.decoder)
    return LoadedMusicGen(
        model=model.eval().to(device),
        tokenizer=tokenizer,
        name=name,
        source=_source_of(folder),
        device=device,
        dtype=chosen,
    )


def _fast_dtype(device: str) -> torch.dtype:
    import torch

    if device == "cpu":
        return torch.float32
    return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16


def _source_of(folder: Path) -> str:
    manifest = read_manifest(folder)
    if manifest is not None:
        return manifest.source
    digest = hashlib.sha256()
    for path in sorted(folder.glob("*.safetensors")):
        digest.update(f"{path.name} {sha256_of(path)}\n".encode())
    return f"sha256:{digest.hexdigest()[:16]}"
