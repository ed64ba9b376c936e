"""The backends by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, TypeAlias, get_args

from musiscene.errors import GenerationError

if TYPE_CHECKING:
    from musiscene.checkpoints.store import ModelStore
    from musiscene.generate.protocol import MusicGenerator

BackendName: TypeAlias = Literal["auto", "composer"]
BACKENDS: Final[tuple[str, ...]] = get_args(BackendName)


def load_backend(name: str, store: ModelStore) -> MusicGenerator:
    """Make a backend ready.

    Args:
        name: One of `BACKENDS`; `auto` takes the best that this machine has.
        store: Holds the models.

    Returns:
        The backend.

    Raises:
        GenerationError: If there is no such backend.
        GeneratorMissingError: If what it needs is not installed.
    """
    if name not in BACKENDS:
        raise GenerationError(f"{name}: no such backend; there are {', '.join(BACKENDS)}")
    from musiscene.errors import ModelError
    from musiscene.generate.composer.composer import Composer
    from musiscene.generate.composer.soundfont import tuned_soundfont
    from musiscene.scene_reader import SCENE_READER_MODEL, SceneReader

    tuned_soundfont()
    try:
        return Composer(SceneReader.load(store.folder(SCENE_READER_MODEL)))
    except ModelError:  # words of moods, instruments and tempo are read without it
        return Composer()
