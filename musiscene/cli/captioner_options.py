"""`--captioner`, `--captions` and their like: who says what a video's scenes show."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, cast

import click

from musiscene.video.captioners.backends import CAPTIONERS, CaptionerOptions

if TYPE_CHECKING:
    from collections.abc import Callable

    from musiscene.console import Console
    from musiscene.video.analysis import VideoInfo
    from musiscene.video.captioners.protocol import VideoCaptioner
    from musiscene.video.captions.given import TimedCaption

Options = ParamSpec("Options")


@dataclass(frozen=True, kw_only=True)
class ChosenCaptioner:
    """What a person chose."""

    name: str
    """Of the captioner."""
    options: CaptionerOptions
    """What else was said."""
    captions: Path | None
    """File of captions, subtitles or markers."""

    def load(self, console: Console) -> VideoCaptioner:
        """Make the captioner ready, with its licence.

        Args:
            console: Is told what is loaded.

        Returns:
            The captioner.

        Raises:
            CaptionerError: If it cannot be used.
        """
        from musiscene.video.captioners.backends import load_captioner

        captioner = load_captioner(self.name, self.options)
        if captioner.source == "model":
            licence = captioner.licence or "licence not stated"
            console.note(f"Scenes are described by {captioner.name} ({licence}).")
        return captioner

    def given(self, info: VideoInfo, console: Console) -> tuple[TimedCaption, ...]:
        """Read the captions that were given with a video.

        Args:
            info: Of the video.
            console: Is told what a person should know.

        Returns:
            In the order of time; none where no file was named.

        Raises:
            CaptionFileError: If the file cannot be read.
        """
        from musiscene.video.captions.files import read_captions

        if self.captions is None:
            return ()
        return read_captions(
            self.captions, rate=info.rate, start_timecode=info.start_timecode, note=console.note
        )


def captioner_options(
    command: Callable[Concatenate[Console, ChosenCaptioner, Options], None],
) -> Callable[Concatenate[Console, Options], None]:
    """Give a command the options of captioners, and a `ChosenCaptioner` after its console.

    Args:
        command: The function of the command.

    Returns:
        What click and `shared_options` take.
    """

    @click.option(
        "--captioner",
        type=click.Choice(CAPTIONERS),
        default="auto",
        show_default=True,
        help="Who describes the scenes: a vision-language model, a server, or what was measured;"
        " auto takes what the other options name.",
    )
    @click.option(
        "--captioner-model",
        help="Folder or hub name of a vision-language model, such as"
        " HuggingFaceTB/SmolVLM-256M-Instruct, or its name on the server.",
    )
    @click.option(
        "--captioner-url",
        help="Server with OpenAI's chat API that looks at pictures, up to and with /v1.",
    )
    @click.option(
        "--captioner-key",
        envvar="MUSISCENE_CAPTIONER_KEY",
        show_envvar=True,
        help="The server's key.",
    )
    @click.option(
        "--captions",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        help="Your own captions, subtitles or markers: SRT, WebVTT, CSV, markers of Premiere,"
        " Resolve, Reaper, Audacity, Avid or Final Cut, chapters (docs/captions.md).",
    )
    @functools.wraps(command)
    def with_captioner(console: Console, *arguments: Any, **options: Any) -> None:  # noqa: ANN401
        chosen = ChosenCaptioner(
            name=options.pop("captioner"),
            options=CaptionerOptions(
                model=options.pop("captioner_model"),
                url=options.pop("captioner_url"),
                api_key=options.pop("captioner_key"),
            ),
            captions=options.pop("captions"),
        )
        command(console, chosen, *arguments, **options)

    return cast("Callable[Concatenate[Console, Options], None]", with_captioner)
