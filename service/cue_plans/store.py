"""Where videos lie that were sent.

DATA_DIR/videos/
.incoming/UPLOAD/       one that is on its way; `UPLOAD.lock` is held as long as it comes
PLAN/video.mp4          the video, whole
PLAN/captions.srt       what was sent beside it
PLAN/keyframes/3.jpg    what scene 3 shows
PLAN/preview-mp4.mp4    the video with its music

Invariants:
    - A name that a client sent never becomes part of a path, but for one of a few endings.
    - A folder of a plan has its whole video: it comes to its place by a rename.
    - What a process that died has left of an upload is removed when the service starts.
"""

from __future__ import annotations

import errno
import logging
import os
import shutil
import time
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath
from threading import Lock
from typing import TYPE_CHECKING, Final
from uuid import UUID

import msgspec
from filelock import FileLock, Timeout
from uuid_utils.compat import uuid4

from service.cue_plans.errors import DiskFullError, TooManyUploadsError, VideoGoneError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from service.settings import VideoSettings

logger = logging.getLogger(__name__)

VIDEOS: Final = "videos"
INCOMING: Final = ".incoming"
ENDINGS: Final = frozenset(
    {".avi", ".m4v", ".mkv", ".mov", ".mp4", ".mpg", ".mxf", ".ogv", ".ts", ".webm", ".wmv"}
)
CAPTION_ENDINGS: Final = frozenset(
    {".csv", ".edl", ".fcpxml", ".json", ".otio", ".srt", ".txt", ".tsv", ".vtt", ".xml"}
)
LONGEST_NAME: Final = 200
ORPHAN_SECONDS: Final = 3_600.0
"""A folder without a plan is removed when it is that old: its row may just be on its way."""
DAY_SECONDS: Final = 86_400.0
NO_ROOM: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class VideoStore:
    """The videos of one library, as one process sees them.

    Args:
        data_dir: The library.
        settings: How much is kept.
    """

    def __init__(self, data_dir: Path, settings: VideoSettings) -> None:
        self.root = data_dir / VIDEOS
        self._settings = settings
        self._lock = Lock()
        self._coming: dict[str, int] = {}
        self._kept = 0

    def folder(self, plan_id: UUID) -> Path:
        """Where everything of a plan lies."""
        return self.root / str(plan_id)

    def file(self, plan_id: UUID, stem: str) -> Path:
        """A file of a plan, whatever its ending.

        Args:
            plan_id: Of the plan.
            stem: `video`, `captions` or `preview-CONTAINER`.

        Returns:
            Its path.

        Raises:
            VideoGoneError: If there is none.
        """
        found = next(iter(sorted(self.folder(plan_id).glob(f"{stem}.*"))), None)
        if found is None:
            raise VideoGoneError(f"the {stem.partition('-')[0]} of this plan")
        return found

    def has(self, plan_id: UUID, stem: str) -> bool:
        """Whether there is such a file of a plan."""
        return any(self.folder(plan_id).glob(f"{stem}.*"))

    @contextmanager
    def receiving(self) -> Iterator[Path]:
        """Have a folder for what comes.

        Yields:
            The folder, empty; what is still in it in the end is removed.

        Raises:
            TooManyUploadsError: If too many others come.
            DiskFullError: If the folder cannot be made.
        """
        name, kept = uuid4().hex, self.kept_bytes()
        with self._lock:
            self._kept = kept
            if len(self._coming) >= self._settings.uploads_at_once:
                raise TooManyUploadsError
            self._coming[name] = 0
        folder = self.root / INCOMING / name
        lock = FileLock(folder.with_suffix(".lock"))
        try:
            with no_room_is_told():
                folder.parent.mkdir(parents=True, exist_ok=True)
                lock.acquire()
                folder.mkdir(mode=0o700)
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            lock.release()
            Path(lock.lock_file).unlink(missing_ok=True)
            with self._lock:
                del self._coming[name]

    def require_room(self, folder: Path, size_bytes: int) -> None:
        """See that there is room for what has come, and for what is said to come.

        Args:
            folder: Of the upload.
            size_bytes: It will need so many in all.

        Raises:
            DiskFullError: If there is not.
        """
        with self._lock:
            before = self._coming.get(folder.name, 0)
            self._coming[folder.name] = max(before, size_bytes)
            needed = self._kept + sum(self._coming.values())
        if needed > self._settings.kept_bytes:
            raise DiskFullError

    def require_spare(self, size_bytes: int) -> None:
        """See that there is room for what is to be made.

        Args:
            size_bytes: About so many.

        Raises:
            DiskFullError: If there is not.
        """
        if self.kept_bytes() + size_bytes > self._settings.kept_bytes:
            raise DiskFullError

    def kept_bytes(self) -> int:
        """What the folders of plans take."""
        total = 0
        for folder in self._folders():
            for where, _, names in os.walk(folder):
                for name in names:
                    with suppress(OSError):
                        total += Path(where, name).lstat().st_size
        return total

    def keep(self, incoming: Path, plan_id: UUID) -> None:
        """Give what has come whole its place.

        Args:
            incoming: Its folder.
            plan_id: Of its plan.

        Raises:
            DiskFullError: If it cannot be written.
        """
        with no_room_is_told():
            for file in incoming.iterdir():
                sync(file)
            incoming.replace(self.folder(plan_id))
            sync(self.root)

    def remove(self, plan_id: UUID) -> None:
        """Delete everything of a plan."""
        shutil.rmtree(self.folder(plan_id), ignore_errors=True)

    def forget_old(self, is_done: Callable[[UUID], bool]) -> None:
        """Delete the videos that have been kept for long enough.

        Args:
            is_done: Whether nothing is at work on a plan.
        """
        oldest = time.time() - self._settings.kept_days * DAY_SECONDS
        for folder in self._folders():
            with suppress(OSError):
                if folder.stat().st_mtime < oldest and is_done(UUID(folder.name)):
                    logger.info("the video of plan %s was kept long enough", folder.name)
                    shutil.rmtree(folder, ignore_errors=True)

    def clear(self, known: Callable[[Collection[UUID]], set[UUID]]) -> None:
        """Remove what uploads have left that came to no end.

        Args:
            known: Which of some ids are of a plan.
        """
        for folder in (self.root / INCOMING).glob("*"):
            if folder.suffix == ".lock":
                continue
            with suppress(Timeout, OSError), FileLock(folder.with_suffix(".lock"), timeout=0):
                logger.info("an upload that came to no end is removed: %s", folder.name)
                shutil.rmtree(folder, ignore_errors=True)
                folder.with_suffix(".lock").unlink(missing_ok=True)
        folders = {UUID(folder.name): folder for folder in self._folders()}
        before = time.time() - ORPHAN_SECONDS
        for plan_id in folders.keys() - known(folders.keys()):
            with suppress(OSError):
                if folders[plan_id].stat().st_mtime < before:
                    shutil.rmtree(folders[plan_id], ignore_errors=True)

    def _folders(self) -> list[Path]:
        if not self.root.is_dir():
            return []
        return [folder for folder in self.root.iterdir() if _is_id(folder.name)]


