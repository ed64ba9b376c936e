"""`musiscene tag`: what is heard, in the files' own tags, in lists and in playlists."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

import click
import msgspec

from indexer.cli.options import check_filter, check_finite
from indexer.cli.tag_export import ExportOptions, export
from indexer.cli.tag_lines import Tally, say_file, say_runs, say_summary
from indexer.errors import IndexerError, LibraryBusyError, TagError
from musiscene.console import Console, shared_options

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from uuid import UUID

    from indexer.catalogue.models import Track
    from indexer.catalogue.repository import Catalogue
    from indexer.tagging.journal import Journal
    from indexer.tagging.selection import Selection
    from indexer.tagging.tagger import TaggedFile
    from indexer.tagging.wishes import TagWishes

Item = TypeVar("Item")
logger = logging.getLogger(__name__)

FOLDER: Final = "tagging"
TRACKS_AT_ONCE: Final = 200
SHOWN_NOT_INDEXED: Final = 5
CHOICES: Final = (
    "bpm", "mood", "key", "genre", "scenes", "music", "instruments", "energy", "vocals", "affect",
)  # fmt: skip


class FieldsType(click.ParamType[object]):
    """Some of the fields, with commas between them."""

    name = "fields"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, ...]:
        """Read the names; `click.BadParameter` where one is unknown."""
        if isinstance(value, tuple):
            return value
        names = [name.strip() for name in str(value).split(",") if name.strip()]
        unknown = [name for name in names if name not in CHOICES]
        if unknown or not names:
            what = f"{unknown[0]!r} is no field" if unknown else "name at least one field"
            self.fail(f"{what}; there are {', '.join(CHOICES)}", param, ctx)
        return tuple(name for name in CHOICES if name in names)


@click.command(
    epilog="Example: musiscene tag ~/Music --fields bpm,key,mood --write\n\n"
    'Example: musiscene tag ~/Music --to m3u8 --scene "a rainy city at night" --out rain.m3u8'
)
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@click.option("--write", is_flag=True, help="Do it; without, only what would change is shown.")
@click.option(
    "--fields",
    type=FieldsType(),
    default=CHOICES,
    metavar="LIST",
    help=f"Which of {','.join(CHOICES)}; all of them if not given.",
)
@click.option("--overwrite", is_flag=True, help="Also where somebody else filled the field.")
@click.option(
    "--min-confidence",
    type=click.FloatRange(0, 1),
    default=0.5,
    show_default=True,
    callback=check_finite,
    help="Leave out tempo, key and mood below it.",
)
@click.option(
    "--key-notation",
    type=click.Choice(["musical", "camelot", "openkey"]),
    default="musical",
    show_default=True,
    help="F#m, 11A or 4m.",
)
@click.option("--grouping", is_flag=True, help="Also the moods, into the field for grouping.")
@click.option("--comment", is_flag=True, help="Also a sentence, into the comment.")
@click.option("--keep-mtime", is_flag=True, help="Keep the files' time of modification.")
@click.option(
    "--filter",
    "filter_expression",
    default="",
    callback=check_filter,
    help="Only tracks such as 'bpm=100..130 vocals=no'; see `musiscene match --help`.",
)
@click.option(
    "--undo",
    is_flag=False,
    flag_value="last",
    metavar="[RUN]",
    help="Give the files back as they were before a run: its id, or the last one.",
)
@click.option("--last", is_flag=True, help="The same as --undo for the last run.")
@click.option(
    "--force", is_flag=True, help="With --undo: also in files that were changed since; see above."
)
@click.option("--runs", is_flag=True, help="List what was written and taken back.")
@click.option(
    "--to",
    "export_format",
    type=click.Choice(["csv", "jsonl", "sidecar", "m3u8", "xspf"]),
    help="Write a list, JSON beside each file, or a playlist; no tags.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="With --to: the file (- for standard output), or for `sidecar` a folder.",
)
@click.option("--scene", help="With --to m3u8|xspf: the tracks that fit it, the best first.")
@click.option(
    "--top-k", type=click.IntRange(1), default=25, show_default=True, help="With --scene."
)
@click.option(
    "--paths",
    "path_style",
    type=click.Choice(["relative", "absolute"]),
    default="relative",
    show_default=True,
    help="How a playlist names its tracks.",
)
@shared_options
def tag(  # noqa: PLR0913, PLR0917  one for each option
    console: Console,
    paths: tuple[Path, ...],
    fields: tuple[str, ...],
    min_confidence: float,
    key_notation: str,
    filter_expression: str,
    undo: str | None,
    export_format: str | None,
    out: Path | None,
    scene: str | None,
    top_k: int,
    path_style: str,
    *,
    write: bool,
    overwrite: bool,
    grouping: bool,
    comment: bool,
    keep_mtime: bool,
    last: bool,
    force: bool,
    runs: bool,
) -> None:
    """Write what was heard into the files' own tags, for players and DJ software.

    Shows what would change; --write does it. The sound is never touched: a changed copy takes the
    file's place only when its audio is seen to be the same, packet by packet, and every other tag
    is still there. Fields that you or another program filled are kept (--overwrite).

    Every run can be taken back, byte for byte: --undo. A file that somebody changed after the run
    is left alone then; --force gives its written fields back and keeps the rest.

    What is written where, and which programs read it: docs/tagging.md.
    """
    from indexer.tagging.wishes import TagWishes

    folder = console.data_dir / FOLDER
    undo = undo or ("last" if last else None)
    if runs:
        say_runs(console, folder)
        return
    if undo is None and not paths:
        raise click.UsageError("name the files or folders: musiscene tag ~/Music")
    if (out or scene) and export_format is None:
        raise click.UsageError("--out and --scene are for exports: add --to")
    if undo is not None and (write or export_format):
        raise click.UsageError("--undo stands for itself, without --write and --to")
    with _catalogue(console) as catalogue:
        if undo is not None:
            with _locked(folder):
                _undo(console, catalogue, undo, paths, force=force)
            return
        selection = select(console, catalogue, paths, filter_expression)
        wishes = msgspec.convert(
            {
                "fields": fields, "min_confidence": min_confidence, "key_notation": key_notation,
                "grouping": grouping, "comment": comment, "overwrite": overwrite,
            },
            TagWishes,
        )  # fmt: skip
        tracks = _tracks(catalogue, selection.track_ids)
        if export_format is not None:
            options = ExportOptions(
                format=export_format, out=out, notation=wishes.key_notation, scene=scene,
                top_k=top_k, relative=path_style == "relative", roots=paths,
            )  # fmt: skip
            export(console, catalogue, selection.track_ids, tracks, options)
        elif write:
            with _locked(folder):
                _write(console, catalogue, selection, wishes, keep_mtime=keep_mtime)
        else:
            _preview(console, catalogue, selection, wishes)


def select(
    console: Console, catalogue: Catalogue, paths: Sequence[Path], filter_expression: str
) -> Selection:
    """Find the tracks that are meant, and list the files that are none."""
    from indexer.tagging.selection import select_tracks

    selection = select_tracks(catalogue, paths, filter_expression=filter_expression)
    for path, reason in selection.failures:
        console.fail_item(path, reason)
    strange = selection.not_indexed
    shown = strange if len(strange) <= SHOWN_NOT_INDEXED else strange[: SHOWN_NOT_INDEXED - 1]
    for path in shown:
        console.fail_item(path, f"not in the library; run: musiscene index {Path(path).parent}")
    if len(strange) > len(shown):
        places = " ".join(str(path) for path in paths)
        console.fail_item(
            f"{len(strange) - len(shown)} more files",
            f"not in the library; run: musiscene index {places}",
        )
    if selection.notice:
        console.note(selection.notice)
    return selection


@contextmanager
def _catalogue(console: Console) -> Iterator[Catalogue]:
    """The catalogue alone: tagging needs no model."""
    from indexer.catalogue.database import catalogue_in
    from indexer.catalogue.repository import Catalogue

    location = catalogue_in(console.data_dir, database=console.database)
    with Catalogue.open(location) as catalogue:
        yield catalogue


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold the library's tagging for one process."""
    from filelock import FileLock, Timeout

    folder.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(folder / ".lock", timeout=0):
            yield
    except Timeout as error:
        raise LibraryBusyError(
            f"{folder}: another `musiscene tag` is at work here; wait for it or stop it"
        ) from error


