"""Reads files in a process apart, which may hang, die or want too much: that costs one file.

A library's worth of untrusted files meets FFmpeg's decoders here.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final, TypeVar

import msgspec
import numpy as np

from indexer.engines.apart import ProcessApart, ProcessLostError
from indexer.engines.decoder_main import Decoded, Known, NoRoom, Refused, Request, serve
from indexer.errors import SpoolError
from musiscene.audio.read import Identity, Recording
from musiscene.errors import AudioError

if TYPE_CHECKING:
    from pathlib import Path

    from musiscene.audio.limits import AudioLimits

A = TypeVar("A", Known, Decoded)

MEMORY_MIB: Final = 512
"""What one file may make its decoder ask for."""
GRACE_SECONDS: Final = 10.0
"""After a file's own time-out, until its decoder is taken to hang."""


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
        self._apart = ProcessApart(
            serve, msgspec.msgpack.encode(limits), memory_mib, name="musiscene-decoder"
        )

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
        self._apart.close()

    def _ask(self, path: str, wanted: type[A], *, into: Path | None) -> A:
        request = Request(
            path=path, into=None if into is None else str(into), sample_rate=self._sample_rate
        )
        try:
            said = self._apart.ask(
                msgspec.msgpack.encode(request),
                seconds=self._limits.timeout_seconds + GRACE_SECONDS,
            )
        except ProcessLostError as error:
            raise RefusedAudioError(path, f"its decoder {error}", is_lasting=False) from error
        answer: A | Refused | NoRoom = msgspec.msgpack.decode(said, type=wanted | Refused | NoRoom)
        if isinstance(answer, Refused):
            if answer.is_spent:
                self._apart.end()
            raise RefusedAudioError(path, answer.reason, is_lasting=answer.is_lasting)
        if isinstance(answer, NoRoom):
            raise SpoolError(
                f"{self._spool}: no room for a decoded track ({answer.reason}); what was stored "
                "before is whole, run `musiscene index` again when there is room"
            )
        return answer
