"""The backends by name.

One that holds weights or a process is kept for the next call: loading takes longer than many a
piece of music.
"""

from __future__ import annotations

import atexit
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, TypeAlias, get_args

import msgspec

from musiscene.errors import GenerationError, GeneratorMissingError

if TYPE_CHECKING:
    from musiscene.checkpoints.store import ModelStore
    from musiscene.generate.protocol import MusicGenerator
    from musiscene.scene_reader import SceneReader

BackendName: TypeAlias = Literal["auto", "composer", "musicgen", "audiocraft"]
BACKENDS: Final[tuple[str, ...]] = get_args(BackendName)


class BackendOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What a person may say of a backend beside its name."""

    model: str | None = None
    """Variant or folder of MusicGen, which `auto` then takes; None for the best that the machine
    can hold."""
    melody: Path | None = None
    """A recording that a melody model follows."""
    audiocraft_python: Path | None = None
    """Interpreter of the environment that has audiocraft."""


def load_backend(
    name: str,
    store: ModelStore,
    options: BackendOptions | None = None,
    *,
    reader: SceneReader | None = None,
) -> MusicGenerator:
    """Make a backend ready, or give the one of the last call if that was asked for the same.

    Args:
        name: One of `BACKENDS`; `auto` takes the best that this machine has.
        store: Holds the models.
        options: What else was said.
        reader: Tells the composer what a prompt calls for; None for the one in the store.

    Returns:
        The backend.

    Raises:
        GenerationError: If there is no such backend.
        GeneratorMissingError: If what it needs is not installed.
    """
    if name not in BACKENDS:
        raise GenerationError(f"{name}: no such backend; there are {', '.join(BACKENDS)}")
    chosen = options or BackendOptions()
    key = (name, store.root, store.local_folder, chosen)
    with _loading:
        # Asked before memory is: what is kept is part of what is in use.
        if key in _kept:
            return _kept[key]
        if name != "composer" and (name != "auto" or _is_musicgen_quick(store, chosen)):
            forget_backends()  # the memory is needed
            _kept[key] = _audiocraft(chosen) if name == "audiocraft" else _musicgen(store, chosen)
            return _kept[key]
    if chosen.melody:
        raise GenerationError("a melody is followed by the backends musicgen and audiocraft alone")
    return _composer(store, reader)


_loading: Final = threading.RLock()
_kept: Final[dict[tuple[str, Path, Path | None, BackendOptions], MusicGenerator]] = {}
"""The last one that holds weights or a process."""


@atexit.register
def forget_backends() -> None:
    """Let go of the backend that is kept; its process ends when nobody makes music with it."""
    with _loading:
        _kept.clear()


def _is_musicgen_quick(store: ModelStore, options: BackendOptions) -> bool:
    """Whether `auto` takes MusicGen: without a GPU 30 seconds of music take minutes."""
    if options.model or options.melody:
        return True
    from musiscene.generate.musicgen.variants import free_bytes, needed_bytes, present

    found = present(store)  # before torch is imported
    if not found or not _has_gpu():
        return False
    free = free_bytes("cuda")
    return any(needed_bytes(one.folder, device="cuda") <= free for one in found)


def _has_gpu() -> bool:
    import torch

    return torch.cuda.is_available()


def _musicgen(store: ModelStore, options: BackendOptions) -> MusicGenerator:
    from musiscene.generate.musicgen.variants import choose

    device = "cuda" if _has_gpu() else "cpu"
    needs_melody = options.melody is not None
    chosen = choose(store, options.model, device=device, needs_melody=needs_melody)
    from musiscene.generate.musicgen.backend import MusicGen
    from musiscene.generate.musicgen.weights import load_weights

    loaded = load_weights(chosen.folder, name=chosen.name, device=device)
    return MusicGen(loaded, why=chosen.why, melody=options.melody)


def _audiocraft(options: BackendOptions) -> MusicGenerator:
    from musiscene.generate.audiocraft.backend import Audiocraft
    from musiscene.generate.audiocraft.client import AudiocraftWorker

    if options.audiocraft_python is None:
        raise GeneratorMissingError(
            "audiocraft lives in an environment of its own: make it as docs/audiocraft.md says, and"
            " name its interpreter with --audiocraft-python, or generation.audiocraft_python in the"
            " settings of the service"
        )
    worker = AudiocraftWorker(options.audiocraft_python)
    return Audiocraft(worker, model=options.model, melody=options.melody)


def _composer(store: ModelStore, reader: SceneReader | None) -> MusicGenerator:
    from musiscene.errors import ModelError
    from musiscene.generate.composer.composer import Composer
    from musiscene.generate.composer.soundfont import tuned_soundfont
    from musiscene.scene_reader import SCENE_READER_MODEL, SceneReader

    tuned_soundfont()
    try:
        return Composer(reader or SceneReader.load(store.folder(SCENE_READER_MODEL)))
    except ModelError:  # words of moods, instruments and tempo are read without it
        return Composer()
