"""A process of its own that reads untrusted files: what it asks for and breaks is its own.

It takes requests and gives answers over one pipe, as MessagePack; when the pipe ends, so does it.
"""

from __future__ import annotations

import contextlib
import errno
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from musiscene.audio.limits import AudioLimits
from musiscene.audio.read import AudioInfo, Identity, identify_audio, read_audio
from musiscene.errors import (
    AudioError,
    AudioTimeoutError,
    UnreadableAudioError,
)

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

MIB = 1 << 20


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """One file to be read."""

    path: str
    """The file."""
    into: str | None
    """A new file for the waveform; None to hash the audio alone."""
    sample_rate: int
    """Of the waveform, in Hz."""


class Known(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The file was hashed."""

    info: AudioInfo
    """The file."""
    audio_hash: str
    """Of its packets."""


class Decoded(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The file was decoded, and its waveform lies in the file that was named."""

    info: AudioInfo
    """The file."""
    audio_hash: str
    """Of its packets."""
    loudness_lufs: float | None
    """Integrated."""
    sample_count: int
    """Of the waveform, float32."""


class Refused(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The file cannot be read."""

    reason: str
    """Why, for people."""
    is_lasting: bool
    """Whether it would be refused again as long as it stays as it is."""
    is_spent: bool = False
    """Whether this process has too little memory left for another file."""


class NoRoom(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The waveform could not be written: no fault of the file."""

    reason: str
    """What the operating system says."""


Answer = Known | Decoded | Refused | NoRoom


def serve(connection: Connection, limits: bytes, memory_mib: int) -> None:
    """Answer requests until the other end closes; the body of a decoder process.

    Args:
        connection: To the process that asks.
        limits: An `AudioLimits`, as MessagePack.
        memory_mib: How much memory a file may make this process ask for, beyond what it has when
            it starts; without effect where the system has no such limit.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the one that asks
    with contextlib.suppress(ImportError, OSError, ValueError):
        _limit_memory(memory_mib)
    allowed = msgspec.msgpack.decode(limits, type=AudioLimits)
    while True:
        try:
            request = msgspec.msgpack.decode(connection.recv_bytes(), type=Request)
            connection.send_bytes(msgspec.msgpack.encode(_answer(request, allowed, memory_mib)))
        except (EOFError, OSError):
            return


def _answer(request: Request, limits: AudioLimits, memory_mib: int) -> Answer:
    try:
        if request.into is None:
            return _known(identify_audio(request.path, limits=limits))
        return _decode(request, Path(request.into), limits)
    except AudioError as error:
        passing = isinstance(error, (UnreadableAudioError, AudioTimeoutError))
        return Refused(reason=error.reason, is_lasting=not passing)
    except MemoryError:
        reason = f"needs more than {memory_mib} MiB of memory to decode"
        return Refused(reason=reason, is_lasting=False, is_spent=True)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG):
            return NoRoom(reason=str(error.strerror))
        return Refused(reason=f"reading failed: {error.strerror}", is_lasting=False)


def _known(identity: Identity) -> Known:
    return Known(info=identity.info, audio_hash=identity.audio_hash)


def _decode(request: Request, into: Path, limits: AudioLimits) -> Decoded | NoRoom:
    try:
        opened = into.open("xb+")
    except OSError as error:
        return NoRoom(reason=str(error.strerror))
    with opened as file:
        recording = read_audio(
            request.path, sample_rate=request.sample_rate, limits=limits, into=file
        )
        return Decoded(
            info=recording.info,
            audio_hash=recording.audio_hash,
            loudness_lufs=recording.loudness_lufs,
            sample_count=len(recording.waveform),
        )


def _limit_memory(memory_mib: int) -> None:
    import resource

    # What is its own so far, by the sixth number of statm: pages. A waveform that is mapped from
    # its file does not count: hours of it are larger than what a file may ask for.
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[5])
    allowed = pages * resource.getpagesize() + memory_mib * MIB
    resource.setrlimit(resource.RLIMIT_DATA, (allowed, allowed))
