"""`musiscene index verify|rebuild|compact|export|import|stats`: looking after a library."""

from __future__ import annotations

import math
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
import msgspec

from musiscene.console import Console, shared_options

if TYPE_CHECKING:
    from collections.abc import Iterator

    from indexer.library import Library, Publishing
    from indexer.vectors import VectorIndex

UNITS: Final = ("B", "kB", "MB", "GB", "TB")


@contextmanager
def _library(console: Console, *, create: bool = False) -> Iterator[Library]:
    from indexer.library import EMBEDDER_NAME, Library
    from musiscene.checkpoints.first_use import store_with

    store = store_with([EMBEDDER_NAME], console)
    with Library.open(console.data_dir, store, create=create, database=console.database) as library:
        yield library


@click.command(epilog="Example: musiscene index verify --sample 10000")
@click.option(
    "--sample",
    type=click.IntRange(min=1),
    metavar="N",
    help="Compare only N vectors with the catalogue's, drawn at random.",
)
@shared_options
def verify(console: Console, sample: int | None) -> None:
    """Look for damage: in the catalogue, in every file of the vectors, and between them.

    Ends with exit code 1 if something is wrong, and says which command mends it.
    """
    from indexer.verification import verify as look

    with _library(console) as library, console.progress() as report:
        found = look(library, sample=sample, progress=report)
    console.emit(found)
    for problem in found.problems:
        console.fail_item(problem.what, f"mend it by: {problem.mend}")
    if not found.problems:
        console.say(
            f"{found.tracks:,} tracks and {found.rows:,} vectors are whole; "
            f"{found.compared:,} vectors are the catalogue's"
        )


@click.command(epilog="Example: musiscene index rebuild")
@shared_options
def rebuild(console: Console) -> None:
    """Make the vectors anew from the catalogue, taking nothing over; no music is listened to."""
    _publish(console, how="anew")


@click.command(epilog="Example: musiscene index compact")
@shared_options
def compact(console: Console) -> None:
    """Put the vectors into one part, without those of tracks that are gone.

    A trained index keeps its cells where they still fit; `rebuild` trains it anew.
    """
    _publish(console, how="compact")


def _publish(console: Console, *, how: Publishing) -> None:
    with _library(console) as library, library.indexing(), console.progress() as report:
        library.embed_again()
        library.publish(progress=report, how=how)
        index = library.vectors()
        found = _describe_index(index)
    console.emit(found)
    console.say(
        f"{found['count']:,} vectors of {found['tracks']:,} tracks, searched by {found['kind']}"
    )


@click.command("export", epilog="Example: musiscene index export library.zip")
@click.argument("target", type=click.Path(path_type=Path, dir_okay=False))
@shared_options
def export_command(console: Console, target: Path) -> None:
    """Write tracks, captions, vectors, tags and feedback into one file; no audio is in it."""
    from indexer.exchange import export_library

    with _library(console) as library, console.progress("tracks") as report:
        manifest = export_library(library.catalogue, target, progress=report)
    console.emit(manifest)
    console.say(f"{manifest.tracks:,} tracks written to {target} ({_size(target.stat().st_size)})")


@click.command(
    "import", epilog="Example: musiscene index import library.zip --relocate /home/ann/Music /music"
)
@click.argument("source", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@click.option(
    "--relocate",
    nargs=2,
    metavar="OLD NEW",
    help="Put the folder NEW in the place of OLD where a path begins with it.",
)
@click.option(
    "--max-mb",
    type=click.IntRange(min=1),
    default=100_000,
    show_default=True,
    help="Refuse a file that unpacks to more megabytes.",
)
@shared_options
def import_command(
    console: Console, source: Path, relocate: tuple[str, str] | None, max_mb: int
) -> None:
    """Take in a library that was exported: all of it, or nothing if the file is damaged.

    Tracks that are here already, the same audio under the same path, stay as they are; so does a
    track whose path holds other audio here, which is listed.
    """
    from indexer.exchange import import_library

    with (
        _library(console, create=True) as library,
        library.indexing(),
        console.progress("tracks") as report,
    ):
        done = import_library(
            library.catalogue,
            source,
            relocate=relocate,
            max_bytes=max_mb * 1_000_000,
            progress=report,
        )
        library.embed_again()
        library.publish(progress=report)
    console.emit(done)
    for path in done.kept:
        console.fail_item(path, "other audio is here under this path; it was kept")
    console.say(
        f"{done.added:,} tracks added, {done.known:,} were here already, "
        f"{done.opinions:,} opinions noted"
    )


@click.command(epilog="Example: musiscene index stats --json")
@shared_options
def stats(console: Console) -> None:
    """Say how much there is, how large it is on the disk, and how it is searched."""
    from indexer.catalogue.census import take_census

    with _library(console) as library:
        with library.catalogue.vector_rows() as rows:
            census = take_census(rows.session)
            revision = rows.revision
        index = library.present_vectors()
        sizes = {
            "catalogue": sum(
                path.stat().st_size for path in console.data_dir.glob("catalogue.sqlite*")
            ),
            "vectors": sum(
                path.stat().st_size for path in library.vectors_dir.rglob("*") if path.is_file()
            ),
        }
        searched = None if index is None else _describe_index(index)
    console.emit({"catalogue": census, "revision": revision, "index": searched, "bytes": sizes})
    counted = [
        (name, f"{count:,}")
        for name, count in msgspec.structs.asdict(census).items()
        if isinstance(count, int)
    ]
    for name in ("by_status", "by_model", "by_listening", "by_embedder"):
        counted += [
            (f"{name.removeprefix('by_')} {value}", f"{count:,}")
            for value, count in getattr(census, name).items()
        ]
    counted += [(f"{name} on disk", _size(size)) for name, size in sizes.items()]
    if searched is None:
        counted.append(("index", "none; musiscene index rebuild"))
    else:
        counted += [
            (f"index: {name}", f"{value:,}" if isinstance(value, int) else str(value))
            for name, value in searched.items()
            if name != "parts_listed"
        ]
    console.table(["what", "how much"], counted)


SNAPSHOT_COMMANDS: Final = [verify, rebuild, compact, export_command, import_command, stats]
"""For the group `musiscene index`."""


def _describe_index(index: VectorIndex) -> dict[str, Any]:
    manifest = index.manifest
    trained = next((one.training for one in manifest.parts if one.training is not None), None)
    return {
        "kind": manifest.kind,
        "revision": manifest.revision,
        "tracks": len(index.track_ids),
        "count": manifest.count,
        "tombstones": manifest.stored - manifest.count,
        "parts": len(manifest.parts),
        "recall_at_10": 1.0 if trained is None else trained.recall_at_10,
        "recall_at_200": 1.0 if trained is None else trained.recall_at_200,
        "embedder": manifest.embedder,
        "parts_listed": [
            {"name": one.name, "kind": one.kind, "count": one.count, "training": one.training}
            for one in manifest.parts
        ],
    }


def _size(size_bytes: int) -> str:
    """A size for people."""
    power = min(int(math.log10(max(size_bytes, 1)) / 3), len(UNITS) - 1)
    return f"{size_bytes / 10 ** (3 * power):.3g} {UNITS[power]}"
