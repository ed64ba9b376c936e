"""`musiscene match`."""

from __future__ import annotations

import json
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TextIO

import click

from indexer.cli.cue_options import format_of
from indexer.cli.options import BESIDE, check_filter, check_finite, top_k_option
from indexer.errors import BriefError
from musiscene.cli.captioner_options import captioner_options
from musiscene.console import Console, shared_options

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from indexer.fallback import Fallback
    from indexer.library import Library
    from indexer.match import Matcher
    from indexer.matching.results import Hit, MatchResult, Reading
    from indexer.windows import Arc
    from musiscene.cli.captioner_options import ChosenCaptioner

CAPTION_WIDTH = 60
MOST_QUEUED = 100
"""Jobs that may wait for a worker."""
MAX_BRIEFS_BYTES = 16 * 1024 * 1024


@click.command(
    epilog='Example: musiscene match "she opens the letter and cries" --filter "vocals=no bpm<90"'
)
@click.argument("briefs", nargs=-1, metavar="[BRIEF]...")
@click.option(
    "--briefs",
    "briefs_file",
    type=click.File(encoding="utf-8"),
    help="A file with one brief a line, or JSON Lines with a field `brief`; - for standard input.",
)
@click.option(
    "--filter",
    "filter_expression",
    default="",
    callback=check_filter,
    help="Such as 'bpm=100..130 vocals=no', see above.",
)
@click.option("--not", "negatives", multiple=True, help="What is not wanted; may be repeated.")
@click.option(
    "--length",
    "length_seconds",
    type=click.FloatRange(min=0, min_open=True),
    callback=check_finite,
    help="Wanted length in seconds; shorter tracks are left out.",
)
@click.option(
    "--arc",
    type=click.Choice(["build", "steady", "release"]),
    help="The course that the window's energy should take.",
)
@click.option(
    "--together",
    is_flag=True,
    help="The briefs are scenes of one video, and get one answer.",
)
@click.option(
    "--weight",
    "weights",
    type=click.FloatRange(min=0, min_open=True),
    callback=check_finite,
    multiple=True,
    help="With --together: how much a scene counts, such as its seconds; once for each brief.",
)
@click.option(
    "--not-like",
    "unlike",
    multiple=True,
    metavar="TRACK",
    help="A track that the answer must not be like: its id, its path, or the path's end.",
)
@click.option(
    "--no-feedback", is_flag=True, help="Leave out what was said with `musiscene feedback`."
)
@click.option(
    "--fallback",
    type=click.Choice(["never", "auto", "always"]),
    default="never",
    show_default=True,
    help="Have music made: `auto` for a brief that nothing fits. A worker makes it "
    "(`musiscene work`, or `musiscene serve`), and the next match finds it.",
)
@click.option(
    "--video",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A video in place of briefs: its scenes are watched, and get one answer. Music for each "
    "of them by itself: `musiscene cues`.",
)
@click.option(
    "--export",
    type=click.Path(dir_okay=False, path_type=Path),
    help="With --video: a file for a plan of cues; its ending says in which format: .json, .otio, "
    ".edl, .fcpxml, .csv, ...",
)
@top_k_option
@shared_options
@captioner_options
def match(  # noqa: PLR0913, PLR0917  one for each option
    console: Console,
    captioner: ChosenCaptioner,
    briefs: tuple[str, ...],
    briefs_file: TextIO | None,
    filter_expression: str,
    negatives: tuple[str, ...],
    length_seconds: float | None,
    arc: Arc | None,
    weights: tuple[float, ...],
    unlike: tuple[str, ...],
    top_k: int,
    fallback: Fallback,
    video: Path | None,
    export: Path | None,
    *,
    together: bool,
    no_feedback: bool,
) -> None:
    """Find the tracks that fit a scene.

    A brief says what is seen, in a sentence or two, and may say something of the music ("90 bpm, no
    drums"). Each brief is answered by itself, unless they are scenes of one video (--together).

    Filters hold facts that a track must have:

    \b
      bpm=110..130  bpm>=90  bpm~=120        tempo; ~= finds half and double too
      duration  loudness  valence  arousal   seconds, LUFS, and -1 to 1
      key=E:major|C#:minor  mode=minor       | for either of several
      vocals=no  generated=no
      mood=happy  genre=folk  instrument=piano  tag=slow
      artist="The Band"  album  album_artist  title  path  licence
      disc  track                            numbers, from the tags
      added>=2026-01-31  added=2026-01  added<7d

    Terms side by side must all hold; `or` is for one of two, `-` or `not` for the opposite, and
    parentheses group: "(mood=happy or mood=party) -tag=metal".
    """  # noqa: D301  click reads the escape
    from indexer.cli.match_video import VideoBriefs

    asked = [*briefs, *(_read_briefs(briefs_file) if briefs_file else ())]
    _check_use(asked, weights, captioner, video, export, together=together)
    wish = _Wish(
        filter_expression, negatives, unlike, length_seconds, arc, top_k, fallback, no_feedback
    )
    watched = None if video is None else VideoBriefs.watch(console, video, captioner)
    if watched is not None:
        asked, weights, together = watched.captions, watched.weights, True
    with _open_matcher(console) as (library, matcher):
        for captions in [asked] if together else [[brief] for brief in asked]:
            result = _answer(library, matcher, captions, weights, wish)
            if watched is not None:
                watched.say(result)
                if export is not None:
                    watched.export(library, matcher, export, wish.filter_expression, negatives)
            else:
                console.emit(result)
            if not console.as_json:
                _say_result(console, result, is_one_of_many=len(asked) > 1 and not together)