def _tracks(catalogue: Catalogue, track_ids: Sequence[UUID]) -> Iterator[Track]:
    for start in range(0, len(track_ids), TRACKS_AT_ONCE):
        ids = track_ids[start : start + TRACKS_AT_ONCE]
        found = catalogue.tracks(ids)
        yield from (found[one] for one in ids if one in found)


def _preview(
    console: Console, catalogue: Catalogue, selection: Selection, wishes: TagWishes
) -> None:
    from indexer.tagging.tagger import Tagger

    tagger = Tagger(catalogue)
    done = _each(
        console,
        _tracks(catalogue, selection.track_ids),
        lambda track: tagger.preview(track, wishes),
        path_of=lambda track: track.path,
        total=len(selection.track_ids),
    )
    say_summary(console, done, run_id=None)


def _write(
    console: Console,
    catalogue: Catalogue,
    selection: Selection,
    wishes: TagWishes,
    *,
    keep_mtime: bool,
) -> None:
    from indexer.tagging.journal import Journal
    from indexer.tagging.tagger import Tagger

    tagger = Tagger(catalogue, keep_mtime=keep_mtime)
    with Journal(console.data_dir / FOLDER) as journal:
        done = _each(
            console,
            _tracks(catalogue, selection.track_ids),
            lambda track: tagger.write(track, wishes, journal),
            path_of=lambda track: track.path,
            total=len(selection.track_ids),
        )
    say_summary(console, done, run_id=journal.id)


