"""The language model that a profile or a checkpoint writes with, and how it is asked for scenes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from musiscene.checkpoints.convert import EMBEDDER_SETTINGS, EmbedderSettings
from musiscene.checkpoints.manifest import digest_of
from musiscene.checkpoints.native import CheckpointSettings, read_settings
from musiscene.imagine import HEARD_PROMPT, LEARNT_SCENE, LEARNT_VIDEO, SceneImaginer
from musiscene.profiles import (
    HEARING_MODEL,
    LANGUAGE_MODEL,
    LISTENING_MODEL,
    MODELS_OF,
    SCENE_EMBEDDER,
    Licence,
    ProfileName,
    licences_of,
)

if TYPE_CHECKING:
    import torch

    from musiscene.checkpoints.store import ModelStore
    from musiscene.embed import TextEmbedder
    from musiscene.encoders.mert import Hearing
    from musiscene.imagine import ScenePrompt
    from musiscene.language_model import LanguageModel
    from musiscene.music_language_model import MusicLanguageModel

BEATS_LICENCE: Final = Licence(model="beatnet", licence="CC-BY-4.0", commercial_use="yes")
"""Of the networks that hear beats, which every profile listens with (`weights/beats/README.md`)."""
RECIPE_VERSION: Final = "6"
"""Raised when the same models would write something else, so that scenes are imagined anew."""
LISTENING_RECIPE_VERSION: Final = "6"
"""Raised when something else would be measured or tagged, so that libraries are heard anew."""
SHIPPED: Final = Path(__file__).parent / "weights" / "tiny"
"""What the tiny profile learnt: adapter and LoRA, without the language model they belong to."""
CACHE_BYTES: Final = 64 << 20
"""About what a processor keeps near: weights of less gain nothing by being halved."""


class ModelVersions(msgspec.Struct, frozen=True, kw_only=True):
    """Which models and recipes a result comes from, by stage."""

    listening: str
    """Of what is measured and tagged."""
    writing: str
    """Of what is described and imagined."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Writer:
    """A language model with its ear, and what must be known to use it."""

    folder: Path
    """The checkpoint."""
    settings: CheckpointSettings
    """Of the checkpoint."""
    ear: MusicLanguageModel
    """The language model with its adapter."""
    trusts_ear: bool
    """Whether the model hears; otherwise it reads what was measured."""
    embedder: TextEmbedder | None
    """Ranks what a model that learnt scenes imagines."""
    versions: ModelVersions
    """Of everything that a track goes through."""
    licences: tuple[Licence, ...]
    """Of all weights that a result owes something to."""

    @property
    def language_model(self) -> LanguageModel:
        """Writes."""
        return self.ear.language_model

    def imaginer(self, *, of_videos: bool = False) -> SceneImaginer:
        """What imagines scenes with this model.

        Args:
            of_videos: Whole videos with their music, at length, instead of scenes; only models that
                learnt by our lessons know the difference.

        Returns:
            The imaginer.
        """
        prompt = HEARD_PROMPT
        if self.settings.prompt == "lesson":
            prompt = LEARNT_VIDEO if of_videos else LEARNT_SCENE

        def choose(_description: str) -> ScenePrompt:
            return prompt

        return SceneImaginer(self.language_model, choose_prompt=choose, embedder=self.embedder)


def model_versions(
    store: ModelStore,
    *,
    profile: ProfileName = "tiny",
    checkpoint: Path | None = None,
    hear: Hearing = "whole",
) -> ModelVersions:
    """What the models of a profile or a checkpoint are, without loading them.

    Args:
        store: Where the models are.
        profile: Which ones.
        checkpoint: A folder that `musiscene checkpoint` made, in place of the profile's.
        hear: How much of a track MERT hears.

    Returns:
        Their versions: equal ones, equal results.

    Raises:
        ModelUnavailableError: If a model is not on this machine.
        ModelIntegrityError: If a model's settings are damaged.
    """
    folder, is_shipped = writer_folder(store, profile, checkpoint)
    settings = read_settings(folder)
    name = "tiny" if is_shipped else settings.encoder
    writing = f"{name}-{RECIPE_VERSION}-{digest_of(folder)}"
    if settings.prompt == "lesson":
        embedder = (store.folder(SCENE_EMBEDDER) / EMBEDDER_SETTINGS).read_bytes()
        version = msgspec.json.decode(embedder, type=EmbedderSettings).version
        writing = f"{writing}-{version.rpartition('-')[2]}"
    listening = f"musicnn-{LISTENING_RECIPE_VERSION}-{digest_of(store.folder(LISTENING_MODEL))}"
    if settings.encoder == "mert":
        listening = f"{listening}-mert-{digest_of(folder)}-{hear}"
    return ModelVersions(listening=listening, writing=writing)