class _Wish(NamedTuple):
    """What is asked beside what is seen."""

    filter_expression: str
    negatives: tuple[str, ...]
    unlike: tuple[str, ...]
    length_seconds: float | None
    arc: Arc | None
    top_k: int
    fallback: Fallback
    no_feedback: bool


def _check_use(
    asked: Sequence[str],
    weights: tuple[float, ...],
    captioner: ChosenCaptioner,
    video: Path | None,
    export: Path | None,
    *,
    together: bool,
) -> None:
    if video is None:
        if export is not None or captioner.captions is not None:
            raise click.UsageError("--export and --captions are for a video: add --video FILE")
        if not asked:
            raise click.UsageError('say what is seen: musiscene match "rain on a window at night"')
        if weights and not together:
            raise click.UsageError("--weight is for the scenes of one video: add --together")
    elif asked or weights:
        raise click.UsageError("--video is in place of briefs and weights")
    if export is not None:
        format_of(export)


@contextmanager
def _open_matcher(console: Console) -> Iterator[tuple[Library, Matcher]]:
    from indexer.library import Library
    from indexer.match import MODELS, Matcher
    from musiscene.checkpoints.first_use import store_with
    from musiscene.scene_reader import SCENE_READER_MODEL, SceneReader

    store = store_with(MODELS, console)
    with Library.open(console.data_dir, store, create=False, database=console.database) as library:
        reader = SceneReader.load(store.folder(SCENE_READER_MODEL))
        yield library, Matcher.over(library, reader)


def _answer(
    library: Library,
    matcher: Matcher,
    captions: Sequence[str],
    weights: Sequence[float],
    wish: _Wish,
) -> MatchResult:
    from indexer.fallback import is_wanted, linked, stand_in
    from indexer.matching.explain import WindowWish

    result = matcher.match(
        captions,
        weights=weights or None,
        filter_expression=wish.filter_expression,
        negatives=wish.negatives,
        unlike=[library.catalogue.track_called(name) for name in wish.unlike],
        wish=WindowWish(length_seconds=wish.length_seconds, arc=wish.arc),
        top_k=wish.top_k,
        without=["feedback"] if wish.no_feedback else [],
    )
    if not is_wanted(wish.fallback, result):
        return result
    new = stand_in(captions, result.reading, seconds=wish.length_seconds)
    return linked(result, library.catalogue.jobs.submit(new, most_queued=MOST_QUEUED).job)


def _read_briefs(file: TextIO) -> Iterator[str]:
    """Read briefs, one a line or JSON Lines.

    Args:
        file: Open for reading text.

    Yields:
        The briefs in order; empty lines are left out.

    Raises:
        BriefError: If a line cannot be read, or the file is too large.
    """
    name = getattr(file, "name", "briefs")
    try:
        text = file.read(MAX_BRIEFS_BYTES + 1)
    except (UnicodeDecodeError, OSError) as error:
        raise BriefError(f"{name}: cannot be read as UTF-8 text ({error})") from error
    if len(text) > MAX_BRIEFS_BYTES:
        raise BriefError(f"{name}: longer than {MAX_BRIEFS_BYTES // 2**20} MiB; split it")
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        if not line.lstrip().startswith("{"):
            yield line
            continue
        try:
            brief = json.loads(line)["brief"]
        except (ValueError, KeyError) as error:
            raise BriefError(
                f"{name}, line {number}: no JSON object with a field `brief`"
            ) from error
        if not isinstance(brief, str):
            raise BriefError(f"{name}, line {number}: the field `brief` is not a text")
        yield brief


def _say_result(console: Console, result: MatchResult, *, is_one_of_many: bool) -> None:
    if is_one_of_many:
        console.say(f"\n{result.brief}")
    if result.generation is not None:
        console.note(
            f"Music for this is {result.generation.status} (job {result.generation.id}); a worker "
            "makes it: `musiscene work`, or `musiscene serve`"
        )
    if not result.hits:
        console.say(result.notice or "Nothing in the library fulfils this.")
        return
    console.say(_reading_line(result.reading))
    if result.notice:
        console.say(result.notice)
    if result.decision == "nothing_fits":
        console.say("Nothing in the library fits well; these come nearest.")
    console.table(
        ["", "track", "from - to", "conf.", "scene it suits", "tempo", "key"],
        [_row(hit) for hit in result.hits],
    )


def _reading_line(reading: Reading) -> str:
    """How the brief was understood, in one line."""
    parts = [
        ("moods", [mood.mood for mood in reading.moods]),
        ("music", list(reading.music)),
        ("asked for", list(reading.wishes)),
    ]
    return "Read as " + "; ".join(f"{name}: {', '.join(said)}" for name, said in parts if said)


def _row(hit: Hit) -> Sequence[str]:
    window, track = hit.window, hit.track
    caption = hit.scene_caption
    if len(caption) > CAPTION_WIDTH:
        caption = caption[: CAPTION_WIDTH - 3].rsplit(" ", 1)[0] + " ..."
    return (
        str(hit.rank),
        BESIDE.join(filter(None, [track.title or Path(track.path).stem, hit.song])),
        f"{_clock(window.start_seconds)}-{_clock(window.end_seconds)}",
        f"{hit.confidence:.2f}",
        caption,
        f"{track.bpm:.0f} bpm",
        track.key.replace(":", " "),
    )


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes}:{rest:02d}"
