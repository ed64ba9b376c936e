"""`musiscene feedback`: what people said about the answers to their briefs."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from musiscene.console import Console, shared_options

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from uuid import UUID

    from indexer.catalogue.opinions import Opinion, Verdict
    from indexer.library import Library

BRIEF_WIDTH = 60


class ImportReport(msgspec.Struct, frozen=True, kw_only=True):
    """What an import did."""

    imported: int
    """Opinions noted, those that replaced an older one among them."""
    failed: int
    """Lines that are no opinion about this library."""


@click.group()
def feedback() -> None:
    """Say which tracks were right for a brief, and which were not.

    `musiscene match` goes by it: a track that was rejected for the very same brief comes last, and
    what is said about similar briefs counts once there is enough of it.
    """


@contextmanager
def _library(console: Console) -> Iterator[Library]:
    from indexer.library import EMBEDDER_NAME, Library
    from musiscene.checkpoints.first_use import store_with

    store = store_with([EMBEDDER_NAME], console)
    with Library.open(console.data_dir, store, create=False, database=console.database) as library:
        yield library


def _verdict_options(command: Callable[..., None]) -> Callable[..., None]:
    named = click.option(
        "--track", required=True, metavar="TRACK", help="Its id, its path, or the path's end."
    )
    noted = click.option("--note", help="Why, in your own words.")
    return click.argument("brief")(named(noted(command)))


def _note(console: Console, verdict: Verdict, brief: str, track: str, note: str | None) -> None:
    from indexer.feedback import note_opinion

    with _library(console) as library:
        opinion = note_opinion(
            library.catalogue,
            library.embedder,
            track_id=library.catalogue.track_called(track),
            brief=brief,
            verdict=verdict,
            note=note,
        )
    console.emit(opinion)
    console.say(f"{verdict}ed {opinion.path} for: {_shown(opinion.brief)}")


@feedback.command(
    epilog='Example: musiscene feedback accept "rain on a window" --track calm/lake.opus'
)
@_verdict_options
@shared_options
def accept(console: Console, brief: str, track: str, note: str | None) -> None:
    """Say that a track is right for a brief."""
    _note(console, "accept", brief, track, note)


@feedback.command(
    epilog='Example: musiscene feedback reject "rain on a window" --track lake.opus --note loud'
)
@_verdict_options
@shared_options
def reject(console: Console, brief: str, track: str, note: str | None) -> None:
    """Say that a track is wrong for a brief."""
    _note(console, "reject", brief, track, note)


@feedback.command("list", epilog="Example: musiscene feedback list --track lake.opus")
@click.option("--track", metavar="TRACK", help="Only about this track: id, path or path's end.")
@click.option("--text", default="", help="Only with this in the brief or the note.")
@click.option("--limit", type=click.IntRange(1, 1000), default=50, show_default=True)
@click.option("--before", type=click.UUID, help="Only older than the opinion with this id.")
@shared_options
def list_command(
    console: Console, track: str | None, text: str, limit: int, before: UUID | None
) -> None:
    """List what was said, the newest first."""
    with _library(console) as library:
        catalogue = library.catalogue
        track_id = None if track is None else catalogue.track_called(track)
        found = catalogue.opinions.page(track_id=track_id, text=text, before=before, limit=limit)
    for opinion in found:
        console.emit(opinion)
    if not found:
        console.say("Nobody has said anything of the kind.")
        return
    console.table(["id", "verdict", "track", "brief", "note"], [_row(one) for one in found])
    if len(found) == limit:
        console.say(f"\nolder ones: --before {found[-1].id}")


@feedback.command(epilog="Example: musiscene feedback remove 0190aab2-0000-7000-8000-000000000000")
@click.argument("opinion_id", metavar="ID", type=click.UUID)
@shared_options
def remove(console: Console, opinion_id: UUID) -> None:
    """Forget one opinion; `musiscene feedback list` shows the ids."""
    with _library(console) as library:
        opinion = library.catalogue.opinions.opinion(opinion_id)
        library.catalogue.opinions.remove(opinion_id)
    console.emit(opinion)
    console.say(f"forgotten: {opinion.verdict} {opinion.path} for: {_shown(opinion.brief)}")


@feedback.command(epilog="Example: musiscene feedback export opinions.jsonl")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@shared_options
def export(console: Console, file: Path) -> None:
    """Write everything that was said to a file of JSON Lines."""
    from indexer.feedback import write_lines

    count = 0
    with _library(console) as library, click.open_file(str(file), "wb", atomic=True) as out:
        for line in write_lines(library.catalogue.opinions):
            out.write(line)
            count += 1
    console.emit({"exported": count, "path": file})
    console.say(f"{count} opinions written to {file}")


@feedback.command("import", epilog="Example: musiscene feedback import opinions.jsonl")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@shared_options
def import_command(console: Console, file: Path) -> None:
    """Read what `export` has written, into this library or another one with the same tracks.

    Lines that cannot be read, or that name no track of this library, are listed with their numbers;
    the others count.
    """
    from indexer.feedback import import_lines

    with _library(console) as library:
        imported, bad = import_lines(file, catalogue=library.catalogue, embedder=library.embedder)
    for line in bad:
        console.fail_item(f"{file}, line {line.number}", line.reason)
    console.emit(ImportReport(imported=imported, failed=len(bad)))
    console.say(f"{imported} opinions imported" + (f", {len(bad)} lines failed" if bad else ""))


def _row(opinion: Opinion) -> tuple[str, ...]:
    name = Path(opinion.path).stem
    return str(opinion.id), opinion.verdict, name, _shown(opinion.brief), opinion.note or ""


def _shown(brief: str) -> str:
    line = " / ".join(brief.splitlines())
    if len(line) > BRIEF_WIDTH:
        line = line[: BRIEF_WIDTH - 3].rsplit(" ", 1)[0] + " ..."
    return line
