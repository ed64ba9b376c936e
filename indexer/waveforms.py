"""The outline of each track's waveform, for drawing: made once, then kept in a bounded cache.

Files are decoded in a process apart, one at a time, so one that hangs or wants too much costs the
request that asked for it. The layout is that of audiowaveform's JSON (version 2, 8 bits), which
peaks.js and wavesurfer read: https://github.com/bbc/audiowaveform/blob/master/doc/DataFormat.md

CACHE/
HA/HASH.peaks       one outline, after the hash of the track's audio, MessagePack
"""

from __future__ import annotations

import os
import time
from contextlib import suppress
from tempfile import NamedTemporaryFile
from threading import Lock
from typing import TYPE_CHECKING, Any, Final

import msgspec
import numpy as np

from indexer.engines.decoder import Decoder, RefusedAudioError
from indexer.errors import SpoolError, WaveformBusyError, WaveformError
from musiscene.audio.limits import AudioLimits

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

SAMPLE_RATE: Final = 8_000
"""Of what is outlined, in Hz: what a picture shows lies below 4 kHz."""
MAX_POINTS: Final = 8_192
"""Pairs that are kept of one track, 16 KiB."""
FULL_SCALE: Final = 127
LIMITS: Final = AudioLimits(min_seconds=0.001, timeout_seconds=30.0)
WAIT_SECONDS: Final = 20.0
"""How long a request waits for those before it."""
REFUSED_SECONDS: Final = 300.0
"""A file that could not be read is not tried again for so long."""
MAX_REFUSED: Final = 1_000
CACHE_BYTES: Final = 256 * 1024 * 1024
SWEEP_EVERY: Final = 64
"""Outlines that are written between two looks at the size of the cache."""
KEPT_SHARE: Final = 0.9
"""Of the cache, after it was swept."""


class Waveform(msgspec.Struct, frozen=True, kw_only=True):
    """The outline of a track: for each pixel the lowest and the highest sample."""

    version: int = 2
    """Of audiowaveform's layout."""
    channels: int = 1
    """All channels are mixed into one."""
    sample_rate: int = SAMPLE_RATE
    """Of the samples that were outlined, in Hz."""
    samples_per_pixel: int
    """Samples that one pair is of; the last may have fewer."""
    bits: int = 8
    """Of each number."""
    length: int
    """Pairs."""
    data: list[int]
    """Lowest and highest in turn, -128 to 127."""


class _Kept(msgspec.Struct, frozen=True, array_like=True):
    samples_per_pixel: int
    pairs: bytes
    """int8, shape (pixels, 2)."""


class Waveforms:
    """Outlines of the tracks of one library.

    Args:
        cache: A folder of their own, made where it is needed.
        limits: On the files.
        cache_bytes: What the cache may hold, more or less.
    """

    def __init__(
        self, cache: Path, *, limits: AudioLimits = LIMITS, cache_bytes: int = CACHE_BYTES
    ) -> None:
        self._cache = cache
        self._cache_bytes = cache_bytes
        self._decoder = Decoder(cache, sample_rate=SAMPLE_RATE, limits=limits)
        self._decoding = Lock()
        self._refused: dict[str, float] = {}
        self._written = 0

    def waveform(self, path: str, audio_hash: str, *, points: int) -> Waveform:
        """The outline of one track.

        Args:
            path: Of its file.
            audio_hash: Of its audio, by which it is kept.
            points: At most so many pairs, 1 to `MAX_POINTS`.

        Returns:
            The outline.

        Raises:
            WaveformError: If the file cannot be decoded, or holds other audio by now.
            WaveformBusyError: If too many others are being made.
        """
        kept = self._read(audio_hash) or self._make(path, audio_hash)
        pairs = np.frombuffer(kept.pairs, np.int8).reshape(-1, 2)
        factor = -(-len(pairs) // min(max(points, 1), MAX_POINTS))
        thinned = _reduced(pairs[:, 0], pairs[:, 1], factor)
        return Waveform(
            samples_per_pixel=kept.samples_per_pixel * factor,
            length=len(thinned),
            data=thinned.ravel().tolist(),
        )

    def close(self) -> None:
        """End the decoder, whatever it does."""
        self._decoder.close()

    def _make(self, path: str, audio_hash: str) -> _Kept:
        if self._refused.get(audio_hash, 0.0) > time.monotonic():
            raise WaveformError
        if not self._decoding.acquire(timeout=WAIT_SECONDS):
            raise WaveformBusyError
        try:
            if (made := self._read(audio_hash)) is not None:  # by the request before
                return made
            self._cache.mkdir(parents=True, exist_ok=True)
            kept = self._outline(path, audio_hash)
        except (RefusedAudioError, OSError, SpoolError, WaveformError) as error:
            if len(self._refused) >= MAX_REFUSED:
                self._refused.clear()
            self._refused[audio_hash] = time.monotonic() + REFUSED_SECONDS
            raise WaveformError from error
        finally:
            self._decoding.release()
        self._write(audio_hash, kept)
        return kept

    def _outline(self, path: str, audio_hash: str) -> _Kept:
        recording = self._decoder.decode(path)
        if recording.audio_hash != audio_hash:
            raise WaveformError
        factor = max(1, -(-len(recording.waveform) // MAX_POINTS))
        pairs = _reduced(recording.waveform, recording.waveform, factor)
        scaled = np.clip(np.rint(np.nan_to_num(pairs) * FULL_SCALE), -FULL_SCALE - 1, FULL_SCALE)
        return _Kept(factor, scaled.astype(np.int8).tobytes())

    def _file(self, audio_hash: str) -> Path:
        return self._cache / audio_hash[:2] / f"{audio_hash}.peaks"

    def _read(self, audio_hash: str) -> _Kept | None:
        file = self._file(audio_hash)
        try:
            kept = msgspec.msgpack.decode(file.read_bytes(), type=_Kept)
        except (OSError, msgspec.DecodeError):  # none yet, or cut by a full disk
            return None
        with suppress(OSError):
            os.utime(file)  # the cache lets go of what was not used for longest
        is_whole = kept.pairs and len(kept.pairs) % 2 == 0 and kept.samples_per_pixel > 0
        return kept if is_whole else None

    def _write(self, audio_hash: str, kept: _Kept) -> None:
        """Keep an outline; where there is no room, it is made again next time."""
        file = self._file(audio_hash)
        with suppress(OSError):
            file.parent.mkdir(exist_ok=True)
            with NamedTemporaryFile(dir=file.parent, suffix=".part", delete=False) as part:
                part.write(msgspec.msgpack.encode(kept))
            os.replace(part.name, file)  # noqa: PTH105  by name, as it was opened
            self._written += 1
            if self._written % SWEEP_EVERY == 1:
                self._sweep()

    def _sweep(self) -> None:
        files = [(entry, entry.stat()) for entry in self._cache.glob("*/*") if entry.is_file()]
        total = sum(stat.st_size for _, stat in files)
        if total <= self._cache_bytes:
            return
        for file, stat in sorted(files, key=lambda one: one[1].st_mtime):
            file.unlink(missing_ok=True)
            total -= stat.st_size
            if total <= KEPT_SHARE * self._cache_bytes:
                return


def _reduced(low: NDArray[Any], high: NDArray[Any], factor: int) -> NDArray[Any]:
    """Lowest and highest of so many neighbours, shape (ceil(count / factor), 2)."""
    starts = np.arange(0, len(low), factor)
    lowest = np.minimum.reduceat(low, starts)
    return np.stack([lowest, np.maximum.reduceat(high, starts)], axis=1)
