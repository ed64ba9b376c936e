"""What a profile or a checkpoint writes with."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import torch

from musiscene.checkpoints.store import ModelStore
from musiscene.errors import ModelUnavailableError
from musiscene.imagine.prompt import HEARD_PROMPT, LEARNT_SCENE, LEARNT_VIDEO
from musiscene.prompts import SCENE_QUESTION, VIDEO_QUESTION
from musiscene.training.recipe import read_recipe
from musiscene.writer import CACHE_BYTES, SHIPPED, _fast_dtype, load_writer, untrained_imaginer
from tests.support.language_model import write_tiny_language_model
from tests.support.mu_llama import import_made, make_mu_llama

if TYPE_CHECKING:
    from musiscene.imagine import SceneImaginer

RECIPES = Path("musiscene/recipes")
DESCRIPTION = "A slow tune."


class OneFolder(ModelStore):
    """A store that holds one folder under every name."""

    def __init__(self, held: Path) -> None:
        super().__init__()
        self.held = held

    def folder(self, name: str) -> Path:
        assert name
        return self.held


def prompt_of(imaginer: SceneImaginer) -> object:
    return imaginer._choose_prompt(DESCRIPTION)


class TestLoadWriter:
    def test_a_checkpoint_without_our_lessons_is_asked_in_its_own_way(self, tmp_path: Path):
        folder = import_made(make_mu_llama(tmp_path), tmp_path / "made").folder
        writer = load_writer(ModelStore(), checkpoint=folder)
        assert writer.trusts_ear
        assert writer.embedder is None
        assert prompt_of(writer.imaginer()) == HEARD_PROMPT
        assert prompt_of(writer.imaginer(of_videos=True)) == HEARD_PROMPT

    def test_the_shipped_weights_are_asked_as_they_were_taught(self):
        try:
            writer = load_writer(ModelStore())
        except ModelUnavailableError as error:
            pytest.skip(f"needs the tiny profile's models: {error}")
        assert not writer.trusts_ear
        assert writer.folder == SHIPPED
        assert prompt_of(writer.imaginer()) == LEARNT_SCENE
        assert prompt_of(writer.imaginer(of_videos=True)) == LEARNT_VIDEO


class TestUntrainedImaginer:
    def test_is_shown_examples(self, tmp_path: Path):
        store = OneFolder(write_tiny_language_model(tmp_path / "tiny"))
        imaginer = untrained_imaginer(store)
        [(scene,)] = imaginer.imagine([DESCRIPTION])
        assert scene.origin == "fallback"  # random weights: everything is turned down
        assert imaginer._choose_prompt(DESCRIPTION).example_scenes


class TestLessons:
    @pytest.mark.parametrize(
        ("prompt", "question"), [(LEARNT_SCENE, SCENE_QUESTION), (LEARNT_VIDEO, VIDEO_QUESTION)]
    )
    def test_are_asked_as_they_are_taught(self, prompt: object, question: str):
        recipe = read_recipe(RECIPES / "tiny.toml")
        taught = recipe.prompt.replace("{question}", question)
        template = getattr(prompt, "template", "").replace("{description}", "{music}")
        assert template == taught


class TestFastDtype:
    @pytest.mark.parametrize(
        ("able", "size_bytes", "dtype"),
        [
            pytest.param({"avx512_bf16": True}, CACHE_BYTES + 1, torch.bfloat16, id="large"),
            pytest.param({"amx_bf16": True}, CACHE_BYTES + 1, torch.bfloat16, id="large, AMX"),
            pytest.param({"avx512_bf16": True}, CACHE_BYTES, torch.float32, id="fits the cache"),
            pytest.param({"avx2": True}, CACHE_BYTES + 1, torch.float32, id="cannot"),
        ],
    )
    def test_is_short_only_where_that_is_faster(
        self,
        able: dict[str, bool],
        size_bytes: int,
        dtype: torch.dtype,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ):
        monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: able)
        (tmp_path / "deep").mkdir()
        for path, share in ((tmp_path / "a", 1000), (tmp_path / "deep" / "b", size_bytes - 1000)):
            with path.with_suffix(".safetensors").open("wb") as file:
                file.truncate(share)  # holes: no disk is used
        assert _fast_dtype(tmp_path) == dtype
