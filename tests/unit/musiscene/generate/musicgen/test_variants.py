from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from musiscene.checkpoints.store import ModelStore
from musiscene.errors import GenerationError, GeneratorMissingError
from musiscene.generate.musicgen import variants
from musiscene.generate.musicgen.variants import WORK_BYTES, choose, present
from musiscene.generate.musicgen.weights import check_folder

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def store(tmp_path: Path) -> ModelStore:
    return ModelStore(tmp_path / "cache", tmp_path / "models")


def _add(
    store: ModelStore, variant: str, *, megabytes: int = 1, name: str = "model.safetensors"
) -> Path:
    assert store.local_folder is not None
    folder = store.local_folder / f"musicgen-{variant}"
    folder.mkdir(parents=True)
    kind = "musicgen_melody" if "melody" in variant else "musicgen"
    (folder / "config.json").write_text(json.dumps({"model_type": kind}))
    with (folder / name).open("wb") as file:
        file.truncate(megabytes * 1_000_000)
    return folder


class TestChoose:
    def test_takes_the_largest_that_fits_and_says_why(
        self, store: ModelStore, monkeypatch: pytest.MonkeyPatch
    ):
        _add(store, "small", megabytes=2)
        folder = _add(store, "medium", megabytes=8)
        _add(store, "large", megabytes=13)
        monkeypatch.setattr(variants, "free_bytes", lambda _: WORK_BYTES + 10_000_000)
        chosen = choose(store, None, device="cpu")
        assert (chosen.name, chosen.folder) == ("musicgen-medium", folder)
        assert "largest here that fits: about 1.5 of 1.5 GB free" in chosen.why
        monkeypatch.setattr(variants, "free_bytes", lambda _: WORK_BYTES)
        with pytest.raises(GenerationError, match=r"no MusicGen model fits into 1.5 GB"):
            choose(store, None, device="cpu")

    def test_a_gpu_holds_more_since_weights_are_halved(
        self, store: ModelStore, monkeypatch: pytest.MonkeyPatch
    ):
        _add(store, "large", megabytes=13)
        monkeypatch.setattr(variants, "free_bytes", lambda _: WORK_BYTES + 8_000_000)
        assert choose(store, None, device="cuda").name == "musicgen-large"
        with pytest.raises(GenerationError):
            choose(store, None, device="cpu")

    @pytest.mark.parametrize("wanted", ["medium", "musicgen-medium", "facebook/musicgen-medium"])
    def test_a_name_is_taken_at_its_word(self, store: ModelStore, wanted: str):
        folder = _add(store, "medium")
        assert choose(store, wanted, device="cpu").folder == folder
        assert choose(store, str(folder), device="cpu").name == "musicgen-medium"

    def test_a_melody_needs_a_melody_model(self, store: ModelStore):
        _add(store, "small")
        with pytest.raises(GenerationError, match="cannot follow a melody"):
            choose(store, "small", device="cpu", needs_melody=True)
        with pytest.raises(GeneratorMissingError, match="models pull musicgen-melody"):
            choose(store, None, device="cpu", needs_melody=True)
        _add(store, "melody")
        assert choose(store, None, device="cpu", needs_melody=True).name == "musicgen-melody"

    def test_what_is_missing_comes_with_the_way_to_get_it(self, store: ModelStore):
        with pytest.raises(GeneratorMissingError, match=r"models pull musicgen-small.*NC-4.0"):
            choose(store, None, device="cpu")
        with pytest.raises(GeneratorMissingError, match="models pull musicgen-large"):
            choose(store, "large", device="cpu")
        with pytest.raises(GenerationError, match=r"huge: neither a folder nor.*stereo-small"):
            choose(store, "huge", device="cpu")


class TestCheckFolder:
    def test_pickles_are_refused_by_name(self, store: ModelStore):
        folder = _add(store, "small", name="pytorch_model.bin")
        with pytest.raises(GeneratorMissingError, match=r"only pytorch_model.bin, which can run"):
            check_folder(folder)
        assert present(store) == []

    @pytest.mark.parametrize("text", ["", "[]", '{"model_type": "llama"}'])
    def test_other_folders_are_refused(self, tmp_path: Path, text: str):
        (tmp_path / "config.json").write_text(text)
        with pytest.raises(GeneratorMissingError, match="MusicGen model"):
            check_folder(tmp_path)
