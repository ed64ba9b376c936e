"""Our numbers beside those that the original MU-LLaMA gave for a tiny checkpoint."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch

from musiscene.language_model import Sampling
from musiscene.prompts import ORIGINAL_INPUT, instruction_prompt
from musiscene.training.examples import pad_examples
from tests.support.mu_llama import FIXTURE, FIXTURE_REASON
from tools.check_mu_llama import (
    LAST,
    differences,
    encode,
    examples,
    import_fixture,
    own_name,
    reproduce,
    reproduce_gradients,
    waveform,
    write_pretrain_checkpoint,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from musiscene.language_model import AudioStates
    from musiscene.music_language_model import MusicLanguageModel, Phase
    from musiscene.training.examples import Example
    from tools.check_mu_llama import Fixture, Imported

    Checked = dict[str, tuple[float, float]]

pytestmark = [
    pytest.mark.golden,
    pytest.mark.usefixtures("one_thread"),
    pytest.mark.skipif(not FIXTURE.is_dir(), reason=FIXTURE_REASON),
]

GIVEN = {"knn_prototypes"}
"""Arrays that the original was given, too."""
LAYOUTS = {
    "as published": {},
    "two shards": {"llama": "llama/tiny_2shards"},
    "the whole file of a training": {"checkpoint": "checkpoint_full.pth"},
    "LoRA merged": {"merge": True},
}


def golden_names() -> list[str]:
    if not FIXTURE.is_dir():
        return []
    with np.load(FIXTURE / "golden.npz") as arrays:
        return [name for name in arrays.files if name not in GIVEN]


@pytest.fixture(scope="module")
def checked(golden: Fixture, tmp_path_factory: pytest.TempPathFactory) -> Checked:
    """Name of each golden array -> its largest difference from ours, and its tolerance."""
    own = reproduce(golden, tmp_path_factory.mktemp("reproduced"))
    return {name: (far, allowed) for name, far, allowed in differences(golden.arrays, own)}


@pytest.fixture(scope="module")
def imported(golden: Fixture, tmp_path_factory: pytest.TempPathFactory) -> Imported:
    """For reading; nothing is trained with it."""
    return import_fixture(golden, tmp_path_factory.mktemp("imported") / "checkpoint")


@pytest.fixture(scope="module")
def features(golden: Fixture, imported: Imported) -> torch.Tensor:
    """Of the tracks a and b, (2, layers, width)."""
    tracks = [waveform(golden, name) for name in ("audio.wav", "audio2.wav")]
    return torch.cat([encode(imported.encoder, track) for track in tracks])


@pytest.fixture(scope="module")
def heard(imported: Imported, features: torch.Tensor) -> dict[str, AudioStates]:
    with torch.inference_mode():
        states = imported.model.hear(features)
    return {"a": states.rows([0]), "b": states.rows([1]), "both": states}


@pytest.fixture(scope="module")
def trained(
    golden: Fixture, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, MusicLanguageModel]:
    """Each phase's model after one backward pass."""
    work = tmp_path_factory.mktemp("trained")
    checkpoints = {
        "ft": FIXTURE.resolve() / "checkpoint.pth",
        "pt": write_pretrain_checkpoint(golden, work / "pretrained.pth"),
    }
    models = {}
    for phase, checkpoint in checkpoints.items():
        loaded = import_fixture(golden, work / phase, checkpoint=checkpoint)
        reproduce_gradients(golden, loaded, phase)
        models[phase] = loaded.model
    return models


@pytest.mark.parametrize("name", golden_names())
def test_gives_the_golden_array(checked: Checked, name: str) -> None:
    far, allowed = checked[name]
    assert far <= allowed


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
class TestLogits:
    """However the checkpoint was stored and whatever else is in the batch."""

    @pytest.fixture
    def model(self, golden: Fixture, layout: dict[str, Any], tmp_path: Path) -> MusicLanguageModel:
        return import_fixture(golden, tmp_path / "checkpoint", **layout).model

    @pytest.fixture
    def rows(self, golden: Fixture, model: MusicLanguageModel) -> list[Example]:
        return examples(golden, model)[:2]

    def test_are_the_golden_ones_row_by_row(
        self,
        golden: Fixture,
        model: MusicLanguageModel,
        rows: Sequence[Example],
        features: torch.Tensor,
    ) -> None:
        first, second = (pad_examples([row])[0] for row in rows)
        a, b = features[:1], features[1:]
        with torch.inference_mode():
            own = {
                "logits_ft_a": model.logits(first, model.hear(a))[0],
                "logits_ft_b_last16": model.logits(second, model.hear(b))[0, -LAST:],
                "logits_ft_a_tokens_with_audio_b_last16": model.logits(first, model.hear(b))[
                    0, -LAST:
                ],
            }
        self.compare(golden, own)

    def test_are_the_golden_ones_in_one_batch_of_unequal_rows(
        self,
        golden: Fixture,
        model: MusicLanguageModel,
        rows: Sequence[Example],
        features: torch.Tensor,
    ) -> None:
        token_ids, _ = pad_examples([rows[1], rows[0], rows[0]])
        with torch.inference_mode():
            logits = model.logits(token_ids, model.hear(features[[1, 0, 1]]))
        length = len(rows[1].token_ids)
        assert length < token_ids.shape[1]
        own = {
            "logits_ft_b_last16": logits[0, length - LAST : length],
            "logits_ft_a": logits[1],
            "logits_ft_a_tokens_with_audio_b_last16": logits[2, -LAST:],
        }
        self.compare(golden, own)

    def compare(self, golden: Fixture, own: dict[str, torch.Tensor]) -> None:
        expected = {name: golden.arrays[name] for name in own}
        too_far = [found for found in differences(expected, own) if found[1] > found[2]]
        assert not too_far


