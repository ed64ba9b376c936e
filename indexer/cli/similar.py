"""`musiscene similar`: tracks that are like others of the library."""

from __future__ import annotations

import re
from itertools import zip_longest
from pathlib import PurePath
from typing import TYPE_CHECKING, Final

import click

from indexer.cli.options import BESIDE, check_filter, top_k_option
from musiscene.console import Console, shared_options

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from uuid import UUID

    from indexer.similar.results import SimilarHit, SimilarResult
    from indexer.similar.seeds import Section, Seed

_WEIGHTED: Final = re.compile(r"(?P<name>.+)=(?P<weight>[+-]?[0-9]+(?:\.[0-9]+)?)$")


class SectionType(click.ParamType[object]):
    """A section: `0:30-1:00`, in seconds `30-60`, or the number of one."""

    name = "section"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> Section:
        """Read a section; `click.BadParameter` where it is none."""
        from indexer.errors import SeedError
        from indexer.similar.seeds import read_section

        try:
            return read_section(str(value))
        except SeedError as error:
            self.fail(str(error), param, ctx)


@click.command(
    epilog="Example: musiscene similar --track calm/lake.opus --section 0:30-1:00 "
    '--track wild/storm.opus=-0.5 --filter "vocals=no"'
)
@click.option(
    "--track",
    "tracks",
    multiple=True,
    required=True,
    metavar="TRACK[=WEIGHT]",
    help="What to be like: its id, its path, or the path's end. A weight counts beside those of "
    "the other tracks (1 where none is given); below 0 it says what to be unlike. May be repeated.",
)
@click.option(
    "--section",
    "sections",
    multiple=True,
    type=SectionType(),
    help="Only this part of the track: 0:30-1:00, or 2 for its second section. The first "
    "--section belongs to the first --track, and so on.",
)
@click.option(
    "--filter",
    "filter_expression",
    default="",
    callback=check_filter,
    help="Such as 'bpm=100..130 vocals=no'; see `musiscene match --help`.",
)
@click.option(
    "--diversity",
    type=click.FloatRange(0, 1),
    default=0.0,
    show_default=True,
    help="0 for the most alike, towards 1 for tracks that differ from each other.",
)
@click.option(
    "--per-artist", type=click.IntRange(min=1), help="At most so many tracks of one artist."
)
@top_k_option
@shared_options
def similar(
    console: Console,
    tracks: tuple[str, ...],
    sections: tuple[Section, ...],
    filter_expression: str,
    diversity: float,
    per_artist: int | None,
    top_k: int,
) -> None:
    """Find tracks that are like one of the library, or like several, or like a section.

    What is said of the music, tempo (half and double count as nearly the same), mode, affect and
    tags are compared; each hit says what it has in common. The tracks asked for, and copies of
    their audio, are left out.
    """
    from indexer.library import EMBEDDER_NAME, Library
    from indexer.similar.finder import SimilarFinder
    from musiscene.checkpoints.first_use import store_with

    store = store_with([EMBEDDER_NAME], console)
    with Library.open(console.data_dir, store, create=False, database=console.database) as library:
        seeds = _seeds(library.catalogue.track_called, tracks, sections)
        result = SimilarFinder(library.catalogue, library.vectors()).similar(
            seeds,
            filter_expression=filter_expression,
            diversity=diversity,
            per_artist=per_artist,
            top_k=top_k,
        )
    console.emit(result)
    if not console.as_json:
        _say_result(console, result)


def _seeds(
    track_called: Callable[[str], UUID], tracks: Sequence[str], sections: Sequence[Section]
) -> list[Seed]:
    """Read what people wrote for tracks, weights and sections.

    Args:
        track_called: Finds a track by name.
        tracks: Names, with a weight or without.
        sections: Of the first of the tracks.

    Returns:
        One seed a track.

    Raises:
        UsageError: If there are more sections than tracks.
        TrackNameError: If a track cannot be found, or several are called so.
    """
    from indexer.similar.seeds import Seed

    if len(sections) > len(tracks):
        raise click.UsageError(
            f"{len(sections)} sections for {len(tracks)} tracks; give one --section a --track"
        )
    seeds = []
    for text, section in zip_longest(tracks, sections):
        weighted = _WEIGHTED.fullmatch(text)
        name, weight = (weighted["name"], weighted["weight"]) if weighted else (text, "1")
        seeds.append(Seed(track_id=track_called(name), weight=float(weight), section=section))
    return seeds


def _say_result(console: Console, result: SimilarResult) -> None:
    if not result.hits:
        console.say(result.notice or "Nothing in the library fulfils this.")
        return
    console.table(
        ["", "track", "from - to", "alike", "tempo", "key"], [_row(hit) for hit in result.hits]
    )
    for hit in result.hits:
        console.say(f"{hit.rank}. {hit.why}")


def _row(hit: SimilarHit) -> tuple[str, ...]:
    from indexer.similar.seeds import clock

    return (
        str(hit.rank),
        BESIDE.join(filter(None, [hit.track.title or PurePath(hit.track.path).stem, hit.song])),
        f"{clock(hit.window.start_seconds)}-{clock(hit.window.end_seconds)}",
        f"{hit.score:.2f}",
        f"{hit.track.bpm:.0f} bpm",
        hit.track.key.replace(":", " "),
    )
