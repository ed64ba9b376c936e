"""What can be wrong with a video that is sent, or with what is asked of it."""

from __future__ import annotations

from types import MappingProxyType

from service.problems import ServiceError


class FormTypeError(ServiceError):
    """A body is no form with files."""

    headers = MappingProxyType({"Accept": "multipart/form-data"})

    def __init__(self) -> None:
        super().__init__("the body must be a form with files: multipart/form-data")


class FormError(ServiceError):
    """A form cannot be read, or lacks a part, or has one that it should not."""


class UploadTooLargeError(ServiceError):
    """A part of a form is longer than it may be.

    Args:
        part: Its name.
        most_bytes: How long it may be.
    """

    def __init__(self, part: str, most_bytes: int) -> None:
        super().__init__(f"{part}: longer than the {most_bytes} bytes that are taken")


class TooLongForMatchError(ServiceError):
    """A video is too long to be answered at once.

    Args:
        reason: What it has too much of.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(f"the video {reason}; send longer ones to /v1/cue-plans")


class DiskFullError(ServiceError):
    """There is no room for a video."""

    def __init__(self) -> None:
        super().__init__("there is no room for this video on the service's disk; delete others")


class TooManyUploadsError(ServiceError):
    """Too many videos come at the same time."""

    headers = MappingProxyType({"Retry-After": "10"})

    def __init__(self) -> None:
        super().__init__("too many videos are being sent; come again in a moment")


class VideoGoneError(ServiceError):
    """The video of a plan, or what was made from it, is not there."""

    def __init__(self, what: str) -> None:
        super().__init__(f"{what} is not there, or not any more")
