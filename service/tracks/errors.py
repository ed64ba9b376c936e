"""What can be wrong with the file of a track."""

from __future__ import annotations

from types import MappingProxyType

from service.problems import ServiceError


class AudioGoneError(ServiceError):
    """The file of an indexed track is not there any more."""

    def __init__(self) -> None:
        super().__init__("the track's file is not there any more; index the library again")


class RangeError(ServiceError):
    """A range of a file was asked for that it does not have.

    Args:
        size_bytes: Of the file.
    """

    def __init__(self, size_bytes: int) -> None:
        super().__init__("the file has no such range")
        self.headers = {"Content-Range": f"bytes */{size_bytes}"}


class DrawingBusyError(ServiceError):
    """Too many waveforms are being drawn."""

    headers = MappingProxyType({"Retry-After": "5"})

    def __init__(self) -> None:
        super().__init__("too many waveforms are being drawn; try again in a moment")