class Received(msgspec.Struct, frozen=True, kw_only=True):
    """A file that has come whole."""

    path: Path
    name: str
    """As it was sent; text alone."""
    size_bytes: int
    sha256: str


def shown_name(sent: str | None) -> str:
    r"""A file's name as it may be shown: without folders, and without what does not print.

    Args:
        sent: As a client gave it; None where it gave none.

    Returns:
        One line, never empty.

    Example:
        >>> shown_name("../../etc/pass\x00wd.mp4"), shown_name("C:\\cuts\\v2.mov"), shown_name(None)
        ('passwd.mp4', 'v2.mov', 'video')
    """
    last = (sent or "").replace("\\", "/").rstrip("/").rpartition("/")[2]
    printed = "".join(one for one in last if one.isprintable()).strip()
    return printed[-LONGEST_NAME:] or "video"


def ending_of(name: str, endings: Collection[str], default: str) -> str:
    """The ending that a file is stored with."""
    ending = PurePosixPath(name).suffix.lower()
    return ending if ending in endings else default


@contextmanager
def no_room_is_told() -> Iterator[None]:
    """Tell a full disk as such.

    Yields:
        While something is written.

    Raises:
        DiskFullError: If there is no room.
        OSError: Of another kind.
    """
    try:
        yield
    except OSError as error:
        if error.errno in NO_ROOM:
            raise DiskFullError from error
        raise


def sync(path: Path) -> None:
    """Have a file or folder on the disk itself."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _is_id(name: str) -> bool:
    try:
        return str(UUID(name)) == name
    except ValueError:
        return False
