from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedTokenizerBase
from transformers.convert_slow_tokenizer import bytes_to_unicode

from musiscene.errors import ModelIntegrityError, ModelUnavailableError
from musiscene.language_model import AudioStates, LanguageModel, Sampling
from musiscene.language_model import model as model_module
from tests.support.language_model import END, write_tiny_language_model
from tests.support.mu_llama import import_made, make_mu_llama

PREFIX = "Music: a slow piano.\nScene: Snow falls.\n\n"
ROWS = ["Music: drums\nScene:", "a", "Music: a harp and a flute, softly\nScene:", "zz top"]
GREEDY = Sampling(max_new_tokens=12, temperature=0.0, stop=())
SAMPLED = Sampling(max_new_tokens=12, temperature=1.0, top_p=0.9, seed=3, stop=())
BYTES_TO_LETTERS: Any = bytes_to_unicode
LONG = Sampling(max_new_tokens=60, stop=())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_language_model(tmp_path_factory.mktemp("tiny") / "tiny")


@pytest.fixture(scope="module")
def model(folder: Path) -> LanguageModel:
    return LanguageModel.load(folder)


@pytest.fixture(scope="module")
def fallback(tmp_path_factory: pytest.TempPathFactory) -> LanguageModel:
    """With a tokenizer like LLaMA's, whose decoder judges a run of bytes as a whole."""
    work = tmp_path_factory.mktemp("fallback")
    checkpoint = import_made(make_mu_llama(work), work / "checkpoint").folder
    return LanguageModel.load(checkpoint / "language_model")


def texts(
    model: LanguageModel, rows: list[str], sampling: Sampling, *, prefix: str = PREFIX
) -> list[list[str]]:
    return [[done.text for done in row] for row in model.complete(prefix, rows, sampling)]


class Script:
    """Tokens that are drawn one after the other, whatever the model makes of them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, tokenizer: PreTrainedTokenizerBase) -> None:
        self._monkeypatch = monkeypatch
        self._tokenizer = tokenizer

    def write(self, *parts: str | bytes) -> None:
        """Let the byte tokenizer's tokens of a text come, and then the end."""
        letters = BYTES_TO_LETTERS()
        content = b"".join(part.encode() if isinstance(part, str) else part for part in parts)
        vocabulary = self._tokenizer.get_vocab()
        letter_ids = [vocabulary[letters[byte]] for byte in content]
        self.draw([*letter_ids, vocabulary[END]])

    def draw(self, token_ids: Sequence[int], *, end: LanguageModel | None = None) -> None:
        ends = [] if end is None else [end.tokenizer.eos_token_id]
        coming = iter([*token_ids, *ends])

        def draw_tokens(*_: object) -> tuple[torch.Tensor, torch.Tensor]:
            return torch.tensor([next(coming)]), torch.zeros(1)

        self._monkeypatch.setattr(model_module, "draw_tokens", draw_tokens)


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch, model: LanguageModel) -> Script:
    return Script(monkeypatch, model.tokenizer)


