"""What can go wrong with a long task."""

from __future__ import annotations

from service.problems import ServiceError


class JobStoppedError(ServiceError):
    """A job ended before its end, because it was asked to.

    Args:
        result: What was done until then, as JSON.
    """

    def __init__(self, result: str | None = None) -> None:
        super().__init__("stopped before the end")
        self.result = result


class RedisMissingError(ServiceError):
    """What speaks to Redis is not installed."""

    def __init__(self) -> None:
        super().__init__("a queue in Redis needs: pip install 'musiscene[redis]'")


class PathRefusedError(ServiceError):
    """A path lies in no folder that may be read."""

    def __init__(self) -> None:
        super().__init__(
            "the path lies in no folder that the service may read; name the folder in "
            "library_roots, or index it once with `musiscene index`"
        )


class PathMissingError(ServiceError):
    """A path within the library does not exist."""

    def __init__(self) -> None:
        super().__init__("the path does not exist")


class GeneratedAudioError(ServiceError):
    """There is no audio of this generation, or not yet."""

    def __init__(self) -> None:
        super().__init__("there is no audio of this generation, or not yet")


class QueueLimitError(ServiceError):
    """Too many jobs wait."""

    def __init__(self, *, retry_seconds: int) -> None:
        super().__init__("too many jobs wait; come again when some are done")
        self.headers = {"Retry-After": str(retry_seconds)}
