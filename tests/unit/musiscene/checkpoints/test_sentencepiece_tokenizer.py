import random
from pathlib import Path
from typing import Any

import pytest
from sentencepiece import SentencePieceProcessor
from transformers import AutoTokenizer, PreTrainedTokenizerFast

from musiscene.checkpoints import sentencepiece_tokenizer
from musiscene.checkpoints.sentencepiece_tokenizer import HARD_TEXTS, convert_tokenizer
from musiscene.errors import ModelIntegrityError
from tests.support.mu_llama import FIXTURE, FIXTURE_REASON, write_tokenizer


@pytest.fixture(scope="module", params=["made", "original"])
def source(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`tokenizer.model`."""
    if request.param == "original":
        path = FIXTURE / "llama/tokenizer.model"
        if not path.is_file():
            pytest.skip(FIXTURE_REASON)
        return path
    path = tmp_path_factory.mktemp("tokenizer") / "tokenizer.model"
    write_tokenizer(path)
    return path


@pytest.fixture(scope="module")
def reference(source: Path) -> SentencePieceProcessor:
    return SentencePieceProcessor(model_file=str(source))


@pytest.fixture(scope="module")
def converted(source: Path, tmp_path_factory: pytest.TempPathFactory) -> PreTrainedTokenizerFast:
    folder = tmp_path_factory.mktemp("converted")
    tokens = convert_tokenizer(source, folder)
    untyped: Any = AutoTokenizer
    tokenizer: PreTrainedTokenizerFast = untyped.from_pretrained(folder)
    assert len(tokenizer) == tokens
    return tokenizer


class TestConvertTokenizer:
    def test_encodes_and_decodes_hard_texts_as_sentencepiece_does(
        self, converted: PreTrainedTokenizerFast, reference: SentencePieceProcessor
    ):
        for text in HARD_TEXTS:
            expected = reference.Encode(text)
            assert converted(text)["input_ids"] == [1, *expected], text
            assert converted.decode(expected) == reference.Decode(expected), text

    def test_encodes_random_texts_as_sentencepiece_does(
        self, converted: PreTrainedTokenizerFast, reference: SentencePieceProcessor
    ):
        pieces = [reference.IdToPiece(token) for token in range(reference.GetPieceSize())]
        pool = [piece.replace("▁", " ") for piece in pieces] + list("  \n\t</s>é🎂1")
        draw = random.Random(0)  # noqa: S311
        for _ in range(1000):
            text = "".join(draw.choices(pool, k=draw.randrange(1, 30)))
            assert converted(text)["input_ids"] == [1, *reference.Encode(text)], repr(text)

    def test_a_text_that_spells_the_end_does_not_end_the_text(
        self, converted: PreTrainedTokenizerFast
    ):
        assert converted.eos_token_id == 2
        assert 2 not in converted("stop</s>")["input_ids"]

    def test_skips_the_start_when_decoding_an_answer(self, converted: PreTrainedTokenizerFast):
        assert (
            converted.decode(
                [1, *converted("rain", add_special_tokens=False)["input_ids"], 2],
                skip_special_tokens=True,
            )
            == "rain"
        )

    def test_takes_a_tokenizer_json_as_it_is(
        self, converted: PreTrainedTokenizerFast, source: Path, tmp_path: Path
    ):
        first, second = tmp_path / "first", tmp_path / "second"
        tokens = convert_tokenizer(source, first)
        assert convert_tokenizer(first / "tokenizer.json", second) == tokens
        tokenizer: Any = AutoTokenizer.from_pretrained(second)
        for text in HARD_TEXTS:
            assert tokenizer(text)["input_ids"] == converted(text)["input_ids"]


class TestRefusals:
    @pytest.mark.parametrize("name", ["tokenizer.model", "tokenizer.json"])
    def test_refuses_a_damaged_file(self, tmp_path: Path, name: str):
        (tmp_path / name).write_bytes(b"no tokenizer")
        with pytest.raises(ModelIntegrityError, match="is no tokenizer"):
            convert_tokenizer(tmp_path / name, tmp_path / "out")

    def test_refuses_other_special_tokens(self, source: Path, tmp_path: Path):
        from sentencepiece import sentencepiece_model_pb2

        protocol: Any = sentencepiece_model_pb2
        model = protocol.ModelProto.FromString(source.read_bytes())
        model.pieces[1].piece, model.pieces[2].piece = "</s>", "<s>"
        path = tmp_path / "tokenizer.model"
        path.write_bytes(model.SerializeToString())
        with pytest.raises(ModelIntegrityError, match="are not 0, 1 and 2"):
            convert_tokenizer(path, tmp_path / "out")

    def test_refuses_what_gets_other_ids_once_converted(
        self, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ):
        monkeypatch.setattr(sentencepiece_tokenizer, "_merges", lambda *_: [])
        with pytest.raises(ModelIntegrityError, match="gets other token ids once converted"):
            convert_tokenizer(source, tmp_path / "out")
