"""Opens one untrusted file as a container with a picture, or says why it cannot be.

FFmpeg reads through a file object of ours and opens nothing by itself, so that a playlist, a
reference or an address inside a file leads nowhere; only containers that hold media themselves are
let in. What `musiscene/audio/container.py` does for sound.
"""

from __future__ import annotations

import io
import stat
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, NoReturn

import av
import msgspec
from av.container import InputContainer
from av.video.stream import VideoStream

from musiscene.audio import sniff
from musiscene.audio.container import FileSource
from musiscene.errors import (
    AudioTimeoutError,
    CorruptVideoError,
    EmptyVideoError,
    UnreadableVideoError,
    UnsupportedVideoError,
    VideoLimitError,
    VideoTimeoutError,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from musiscene.video.limits import VideoLimits

FORMATS = "asf,avi,flv,ivf,matroska,mov,mpeg,mpegts,mxf,ogg,webm,yuv4mpegpipe"
READ_BYTES = 256 * 1024
HEAD_BYTES = 64 * 1024
ATTACHED = av.stream.Disposition.attached_pic
PROTECTED_TAGS = frozenset({"encv", "drmi"})
WAY_OUT = "export it again as MP4, MOV, MKV or WebM"


class OpenVideo(msgspec.Struct, frozen=True, kw_only=True):
    """A file with a picture that keeps the limits, ready to be decoded."""

    path: Path
    """The file."""
    source: FileSource
    """The bytes."""
    container: InputContainer
    """What FFmpeg made of them."""
    stream: VideoStream
    """The first picture that is no cover."""

    def raise_failure(self) -> None:
        """Raise what stopped the reading, if anything did.

        Raises:
            UnreadableVideoError: If reading failed.
            VideoTimeoutError: If it took too long.
        """
        failure = self.source.failure
        if isinstance(failure, AudioTimeoutError):
            raise VideoTimeoutError(self.path, failure.reason) from failure
        if failure is not None:
            raise UnreadableVideoError(self.path, failure.reason) from failure


@contextmanager
def open_video(path: str | Path, *, limits: VideoLimits) -> Iterator[OpenVideo]:
    """Open a file and find its picture.

    Args:
        path: Any file.
        limits: What the header may state, and the time allowed from here to the end of the block.

    Yields:
        OpenVideo: The open file; it closes with the block.

    Raises:
        VideoError: If the file cannot be opened, holds no picture or breaks a limit.
    """
    path = Path(path)
    size_bytes = check_file(path, limits)
    with open_file(path) as file:
        source = FileSource(
            file, path=path, size_bytes=size_bytes, timeout_seconds=limits.timeout_seconds
        )
        head = source.peek(0, HEAD_BYTES)
        with _open_container(path, source, head, limits) as container:
            _check_streams(path, container, limits)
            stream = _picture(path, container)
            opened = OpenVideo(path=path, source=source, container=container, stream=stream)
            opened.raise_failure()
            _check_header(opened, limits)
            yield opened


def check_file(path: Path, limits: VideoLimits) -> int:
    """The size of a file that may be opened, in bytes.

    Args:
        path: Any path.
        limits: For its size.

    Returns:
        Bytes, at least one.

    Raises:
        UnreadableVideoError: If it is no file.
        EmptyVideoError: If it is empty.
        VideoLimitError: If it is too large.
    """
    try:
        status = path.stat()
    except FileNotFoundError as error:
        reason = "is a link to nothing" if path.is_symlink() else "no such file"
        raise UnreadableVideoError(path, reason) from error
    except (OSError, ValueError) as error:  # ValueError: a null byte in the name
        raise UnreadableVideoError(path, _os_reason(error)) from error
    if stat.S_ISDIR(status.st_mode):
        raise UnreadableVideoError(path, "is a directory: name one video file")
    if not stat.S_ISREG(status.st_mode):
        raise UnreadableVideoError(path, "is a pipe, socket or device, not a file")
    if status.st_size == 0:
        raise EmptyVideoError(path, "holds no bytes")
    if status.st_size > limits.max_bytes:
        reason = f"holds {status.st_size} bytes, the limit is {limits.max_bytes}"
        raise VideoLimitError(path, reason)
    return status.st_size


def open_file(path: Path) -> BinaryIO:
    """The bytes of a file.

    Args:
        path: Of a regular file.

    Returns:
        The open file, unbuffered.

    Raises:
        UnreadableVideoError: If it cannot be opened.
    """
    try:
        return path.open("rb", buffering=0)
    except OSError as error:
        raise UnreadableVideoError(path, _os_reason(error)) from error


def decoder_options(limits: VideoLimits) -> dict[str, str]:
    """What FFmpeg's decoders are told, so that no frame within the stream outgrows the limits.

    Args:
        limits: For the pixels of a frame.

    Returns:
        Options of a codec context.
    """
    return {"max_pixels": str(limits.max_pixels)}


def _os_reason(error: OSError | ValueError) -> str:
    if isinstance(error, PermissionError):
        return "no permission to read it"
    strerror = getattr(error, "strerror", None)
    return f"cannot be opened: {strerror or error}"


def _open_container(
    path: Path, source: FileSource, head: bytes, limits: VideoLimits
) -> InputContainer:
    foreign = sniff.foreign_kind(head)
    if foreign is not None:
        raise UnsupportedVideoError(path, f"is {foreign}, not a video")
    try:
        return av.open(
            source,
            "r",
            options=decoder_options(limits),
            container_options={"format_whitelist": FORMATS, "protocol_whitelist": "none"},
            metadata_errors="replace",
            buffer_size=READ_BYTES,
            timeout=limits.timeout_seconds,
            io_open=_open_nothing,
        )
    except (av.FFmpegError, ValueError, MemoryError) as error:
        _refuse(path, source, head, error)


def _refuse(path: Path, source: FileSource, head: bytes, error: Exception) -> NoReturn:
    source.check_deadline()
    if isinstance(source.failure, AudioTimeoutError):
        raise VideoTimeoutError(path, source.failure.reason) from error
    if source.failure is not None:
        raise UnreadableVideoError(path, source.failure.reason) from error
    kind = sniff.audio_kind(head)
    if kind is not None:
        reason = f"begins as {kind}, but is broken, cut short or holds no picture: {WAY_OUT}"
        raise CorruptVideoError(path, reason) from error
    reason = f"is {sniff.unknown_kind(head)}, not a video that is known: {WAY_OUT}"
    raise UnsupportedVideoError(path, reason) from error


def _open_nothing(_url: str, _flags: int, _options: dict[str, str]) -> io.BytesIO:
    """What FFmpeg gets when something inside the file names another one."""
    return io.BytesIO()


def _check_streams(path: Path, container: InputContainer, limits: VideoLimits) -> None:
    count = len(container.streams)
    if count > limits.max_streams:
        raise VideoLimitError(path, f"holds {count} streams, the limit is {limits.max_streams}")


def _picture(path: Path, container: InputContainer) -> VideoStream:
    pictures = container.streams.video
    streams = [video for video in pictures if not video.disposition & ATTACHED]
    if not streams:
        held = "only a cover picture" if pictures else "no picture, only other streams"
        raise UnsupportedVideoError(path, f"holds {held}: choose a file with a moving picture")
    stream = streams[0]
    if stream.codec_context is None:
        raise UnsupportedVideoError(path, f"no decoder for its picture is known: {WAY_OUT}")
    if stream.codec_context.codec_tag in PROTECTED_TAGS:
        raise UnsupportedVideoError(path, "is protected (DRM): only its shop's player can show it")
    for other in container.streams:
        if other.index != stream.index:
            other.discard = av.stream.Discard.all
    return stream


def _check_header(video: OpenVideo, limits: VideoLimits) -> None:
    context = video.stream.codec_context
    if context.width <= 0 or context.height <= 0:
        reason = f"states no size for its picture, or one over {limits.max_pixels} pixels"
        raise CorruptVideoError(video.path, f"{reason}: {WAY_OUT}")
    if context.width * context.height > limits.max_pixels:
        reason = f"has pictures of {context.width} x {context.height} pixels"
        raise VideoLimitError(video.path, f"{reason}, the limit is {limits.max_pixels} in all")
    seconds = stated_seconds(video)
    if seconds is not None and seconds > limits.max_seconds:
        reason = f"claims to last {seconds:.0f} s, the limit is {limits.max_seconds:.0f} s"
        raise VideoLimitError(video.path, reason)
    if video.stream.frames > limits.max_frames:
        reason = f"claims {video.stream.frames} frames, the limit is {limits.max_frames}"
        raise VideoLimitError(video.path, reason)


def stated_seconds(video: OpenVideo) -> float | None:
    """How long the picture is by the header, None where it does not say.

    Args:
        video: The open file.

    Returns:
        Seconds, of the picture where it has its own, else of the whole file.
    """
    stream = video.stream
    if stream.duration and stream.duration > 0 and stream.time_base is not None:
        return float(stream.duration * stream.time_base)
    duration = video.container.duration
    return duration / av.time_base if duration and duration > 0 else None
