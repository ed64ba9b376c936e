"""What the encoder hears in the tracks of lessons, computed once and kept.

    FOLDER/ENCODER/HH/HASH.safetensors    `track` (layers, width), `segments` (segments, layers,
                                          width), float32, as `AudioFeatures` has them

ENCODER names the encoder, a digest of its weights and `FEATURES_VERSION`; HASH is the track's audio
hash, HH its first two digits. Each file appears whole, so any number of runs may share a folder,
and one that was killed loses the track in flight.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final, Literal

from musiscene.encoders.features import AudioFeatures
from musiscene.errors import AudioError, RecipeError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from musiscene.checkpoints.progress import PullProgress
    from musiscene.checkpoints.store import ModelStore
    from musiscene.listen import Listener

EncoderName = Literal["musicnn", "mert"]
FEATURES_VERSION: Final = "1"
"""Raised when the same encoder would hear something else, as when segments are cut otherwise."""
MERT: Final = "mert-v1-330m"
MUSICNN: Final = "musicnn"


class FeatureStore:
    """Features of tracks by their audio hash.

    Args:
        folder: Shared by runs; is made when the first features are kept.
        encoder: Name of the encoder with all that decides what it hears.
        open_listener: Loads the encoder; called once, when a track is heard that is not kept.
    """

    def __init__(self, folder: Path, encoder: str, open_listener: Callable[[], Listener]) -> None:
        self.encoder = encoder
        self._folder = folder / encoder
        self._open_listener = open_listener
        self._listener: Listener | None = None

    def features(self, path: str, audio_hash: str) -> AudioFeatures:
        """What is heard in a track and its segments.

        Args:
            path: Its file; is not looked at where the features are kept.
            audio_hash: Of its encoded audio packets.

        Returns:
            The features.

        Raises:
            AudioError: If the file cannot be heard, or holds another recording by now.
        """
        file = self._file(audio_hash)
        if file.exists():
            return _read(file)
        if self._listener is None:
            self._listener = self._open_listener()
        recording = self._listener.read(path)
        if recording.audio_hash != audio_hash:
            raise AudioError(path, "holds another recording than its lessons were written about")
        heard = self._listener.features(recording)
        self.keep(audio_hash, heard)
        return heard

    def keep(self, audio_hash: str, features: AudioFeatures) -> None:
        """Keep what was heard elsewhere, as in a `Listening` of the same encoder.

        Args:
            audio_hash: Of the track.
            features: Of the track.
        """
        _write(self._file(audio_hash), features)

    def _file(self, audio_hash: str) -> Path:
        return self._folder / audio_hash[:2] / f"{audio_hash}.safetensors"


def open_features(
    folder: Path,
    encoder: EncoderName,
    store: ModelStore,
    progress: PullProgress,
    *,
    mert: Path | None = None,
) -> FeatureStore:
    """The features that an encoder of the model store hears.

    Args:
        folder: Where they are kept.
        encoder: Which encoder.
        store: Holds the encoder; for MERT also MusiCNN, since a listener needs both.
        progress: Told while MERT is brought into transformers' form.
        mert: A folder with MERT in that form; None for one made of the model store's.

    Returns:
        The store of features.

    Raises:
        ModelUnavailableError: If the encoder is not on this machine.
    """
    from musiscene.checkpoints.manifest import digest_of, sha256_of
    from musiscene.encoders.musicnn import load_musicnn
    from musiscene.listen import Listener

    tagger = store.folder(MUSICNN)
    if encoder == "musicnn":
        name = f"{MUSICNN}-{FEATURES_VERSION}-{digest_of(tagger)}"
        return FeatureStore(folder, name, lambda: Listener(load_musicnn(tagger)))
    from musiscene.checkpoints.native import WEIGHTS_NAME

    hubert = mert or _native_mert(folder, store, progress)

    def open_listener() -> Listener:
        import torch

        from musiscene.encoders.mert import MertEncoder

        device = "cuda" if torch.cuda.is_available() else "cpu"
        return Listener(load_musicnn(tagger), encoder=MertEncoder.load(hubert, device=device))

    name = f"mert-{FEATURES_VERSION}-{sha256_of(hubert / WEIGHTS_NAME)[:12]}"
    return FeatureStore(folder, name, open_listener)


def _native_mert(folder: Path, store: ModelStore, progress: PullProgress) -> Path:
    """MERT as the plain HuBERT that it is, beside the features."""
    from musiscene.checkpoints.mert import plan_mert, write_encoder

    target = folder / MERT
    if not target.exists():
        part = folder / f".{MERT}.{os.getpid()}"
        folder.mkdir(parents=True, exist_ok=True)
        write_encoder(plan_mert(store.folder(MERT)), part, progress=progress)
        part.rename(target)
    return target


def _read(file: Path) -> AudioFeatures:
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        return AudioFeatures(**load_file(file))
    except (OSError, SafetensorError, TypeError) as error:
        raise RecipeError(file, f"is damaged, remove it: {error}") from error


def _write(file: Path, features: AudioFeatures) -> None:
    import numpy as np
    from safetensors.numpy import save_file

    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_name(f".{file.name}.{os.getpid()}.part")
    tensors = {"track": features.track, "segments": features.segments}
    save_file({name: np.ascontiguousarray(tensor) for name, tensor in tensors.items()}, part)
    part.replace(file)