class TestComplete:
    @pytest.mark.parametrize("prefix", ["", PREFIX])
    def test_greedy_equals_what_transformers_generates(
        self, folder: Path, model: LanguageModel, prefix: str
    ):
        """The reference has no shared prefix, no padding, and its own attention and loop."""
        tokenizer = AutoTokenizer.from_pretrained(folder)
        reference_model: Any = AutoModelForCausalLM.from_pretrained(folder)
        for row, done in zip(ROWS, model.complete(prefix, ROWS, GREEDY), strict=True):
            ids = tokenizer(prefix + row, return_tensors="pt")
            output = reference_model.generate(
                ids.input_ids,
                attention_mask=ids.attention_mask,
                do_sample=False,
                max_new_tokens=12,
                pad_token_id=0,
            )
            new = output[0, ids.input_ids.shape[1] :]
            assert done[0].text == tokenizer.decode(new, skip_special_tokens=True)

    @pytest.mark.parametrize("sampling", [GREEDY, SAMPLED], ids=["greedy", "sampled"])
    def test_a_batch_equals_one_by_one(self, model: LanguageModel, sampling: Sampling):
        assert texts(model, ROWS, sampling) == [texts(model, [row], sampling)[0] for row in ROWS]

    def test_order_of_rows_does_not_matter(self, model: LanguageModel):
        assert texts(model, ROWS[::-1], SAMPLED) == texts(model, ROWS, SAMPLED)[::-1]

    def test_more_samples_keep_the_first_ones(self, model: LanguageModel):
        more = Sampling(
            max_new_tokens=12, temperature=1.0, top_p=0.9, seed=3, stop=(), samples_per_prompt=3
        )
        several = texts(model, ROWS, more)
        assert [row[:1] for row in several] == texts(model, ROWS, SAMPLED)
        assert all(len(set(row)) == 3 for row in several)

    def test_another_seed_draws_something_else(self, model: LanguageModel):
        other = Sampling(max_new_tokens=12, temperature=1.0, top_p=0.9, seed=4, stop=())
        assert texts(model, ROWS, other) != texts(model, ROWS, SAMPLED)

    def test_more_rows_than_a_batch_holds_come_back_in_order(self, model: LanguageModel):
        rows = [f"{number} drums" for number in range(40)]
        many = texts(model, rows, GREEDY)
        assert many[7] == texts(model, rows[7:8], GREEDY)[0]
        assert many[39] == texts(model, rows[39:], GREEDY)[0]

    def test_ends_at_a_stop_and_leaves_it_out(self, model: LanguageModel):
        full = model.complete(PREFIX, ROWS[:1], GREEDY)[0][0].text
        stop = full[4:6]
        early = Sampling(max_new_tokens=12, temperature=0.0, stop=(stop,))
        done = model.complete(PREFIX, ROWS[:1], early)[0][0]
        assert done.text == full[: full.index(stop)]
        assert done.is_finished
        assert done.token_count < 12

    def test_a_row_that_ends_leaves_the_others_as_they_were(self, model: LanguageModel):
        full = texts(model, ROWS, GREEDY)
        early = Sampling(max_new_tokens=12, temperature=0.0, stop=(full[0][0][2:4],))
        stopped = texts(model, ROWS, early)
        assert stopped[0] != full[0]
        assert stopped[1:] == [[row[0].split(early.stop[0])[0]] for row in full[1:]]

    def test_a_row_without_an_end_is_unfinished(self, model: LanguageModel):
        assert not model.complete(PREFIX, ROWS[:1], GREEDY)[0][0].is_finished

    @pytest.mark.parametrize("rows", [[""], ["", "drums"]])
    def test_an_empty_row_continues_the_prefix(self, model: LanguageModel, rows: list[str]):
        [[expected]] = texts(model, [PREFIX], GREEDY, prefix="")
        assert texts(model, rows, GREEDY)[0] == [expected]

    def test_no_rows_are_no_completions(self, model: LanguageModel):
        assert model.complete(PREFIX, [], GREEDY) == []


class TestAudioRows:
    """Their content is tested with the model that hears."""

    @pytest.fixture
    def silence(self) -> AudioStates:
        """Two rows that add nothing."""
        return AudioStates(torch.zeros(2, 1, 4, 4), first_layer=1)

    @pytest.mark.parametrize("audio_rows", [[0, 1, 0], [0, 1, 0, 2], [0, -1, 0, 1], None], ids=str)
    def test_must_name_a_row_for_each_continuation(
        self, model: LanguageModel, silence: AudioStates, audio_rows: list[int] | None
    ):
        with pytest.raises(ValueError, match=r"4 continuations hear rows .* of 2"):
            model.complete("", ROWS, GREEDY, audio=silence, audio_rows=audio_rows)

    def test_that_add_nothing_change_nothing(self, model: LanguageModel, silence: AudioStates):
        heard = model.complete(PREFIX, ROWS, SAMPLED, audio=silence, audio_rows=[0, 1, 1, 0])
        assert [[done.text for done in row] for row in heard] == texts(model, ROWS, SAMPLED)


