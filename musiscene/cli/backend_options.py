"""`--backend`, `--model`, `--melody` and `--audiocraft-python`: what a command makes music with."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, cast

import click

from musiscene.generate.backends import BACKENDS, BackendOptions

if TYPE_CHECKING:
    from collections.abc import Callable

    from musiscene.checkpoints.store import ModelStore
    from musiscene.console import Console
    from musiscene.generate.protocol import MusicGenerator
    from musiscene.scene_reader import SceneReader

Options = ParamSpec("Options")


@dataclass(frozen=True, kw_only=True)
class ChosenBackend:
    """What a person chose."""

    name: str
    """Of the backend."""
    options: BackendOptions
    """What else was said."""

    def load(self, store: ModelStore, console: Console, reader: SceneReader) -> MusicGenerator:
        """Make the backend ready, with a notice of what its licence forbids.

        Args:
            store: Holds the models.
            console: Is told.
            reader: Tells the composer what a prompt calls for.

        Returns:
            The backend.

        Raises:
            GenerationError: If it cannot be used so.
            GeneratorMissingError: If what it needs is not installed.
        """
        from musiscene.generate.backends import load_backend

        backend = load_backend(self.name, store, self.options, reader=reader)
        if backend.name != "composer":
            console.note("MusicGen's weights are CC-BY-NC-4.0: NOT for commercial use.")
        return backend


def backend_options(
    command: Callable[Concatenate[Console, ChosenBackend, Options], None],
) -> Callable[Concatenate[Console, Options], None]:
    """Give a command the options of backends, and a `ChosenBackend` after its console.

    Args:
        command: The function of the command.

    Returns:
        What click and `shared_options` take.
    """

    @click.option(
        "--backend",
        type=click.Choice(BACKENDS),
        default="auto",
        show_default=True,
        help="What makes the music; auto is MusicGen if there is a GPU and its weights, else the"
        " composer.",
    )
    @click.option(
        "--model",
        help="Of MusicGen: small, medium, large, melody, stereo-small, ... or a folder; the weights"
        " are CC-BY-NC-4.0: NOT for commercial use. [default: the largest here that fits]",
    )
    @click.option(
        "--melody",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        help="A recording whose melody is followed, by the models named melody.",
    )
    @click.option(
        "--audiocraft-python",
        type=click.Path(dir_okay=False, path_type=Path),
        envvar="MUSISCENE_GENERATION_AUDIOCRAFT_PYTHON",
        show_envvar=True,
        help="Python of the environment that has audiocraft (docs/audiocraft.md).",
    )
    @functools.wraps(command)
    def with_backend(console: Console, *arguments: Any, **options: Any) -> None:  # noqa: ANN401
        chosen = ChosenBackend(
            name=options.pop("backend"),
            options=BackendOptions(
                model=options.pop("model"),
                melody=options.pop("melody"),
                audiocraft_python=options.pop("audiocraft_python"),
            ),
        )
        command(console, chosen, *arguments, **options)

    return cast("Callable[Concatenate[Console, Options], None]", with_backend)
