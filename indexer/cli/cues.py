"""`musiscene cues`: the music for a whole video, and files of it for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

import click

from indexer.cli.cue_options import check_formats, check_swaps, wish_options
from indexer.cli.options import check_finite
from musiscene.cli.backend_options import backend_options
from musiscene.cli.captioner_options import captioner_options
from musiscene.cli.model_options import model_options
from musiscene.console import Console, shared_options

if TYPE_CHECKING:
    from indexer.spotting.cue_plan import PlanWishes
    from musiscene.cli.backend_options import ChosenBackend
    from musiscene.cli.captioner_options import ChosenCaptioner
    from musiscene.cli.model_options import ChosenModel

Preview: TypeAlias = Literal["none", "mp4", "wav", "mp3"]


@click.command(epilog="Example: musiscene cues film.mp4 --out cues --brief 'a day at the lake'")
@click.argument("video", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    required=True,
    help="Folder for the plan and its files; what was seen of the video is kept there too.",
)
@click.option(
    "--formats",
    default="otio,edl,cue-sheet",
    show_default=True,
    callback=check_formats,
    help="Of the files, with commas between: json, otio, edl, fcpxml, premiere, reaper, audacity,"
    " cue-sheet, or all.",
)
@click.option(
    "--preview",
    type=click.Choice(["none", "mp4", "wav", "mp3"]),
    default="none",
    show_default=True,
    help="A mix of the video's sound and its music, ducked and faded.",
)
@click.option(
    "--lufs",
    type=click.FloatRange(-40, -8),
    default=-14.0,
    show_default=True,
    callback=check_finite,
    help="Loudness of the preview: -14 for the web, -23 for television.",
)
@click.option(
    "--previous",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The plan.json of the video's last version: what is pinned in it stays.",
)
@click.option("--pin", multiple=True, help="A cue of --previous to keep, such as c1.")
@click.option(
    "--swap",
    multiple=True,
    callback=check_swaps,
    help="Another track for a cue, such as c2=night.flac: its id, its path, or the path's end.",
)
@click.option(
    "--replace-temp",
    is_flag=True,
    help="Find tracks that go as the music goes that lies under the picture.",
)
@click.option(
    "--fallback",
    type=click.Choice(["never", "auto"]),
    default="never",
    show_default=True,
    help="auto has music made where nothing fits; it goes into the folder and into the library.",
)
@shared_options
@model_options
@backend_options
@captioner_options
@wish_options
def cues(  # noqa: PLR0913  one for each option
    console: Console,
    wishes: PlanWishes,
    captioner: ChosenCaptioner,
    making: ChosenBackend,
    chosen: ChosenModel,
    *,
    video: Path,
    out: Path,
    formats: tuple[str, ...],
    preview: Preview,
    lufs: float,
    previous: Path | None,
    pin: tuple[str, ...],
    swap: tuple[tuple[str, str], ...],
    replace_temp: bool,
    fallback: str,
) -> None:
    """Plan the music for a whole video.

    The video is watched and heard once; a second run with other wishes takes what was seen from the
    folder. It is cut into scenes, and tracks are laid under them: few, with changes where the
    picture changes, and room for speech.
    """
    from indexer.cli.cue_work import CueWork, Wanted

    if pin and previous is None:
        raise click.UsageError("--pin is for a cue of a plan before: add --previous out/plan.json")
    if replace_temp and previous is not None:
        raise click.UsageError("--replace-temp makes a plan of its own, without --previous")
    work = CueWork(console, captioner, making, chosen)
    work.run(
        video,
        out,
        Wanted(
            wishes=wishes,
            formats=formats,
            preview=None if preview == "none" else preview,
            lufs=lufs,
            previous=previous,
            pins=pin,
            swaps=swap,
            replaces_temp=replace_temp,
            makes_music=fallback == "auto",
        ),
    )