def writer_folder(
    store: ModelStore, profile: ProfileName, checkpoint: Path | None
) -> tuple[Path, bool]:
    """The folder of a language model, and whether it is the one that is shipped."""
    is_shipped = checkpoint is None and profile == "tiny"
    return checkpoint or (SHIPPED if is_shipped else store.folder(HEARING_MODEL)), is_shipped


def load_writer(
    store: ModelStore,
    *,
    profile: ProfileName = "tiny",
    checkpoint: Path | None = None,
    hear: Hearing = "whole",
) -> Writer:
    """Load the language model of a profile or a checkpoint.

    Args:
        store: Where the models are.
        profile: Which ones.
        checkpoint: A folder that `musiscene checkpoint` made, in place of the profile's.
        hear: How much of a track MERT hears; decides the versions alone.

    Returns:
        The writer, on the GPU if there is one and the model is large.

    Raises:
        ModelUnavailableError: If a model is not on this machine.
        ModelIntegrityError: If a model's files are damaged or do not fit together.
    """
    import torch
    from transformers.utils.logging import disable_progress_bar

    from musiscene.embed import TextEmbedder
    from musiscene.music_language_model import MusicLanguageModel

    disable_progress_bar()  # type: ignore[no-untyped-call]  # a second of loading needs none
    folder, is_shipped = writer_folder(store, profile, checkpoint)
    settings = read_settings(folder)
    base = store.folder(settings.base) if settings.base else None
    device = device_for(is_shipped=is_shipped)
    dtype = torch.bfloat16 if device == "cuda" else _fast_dtype(base or folder)
    ear = MusicLanguageModel.load(folder, base=base, device=device, dtype=dtype)
    embedder = None
    if settings.prompt == "lesson":
        embedder = TextEmbedder.load(store.folder(SCENE_EMBEDDER))
    return Writer(
        folder=folder,
        settings=settings,
        ear=ear,
        trusts_ear=not is_shipped,
        embedder=embedder,
        versions=model_versions(store, profile=profile, checkpoint=checkpoint, hear=hear),
        licences=_licences(settings, is_shipped=is_shipped),
    )


def writer_licences(
    store: ModelStore, *, profile: ProfileName = "tiny", checkpoint: Path | None = None
) -> tuple[Licence, ...]:
    """The licences of all weights that a result owes something to, without loading them.

    Args:
        store: Where the models are.
        profile: Which ones.
        checkpoint: A folder that `musiscene checkpoint` made, in place of the profile's.

    Returns:
        One for each model.

    Raises:
        ModelUnavailableError: If a model is not on this machine.
        ModelIntegrityError: If a model's settings are damaged.
    """
    folder, is_shipped = writer_folder(store, profile, checkpoint)
    return _licences(read_settings(folder), is_shipped=is_shipped)


def _licences(settings: CheckpointSettings, *, is_shipped: bool) -> tuple[Licence, ...]:
    parts = tuple(
        Licence(model=part.name, licence=part.licence, commercial_use=part.commercial_use)
        for part in settings.parts
    )
    heard_with = MODELS_OF["tiny"] if is_shipped else (LISTENING_MODEL,)
    named = (*licences_of(heard_with), BEATS_LICENCE, *parts)
    return tuple({licence.model: licence for licence in named}.values())


def device_for(*, is_shipped: bool) -> str:
    """Where a model runs: large ones on the GPU if there is one."""
    import torch

    return "cuda" if torch.cuda.is_available() and not is_shipped else "cpu"


def untrained_imaginer(store: ModelStore) -> SceneImaginer:
    """The tiny profile's imagination before it learnt: shown examples, and mostly turned down.

    Args:
        store: Holds the language model.

    Returns:
        The imaginer, as a control.

    Raises:
        ModelUnavailableError: If the language model is not on this machine.
    """
    from musiscene.language_model import LanguageModel

    folder = store.folder(LANGUAGE_MODEL)
    return SceneImaginer(LanguageModel.load(folder, dtype=_fast_dtype(folder)))


def _fast_dtype(folder: Path) -> torch.dtype:
    """Bfloat16 where it halves the time, else float32, which rounds less.

    It does where the processor multiplies it itself and the weights are read from memory for every
    token; those of a small model stay in the processor's cache.
    """
    import torch

    able = torch.cpu.get_capabilities()
    weight_bytes = sum(path.stat().st_size for path in folder.rglob("*.safetensors"))
    is_faster = able.get("avx512_bf16") or able.get("amx_bf16")
    return torch.bfloat16 if is_faster and weight_bytes > CACHE_BYTES else torch.float32
