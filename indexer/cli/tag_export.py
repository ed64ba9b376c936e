"""`musiscene tag --to`: lists and playlists."""

from __future__ import annotations

import os
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click
import msgspec

from indexer.errors import TagError
from indexer.tagging.keys import KeyNotation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from uuid import UUID

    from indexer.catalogue.models import Track
    from indexer.catalogue.repository import Catalogue
    from indexer.tagging.facts import TrackFacts
    from musiscene.console import Console

PLAYLISTS: Final = ("m3u8", "xspf")
STDOUT: Final = Path("-")


class ExportOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be written, and where."""

    format: str
    """`csv`, `jsonl`, `sidecar`, `m3u8` or `xspf`."""
    out: Path | None
    """A file, `-` for standard output; for `sidecar` a folder, None for beside the files."""
    notation: KeyNotation
    """How keys are written."""
    scene: str | None
    """The best tracks for it; None for all in the order of their paths."""
    top_k: int
    """How many of the best."""
    relative: bool
    """Whether a playlist names its tracks from where it is."""
    roots: tuple[Path, ...]
    """The paths that were asked for."""


def export(
    console: Console,
    catalogue: Catalogue,
    track_ids: Sequence[UUID],
    tracks: Iterable[Track],
    options: ExportOptions,
) -> None:
    """Write a list, a playlist, or a file beside each track.

    Args:
        console: Is told what was written.
        catalogue: The library.
        track_ids: Of the tracks that were chosen.
        tracks: The same, loaded one by one.
        options: What and where.

    Raises:
        UsageError: If the options do not go together.
        TagError: If the file cannot be written.
    """
    from indexer.tagging.facts import facts_of

    if options.scene is not None:
        if options.format not in PLAYLISTS:
            raise click.UsageError("--scene is for playlists: --to m3u8 or --to xspf")
        best = _best(console, track_ids, options.scene, options.top_k)
        found = catalogue.tracks(best)
        tracks = (found[one] for one in best if one in found)
    facts = (facts_of(track) for track in tracks)
    if options.format == "sidecar":
        _write_sidecars(console, facts, options)
        return
    if options.out is None:
        raise click.UsageError(f"--to {options.format} needs --out FILE (- for standard output)")
    count = 0

    def counted() -> Iterator[TrackFacts]:
        nonlocal count
        for one in facts:
            if options.format == "m3u8" and not _can_stand(console, one):
                continue
            count += 1
            yield one

    pieces = _pieces(counted(), options)
    if options.out == STDOUT:
        for piece in pieces:
            click.echo(piece, nl=False)
        return
    from indexer.tagging.staging import explained, write_whole

    with explained(options.out):
        write_whole(options.out, pieces)
    console.emit({"path": options.out, "tracks": count})
    console.say(f"{count} tracks written to {options.out}")


def _pieces(tracks: Iterable[TrackFacts], options: ExportOptions) -> Iterator[bytes]:
    from indexer.tagging.exports.lists import csv_lines, json_lines
    from indexer.tagging.exports.playlists import m3u8_lines, xspf_pieces

    folder = Path.cwd() if options.out in {None, STDOUT} else (options.out or STDOUT).parent
    title = options.scene or "MusiScene"
    writers: dict[str, Callable[[], Iterator[bytes]]] = {
        "csv": lambda: csv_lines(tracks, notation=options.notation),
        "jsonl": lambda: json_lines(tracks),
        "m3u8": lambda: m3u8_lines(tracks, title=title, folder=folder, relative=options.relative),
        "xspf": lambda: xspf_pieces(tracks, title=title, folder=folder, relative=options.relative),
    }
    return writers[options.format]()


def _can_stand(console: Console, track: TrackFacts) -> bool:
    from indexer.tagging.exports.playlists import check_m3u8

    try:
        check_m3u8(track)
    except TagError as error:
        console.fail_item(str(error.path), error.reason)
        return False
    return True


def _write_sidecars(console: Console, tracks: Iterable[TrackFacts], options: ExportOptions) -> None:
    from indexer.tagging.exports.lists import sidecar, sidecar_path
    from indexer.tagging.staging import explained, write_whole

    base = _common_folder(options.roots)
    count = 0
    for track in tracks:
        path = sidecar_path(track, base=base, out=options.out)
        try:
            with explained(path):
                write_whole(path, [sidecar(track, path)])
        except TagError as error:
            console.fail_item(str(error.path), error.reason)
            continue
        count += 1
        console.emit({"path": path, "track": track.path})
    console.say(f"{count} files written " + (f"below {options.out}" if options.out else "beside"))


def _best(console: Console, track_ids: Sequence[UUID], scene: str, top_k: int) -> list[UUID]:
    """Those of the tracks that fit a scene best, the best first."""
    from indexer.library import Library
    from indexer.match import MODELS, Matcher
    from musiscene.checkpoints.first_use import store_with
    from musiscene.scene_reader import SCENE_READER_MODEL, SceneReader

    store = store_with(MODELS, console)
    wanted = set(track_ids)
    with Library.open(console.data_dir, store, create=False, database=console.database) as library:
        matcher = Matcher.over(library, SceneReader.load(store.folder(SCENE_READER_MODEL)))
        answer = matcher.match([scene], top_k=1)
        if answer.decision != "matched":
            console.note("nothing in the library fits this well; these come nearest")
        return list(islice((one for one in matcher.rank([scene]) if one in wanted), top_k))


def _common_folder(roots: Sequence[Path]) -> Path:
    """The folder that all roots are in, themselves where they are folders."""
    folders = [root if root.is_dir() else root.parent for root in roots]
    return Path(os.path.commonpath([os.path.abspath(folder) for folder in folders]))  # noqa: PTH100
