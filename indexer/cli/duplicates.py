"""`musiscene duplicates`: recordings that the library holds in several files."""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING

import click

from indexer.cli.options import check_filter
from musiscene.console import Console, shared_options

if TYPE_CHECKING:
    from collections.abc import Set
    from uuid import UUID

    from indexer.catalogue.repository import Catalogue
    from indexer.recordings.listing import Duplicate


@click.command(epilog='Example: musiscene duplicates --near --filter "artist=bach"')
@click.option(
    "--filter",
    "filter_expression",
    default="",
    callback=check_filter,
    help="Only recordings of which a file fulfils this; see `musiscene match --help`.",
)
@click.option(
    "--near",
    is_flag=True,
    help="Also list pairs that have a long stretch in common: other edits or versions.",
)
@shared_options
def duplicates(console: Console, filter_expression: str, *, near: bool) -> None:
    """List recordings that the library holds in several files or formats, and the best copy.

    Files are one recording if they sound alike from beginning to end, whatever their format and
    tags. Nothing is ever deleted.
    """
    from indexer.catalogue.database import catalogue_in
    from indexer.catalogue.repository import Catalogue
    from indexer.filters.selection import demands_of
    from indexer.recordings.listing import duplicates as list_duplicates

    location = catalogue_in(console.data_dir, database=console.database)
    with Catalogue.open(location) as catalogue:
        demands = demands_of(filter_expression)
        among = catalogue.track_ids(*(one.condition for one in demands)) if demands else None
        found = list_duplicates(catalogue, among=among)
        _show(console, found)
        ungrouped = catalogue.recordings.count_unassigned()
        if ungrouped:
            console.note(
                f"Tracks not compared yet: {ungrouped}; `musiscene index` compares them when it "
                "has been through all files"
            )
        if near:
            _show_near(console, catalogue, among)


def _show(console: Console, found: list[Duplicate]) -> None:
    for duplicate in found:
        console.emit(duplicate)
    if not found:
        console.say("No recording has more than one file.")
        return
    rows = []
    for number, duplicate in enumerate(found, 1):
        for copy in duplicate.files:
            is_best = copy.track_id == duplicate.best
            rows.append(
                (
                    str(number) if is_best else "",
                    copy.path,
                    copy.codec,
                    f"{copy.bit_rate_kbps} kbit/s",
                    f"{copy.size_bytes / 1e6:.1f} MB",
                    _clock(copy.duration_seconds),
                    f"best: {duplicate.why}" if is_best else "",
                )
            )
    console.table(["", "file", "format", "bit rate", "size", "length", ""], rows)
    spare = sum(copy.size_bytes for one in found for copy in one.files[1:])
    console.say(f"\nRecordings: {len(found)}; all but the best copies take {spare / 1e6:.1f} MB.")


def _show_near(console: Console, catalogue: Catalogue, among: Set[UUID] | None) -> None:
    from indexer.recordings.near import near_pairs

    pairs = sorted(near_pairs(catalogue, among=among), key=lambda pair: -pair.share)
    for pair in pairs:
        console.emit(pair)
    if not pairs:
        console.say("\nNo other versions were found.")
        return
    console.say("\nMay be other edits or versions of one piece:")
    console.table(
        ["", "track", "length", "other track", "length"],
        [
            (
                f"{100 * pair.share:.0f} % in common",
                PurePath(pair.paths[0]).name,
                _clock(pair.seconds[0]),
                PurePath(pair.paths[1]).name,
                _clock(pair.seconds[1]),
            )
            for pair in pairs
        ],
    )


def _clock(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"
