from collections.abc import Iterator
from pathlib import Path

import pytest
from transformers import AutoModelForCausalLM, AutoTokenizer

from musiscene import chat
from musiscene.data.fusers import ChatFuser, ServerFuser
from musiscene.data.fusion import FuserBusyError
from musiscene.data.rows import TextSampling
from musiscene.errors import ModelIntegrityError, ModelUnavailableError, MusiSceneError
from tests.support.chat_server import ANSWER, ChatServer, serving
from tests.support.language_model import write_tiny_language_model


@pytest.fixture
def server() -> Iterator[ChatServer]:
    with serving() as made:
        yield made


class TestServerFuser:
    def test_asks_as_openai_does(self, server: ChatServer):
        fuser = ServerFuser(server.url + "/", "mixtral", api_key="secret")
        assert fuser.complete("Hello?", TextSampling(), seed=7) == "A scene."
        [(path, headers, body)] = server.asked
        assert path == "/v1/chat/completions"
        assert headers["Authorization"] == "Bearer secret"
        assert body == {
            "model": "mixtral",
            "messages": [{"role": "user", "content": "Hello?"}],
            "temperature": 0.7,
            "top_p": 0.95,
            "top_k": 40,
            "max_tokens": 512,
            "seed": 7,
        }

    def test_without_top_k_and_key_neither_is_sent(self, server: ChatServer):
        ServerFuser(server.url, "m").complete("?", TextSampling(top_k=0), seed=0)
        [(_, headers, body)] = server.asked
        assert "top_k" not in body
        assert "Authorization" not in headers

    @pytest.mark.parametrize("body", [b'{"choices": []}', ANSWER.replace(b'"A scene."', b"null")])
    def test_no_text_is_an_empty_answer(self, server: ChatServer, body: bytes):
        server.body = body
        assert not ServerFuser(server.url, "m").complete("?", TextSampling(), seed=0)

    @pytest.mark.parametrize("status", [429, 500, 503])
    def test_busy_statuses_may_be_asked_again(self, server: ChatServer, status: int):
        server.status = status
        with pytest.raises(FuserBusyError, match=str(status)):
            ServerFuser(server.url, "m").complete("?", TextSampling(), seed=0)

    @pytest.mark.parametrize("status", [400, 401, 404])
    def test_other_statuses_end_it_with_what_the_server_says(self, server: ChatServer, status: int):
        server.status, server.body = status, b"no such model"
        with pytest.raises(MusiSceneError, match="no such model") as caught:
            ServerFuser(server.url, "m").complete("?", TextSampling(), seed=0)
        assert not isinstance(caught.value, FuserBusyError)

    def test_what_is_no_answer_or_too_much_is_refused(
        self, server: ChatServer, monkeypatch: pytest.MonkeyPatch
    ):
        server.body = b"<html>"
        with pytest.raises(MusiSceneError, match="no answer"):
            ServerFuser(server.url, "m").complete("?", TextSampling(), seed=0)
        monkeypatch.setattr(chat, "MAX_ANSWER_BYTES", 5)
        with pytest.raises(MusiSceneError, match="more than 5 bytes"):
            ServerFuser(server.url, "m").complete("?", TextSampling(), seed=0)

    def test_a_server_that_is_not_there_is_busy(self):
        with ChatServer() as gone:
            url = gone.url
        with pytest.raises(FuserBusyError):
            ServerFuser(url, "m").complete("?", TextSampling(), seed=0)

    @pytest.mark.parametrize("url", ["file:///etc/passwd", "localhost:8000", "http://"])
    def test_only_web_addresses_are_asked(self, url: str):
        with pytest.raises(MusiSceneError, match="web address"):
            ServerFuser(url, "m")


@pytest.fixture(scope="module")
def chat_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = write_tiny_language_model(tmp_path_factory.mktemp("models") / "chatty")
    tokenizer = AutoTokenizer.from_pretrained(folder)
    tokenizer.chat_template = (
        "{% for m in messages %}<{{ m['role'] }}>{{ m['content'] }}{% endfor %}"
    )
    tokenizer.save_pretrained(folder)
    return folder


class TestChatFuser:
    def test_the_same_seed_gives_the_same_answer(self, chat_folder: Path):
        fuser = ChatFuser.load(chat_folder)
        sampling = TextSampling(max_new_tokens=12, temperature=4.0)
        answers = [fuser.complete("Hello?", sampling, seed=seed) for seed in (1, 1, 2)]
        assert fuser.name == "chatty"
        assert answers[0] == answers[1] != answers[2]

    def test_greedy_continues_the_chat_template_with_the_likeliest_tokens(self, chat_folder: Path):
        """The reference appends the arg max of plain forward passes, one token at a time."""
        sampling = TextSampling(max_new_tokens=6, temperature=0.0)
        answer = ChatFuser.load(chat_folder, name="x").complete("Hello?", sampling, seed=0)
        tokenizer = AutoTokenizer.from_pretrained(chat_folder)
        model = AutoModelForCausalLM.from_pretrained(chat_folder)
        start = tokenizer("<user>Hello?", return_tensors="pt").input_ids
        ids = start
        for _ in range(6):
            best = model(ids).logits[:, -1:].argmax(-1)
            ids = best if ids is None else ids.new_tensor([[*ids[0].tolist(), int(best)]])
        assert answer == tokenizer.decode(ids[0, start.shape[1] :], skip_special_tokens=True)

    def test_no_folder_no_model_and_no_chat_template_are_told_apart(self, tmp_path: Path):
        with pytest.raises(ModelUnavailableError, match="no such folder"):
            ChatFuser.load(tmp_path / "none")
        (tmp_path / "empty").mkdir()
        with pytest.raises(ModelIntegrityError, match="is not a language model"):
            ChatFuser.load(tmp_path / "empty")
        with pytest.raises(ModelIntegrityError, match="no chat template"):
            ChatFuser.load(write_tiny_language_model(tmp_path / "plain"))
