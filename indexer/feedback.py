"""Opinions from a person's words to the catalogue, to the re-ranker, and to a file and back.

A file of opinions is JSON Lines, UTF-8, the oldest first:

    {"track": "0190...", "path": "/music/a.opus", "brief": "rain on a window", "verdict": "accept",
     "note": null, "created_at": "2026-01-31T12:00:00Z"}

`brief` and `verdict` are needed, and `track` (an id) or `path` (whole, or its end).
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Final

import msgspec
import numpy as np
from msgspec import Meta

from indexer.catalogue.opinions import MAX_PAGE, NewOpinion, Verdict
from indexer.errors import BriefError, OpinionFileError, TrackNameError
from indexer.taste import Taste, brief_vector, tidy_brief

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path
    from uuid import UUID

    from indexer.catalogue.opinions import Opinion, Opinions
    from indexer.catalogue.repository import Catalogue
    from musiscene.embed import TextEmbedder

MAX_FILE_BYTES: Final = 16 * 1024 * 1024
MAX_BRIEF_CHARACTERS: Final = 100_000
MAX_BRIEF_LINES: Final = 200
MAX_NOTE_CHARACTERS: Final = 2_000

OPINIONS_AT_ONCE: Final = 512
"""Embedded and stored in one transaction."""


class OpinionLine(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a file of opinions."""

    brief: str
    """One caption a line."""
    verdict: Verdict
    track: str | None = None
    """The track's id."""
    path: str | None = None
    """The track's path or its end; asked only where no track has the id."""
    note: Annotated[str, Meta(max_length=MAX_NOTE_CHARACTERS)] | None = None
    """In the person's own words."""
    created_at: Annotated[datetime, Meta(tz=True)] | None = None
    """None for the time of the import."""


class BadLine(msgspec.Struct, frozen=True):
    """A line that is no opinion about this library."""

    number: int
    """From 1."""
    reason: str
    """What is wrong."""


def check_brief(text: str) -> str:
    """Check what an opinion is about.

    Args:
        text: One caption a line.

    Returns:
        The brief as it is stored.

    Raises:
        BriefError: If it is empty or too long.
    """
    brief = tidy_brief(text)
    if not brief:
        raise BriefError("the brief is empty; give the one that the track was an answer to")
    if len(brief) > MAX_BRIEF_CHARACTERS or brief.count("\n") >= MAX_BRIEF_LINES:
        raise BriefError(
            f"a brief may have {MAX_BRIEF_CHARACTERS:,} characters and {MAX_BRIEF_LINES} lines"
        )
    return brief


def note_opinion(
    catalogue: Catalogue,
    embedder: TextEmbedder,
    *,
    track_id: UUID,
    brief: str,
    verdict: Verdict,
    note: str | None = None,
) -> Opinion:
    """Note what a person said about one track.

    Args:
        catalogue: Of the library.
        embedder: Of the library.
        track_id: The track.
        brief: What it was an answer to, one caption a line.
        verdict: `accept` or `reject`.
        note: In the person's own words; cut where it is too long.

    Returns:
        The opinion as it is stored.

    Raises:
        BriefError: If the brief is empty or too long.
        TrackNotFoundError: If there is no such track.
    """
    brief = check_brief(brief)
    new = NewOpinion(
        track_id=track_id,
        brief=brief,
        verdict=verdict,
        vector=_embed(embedder, [brief])[0],
        note=note[:MAX_NOTE_CHARACTERS] if note else None,
    )
    (opinion_id,) = catalogue.opinions.add([new], embedder=embedder.version)
    return catalogue.opinions.opinion(opinion_id)


def embed_opinions_again(opinions: Opinions, embedder: TextEmbedder) -> int:
    """Make the vectors anew that another embedder made; may be interrupted, and goes on.

    Args:
        opinions: Of the library.
        embedder: Of the library.

    Returns:
        How many opinions got another vector.
    """
    version, done = embedder.version, 0
    while others := opinions.briefs_of_others(embedder=version, limit=OPINIONS_AT_ONCE):
        vectors = _embed(embedder, list(others.values()))
        opinions.replace_vectors(dict(zip(others, vectors, strict=True)), embedder=version)
        done += len(others)
    return done


