"""The queue beside the table `job`: huey carries ids, and nothing else.

What lies in it may come twice or get lost; the table decides what is to be done, and a worker puts
in again what is missing.
"""

from __future__ import annotations

import logging
import sqlite3
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import msgspec
from huey import Huey
from huey.registry import Message
from huey.serializer import Serializer
from huey.storage import RedisStorage, SqliteStorage

from service.jobs.errors import RedisMissingError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

logger = logging.getLogger(__name__)

FILE_NAME: Final = "queue.sqlite"


class JsonSerializer(Serializer):  # type: ignore[misc]  # huey has no types
    """Writes JSON: what comes from a queue must not be able to run code."""

    def _serialize(self, data: Any) -> bytes:  # noqa: ANN401
        return msgspec.json.encode(list(data) if isinstance(data, Message) else data)

    def _deserialize(self, data: bytes) -> Any:  # noqa: ANN401
        return Message(*msgspec.json.decode(data))


class JobQueue:
    """Ids of jobs on their way to workers.

    Args:
        data_dir: The library.
        database: URL of its catalogue; None for a file in the folder.
        redis: URL of a Redis server; None for a file in the folder.

    Attributes:
        huey: For a consumer.
        do: What is done with an id; set by a worker before it consumes.

    Raises:
        RedisMissingError: If Redis is asked for and its library is not installed.
    """

    def __init__(self, data_dir: Path, *, database: str | None, redis: str | None) -> None:
        self.do: Callable[[UUID], None] | None = None
        self._trouble: tuple[type[Exception], ...] = (OSError, sqlite3.Error)
        name = sha256(f"{data_dir.resolve()} {database}".encode()).hexdigest()[:12]
        self.huey = self._open(f"musiscene-{name}", data_dir / FILE_NAME, redis)
        self._task = self.huey.task(name="job")(self._receive)

    def _open(self, name: str, file: Path, redis: str | None) -> Any:  # noqa: ANN401
        usual = {"results": False, "serializer": JsonSerializer()}
        if redis is not None:
            try:
                from redis import RedisError
            except ImportError as error:
                raise RedisMissingError from error
            self._trouble = (*self._trouble, RedisError)
            return Huey(name, storage_class=RedisStorage, url=redis, **usual)
        try:
            return Huey(name, storage_class=SqliteStorage, filename=str(file), **usual)
        except sqlite3.DatabaseError:
            logger.warning("%s is damaged and is made anew; the catalogue has every job", file)
            for suffix in ("", "-wal", "-shm"):
                file.with_name(file.name + suffix).unlink(missing_ok=True)
            return Huey(name, storage_class=SqliteStorage, filename=str(file), **usual)

    def put(self, job_id: UUID) -> bool:
        """Send an id; false if the queue cannot be reached, and a worker has to do it later."""
        try:
            self._task(str(job_id))
        except self._trouble as error:
            logger.warning("job %s is not in the queue yet: %s", job_id, error)
            return False
        return True

    def put_missing(self, due: list[UUID]) -> int:
        """Send those of some ids that are not on their way; says how many those were."""
        if not due:
            return 0
        try:
            on_their_way = {str(task.args[0]) for task in self.huey.pending()}
        except self._trouble as error:
            logger.warning("the queue cannot be read: %s", error)
            return 0
        return sum(self.put(job_id) for job_id in due if str(job_id) not in on_their_way)

    def _receive(self, job_id: str) -> None:
        if self.do is not None:
            self.do(UUID(job_id))
