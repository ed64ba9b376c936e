"""Every error that indexer raises for what a person or their library did.

IndexerError
├── LibraryPathError          a path to index does not exist or cannot be listed
├── PatternError              a pattern of files to leave out cannot be read
├── PruneFloorError           so much is gone that deleting it would rather be a mistake
├── SpoolError                no room for decoded tracks on their way
├── ImaginerError             scenes of some tracks cannot be imagined
├── ClusterError              the machines of a cluster cannot be used
│   └── RayMissingError       what speaks to them is not installed
├── LibraryBusyError          another process is indexing into the same library
├── CatalogueError            the database cannot be opened, read or brought up to date
│   └── DriverMissingError    what speaks to PostgreSQL is not installed
├── TrackNotFoundError        no track has this id
│   └── TrackNameError        no track is called so, or several are
├── JobError                  something about a long task of the service
│   ├── JobNotFoundError      no job has this id
│   ├── IdempotencyKeyError   the key was used for another request
│   └── QueueFullError        too many jobs wait already
├── OpinionNotFoundError      no opinion has this id
├── BriefNotFoundError        no brief has this id
├── WaveformError             the outline of a track cannot be drawn
├── WaveformBusyError         too many others are being drawn
├── CursorError               where a list is to go on is no place in it
├── OpinionFileError          a file of opinions cannot be read
├── FilterError               a filter cannot be read
│   ├── FilterSyntaxError     in its text form; carries the position
│   └── FilterObjectError     in its JSON form; carries the path
├── ExchangeError             an exported library cannot be written or read
├── BriefError                a brief is empty or too long, or a file of briefs cannot be read
├── SpottingError             a plan of cues cannot be made, changed or written
│   ├── CueNotFoundError      the plan has no cue of this name
│   ├── CueEditError          a cue cannot be changed so
│   ├── PlanNotFoundError     no plan has this id
│   ├── PlanChangedError      a plan was changed by somebody else in the meantime
│   ├── PlanUnfinishedError   there is no plan yet, or there will be none
│   └── ExportError           a plan cannot be written in a format
├── KeyNotFoundError          no key of the service has this id
├── BackupError               a backup cannot be written, or is not what was written
├── TagError                  one file's tags cannot be read or written; the file is as it was
├── TagRunError               there is no such run of `musiscene tag`, or its journal is unreadable
├── TaggerMissingError        the library that reads and writes tags is not installed
└── VectorIndexError          the vectors cannot be searched
    ├── NothingIndexedError   no snapshot was ever published
    ├── TornSnapshotError     files of the snapshot are missing or differ from its manifest
    ├── StaleSnapshotError    the catalogue has changed since the snapshot was made
    └── WrongEmbedderError    the snapshot was made by another text embedder
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

SHOWN_BEFORE, SHOWN_AFTER = 50, 30
"""Characters of a filter that are shown before and after the wrong piece."""


class IndexerError(Exception):
    """Something a person or their library did; the message says what, where and the way out."""


class LibraryPathError(IndexerError):
    """A path to index does not exist or cannot be listed."""

    def __init__(self, path: str | Path, reason: str) -> None:
        self.path = Path(path)
        self.reason = reason
        super().__init__(f"{self.path}: {reason}")


class PatternError(IndexerError):
    """A pattern of files to leave out cannot be read."""


class PruneFloorError(IndexerError):
    """So much of a library is gone that deleting it would rather be a mistake."""


class SpoolError(IndexerError):
    """No room for decoded tracks on their way; no fault of the file."""


class ImaginerError(IndexerError):
    """Scenes of some tracks cannot be imagined; of others they may."""


class ClusterError(IndexerError):
    """The machines of a cluster cannot be used."""


class RayMissingError(ClusterError):
    """What speaks to the machines of a cluster is not installed."""

    def __init__(self) -> None:
        super().__init__(
            "indexing on several machines needs Ray: pip install 'musiscene[ray]' "
            "(or: pip install ray)"
        )


class LibraryBusyError(IndexerError):
    """Another process is indexing into the same library."""


class CatalogueError(IndexerError):
    """The database cannot be opened, read or brought up to date."""


class DriverMissingError(CatalogueError):
    """What speaks to PostgreSQL is not installed."""

    def __init__(self) -> None:
        super().__init__(
            "a catalogue in PostgreSQL needs psycopg: pip install 'musiscene[postgres]' "
            "(or: pip install 'psycopg[binary]')"
        )


class TrackNotFoundError(IndexerError):
    """No track has this id."""

    def __init__(self, track_id: object) -> None:
        self.track_id = track_id
        super().__init__(f"no track has the id {track_id}")


class TrackNameError(TrackNotFoundError):
    """No track is called so, or several are.

    Args:
        name: As a person gave it.
        paths: Of the tracks that it may mean; empty for none.

    Attributes:
        name: As given.
        paths: As given.
    """

    def __init__(self, name: str, paths: Sequence[str]) -> None:
        self.name = name
        self.paths = tuple(paths)
        super().__init__(name)
        if paths:
            listed = "".join(f"\n  {path}" for path in paths)
            self.args = (f"{name}: several tracks are called so; give more of the path:{listed}",)
        else:
            self.args = (
                f"{name}: no track has this id or path; give its id, its path or the path's end",
            )


class SeedError(IndexerError):
    """What similar tracks are asked for cannot be used; the message says what can."""


class JobError(IndexerError):
    """Something about a long task of the service."""


class JobNotFoundError(JobError):
    """No job has this id."""

    def __init__(self, job_id: object) -> None:
        self.job_id = job_id
        super().__init__(f"no job of this kind has the id {job_id}")


class IdempotencyKeyError(JobError):
    """The key was used for another request."""

    def __init__(self, key: str) -> None:
        self.key = key
        super().__init__("this Idempotency-Key was used for another request; take a new one")


class QueueFullError(JobError):
    """Too many jobs wait already."""

    def __init__(self, waiting: int) -> None:
        self.waiting = waiting
        super().__init__(f"{waiting} jobs wait already; try again when some are done")


class OpinionNotFoundError(IndexerError):
    """No opinion has this id."""

    def __init__(self, opinion_id: object) -> None:
        self.opinion_id = opinion_id
        super().__init__(f"no opinion has the id {opinion_id}; see `musiscene feedback list`")


class BriefNotFoundError(IndexerError):
    """No brief that was asked has this id."""

    def __init__(self, brief_id: object) -> None:
        self.brief_id = brief_id
        super().__init__(f"no brief has the id {brief_id}")


class WaveformError(IndexerError):
    """The outline of a track cannot be drawn: its file is gone, damaged or another by now."""

    def __init__(self) -> None:
        super().__init__("the track's file cannot be decoded, or is another one by now")


class WaveformBusyError(IndexerError):
    """Too many outlines are being drawn at the same time."""

    def __init__(self) -> None:
        super().__init__("too many waveforms are being drawn; try again in a moment")


class CursorError(IndexerError):
    """Where a list is to go on is no place in it, or belongs to another list."""

    def __init__(self) -> None:
        super().__init__(
            "`after` is not what a page of this list gave; ask for the first page without it"
        )


class OpinionFileError(IndexerError):
    """A file of opinions cannot be read, or is too large."""


class FilterError(IndexerError):
    """A filter cannot be read, in either form.

    Args:
        message: The whole message.
        reason: What is wrong.
        expected: What would be right there; empty where the reason says it.

    Attributes:
        reason: As given.
        expected: As given.
    """

    def __init__(self, message: str, *, reason: str, expected: str) -> None:
        self.reason = reason
        self.expected = expected
        super().__init__(message)


class FilterSyntaxError(FilterError):
    """A filter's text cannot be read.

    Args:
        expression: The whole filter.
        position: Where in it the trouble starts, counted in characters from 0.
        reason: What is wrong there.
        found: The piece of it that is wrong; empty at the end.
        expected: What would be right there; empty where the reason says it.

    Attributes:
        expression: As given.
        position: As given.
        found: As given.
    """

    def __init__(
        self, expression: str, position: int, reason: str, *, found: str = "", expected: str = ""
    ) -> None:
        self.expression = expression
        self.position = position
        self.found = found
        message = f"filter, column {position + 1}: {reason}"
        if expected:
            message += f"; expected {expected}"
            message += f", found {found!r}" if found and repr(found) not in reason else ""
        super().__init__(message, reason=reason, expected=expected)

    @property
    def marked(self) -> str:
        """The filter with marks below the wrong piece, two lines; of a long one, what is near."""
        start = max(0, self.position - SHOWN_BEFORE)
        end = min(len(self.expression), self.position + SHOWN_AFTER)
        shown = "".join(char if char.isprintable() else " " for char in self.expression[start:end])
        before, after = "..." if start else "", "..." if end < len(self.expression) else ""
        marks = "^" * max(1, min(len(self.found), end - self.position))
        return f"{before}{shown}{after}\n{' ' * (len(before) + self.position - start)}{marks}"


class FilterObjectError(FilterError):
    """A filter's JSON form cannot be read.

    Args:
        path: Where in it the trouble is, such as `$.and[1].op`; `$` is the whole.
        reason: What is wrong there.
        expected: What would be right there; empty where the reason says it.

    Attributes:
        path: As given.
    """

    def __init__(self, path: str, reason: str, *, expected: str = "") -> None:
        self.path = path
        wanted = f"; expected {expected}" if expected else ""
        super().__init__(f"filter, {path}: {reason}{wanted}", reason=reason, expected=expected)


class BriefError(IndexerError):
    """A brief is empty or too long, or a file of briefs cannot be read."""


class KeyNotFoundError(IndexerError):
    """No key of the service has this id."""


class BackupError(IndexerError):
    """A backup cannot be written, or is not what was written."""


class TagError(IndexerError):
    """One file's tags cannot be read or written; the file is as it was.

    Args:
        path: The file.
        reason: What is wrong and, where there is one, the way out.

    Attributes:
        path: As given.
        reason: As given.
    """

    def __init__(self, path: str | Path, reason: str) -> None:
        self.path = Path(path)
        self.reason = reason
        super().__init__(f"{self.path}: {reason}")


class TagRunError(IndexerError):
    """There is no such run of `musiscene tag`, or its journal cannot be read."""


class TaggerMissingError(IndexerError):
    """The library that reads and writes tags is not installed."""

    def __init__(self) -> None:
        super().__init__(
            "reading and writing tags needs mutagen: pip install 'musiscene[tag]' "
            "(or: pip install mutagen)"
        )


class ExchangeError(IndexerError):
    """An exported library cannot be written or read."""


class VectorIndexError(IndexerError):
    """The vectors cannot be searched."""


class NothingIndexedError(VectorIndexError):
    """No snapshot was ever published here."""


class TornSnapshotError(VectorIndexError):
    """Files of the snapshot are missing or differ from its manifest."""


class StaleSnapshotError(VectorIndexError):
    """The catalogue has changed since the snapshot was made."""


class WrongEmbedderError(VectorIndexError):
    """The snapshot was made by another text embedder."""


class SpottingError(IndexerError):
    """A plan of cues cannot be made, changed or written."""


class PlanNotFoundError(SpottingError):
    """No plan has this id."""

    def __init__(self, plan_id: object) -> None:
        self.plan_id = plan_id
        super().__init__(f"no plan of cues has the id {plan_id}")


class PlanChangedError(SpottingError):
    """A plan was changed by somebody else in the meantime."""

    def __init__(self, plan_id: object, revision: int) -> None:
        self.plan_id, self.revision = plan_id, revision
        super().__init__(
            f"the plan was changed in the meantime and is at revision {revision}; load it again"
        )
