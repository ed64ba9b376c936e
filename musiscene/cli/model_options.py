"""`--profile`, `--checkpoint` and `--hear`: which models a command listens and imagines with."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, cast

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from musiscene.checkpoints.store import ModelStore
    from musiscene.console import Console
    from musiscene.encoders.mert import Hearing
    from musiscene.listen import Listener
    from musiscene.model import MusiScene
    from musiscene.profiles import ProfileName
    from musiscene.track_imaginer import TrackImaginer
    from musiscene.writer import ModelVersions

Options = ParamSpec("Options")


@dataclass(frozen=True, kw_only=True)
class ChosenModel:
    """What a person chose."""

    profile: ProfileName
    """A set of models."""
    checkpoint: Path | None
    """A folder in place of the profile's language model."""
    hear: Hearing
    """How much of a track a model with MERT's ear hears."""

    def store(self, console: Console, *, also: Iterable[str] = ()) -> ModelStore:
        """Fetch what is missing, with notices.

        Args:
            console: Is told.
            also: Further models that the command needs.

        Returns:
            The store that holds them.

        Raises:
            ModelUnavailableError: If a model is missing and cannot be fetched.
            ModelIntegrityError: If a model's files are damaged.
        """
        from musiscene.profiles import store_for

        # A checkpoint needs of the profiles only what both share.
        return store_for("tiny" if self.checkpoint else self.profile, console, also=also)

    def versions(self, store: ModelStore) -> ModelVersions:
        """What the models are, without loading them.

        Args:
            store: From `store`.

        Returns:
            Their versions.

        Raises:
            ModelUnavailableError: If the checkpoint is not there.
            ModelIntegrityError: If a model's settings are damaged.
        """
        from musiscene.writer import model_versions

        return model_versions(
            store, profile=self.profile, checkpoint=self.checkpoint, hear=self.hear
        )

    def load(self, store: ModelStore, console: Console) -> MusiScene:
        """Load the models, and say which of them allow no commercial use.

        Args:
            store: From `store`.
            console: Is told.

        Returns:
            The model.

        Raises:
            ModelUnavailableError: If the checkpoint is not there.
            ModelIntegrityError: If a model's files are damaged.
        """
        from musiscene.model import MusiScene

        self._say(store, console)
        return MusiScene.load(
            store, profile=self.profile, checkpoint=self.checkpoint, hear=self.hear
        )

    def load_listener(self, store: ModelStore, console: Console) -> Listener:
        """Load what hears, and say which of all models allow no commercial use.

        Args:
            store: From `store`.
            console: Is told.

        Returns:
            The listener.

        Raises:
            ModelUnavailableError: If the checkpoint is not there.
            ModelIntegrityError: If a model's files are damaged.
        """
        from musiscene.model import load_listener

        self._say(store, console)
        return load_listener(
            store, profile=self.profile, checkpoint=self.checkpoint, hear=self.hear
        )

    def load_imaginer(self, store: ModelStore) -> TrackImaginer:
        """Load what describes and imagines.

        Args:
            store: From `store`.

        Returns:
            The imaginer.

        Raises:
            ModelUnavailableError: If the checkpoint is not there.
            ModelIntegrityError: If a model's files are damaged.
        """
        from musiscene.track_imaginer import TrackImaginer
        from musiscene.writer import load_writer

        return TrackImaginer(
            load_writer(store, profile=self.profile, checkpoint=self.checkpoint, hear=self.hear)
        )

    def has_ear(self, store: ModelStore) -> bool:
        """Whether the model imagines from the encoder's features, and not from words alone.

        Args:
            store: From `store`.

        Returns:
            What `Writer.trusts_ear` will be.

        Raises:
            ModelUnavailableError: If the model is not on this machine.
        """
        from musiscene.writer import writer_folder

        _, is_shipped = writer_folder(store, self.profile, self.checkpoint)
        return not is_shipped

    def _say(self, store: ModelStore, console: Console) -> None:
        from musiscene.writer import writer_licences

        console.note("Loading the models ...")
        for licence in writer_licences(store, profile=self.profile, checkpoint=self.checkpoint):
            if licence.commercial_use != "yes":
                use = {"no": "no commercial use", "unknown": "commercial use is not stated"}
                console.note(
                    f"Note: {licence.model} ({licence.licence}): {use[licence.commercial_use]}"
                )


def model_options(
    command: Callable[Concatenate[Console, ChosenModel, Options], None],
) -> Callable[..., None]:
    """Give a command the choice of models, as its second argument.

    Args:
        command: Its body, below `shared_options`.

    Returns:
        The body to hand to `shared_options`.
    """

    @click.option(
        "--profile",
        type=click.Choice(["tiny", "paper"]),
        default="tiny",
        show_default=True,
        help="Models: `tiny` runs on any laptop, `paper` (MERT, LLaMA-2-7B, MU-LLaMA) wants a GPU, "
        "and its weights allow no commercial use.",
    )
    @click.option(
        "--checkpoint",
        type=click.Path(file_okay=False, path_type=Path),
        help="Folder that `musiscene checkpoint` made, in place of the profile's language model.",
    )
    @click.option(
        "--hear",
        type=click.Choice(["whole", "first-60-seconds"]),
        default="whole",
        show_default=True,
        help="How much of a track MERT hears; MU-LLaMA's own code hears the first 60 seconds.",
    )
    @functools.wraps(command)
    def with_model(console: Console, /, *args: Options.args, **kwargs: Options.kwargs) -> None:
        options = cast("dict[str, Any]", kwargs)
        chosen = ChosenModel(
            profile=options.pop("profile"),
            checkpoint=options.pop("checkpoint"),
            hear=options.pop("hear"),
        )
        command(console, chosen, *args, **kwargs)

    return with_model
