from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from musiscene.checkpoints.store import ModelStore
from musiscene.errors import GenerationError, GeneratorMissingError
from musiscene.generate import backends
from musiscene.generate.backends import BackendOptions, load_backend
from tests.support.musicgen import save_tiny_musicgen

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def store(tmp_path: Path) -> ModelStore:
    return ModelStore(tmp_path / "cache", tmp_path / "models")


class TestLoadBackend:
    def test_a_folder_of_musicgen_is_loaded(self, store: ModelStore, tmp_path: Path):
        folder = save_tiny_musicgen(tmp_path / "mine")
        options = BackendOptions(model=str(folder))
        assert load_backend("musicgen", store, options).name == "musicgen"
        assert load_backend("auto", store, options).name == "musicgen"

    def test_auto_takes_musicgen_with_a_gpu_and_weights_alone(
        self, store: ModelStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ):
        taken: list[str] = []
        monkeypatch.setattr(backends, "_musicgen", lambda *_: taken.append("musicgen"))
        monkeypatch.setattr(backends, "_composer", lambda *_: taken.append("composer"))
        monkeypatch.setattr("musiscene.generate.musicgen.variants.free_bytes", lambda _: 1 << 40)
        for has_gpu, has_weights in ((True, False), (False, True), (True, True)):
            monkeypatch.setattr(backends, "_has_gpu", lambda has_gpu=has_gpu: has_gpu)
            if has_weights:
                save_tiny_musicgen(tmp_path / "models" / "musicgen-small")
            load_backend("auto", store)
        assert taken == ["composer", "composer", "musicgen"]

    def test_what_is_missing_is_said(self, store: ModelStore, tmp_path: Path):
        with pytest.raises(GeneratorMissingError, match="musiscene models pull musicgen-small"):
            load_backend("musicgen", store)
        with pytest.raises(GeneratorMissingError, match=r"docs/audiocraft.md.*audiocraft-python"):
            load_backend("audiocraft", store)
        with pytest.raises(GenerationError, match="no such backend"):
            load_backend("lyria", store)
        with pytest.raises(GenerationError, match="a melody is followed by"):
            load_backend("composer", store, BackendOptions(melody=tmp_path / "tune.wav"))
