from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest
import torch
from transformers import AutoModelForCausalLM

from musiscene.language_model import Sampling
from musiscene.music_language_model import MusicLanguageModel
from tests.support.hearing import (
    BEGINNING,
    GREEDY,
    QUESTIONS,
    made_features,
    tiny_hearing_model,
    token_ids,
)
from tests.support.language_model import write_tiny_language_model
from tests.support.mu_llama import Sizes, import_made, make_mu_llama

if TYPE_CHECKING:
    from pathlib import Path

    from musiscene.language_model import AudioStates
    from musiscene.music_language_model import Phase
    from tests.support.hearing import Ids

SAMPLED = Sampling(
    max_new_tokens=12, temperature=1.0, top_p=0.9, seed=3, stop=(), samples_per_prompt=3
)
SAMPLINGS = [pytest.param(GREEDY, id="greedy"), pytest.param(SAMPLED, id="sampled")]
IGNORED = -100


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_language_model(tmp_path_factory.mktemp("tiny") / "tiny")


@pytest.fixture(scope="module")
def model(folder: Path) -> MusicLanguageModel:
    """For reading; nothing is trained with it."""
    return tiny_hearing_model(folder)


@pytest.fixture
def fresh_model(folder: Path) -> MusicLanguageModel:
    return tiny_hearing_model(folder)


@pytest.fixture(scope="module")
def heard(model: MusicLanguageModel) -> AudioStates:
    """Four tracks."""
    with torch.inference_mode():
        return model.hear(made_features(4))