def taste_of(opinions: Opinions, *, embedder: str) -> Taste:
    """What people said, ready for re-ranking.

    Args:
        opinions: Of the library.
        embedder: Version of the text embedder that makes the vectors of the briefs to come.

    Returns:
        The taste; opinions with vectors of another embedder are not in it.
    """
    rows = opinions.vectors(embedder=embedder)
    if not rows:
        return Taste.empty()
    return Taste(
        np.stack([np.frombuffer(row.data, "<f2") for row in rows]).astype(np.float32),
        [row.track_id for row in rows],
        np.array([row.is_accepted for row in rows], bool),
        [row.brief for row in rows],
    )


def write_lines(opinions: Opinions) -> Iterator[bytes]:
    """All opinions as lines of a file.

    Args:
        opinions: Of the library.

    Yields:
        The lines with their ends, the oldest first.
    """
    everything: list[Opinion] = []
    before = None
    while page := opinions.page(before=before, limit=MAX_PAGE):
        everything += page
        before = page[-1].id
    for one in reversed(everything):
        line = OpinionLine(
            track=str(one.track_id),
            path=one.path,
            brief=one.brief,
            verdict=one.verdict,
            note=one.note,
            created_at=one.created_at,
        )
        yield msgspec.json.encode(line) + b"\n"


def import_lines(
    path: Path, *, catalogue: Catalogue, embedder: TextEmbedder
) -> tuple[int, list[BadLine]]:
    """Note the opinions of a file; a bad line keeps no other one out.

    Args:
        path: JSON Lines.
        catalogue: Of the library.
        embedder: Of the library.

    Returns:
        How many opinions were noted, and the lines that were not, in order.

    Raises:
        OpinionFileError: If the file cannot be read or is too large.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise OpinionFileError(f"{path}: cannot be read ({error.strerror})") from error
    if len(content) > MAX_FILE_BYTES:
        raise OpinionFileError(f"{path}: longer than {MAX_FILE_BYTES // 2**20} MiB; split it")
    good: list[tuple[UUID, OpinionLine]] = []
    bad: list[BadLine] = []
    for number, line in enumerate(content.split(b"\n"), start=1):
        if not line.strip():
            continue
        try:
            row = msgspec.json.decode(line, type=OpinionLine)
            row = msgspec.structs.replace(row, brief=check_brief(row.brief))
            good.append((_track_of(row, catalogue), row))
        except (msgspec.DecodeError, UnicodeDecodeError, BriefError, TrackNameError) as error:
            bad.append(BadLine(number, str(error)))
    for start in range(0, len(good), OPINIONS_AT_ONCE):
        _store(good[start : start + OPINIONS_AT_ONCE], catalogue=catalogue, embedder=embedder)
    return len(good), bad


def _track_of(row: OpinionLine, catalogue: Catalogue) -> UUID:
    names = [name for name in (row.track, row.path) if name]
    if not names:
        raise BriefError("names no track; it needs `track` (an id) or `path`")
    for name in names[:-1]:
        try:
            return catalogue.track_called(name)
        except TrackNameError:
            continue
    return catalogue.track_called(names[-1])


def _store(
    rows: Sequence[tuple[UUID, OpinionLine]], *, catalogue: Catalogue, embedder: TextEmbedder
) -> None:
    vectors = _embed(embedder, [row.brief for _, row in rows])
    catalogue.opinions.add(
        [
            NewOpinion(
                track_id=track_id,
                brief=row.brief,
                verdict=row.verdict,
                vector=vector,
                note=row.note,
                created_at=row.created_at,
            )
            for (track_id, row), vector in zip(rows, vectors, strict=True)
        ],
        embedder=embedder.version,
    )


def _embed(embedder: TextEmbedder, briefs: Sequence[str]) -> list[bytes]:
    """Float16 unit vectors, each of all captions of a brief together."""
    captions = [brief.split("\n") for brief in briefs]
    vectors = embedder.encode([caption for lines in captions for caption in lines])
    ends = np.cumsum([len(lines) for lines in captions])[:-1]
    return [brief_vector(rows).astype("<f2").tobytes() for rows in np.split(vectors, ends)]
