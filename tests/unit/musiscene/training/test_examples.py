from typing import Any

import pytest
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from musiscene.language_model import LanguageModel
from musiscene.training.examples import IGNORED, Example, encode_example, pad_examples
from tests.support.language_model import END, write_tiny_language_model

END_ID = 0
PROMPT, ANSWER = "Response:", "A waltz"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> LanguageModel:
    return LanguageModel.load(write_tiny_language_model(tmp_path_factory.mktemp("tiny") / "tiny"))


@pytest.fixture
def merging(model: LanguageModel) -> LanguageModel:
    """The same with a tokenizer that joins a colon and an A."""
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {letter: place for place, letter in enumerate([END, *letters])}
    vocabulary[":A"] = len(vocabulary)
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[(":", "A")]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.decoder = decoders.ByteLevel()
    untyped: Any = PreTrainedTokenizerFast
    return LanguageModel(model.model, untyped(tokenizer_object=tokenizer, eos_token=END))


class TestEncodeExample:
    def test_is_prompt_answer_and_end(self, model: LanguageModel):
        example = encode_example(model, PROMPT, ANSWER, max_tokens=100)
        assert list(example.token_ids) == [*model.encode(PROMPT + ANSWER), END_ID]

    def test_learns_the_answer_and_its_end_alone(self, model: LanguageModel):
        example = encode_example(model, PROMPT, ANSWER, max_tokens=100)
        answer = model.encode(ANSWER, is_start=False)
        assert list(example.labels) == [IGNORED] * len(PROMPT) + [*answer, END_ID]

    def test_a_cut_example_has_no_end(self, model: LanguageModel):
        """With 16 letters the end would be the 17th token."""
        whole = encode_example(model, PROMPT, ANSWER, max_tokens=17)
        cut = encode_example(model, PROMPT, ANSWER, max_tokens=16)
        assert whole.token_ids == (*cut.token_ids, END_ID)
        assert whole.labels == (*cut.labels, END_ID)
        assert END_ID not in cut.token_ids

    def test_a_prompt_that_fills_the_row_leaves_nothing_to_learn(self, model: LanguageModel):
        example = encode_example(model, PROMPT, ANSWER, max_tokens=5)
        assert list(example.token_ids) == model.encode(PROMPT)[:5]
        assert example.labels == (IGNORED,) * 5

    def test_a_token_across_the_border_is_not_learnt(self, merging: LanguageModel):
        example = encode_example(merging, PROMPT, ANSWER, max_tokens=100)
        joined = example.token_ids[len(PROMPT) - 1]
        assert merging.tokenizer.decode([joined]) == ":A"
        assert example.labels[: len(PROMPT)] == (IGNORED,) * len(PROMPT)
        learnt = example.labels[len(PROMPT) :]
        assert merging.tokenizer.decode(list(learnt), skip_special_tokens=True) == " waltz"
        assert learnt[-1] == END_ID


class TestPadExamples:
    ROWS = (
        Example(token_ids=(5, 6, 7), labels=(IGNORED, 6, 7)),
        Example(token_ids=(8,), labels=(IGNORED,)),
    )

    def test_pads_on_the_right_to_the_longest(self):
        token_ids, labels = pad_examples(self.ROWS)
        assert token_ids.tolist() == [[5, 6, 7], [8, 0, 0]]
        assert labels.tolist() == [[IGNORED, 6, 7], [IGNORED] * 3]
        assert token_ids.dtype == labels.dtype == torch.int64

    def test_pads_to_a_length_that_is_asked_for(self):
        token_ids, labels = pad_examples(self.ROWS, length=5)
        assert token_ids.tolist() == [[5, 6, 7, 0, 0], [8, 0, 0, 0, 0]]
        assert labels.tolist() == [[IGNORED, 6, 7, IGNORED, IGNORED], [IGNORED] * 5]