@pytest.fixture(scope="module")
def tuned_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An imported checkpoint with LoRA, norms and biases that are far from nothing."""
    work = tmp_path_factory.mktemp("tuned")
    return import_made(make_mu_llama(work), work / "checkpoint").folder


def one_by_one(
    model: MusicLanguageModel, sampling: Sampling, audio: AudioStates, audio_rows: list[int]
) -> Ids:
    return [
        token_ids(model, [question], sampling, audio=audio.rows([row]))[0]
        for question, row in zip(QUESTIONS, audio_rows, strict=True)
    ]


class Counted:
    """How many rows went through a module in each of its calls."""

    def __init__(self, module: torch.nn.Module) -> None:
        self.counts: list[int] = []
        self._hook = module.register_forward_hook(self._count)

    def _count(self, _module: object, given: tuple[torch.Tensor, ...], _out: object) -> None:
        first = given[0]
        self.counts.append(first.numel() if first.dtype == torch.long else first[..., 0].numel())

    def __enter__(self) -> list[int]:
        return self.counts

    def __exit__(self, *_: object) -> None:
        self._hook.remove()


class TestAnswers:
    @pytest.mark.parametrize("sampling", SAMPLINGS)
    def test_of_rows_with_tracks_of_their_own_are_those_of_each_alone(
        self, model: MusicLanguageModel, heard: AudioStates, sampling: Sampling
    ):
        together = token_ids(model, QUESTIONS, sampling, audio=heard)
        assert together == one_by_one(model, sampling, heard, [0, 1, 2, 3])
        assert all(len(samples) == sampling.samples_per_prompt for samples in together)

    @pytest.mark.parametrize("sampling", SAMPLINGS)
    @pytest.mark.parametrize("audio_rows", [[2, 2, 2, 2], [1, 0, 1, 3], [3, 3, 0, 0]])
    def test_about_the_same_tracks_are_those_of_each_alone(
        self,
        model: MusicLanguageModel,
        heard: AudioStates,
        sampling: Sampling,
        audio_rows: list[int],
    ):
        together = token_ids(model, QUESTIONS, sampling, audio=heard, audio_rows=audio_rows)
        assert together == one_by_one(model, sampling, heard, audio_rows)

    def test_of_more_rows_than_a_batch_holds_keep_their_tracks(
        self, model: MusicLanguageModel, heard: AudioStates
    ):
        questions = [f"{number} drums" for number in range(37)]
        rows = [number % 4 for number in range(37)]
        many = token_ids(model, questions, GREEDY, audio=heard, audio_rows=rows)
        for place in (0, 5, 33, 36):
            alone = token_ids(model, [questions[place]], GREEDY, audio=heard.rows([rows[place]]))
            assert many[place] == alone[0]

    def test_of_rows_that_end_early_leave_the_others_their_tracks(
        self, model: MusicLanguageModel, heard: AudioStates
    ):
        complete = model.language_model.complete
        full = [done.text for [done] in complete(BEGINNING, QUESTIONS, GREEDY, audio=heard)]
        pieces = [full[0][start : start + 3] for start in range(len(full[0]) - 3)]
        only_in_the_first = next(
            piece for piece in pieces if not any(piece in text for text in full[1:])
        )
        early = msgspec.structs.replace(GREEDY, stop=(only_in_the_first,))
        cut = [done.text for [done] in complete(BEGINNING, QUESTIONS, early, audio=heard)]
        assert cut == [full[0].split(only_in_the_first)[0], *full[1:]]
        assert len(cut[0]) < len(full[0])

    def test_depend_on_what_is_heard(self, model: MusicLanguageModel, heard: AudioStates):
        answers = token_ids(model, ["Who?"] * 4, GREEDY, audio=heard)
        assert len({ids for [ids] in answers}) == 4

    def test_depend_on_the_question_too(self, model: MusicLanguageModel, heard: AudioStates):
        answers = token_ids(model, QUESTIONS, GREEDY, audio=heard, audio_rows=[1, 1, 1, 1])
        assert len({ids for [ids] in answers}) == 4

    def test_without_music_are_the_plain_language_models(
        self, model: MusicLanguageModel, folder: Path
    ):
        silent = tiny_hearing_model(folder, has_open_gates=False)
        unheard = silent.hear(made_features(4))
        [[plain]] = model.language_model.complete("", [BEGINNING + "Who?"], GREEDY)
        assert token_ids(silent, ["Who?"], GREEDY, audio=unheard.rows([0])) == [[plain.token_ids]]


class TestSharedBeginning:
    ONE_TOKEN = msgspec.structs.replace(GREEDY, max_new_tokens=1)

    @pytest.mark.parametrize(
        ("audio_rows", "tracks"), [([2, 2, 2, 2], 1), ([1, 0, 1, 1], 2)], ids=["one", "two"]
    )
    def test_is_read_once_for_each_track(
        self, model: MusicLanguageModel, heard: AudioStates, audio_rows: list[int], tracks: int
    ):
        with Counted(model.backbone.model.embed_tokens) as counts:
            token_ids(model, QUESTIONS, self.ONE_TOKEN, audio=heard, audio_rows=audio_rows)
        longest = max(map(len, QUESTIONS))
        assert counts == [tracks * len(BEGINNING), len(QUESTIONS) * longest]

    def test_is_read_by_every_row_where_each_has_a_track_of_its_own(
        self, model: MusicLanguageModel, heard: AudioStates
    ):
        with Counted(model.backbone.model.embed_tokens) as counts:
            token_ids(model, QUESTIONS, self.ONE_TOKEN, audio=heard)
        assert counts == [4 * (len(BEGINNING) + max(map(len, QUESTIONS)))]

    def test_equal_questions_leave_each_row_a_token_of_its_own(
        self, model: MusicLanguageModel, heard: AudioStates
    ):
        with Counted(model.backbone.model.embed_tokens) as counts:
            asked = token_ids(model, ["Who?"] * 3, GREEDY, audio=heard, audio_rows=[1, 1, 1])
        assert counts[:2] == [len(BEGINNING + "Who?") - 1, 3]
        assert asked == token_ids(model, ["Who?"], GREEDY, audio=heard.rows([1])) * 3


class TestLoss:
    @pytest.fixture
    def batch(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Rows of 9 and 6 tokens, of which 3 and 5 are learnt."""
        token_ids = torch.randint(1, 200, (2, 9), generator=torch.Generator().manual_seed(5))
        labels = torch.full_like(token_ids, IGNORED)
        labels[0, 6:] = token_ids[0, 6:]
        labels[1, 1:6] = token_ids[1, 1:6]
        token_ids[1, 6:] = 0
        return token_ids, labels

    def test_without_music_is_that_of_transformers(
        self, model: MusicLanguageModel, folder: Path, batch: tuple[torch.Tensor, torch.Tensor]
    ):
        reference: Any = AutoModelForCausalLM.from_pretrained(folder)
        token_ids, labels = batch
        mask = torch.ones_like(token_ids)
        mask[1, 6:] = 0
        with torch.no_grad():
            expected = reference(input_ids=token_ids, attention_mask=mask, labels=labels).loss
            torch.testing.assert_close(model.loss(token_ids, labels, None), expected)

    def test_counts_every_label_alike_and_not_every_row(
        self,
        model: MusicLanguageModel,
        heard: AudioStates,
        batch: tuple[torch.Tensor, torch.Tensor],
    ):
        token_ids, labels = batch
        with torch.no_grad():
            rows = [
                model.loss(token_ids[row : row + 1], labels[row : row + 1], heard.rows([row]))
                for row in (0, 1)
            ]
            together = model.loss(token_ids, labels, heard.rows([0, 1]))
        torch.testing.assert_close(together, (3 * rows[0] + 5 * rows[1]) / 8)
        assert abs(rows[0] - rows[1]) > 1e-3

    def test_depends_on_what_is_heard(
        self,
        model: MusicLanguageModel,
        heard: AudioStates,
        batch: tuple[torch.Tensor, torch.Tensor],
    ):
        with torch.no_grad():
            one, other = (model.loss(*batch, heard.rows(rows)) for rows in ([0, 1], [2, 3]))
        assert abs(one - other) > 1e-3

    def test_makes_logits_only_where_something_is_learnt(
        self, model: MusicLanguageModel, batch: tuple[torch.Tensor, torch.Tensor]
    ):
        with torch.no_grad(), Counted(model.backbone.lm_head) as counts:
            model.loss(*batch, None)
        assert counts == [8]

    def test_is_0_with_gradients_of_0_where_nothing_is_learnt(
        self, fresh_model: MusicLanguageModel, batch: tuple[torch.Tensor, torch.Tensor]
    ):
        parameters = fresh_model.start_phase("adapter")
        token_ids, labels = batch
        audio = fresh_model.hear(made_features(2))
        loss = fresh_model.loss(token_ids, torch.full_like(labels, IGNORED), audio)
        assert loss.item() == 0.0
        torch.autograd.backward(loss)
        assert any(parameter.grad is not None for parameter in parameters)
        assert not any(
            parameter.grad.any() for parameter in parameters if parameter.grad is not None
        )

    def test_a_label_at_the_first_place_is_never_learnt(
        self, model: MusicLanguageModel, batch: tuple[torch.Tensor, torch.Tensor]
    ):
        labels = torch.full_like(batch[1], IGNORED)
        labels[:, 0] = 7
        with torch.no_grad():
            assert model.loss(batch[0], labels, None).item() == 0.0


