from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from musiscene.checkpoints.store import ModelStore
from musiscene.errors import GenerationError, GeneratorMissingError
from musiscene.generate import backends
from musiscene.generate.backends import BackendOptions, forget_backends, load_backend
from tests.support.musicgen import save_tiny_musicgen

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(autouse=True)
def nothing_kept() -> Iterator[None]:
    forget_backends()
    yield
    forget_backends()


@pytest.fixture
def store(tmp_path: Path) -> ModelStore:
    return ModelStore(tmp_path / "cache", tmp_path / "models")


class TestLoadBackend:
    def test_a_folder_of_musicgen_is_loaded(self, store: ModelStore, tmp_path: Path):
        folder = save_tiny_musicgen(tmp_path / "mine")
        options = BackendOptions(model=str(folder))
        first = load_backend("musicgen", store, options)
        assert first.name == "musicgen"
        assert load_backend("musicgen", store, BackendOptions(model=str(folder))) is first
        by_auto = load_backend("auto", store, options)
        assert by_auto.name == "musicgen"
        assert load_backend("auto", store, options) is by_auto
        forget_backends()
        assert load_backend("musicgen", store, options) is not first

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

    def test_one_that_holds_much_is_kept_until_another_is_asked_for(
        self, store: ModelStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ):
        alive: set[str] = set()

        class Big:
            def __init__(self, name: str) -> None:
                self.name = name
                assert not alive, "two at once need twice the memory"
                alive.add(name)

            def __del__(self) -> None:
                alive.discard(self.name)

        monkeypatch.setattr(backends, "_musicgen", lambda _, options: Big(options.model))
        monkeypatch.setattr(backends, "_audiocraft", lambda _: Big("audiocraft"))
        for model in ("small", "large", "small"):
            options = BackendOptions(model=model)
            kept = id(load_backend("musicgen", store, options))
            assert id(load_backend("musicgen", store, options)) == kept
            assert alive == {model}
        load_backend("composer", store)
        assert alive == {"small"}
        load_backend("audiocraft", store, BackendOptions(audiocraft_python=tmp_path))
        assert alive == {"audiocraft"}
        forget_backends()
        assert not alive

    def test_auto_stays_with_what_it_took_when_memory_gets_short(
        self, store: ModelStore, monkeypatch: pytest.MonkeyPatch
    ):
        monkeypatch.setattr(backends, "_musicgen", lambda *_: "held")
        answers = iter([True, False])
        monkeypatch.setattr(backends, "_is_musicgen_quick", lambda *_: next(answers))
        assert load_backend("auto", store) == "held"  # type: ignore[comparison-overlap]
        assert load_backend("auto", store) == "held"  # type: ignore[comparison-overlap]
