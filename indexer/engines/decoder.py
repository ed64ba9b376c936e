"""Reads files in a process apart, which may hang, die or want too much: that costs one file.

A library's worth of untrusted files meets FFmpeg's decoders here. Python's own pools share locks
between their processes or break as a whole when one dies; here each process has a pipe of its own
and is replaced when it is lost.
"""

from __future__ import annotations

import contextlib
import os
import signal
from multiprocessing import get_context
from typing import TYPE_CHECKING, Final, TypeVar

import msgspec
import numpy as np

from indexer.engines.decoder_main import Decoded, Known, NoRoom, Refused, Request, serve
from indexer.errors import SpoolError
from musiscene.audio.read import Identity, Recording
from musiscene.errors import AudioError

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from multiprocessing.process import BaseProcess
    from pathlib import Path

    from musiscene.audio.limits import AudioLimits

A = TypeVar("A", Known, Decoded)

MEMORY_MIB: Final = 512
"""What one file may make its decoder ask for."""
GRACE_SECONDS: Final = 10.0
"""After a file's own time-out, until its decoder is taken to hang."""
ENDING_SECONDS: Final = 5.0
"""One that waits for a file server that has gone away does not even end when it is killed."""


class RefusedAudioError(AudioError):
    """A decoder did not read a file.

    Args:
        path: The file.
        reason: Why.
        is_lasting: Whether it would be refused again as long as it stays as it is.

    Attributes:
        is_lasting: As given.
    """

    def __init__(self, path: str | Path, reason: str, *, is_lasting: bool) -> None:
        self.is_lasting = is_lasting
        super().__init__(path, reason)


class Decoder:
    """One process that reads files, one after the other; to be used by one thread at a time.

    Args:
        spool: A folder for waveforms on their way.
        sample_rate: Of the waveforms, in Hz.
        limits: On the files.
        memory_mib: What one file may make the process ask for.
    """

    def __init__(
        self,
        spool: Path,
        *,
        sample_rate: int,
        limits: AudioLimits,
        memory_mib: int = MEMORY_MIB,
    ) -> None:
        self._spool = spool
        self._sample_rate = sample_rate
        self._limits = limits
        self._memory_mib = memory_mib
        self._process: BaseProcess | None = None
        self._connection: Connection | None = None
        self._is_closed = False

    def identify(self, path: str) -> Identity:
        """Hash a file's audio.

        Args:
            path: The file.

        Returns:
            What it is.

        Raises:
            RefusedAudioError: If it cannot be read.
        """
        answer = self._ask(path, Known, into=None)
        return Identity(info=answer.info, audio_hash=answer.audio_hash)

    def decode(self, path: str) -> Recording:
        """Decode a file.

        Args:
            path: The file.

        Returns:
            Its waveform is mapped from a file that is gone when it is.

        Raises:
            RefusedAudioError: If it cannot be read.
            SpoolError: If there is no room for its waveform.
        """
        into = self._spool / f"{os.getpid()}-{id(self):x}.f32"
        into.unlink(missing_ok=True)
        try:
            answer = self._ask(path, Decoded, into=into)
            waveform = np.memmap(into, dtype=np.float32, mode="r", shape=(answer.sample_count,))
        finally:
            into.unlink(missing_ok=True)
        return Recording(
            info=answer.info,
            waveform=waveform,
            sample_rate=self._sample_rate,
            loudness_lufs=answer.loudness_lufs,
            audio_hash=answer.audio_hash,
        )

    def close(self) -> None:
        """End the process for good, whatever it does, perhaps for another thread."""
        self._is_closed = True
        self._end()

    def _end(self) -> None:
        process, self._process = self._process, None
        self._connection = None  # closed when the thread that waits for it lets go of it
        if process is not None:
            process.kill()
            process.join(ENDING_SECONDS)

    def _ask(self, path: str, wanted: type[A], *, into: Path | None) -> A:
        request = Request(
            path=path, into=None if into is None else str(into), sample_rate=self._sample_rate
        )
        seconds = self._limits.timeout_seconds + GRACE_SECONDS
        try:
            connection = self._connect()
            connection.send_bytes(msgspec.msgpack.encode(request))
            if not connection.poll(seconds):
                self._end()
                reason = f"its decoder did not answer for {seconds:.0f} s and was stopped"
                raise RefusedAudioError(path, reason, is_lasting=False)
            answer: A | Refused | NoRoom = msgspec.msgpack.decode(
                connection.recv_bytes(), type=wanted | Refused | NoRoom
            )
        except (EOFError, OSError) as error:
            raise RefusedAudioError(path, self._how_it_died(), is_lasting=False) from error
        if isinstance(answer, Refused):
            if answer.is_spent:
                self._end()
            raise RefusedAudioError(path, answer.reason, is_lasting=answer.is_lasting)
        if isinstance(answer, NoRoom):
            raise SpoolError(
                f"{self._spool}: no room for a decoded track ({answer.reason}); what was stored "
                "before is whole, run `musiscene index` again when there is room"
            )
        return answer

    def _connect(self) -> Connection:
        if self._connection is not None and self._process is not None and self._process.is_alive():
            return self._connection
        if self._is_closed:
            raise EOFError
        self._end()
        context = get_context("spawn")  # a copy of a process with threads may hang
        self._connection, theirs = context.Pipe()
        self._process = context.Process(
            target=serve,
            args=(theirs, msgspec.msgpack.encode(self._limits), self._memory_mib),
            name="musiscene-decoder",
            daemon=True,
        )
        self._process.start()
        theirs.close()
        return self._connection

    def _how_it_died(self) -> str:
        process, code = self._process, None
        if process is not None:
            process.join(GRACE_SECONDS)
            code = process.exitcode
        self._end()
        name = str(code)
        if code is not None and code < 0:
            with contextlib.suppress(ValueError):
                name = signal.Signals(-code).name
        return f"its decoder died ({name})"
