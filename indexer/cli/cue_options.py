"""Options of commands that plan the music for a video, and how their values are read."""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING, Any, Concatenate, Final, ParamSpec, cast

import click

from indexer.cli.options import check_filter, check_finite

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from indexer.spotting.cue_plan import PlanWishes
    from musiscene.console import Console

Options = ParamSpec("Options")
MOMENT: Final = re.compile(r"(?:(?:(\d{1,2}):)?(\d{1,3}):)?(\d{1,6}(?:\.\d{1,6})?)", re.ASCII)


class Moment(click.ParamType[float]):
    """A time in a video: `75`, `1:15`, `0:01:15.5`."""

    name = "TIME"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Read it as seconds."""
        found = MOMENT.fullmatch(str(value).strip())
        if found is None:
            self.fail(f"{value!r} is no time; write 75, 1:15 or 0:01:15.5", param, ctx)
        hours, minutes, seconds = found.groups(default="0")
        return int(hours) * 3600 + int(minutes) * 60 + float(seconds)


class Stretch(click.ParamType[tuple[float, float]]):
    """A stretch of a video: `0:10-0:25`."""

    name = "FROM-TO"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[float, float]:
        """Read it as seconds."""
        if isinstance(value, tuple):
            return cast("tuple[float, float]", value)
        first, dash, last = str(value).partition("-")
        start, end = (Moment().convert(part, param, ctx) for part in (first, last))
        if not dash or end <= start:
            self.fail(f"{value!r} is no stretch; write 0:10-0:25", param, ctx)
        return start, end


def wish_options(
    command: Callable[Concatenate[Console, PlanWishes, Options], None],
) -> Callable[Concatenate[Console, Options], None]:
    """Give a command the options of what is wanted of a plan, and `PlanWishes` after its console.

    Args:
        command: The function of the command.

    Returns:
        What click and `shared_options` take.
    """

    @click.option("--brief", default="", help="What the whole film is about.")
    @click.option(
        "--filter",
        "filter_expression",
        default="",
        callback=check_filter,
        help="What every track must fulfil, such as 'vocals=no'; see `musiscene match --help`.",
    )
    @click.option("--not", "negatives", multiple=True, help="What is not wanted; may be repeated.")
    @click.option(
        "--no-music",
        type=Stretch(),
        multiple=True,
        help="A stretch without music, such as 0:10-0:25; may be repeated.",
    )
    @click.option(
        "--land",
        type=Moment(),
        multiple=True,
        help="A moment on which the music should turn, such as 0:42; may be repeated.",
    )
    @click.option(
        "--change-cost",
        type=click.FloatRange(0, 10),
        default=1.0,
        show_default=True,
        callback=check_finite,
        help="What a change of music has to be worth: 0 changes often, 10 hardly ever.",
    )
    @functools.wraps(command)
    def with_wishes(console: Console, *arguments: Any, **options: Any) -> None:  # noqa: ANN401
        from indexer.spotting.cue_plan import PlanWishes

        wishes = PlanWishes(
            brief=options.pop("brief"),
            filter=options.pop("filter_expression"),
            negatives=options.pop("negatives"),
            no_music=options.pop("no_music"),
            land_on=options.pop("land"),
            change_cost=options.pop("change_cost"),
        )
        command(console, wishes, *arguments, **options)

    return cast("Callable[Concatenate[Console, Options], None]", with_wishes)


def check_swaps(
    _context: click.Context, _option: click.Parameter, given: tuple[str, ...]
) -> tuple[tuple[str, str], ...]:
    """Read `c2=TRACK`; a callback of Click."""
    pairs = [one.partition("=") for one in given]
    if not all(cue and equals and track for cue, equals, track in pairs):
        raise click.BadParameter("write CUE=TRACK, such as c2=night.flac")
    return tuple((cue, track) for cue, _, track in pairs)


def check_formats(_context: click.Context, _option: click.Parameter, given: str) -> tuple[str, ...]:
    """Read names of formats with commas between; a callback of Click."""
    from indexer.spotting.exports.formats import EXPORT_FORMATS

    names = tuple(dict.fromkeys(name.strip() for name in given.split(",") if name.strip()))
    names = tuple(EXPORT_FORMATS) if names == ("all",) else names
    for name in names:
        if name not in EXPORT_FORMATS:
            raise click.BadParameter(f"{name!r} is none of {', '.join(EXPORT_FORMATS)}")
    return names


def format_of(path: Path) -> str:
    """The format that a file is written in, by its name.

    Args:
        path: Of the file.

    Returns:
        A key of `EXPORT_FORMATS`.

    Raises:
        BadParameter: If its ending is of none.
    """
    from indexer.spotting.exports.formats import EXPORT_FORMATS

    name = path.name.lower()
    for key, one in EXPORT_FORMATS.items():
        if name.endswith(one.suffix) or (one.suffix.count(".") > 1 and name.endswith(f".{key}")):
            return key
    plain = {".csv": "cue-sheet", ".txt": "audacity"}.get(path.suffix.lower())
    if plain is None:
        endings = ", ".join(one.suffix for one in EXPORT_FORMATS.values())
        raise click.BadParameter(f"{path.name}: no format has this ending; there are {endings}")
    return plain
