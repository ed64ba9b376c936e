"""The models that fuse: a server that speaks OpenAI's protocol, or a chat model on this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

from musiscene.chat import ChatBusyError, ChatServer
from musiscene.data.fusion import FuserBusyError
from musiscene.errors import ModelIntegrityError, ModelUnavailableError

if TYPE_CHECKING:
    from pathlib import Path

    from transformers import PreTrainedModel, PreTrainedTokenizerBase

    from musiscene.data.rows import TextSampling

PAPER_MODEL: Final = "Mixtral-8x7B-Instruct-v0.1"
"""What VACAD's authors fused with."""


class ServerFuser:
    """Any server that offers OpenAI's `chat/completions` (vLLM, llama.cpp, Ollama, OpenAI).

    Args:
        url: Up to and with `/v1`.
        model: As the server spells it.
        api_key: Sent as a bearer token; None for none.
        timeout_seconds: For one answer.

    Raises:
        MusiSceneError: If the URL is none of a web server.
    """

    def __init__(
        self, url: str, model: str, *, api_key: str | None = None, timeout_seconds: float = 120.0
    ) -> None:
        self._server = ChatServer(url, model, api_key=api_key, timeout_seconds=timeout_seconds)

    @property
    def name(self) -> str:
        """The model, as the server spells it."""
        return self._server.model

    def complete(self, prompt: str, sampling: TextSampling, *, seed: int) -> str:
        """Ask the server once.

        Args:
            prompt: What the user says.
            sampling: `top_k` is no part of OpenAI's own protocol; 0 leaves it out.
            seed: Is sent; not every server keeps to it.

        Returns:
            The answer; empty if the server sends none.

        Raises:
            FuserBusyError: If it is busy, too slow or not reached.
            MusiSceneError: If it refuses, or what it sends is no answer.
        """
        options: dict[str, Any] = {
            "temperature": sampling.temperature,
            "top_p": sampling.top_p,
            "max_tokens": sampling.max_new_tokens,
            "seed": seed,
        }
        if sampling.top_k:
            options["top_k"] = sampling.top_k
        try:
            return self._server.ask(prompt, **options)
        except ChatBusyError as error:
            raise FuserBusyError(str(error)) from error


class ChatFuser:
    """A chat model of transformers.

    Args:
        model: Any causal language model.
        tokenizer: Its tokenizer, with a chat template.
        name: As provenance shall read.
    """

    def __init__(
        self, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, *, name: str
    ) -> None:
        model.train(mode=False)
        self._model = model
        self._tokenizer = tokenizer
        self._name = name

    @classmethod
    def load(cls, folder: Path, *, name: str | None = None) -> ChatFuser:
        """The model in a folder, over all GPUs if there are any.

        Args:
            folder: Local; nothing is fetched and no code from it is run.
            name: As provenance shall read; None for the folder's name.

        Returns:
            The model.

        Raises:
            ModelUnavailableError: If the folder does not exist.
            ModelIntegrityError: If it holds no chat model.
        """
        import torch
        from transformers import AutoModelForCausalLM, AutoTokenizer
        from transformers.utils.logging import disable_progress_bar

        disable_progress_bar()  # type: ignore[no-untyped-call]  # the command has its own
        if not folder.is_dir():
            raise ModelUnavailableError(folder.name, f"no such folder: {folder}")
        place = {"device_map": "auto"} if torch.cuda.is_available() else {}
        try:
            tokenizer = AutoTokenizer.from_pretrained(str(folder), local_files_only=True)
            model = AutoModelForCausalLM.from_pretrained(
                str(folder), local_files_only=True, use_safetensors=True, dtype="auto", **place
            )
        except (OSError, ValueError, KeyError) as error:
            reason = f"{folder} is not a language model that transformers can read: {error}"
            raise ModelIntegrityError(folder.name, reason) from error
        if not tokenizer.chat_template:
            raise ModelIntegrityError(folder.name, f"{folder} has no chat template")
        return cls(model, tokenizer, name=name or folder.name)

    @property
    def name(self) -> str:
        """The model, as given."""
        return self._name

    def complete(self, prompt: str, sampling: TextSampling, *, seed: int) -> str:
        """Ask the model once.

        Args:
            prompt: What the user says.
            sampling: How words are drawn.
            seed: The same seed gives the same answer on the same machine.

        Returns:
            The answer.
        """
        import torch

        chat = [{"role": "user", "content": prompt}]
        asked = cast("Any", self._tokenizer).apply_chat_template(
            chat, add_generation_prompt=True, return_tensors="pt", return_dict=True
        )
        token_ids = asked["input_ids"].to(self._model.device)
        drawing: dict[str, Any] = {"do_sample": False}
        if sampling.temperature > 0:
            drawing = {
                "do_sample": True,
                "temperature": sampling.temperature,
                "top_p": sampling.top_p,
                "top_k": sampling.top_k,
            }
        torch.manual_seed(seed)
        with torch.inference_mode():
            written = cast("Any", self._model).generate(
                token_ids,
                attention_mask=torch.ones_like(token_ids),
                max_new_tokens=sampling.max_new_tokens,
                pad_token_id=self._tokenizer.eos_token_id,
                **drawing,
            )
        answer = written[0, token_ids.shape[1] :]
        return cast("str", self._tokenizer.decode(answer, skip_special_tokens=True))