class TestStream:
    """Against `complete`, and with a model that writes what it is told."""

    @pytest.mark.parametrize("sampling", [GREEDY, SAMPLED], ids=["greedy", "sampled"])
    @pytest.mark.parametrize("row", ROWS)
    def test_pieces_make_the_completion(self, model: LanguageModel, sampling: Sampling, row: str):
        pieces = list(model.stream(row, sampling))
        assert "".join(pieces) == texts(model, [row], sampling, prefix="")[0][0]
        assert all(pieces)

    def test_one_sample_is_drawn_of_several(self, model: LanguageModel):
        several = msgspec.structs.replace(SAMPLED, samples_per_prompt=3)
        assert list(model.stream(ROWS[0], several)) == list(model.stream(ROWS[0], SAMPLED))

    def test_a_stop_ends_it_as_it_ends_a_completion(self, model: LanguageModel):
        full = texts(model, ROWS[:1], GREEDY, prefix="")[0][0]
        early = msgspec.structs.replace(GREEDY, stop=(full[4:6],))
        assert "".join(model.stream(ROWS[0], early)) == full[: full.index(full[4:6])]

    def test_no_character_is_cut(self, model: LanguageModel, script: Script):
        script.write("a né 猫🎹!")
        assert list(model.stream("Say:", LONG)) == ["a", " ", "n", "é", " ", "猫", "🎹", "!"]

    def test_a_character_that_stays_torn_is_told_at_the_end(
        self, model: LanguageModel, script: Script
    ):
        script.write("ab", "猫".encode()[:2])
        assert list(model.stream("Say:", LONG)) == ["a", "b", "\ufffd"]

    def test_the_beginning_of_a_stop_is_held_back_until_it_is_none(
        self, model: LanguageModel, script: Script
    ):
        script.write("a#b##c")
        stopped = msgspec.structs.replace(LONG, stop=("##",))
        assert list(model.stream("Say:", stopped)) == ["a", "#b"]

    def test_the_longest_beginning_of_any_stop_is_held_back(
        self, model: LanguageModel, script: Script
    ):
        script.write("one\n### Two")
        stopped = msgspec.structs.replace(LONG, stop=("\n\n", "\n### I"))
        assert list(model.stream("Say:", stopped)) == ["o", "n", "e", "\n### T", "w", "o"]

    def test_what_was_held_back_is_told_if_the_stop_never_comes(
        self, model: LanguageModel, script: Script
    ):
        script.write("a#")
        stopped = msgspec.structs.replace(LONG, stop=("##",))
        assert list(model.stream("Say:", stopped)) == ["a", "#"]

    def test_a_length_reached_tells_what_was_held_back(self, model: LanguageModel, script: Script):
        script.write("ab#cdef")
        stopped = msgspec.structs.replace(LONG, stop=("##",), max_new_tokens=3)
        assert list(model.stream("Say:", stopped)) == ["a", "b", "#"]

    def test_an_empty_answer_has_no_pieces(self, model: LanguageModel, script: Script):
        script.write("")
        assert list(model.stream("Say:", LONG)) == []


class TestStreamOfByteFallback:
    def test_pieces_make_the_text_without_a_torn_character(
        self, fallback: LanguageModel, script: Script
    ):
        text = "calm 猫🎹 piano né"
        script.draw(fallback.encode(text, is_start=False), end=fallback)
        pieces = list(fallback.stream("under rain", LONG))
        assert "".join(pieces) == text
        assert not any("\ufffd" in piece for piece in pieces)
        assert len(pieces) > 5

    def test_pieces_make_the_completion(self, fallback: LanguageModel):
        [[done]] = fallback.complete("", ["under rain"], SAMPLED)
        assert "".join(fallback.stream("under rain", SAMPLED)) == done.text

    @pytest.mark.parametrize("length", range(1, 9))
    def test_pieces_make_the_completion_wherever_it_is_cut(
        self, fallback: LanguageModel, script: Script, length: int
    ):
        token_ids = fallback.encode("猫犬!", is_start=False)
        cut = msgspec.structs.replace(LONG, max_new_tokens=length)
        script.draw(token_ids, end=fallback)
        [[done]] = fallback.complete("", ["under rain"], cut)
        script.draw(token_ids, end=fallback)
        assert "".join(fallback.stream("under rain", cut)) == done.text


class TestLoad:
    def test_names_a_missing_folder(self, tmp_path: Path):
        with pytest.raises(ModelUnavailableError, match="no such folder"):
            LanguageModel.load(tmp_path / "absent")

    def test_refuses_a_folder_that_holds_no_model(self, tmp_path: Path):
        (tmp_path / "config.json").write_text('{"model_type": "nothing"}')
        with pytest.raises(ModelIntegrityError):
            LanguageModel.load(tmp_path)