def _undo(
    console: Console, catalogue: Catalogue, run_id: str, paths: Sequence[Path], *, force: bool
) -> None:
    """Take a run back, the last file first."""
    from indexer.tagging.journal import Journal, read_run
    from indexer.tagging.tagger import Tagger

    folder = console.data_dir / FOLDER
    run = read_run(folder, run_id)
    if run.damaged_lines:
        console.note(f"{run.damaged_lines} lines of the journal cannot be read and are left out")
    roots = [str(path.absolute()) for path in paths]
    entries = [
        entry
        for entry in reversed(run.files)
        if not roots or any(Path(entry.path).is_relative_to(root) for root in roots)
    ]
    tagger = Tagger(catalogue)
    is_whole = len(entries) == len(run.files)
    with Journal(folder, undoes=run.header.id, is_whole=is_whole) as journal:
        done = _each(
            console,
            entries,
            lambda entry: tagger.undo(entry, journal, force=force),
            path_of=lambda entry: entry.path,
            total=len(entries),
            journal=journal,
        )
    say_summary(console, done, run_id=journal.id, undone=run.header.id)


def _each(
    console: Console,
    items: Iterable[Item],
    work: Callable[[Item], TaggedFile],
    *,
    path_of: Callable[[Item], str],
    total: int,
    journal: Journal | None = None,
) -> Tally:
    """Do the files one by one; one that cannot be done is listed, and the rest goes on."""
    tally = Tally()
    with console.progress("tracks") as report:
        report("Tags", 0, total)
        for number, item in enumerate(items, 1):
            reason: str | None = None
            try:
                done = work(item)
            except TagError as error:
                reason = error.reason
            except IndexerError:
                raise
            except Exception as error:
                logger.exception("unexpected error in %s", path_of(item))
                reason = f"{type(error).__name__}: {error}"
            else:
                tally.add(done)
                say_file(console, done)
            if reason is not None:
                tally.failed += 1
                if journal is not None:
                    journal.note_failure()
                console.fail_item(path_of(item), reason)
            report("Tags", number, total)
    return tally
