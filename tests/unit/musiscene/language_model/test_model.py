from pathlib import Path
from typing import Any

import pytest
from transformers import AutoModelForCausalLM, AutoTokenizer

from musiscene.errors import ModelIntegrityError, ModelUnavailableError
from musiscene.language_model import LanguageModel, Sampling
from tests.support.language_model import write_tiny_language_model

PREFIX = "Music: a slow piano.\nScene: Snow falls.\n\n"
ROWS = ["Music: drums\nScene:", "a", "Music: a harp and a flute, softly\nScene:", "zz top"]
GREEDY = Sampling(max_new_tokens=12, temperature=0.0, stop=())
SAMPLED = Sampling(max_new_tokens=12, temperature=1.0, top_p=0.9, seed=3, stop=())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_language_model(tmp_path_factory.mktemp("tiny") / "tiny")


@pytest.fixture(scope="module")
def model(folder: Path) -> LanguageModel:
    return LanguageModel.load(folder)


def texts(model: LanguageModel, rows: list[str], sampling: Sampling) -> list[list[str]]:
    return [[done.text for done in row] for row in model.complete(PREFIX, rows, sampling)]


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

    def test_no_rows_are_no_completions(self, model: LanguageModel):
        assert model.complete(PREFIX, [], GREEDY) == []


class TestLoad:
    def test_names_a_missing_folder(self, tmp_path: Path):
        with pytest.raises(ModelUnavailableError, match="no such folder"):
            LanguageModel.load(tmp_path / "absent")

    def test_refuses_a_folder_that_holds_no_model(self, tmp_path: Path):
        (tmp_path / "config.json").write_text('{"model_type": "nothing"}')
        with pytest.raises(ModelIntegrityError):
            LanguageModel.load(tmp_path)
