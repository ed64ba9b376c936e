"""Opens one untrusted file as a container with an audio stream, or says why it cannot be.

FFmpeg reads through a file object of ours: it opens nothing by itself, so a playlist, a reference
or an address inside a file leads nowhere. Only containers that hold media themselves are let in.
"""

from __future__ import annotations

import io
import os
import re
import stat
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import av
import msgspec
from av.audio.stream import AudioStream
from av.container import InputContainer

from musiscene.audio import sniff
from musiscene.errors import (
    AudioError,
    AudioLimitError,
    AudioTimeoutError,
    CorruptAudioError,
    EmptyAudioError,
    UnreadableAudioError,
    UnsupportedAudioError,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from musiscene.audio.limits import AudioLimits

FORMATS = (
    "aac,ac3,aiff,amr,ape,asf,au,avi,caf,dsf,dts,dtshd,eac3,flac,flv,iff,matroska,mlp,mov,mp3,"
    "mpc,mpc8,mpeg,mpegts,ogg,tak,truehd,tta,voc,w64,wav,webm,wv"
)
ESTIMATING_FORMATS = frozenset(
    {"aac", "ac3", "amr", "dts", "dtshd", "eac3", "mlp", "mp3", "mpeg", "mpegts", "truehd"}
)
READ_BYTES = 128 * 1024
HEAD_BYTES = 64 * 1024
XING_REACH_BYTES = 2_881  # the longest frame of MPEG audio layer III
XING_WITH_FRAME_COUNT = re.compile(rb"(Xing|Info)\x00\x00\x00[\x01-\x0f]|VBRI")
PROTECTED_TAGS = frozenset({"aavd", "drms", "enca"})
PROTECTED_REASON = "is protected (DRM): only its shop's player can read it"


class FileSource:
    """The file as FFmpeg sees it; failures are kept, as PyAV would raise them at the next file.

    Args:
        file: The open file.
        path: Its name, for errors.
        size_bytes: Its size.
        timeout_seconds: From now; after it the file gives no more bytes.

    Attributes:
        size_bytes: As given.
        failure: Why the file stopped giving bytes before its end.
    """

    def __init__(
        self, file: BinaryIO, *, path: str | Path, size_bytes: int, timeout_seconds: float
    ) -> None:
        self._file = file
        self._path = path
        self._timeout_seconds = timeout_seconds
        self._deadline = time.monotonic() + timeout_seconds
        self.size_bytes = size_bytes
        self.failure: AudioError | None = None

    def read(self, size: int) -> bytes:
        """Up to `size` bytes; none at the end, after the deadline and after a failure."""
        self.check_deadline()
        if self.failure is not None:
            return b""
        try:
            return self._file.read(size)
        except OSError as error:
            self.failure = UnreadableAudioError(self._path, f"reading failed: {error.strerror}")
            return b""

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move to `offset`; the new position, or -1 where there is no such place."""
        try:
            return self._file.seek(offset, whence)
        except (OSError, ValueError):
            return -1

    def tell(self) -> int:
        """The position in bytes."""
        return self._file.tell()

    def peek(self, offset: int, size: int) -> bytes:
        """Up to `size` bytes at `offset`, leaving the position where it was."""
        position = self._file.tell()
        self._file.seek(offset)
        found = self.read(size)
        self._file.seek(position)
        return found

    def check_deadline(self) -> None:
        """Note it in `failure` when the time is up."""
        if self.failure is None and time.monotonic() > self._deadline:
            reason = f"takes longer than {self._timeout_seconds:g} s to decode"
            self.failure = AudioTimeoutError(self._path, reason)

    def raise_failure(self) -> None:
        """Raise what stopped the reading, if anything did.

        Raises:
            AudioError: If reading stopped before the end.
        """
        if self.failure is not None:
            raise self.failure


class OpenAudio(msgspec.Struct, frozen=True, kw_only=True):
    """A file with an audio stream that keeps the limits, ready to be decoded."""

    source: FileSource
    """The bytes."""
    container: InputContainer
    """What FFmpeg made of them."""
    stream: AudioStream
    """The default audio stream, or the best of several."""

    def declared_seconds(self) -> float | None:
        """Duration by the header, or FFmpeg's estimate, None where there is neither."""
        of_stream = _seconds_of_stream(self.stream)
        duration = self.container.duration
        of_container = duration / av.time_base if duration and duration > 0 else None
        if of_stream is not None and of_container is not None and self.format_name == "mov":
            # The track's own length knows nothing of an edit list that shortens it.
            return min(of_stream, of_container)
        return of_container if of_stream is None else of_stream

    def promised_seconds(self) -> float | None:
        """Duration that the header states for this very stream; None for an estimate."""
        if self.format_name in {"wav", "w64"}:
            stated = sniff.riff_data_seconds(self.source.peek(0, HEAD_BYTES))
            return self.declared_seconds() if stated is None else stated
        if self.format_name in ESTIMATING_FORMATS:
            return None
        if self.format_name != "mov" and self._has_picture():
            return None  # the length of the film, which its sound need not fill
        return self.declared_seconds()

    def counts_frames_before(self, first_packet_byte: int) -> bool:
        """Whether an MP3 states its length in a tag frame just before its first audio packet."""
        start = max(0, first_packet_byte - XING_REACH_BYTES)
        before = self.source.peek(start, first_packet_byte - start)
        return self.format_name == "mp3" and XING_WITH_FRAME_COUNT.search(before) is not None

    @property
    def format_name(self) -> str:
        """FFmpeg's first name for the container."""
        return self.container.format.name.split(",", maxsplit=1)[0]

    def _has_picture(self) -> bool:
        attached = av.stream.Disposition.attached_pic
        return any(not video.disposition & attached for video in self.container.streams.video)


@contextmanager
def open_audio(path: str | Path, *, limits: AudioLimits) -> Iterator[OpenAudio]:
    """Open a file and find its audio stream.

    Args:
        path: Any file.
        limits: What the header may state, and the time allowed from here to the end of the block.

    Yields:
        OpenAudio: The open file; it closes with the block.

    Raises:
        AudioError: If the file cannot be opened, holds no audio or breaks a limit.
    """
    size_bytes = _check_file(path, limits)
    with _open_file(path) as file:
        source = FileSource(
            file, path=path, size_bytes=size_bytes, timeout_seconds=limits.timeout_seconds
        )
        head = source.peek(0, HEAD_BYTES)
        with _open_container(path, source, head, limits) as container:
            stream = _audio_stream(path, container)
            opened = OpenAudio(source=source, container=container, stream=stream)
            check_stream(path, stream.rate, stream.channels, limits)
            _check_promise(path, opened, limits)
            yield opened


def check_stream(path: str | Path, sample_rate: int, channels: int, limits: AudioLimits) -> None:
    """Refuse a sample rate or a number of channels outside the limits.

    Args:
        path: The file, for the error.
        sample_rate: Native, in Hz.
        channels: In one stream.
        limits: What is allowed.

    Raises:
        AudioLimitError: If either is outside.
    """
    if channels > limits.max_channels:
        reason = f"has {channels} channels, the limit is {limits.max_channels}"
        raise AudioLimitError(path, reason)
    if not limits.min_sample_rate <= sample_rate <= limits.max_sample_rate:
        allowed = f"{limits.min_sample_rate} to {limits.max_sample_rate} Hz are allowed"
        raise AudioLimitError(path, f"has a sample rate of {sample_rate} Hz, {allowed}")


def _check_file(path: str | Path, limits: AudioLimits) -> int:
    try:
        status = Path(path).stat()
    except FileNotFoundError as error:
        reason = "is a link to nothing" if Path(path).is_symlink() else "no such file"
        raise UnreadableAudioError(path, reason) from error
    except (OSError, ValueError) as error:  # ValueError: a null byte in the name
        raise UnreadableAudioError(path, _os_reason(error)) from error
    if stat.S_ISDIR(status.st_mode):
        raise UnreadableAudioError(path, "is a directory")
    if not stat.S_ISREG(status.st_mode):
        raise UnreadableAudioError(path, "is a pipe, socket or device, not a file")
    if status.st_size == 0:
        raise EmptyAudioError(path, "holds no bytes")
    if status.st_size > limits.max_bytes:
        reason = f"holds {status.st_size} bytes, the limit is {limits.max_bytes}"
        raise AudioLimitError(path, reason)
    return status.st_size


def _open_file(path: str | Path) -> BinaryIO:
    try:
        return Path(path).open("rb", buffering=0)
    except OSError as error:
        raise UnreadableAudioError(path, _os_reason(error)) from error


def _os_reason(error: OSError | ValueError) -> str:
    if isinstance(error, PermissionError):
        return "no permission to read it"
    strerror = getattr(error, "strerror", None)
    return f"cannot be opened: {strerror or error}"


def _open_container(
    path: str | Path, source: FileSource, head: bytes, limits: AudioLimits
) -> InputContainer:
    foreign = sniff.foreign_kind(head)
    if foreign is not None:
        raise UnsupportedAudioError(path, f"is {foreign}, not audio")
    if sniff.is_protected_asf(head):
        raise UnsupportedAudioError(path, PROTECTED_REASON)
    try:
        return av.open(
            source,
            "r",
            container_options={"format_whitelist": FORMATS, "protocol_whitelist": "none"},
            metadata_errors="replace",
            buffer_size=READ_BYTES,
            timeout=limits.timeout_seconds,
            io_open=_open_nothing,
        )
    except (av.FFmpegError, ValueError) as error:
        source.check_deadline()
        source.raise_failure()
        kind = sniff.audio_kind(head)
        if kind is not None:
            reason = f"begins as {kind}, but is broken or cut short"
            raise CorruptAudioError(path, reason) from error
        raise UnsupportedAudioError(path, f"is {sniff.unknown_kind(head)}, not audio") from error


def _open_nothing(_url: str, _flags: int, _options: dict[str, str]) -> io.BytesIO:
    """What FFmpeg gets when something inside the file names another one."""
    return io.BytesIO()


def _audio_stream(path: str | Path, container: InputContainer) -> AudioStream:
    streams = {stream.index: stream for stream in container.streams.audio}
    if not streams:
        raise UnsupportedAudioError(path, "has no sound: it holds no audio stream")
    best = container.streams.best("audio")
    stream = next(iter(streams.values())) if best is None else streams[best.index]
    if stream.codec_context is None:
        raise UnsupportedAudioError(path, "no decoder for its audio is known")
    if stream.codec_context.codec_tag in PROTECTED_TAGS:
        raise UnsupportedAudioError(path, PROTECTED_REASON)
    for other in container.streams:
        if other.index != stream.index:
            other.discard = av.stream.Discard.all
    return stream


def _check_promise(path: str | Path, opened: OpenAudio, limits: AudioLimits) -> None:
    promised = opened.promised_seconds()
    if promised is not None and promised > limits.max_seconds:
        reason = f"claims to last {promised:.0f} s, the limit is {limits.max_seconds:.0f} s"
        raise AudioLimitError(path, reason)


def _seconds_of_stream(stream: AudioStream) -> float | None:
    if not stream.duration or stream.duration < 0 or stream.time_base is None:
        return None
    return float(stream.duration * stream.time_base)