class TestGradients:
    @pytest.mark.parametrize("phase", ["ft", "pt"])
    def test_reach_exactly_the_parameters_that_the_original_trains(
        self, golden: Fixture, trained: dict[str, MusicLanguageModel], phase: str
    ) -> None:
        reached = {
            name
            for name, parameter in trained[phase].named_parameters()
            if parameter.grad is not None
        }
        assert reached == {
            "adapter.gates" if name.endswith(".gate") else own_name(name)
            for name in golden.notes[f"gradnames_{phase}"]
        }

    def test_are_missing_in_the_original_only_for_gates_that_do_not_exist_here(
        self, golden: Fixture, trained: dict[str, MusicLanguageModel]
    ) -> None:
        deaf = range(trained["pt"].first_hearing_layer)
        gates = [f"llama.layers.{layer}.attention.gate" for layer in deaf]
        assert golden.notes["no_grad_pt"] == gates
        assert golden.notes["no_grad_ft"] == []

    def test_change_as_many_numbers_as_in_the_original(
        self, golden: Fixture, trained: dict[str, MusicLanguageModel]
    ) -> None:
        counts = golden.notes["trainable_count"]
        dead_gates = len(golden.notes["no_grad_pt"]) * trained["pt"].adapter.shape.heads
        assert counts == {"finetune": 16_624, "pretrain": 84_846}
        assert trained_numbers(trained["ft"], "lora") == counts["finetune"]
        assert trained_numbers(trained["pt"], "adapter") == counts["pretrain"] - dead_gates


def trained_numbers(model: MusicLanguageModel, phase: Phase) -> int:
    return sum(math.prod(parameter.shape) for _, parameter in model.trainable(phase))


@pytest.mark.parametrize("track", ["a", "b"])
class TestPrompt:
    def test_is_the_original_byte_for_byte(self, golden: Fixture, track: str) -> None:
        asked = golden.notes["generate"][track]
        own = instruction_prompt(asked["question"], style="mu-llama")
        assert own.encode() == asked["prompt"].encode()

    def test_differs_from_the_clean_one_in_the_slot_alone(
        self, golden: Fixture, track: str
    ) -> None:
        asked = golden.notes["generate"][track]
        assert asked["prompt"].count(ORIGINAL_INPUT) == 1
        clean = asked["prompt"].replace(ORIGINAL_INPUT, "")
        assert instruction_prompt(asked["question"]) == clean
        known = instruction_prompt(asked["question"], context="A waltz.")
        assert known == asked["prompt"].replace(ORIGINAL_INPUT, "A waltz.")


class TestGreedyAnswer:
    def sampling(self, asked: dict[str, Any]) -> Sampling:
        return Sampling(max_new_tokens=asked["max_gen_len"], temperature=0.0, stop=())

    @pytest.mark.parametrize("track", ["a", "b"])
    def test_is_the_original_one(
        self, golden: Fixture, imported: Imported, heard: dict[str, AudioStates], track: str
    ) -> None:
        asked = golden.notes["generate"][track]
        [[answer]] = imported.model.language_model.complete(
            asked["prompt"], [""], self.sampling(asked), audio=heard[track]
        )
        assert list(answer.token_ids) == asked["ids"]
        assert answer.text == asked["returned_text"]
        assert answer.is_finished == asked["stopped_by_eos"]

    @pytest.mark.parametrize(
        "tracks",
        [
            pytest.param("ab", id="each its own track"),
            pytest.param("ba", id="the other way round"),
            pytest.param("aba", id="two hear the same"),
        ],
    )
    def test_is_the_original_one_in_a_batch_of_unequal_prompts(
        self, golden: Fixture, imported: Imported, heard: dict[str, AudioStates], tracks: str
    ) -> None:
        asked = [golden.notes["generate"][track] for track in tracks]
        assert len({len(one["prompt_ids"]) for one in asked}) == 2
        answers = imported.model.language_model.complete(
            "",
            [one["prompt"] for one in asked],
            self.sampling(asked[0]),
            audio=heard["both"],
            audio_rows=["ab".index(track) for track in tracks],
        )
        assert [list(answer.token_ids) for [answer] in answers] == [one["ids"] for one in asked]
        texts = [one["returned_text"] for one in asked]
        assert [answer.text for [answer] in answers] == texts

    @pytest.mark.parametrize("track", ["a", "b"])
    def test_is_the_same_when_streamed(
        self, golden: Fixture, imported: Imported, heard: dict[str, AudioStates], track: str
    ) -> None:
        asked = golden.notes["generate"][track]
        pieces = list(
            imported.model.language_model.stream(
                asked["prompt"], self.sampling(asked), audio=heard[track]
            )
        )
        assert "".join(pieces) == asked["returned_text"]
        assert len(pieces) > 1
