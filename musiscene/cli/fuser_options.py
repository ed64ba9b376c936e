"""`--fuser-url`, `--fuser-folder` and their like: which model a command fuses captions with."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, cast

import click

if TYPE_CHECKING:
    from collections.abc import Callable

    from musiscene.console import Console
    from musiscene.data.fusion import Fuser
    from musiscene.data.rows import TextSampling

Options = ParamSpec("Options")


@dataclass(frozen=True, kw_only=True)
class ChosenFuser:
    """What a person chose."""

    url: str | None
    """Of a server; None for a model on this machine."""
    model: str
    """As the server spells it."""
    api_key: str | None
    """For the server."""
    folder: Path | None
    """Of a chat model; None for the embedded one."""
    temperature: float
    """Of the sampling."""
    top_p: float
    """Of the sampling."""
    top_k: int
    """Of the sampling; 0 for none."""
    max_tokens: int
    """Of the sampling."""
    seed: int
    """Of the run."""

    @property
    def sampling(self) -> TextSampling:
        """How words are drawn."""
        from musiscene.data.rows import TextSampling

        return TextSampling(
            temperature=self.temperature,
            top_p=self.top_p,
            top_k=self.top_k,
            max_new_tokens=self.max_tokens,
        )

    def load(self, console: Console) -> Fuser:
        """Make the model ready.

        Args:
            console: Is told what is fetched and loaded.

        Returns:
            The model.

        Raises:
            MusiSceneError: If it cannot be used.
        """
        from musiscene.data.fusers import ChatFuser, ServerFuser

        if self.url is not None:
            return ServerFuser(self.url, self.model, api_key=self.api_key)
        console.note("Loading the language model that fuses ...")
        if self.folder is not None:
            return ChatFuser.load(self.folder)
        from musiscene.checkpoints.first_use import store_with
        from musiscene.profiles import LANGUAGE_MODEL

        console.note(
            "Note: the embedded SmolLM2-135M fuses. Its scenes are for trying things out; for data "
            "to learn from, name a larger model with --fuser-url or --fuser-folder."
        )
        folder = store_with([LANGUAGE_MODEL], console).folder(LANGUAGE_MODEL)
        return ChatFuser.load(folder, name=f"{LANGUAGE_MODEL} (embedded)")


def fuser_options(
    command: Callable[Concatenate[Console, ChosenFuser, Options], None],
) -> Callable[..., None]:
    """Give a command the choice of a fuser, as its second argument.

    Args:
        command: Its body, below `shared_options`.

    Returns:
        The body to hand to `shared_options`.
    """

    @click.option(
        "--fuser-url", help="Server with OpenAI's chat API, up to and with /v1, asked for fusions."
    )
    @click.option(
        "--fuser-model",
        default="mistralai/Mixtral-8x7B-Instruct-v0.1",
        show_default=True,
        help="Model that the server is asked for.",
    )
    @click.option(
        "--fuser-key",
        envvar="MUSISCENE_FUSER_KEY",
        help="The server's key. [env: MUSISCENE_FUSER_KEY]",
    )
    @click.option(
        "--fuser-folder",
        type=click.Path(file_okay=False, path_type=Path),
        help="Chat model of transformers on this machine, such as Mixtral-8x7B-Instruct-v0.1. "
        "[default: the embedded SmolLM2]",
    )
    @click.option("--temperature", type=click.FloatRange(min=0), default=0.7, show_default=True)
    @click.option(
        "--top-p", type=click.FloatRange(0, 1, min_open=True), default=0.95, show_default=True
    )
    @click.option(
        "--top-k",
        type=click.IntRange(min=0),
        default=40,
        show_default=True,
        help="0 for none, as a server wants it that keeps to OpenAI's own options.",
    )
    @click.option("--max-tokens", type=click.IntRange(min=1), default=512, show_default=True)
    @click.option("--seed", type=int, default=0, show_default=True)
    @functools.wraps(command)
    def with_fuser(console: Console, /, *args: Options.args, **kwargs: Options.kwargs) -> None:
        options = cast("dict[str, Any]", kwargs)
        chosen = ChosenFuser(
            url=options.pop("fuser_url"),
            model=options.pop("fuser_model"),
            api_key=options.pop("fuser_key"),
            folder=options.pop("fuser_folder"),
            **{
                name: options.pop(name)
                for name in ("temperature", "top_p", "top_k", "max_tokens", "seed")
            },
        )
        if chosen.url is not None and chosen.folder is not None:
            raise click.UsageError("--fuser-url and --fuser-folder exclude each other")
        command(console, chosen, *args, **kwargs)

    return with_fuser