class TestPhases:
    @pytest.fixture
    def tuned(self, tuned_folder: Path) -> MusicLanguageModel:
        return MusicLanguageModel.load(tuned_folder, merge=False)

    def learning(self, model: MusicLanguageModel) -> set[str]:
        return {name for name, own in model.named_parameters() if own.requires_grad}

    def test_the_first_trains_the_adapter_alone(self, tuned: MusicLanguageModel):
        chosen = tuned.start_phase("adapter")
        assert self.learning(tuned) == {
            f"adapter.{name}" for name, _ in tuned.adapter.named_parameters()
        }
        assert {id(own) for own in chosen} == {id(own) for own in tuned.adapter.parameters()}

    def test_the_second_trains_lora_norms_and_biases_alone(self, tuned: MusicLanguageModel):
        tuned.start_phase("lora")
        sizes = Sizes()
        names = self.learning(tuned)
        matrices = 7 * sizes.layers
        assert sum("lora_A" in name for name in names) == matrices
        assert sum("lora_B" in name for name in names) == matrices
        assert sum("norm" in name for name in names) == 2 * sizes.layers + 1
        assert sum(name.endswith(".bias") for name in names) == 5 * sizes.layers
        assert len(names) == 2 * matrices + 2 * sizes.layers + 1 + 5 * sizes.layers
        assert not any(name.startswith("adapter") for name in names)
        assert not any(".k_proj" in name and name.endswith("bias") for name in names)
        assert not any(".v_proj" in name and name.endswith("bias") for name in names)

    def test_one_ends_the_other(self, tuned: MusicLanguageModel):
        tuned.start_phase("lora")
        tuned.start_phase("adapter")
        assert all(name.startswith("adapter") for name in self.learning(tuned))

    @pytest.mark.parametrize("phase", ["adapter", "lora"])
    def test_gradients_reach_what_is_trained_and_nothing_else(
        self, tuned: MusicLanguageModel, phase: Phase
    ):
        chosen = tuned.start_phase(phase)
        sizes = Sizes()
        features = torch.randn(1, sizes.encoder_layers, sizes.encoder_width)
        token_ids = torch.arange(3, 13)[None]
        torch.autograd.backward(tuned.loss(token_ids, token_ids, tuned.hear(features)))
        reached = {id(own) for own in tuned.parameters() if own.grad is not None}
        assert reached == {id(own) for own in chosen}
