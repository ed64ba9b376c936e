"""Packets of one audio stream -> hashed, decoded, in blocks of equal sample rate and channels."""

from __future__ import annotations

import hashlib
from collections import Counter
from typing import TYPE_CHECKING

import av
import msgspec
import numpy as np
from numpy.typing import NDArray

from musiscene.audio.container import check_stream
from musiscene.audio.loudness import channel_weights
from musiscene.errors import AudioLimitError, CorruptAudioError, UnsupportedAudioError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from av.audio.frame import AudioFrame
    from av.audio.stream import AudioStream
    from av.packet import Packet

    from musiscene.audio.container import OpenAudio
    from musiscene.audio.limits import AudioLimits

BLOCK_SAMPLES = 32_768
MAX_BROKEN_SHARE = 0.05
PLAUSIBLE_PEAK = 1_000.0  # +60 dBFS
MISSING_SHARE = 0.02
MISSING_SECONDS = 0.5
FULL_SCALE_OF_DTYPE = {"uint8": 2.0**7, "int16": 2.0**15, "int32": 2.0**31}


class Block(msgspec.Struct, frozen=True, kw_only=True):
    """Some consecutive samples."""

    samples: NDArray[np.float32]
    """In [-1, 1] nominally, shape (channels, samples)."""
    sample_rate: int
    """In Hz."""
    weights: tuple[float, ...]
    """Loudness weight of each channel."""
    peak: float
    """Largest magnitude, where full scale is 1."""


class PacketDecoder:
    """Decodes the audio stream of an open file once, from its first packet to its last.

    Args:
        path: The file, for errors.
        opened: The file, open.
        limits: What is allowed.
    """

    def __init__(self, path: str | Path, opened: OpenAudio, limits: AudioLimits) -> None:
        self._path = path
        self._opened = opened
        self._limits = limits
        self._context = opened.stream.codec_context
        self._promised_seconds = opened.promised_seconds()
        self._packet_count = 0
        self._broken_count = 0
        self._broken_seconds = 0.0
        self._is_cut = False
        # The same bytes mean another sound in another coding: raw samples say nothing themselves.
        codec = self._context.codec.canonical_name
        coding = f"{codec}/{self._context.sample_rate}/{self._context.channels}"
        self._sha256 = hashlib.sha256(coding.encode())
        self._samples_of_rate: Counter[int] = Counter()

    def blocks(self) -> Iterator[Block]:
        """Every sample of the stream, in order.

        Yields:
            Block: At least `BLOCK_SAMPLES` samples, but for the last and those before a change of
            sample rate or channels.

        Raises:
            AudioError: If the stream breaks, ends early, breaks a limit or takes too long.
        """
        fifo, kind = av.AudioFifo(), None
        for frame in self._frames():
            frame_kind = (frame.sample_rate, frame.layout.name, frame.format.name)
            if frame_kind != kind:
                channels = frame.layout.nb_channels
                check_stream(self._path, frame.sample_rate, channels, self._limits)
                yield from self._drain(fifo)
                fifo, kind = av.AudioFifo(), frame_kind
            frame.pts = None  # lest a gap in the timestamps be taken for an error
            fifo.write(frame)
            if fifo.samples >= BLOCK_SAMPLES:
                yield from self._drain(fifo)
        yield from self._drain(fifo)
        self._check_complete()

    def skip_through(self) -> None:
        """Read every packet and decode none, for the sake of `audio_hash`.

        Raises:
            AudioError: If reading fails or takes too long.
        """
        for _packet in self._packets():
            pass

    @property
    def seconds(self) -> float:
        """Decoded so far."""
        return sum(samples / rate for rate, samples in self._samples_of_rate.items())

    def audio_hash(self) -> str:
        """SHA-256 of the coding and of the encoded bytes that were read so far, in hex."""
        return self._sha256.hexdigest()

    def _frames(self) -> Iterator[AudioFrame]:
        for packet in self._packets():
            try:
                yield from self._context.decode(packet)
            except av.FFmpegError:
                self._broken_count += 1

    def _packets(self) -> Iterator[Packet[AudioStream] | None]:
        source = self._opened.source
        try:
            for packet in self._opened.container.demux(self._opened.stream):
                source.check_deadline()
                source.raise_failure()
                if packet.size == 0:
                    continue
                self._note(packet)
                yield packet
        except av.FFmpegError:
            self._is_cut = True
        source.raise_failure()
        yield None  # flushes what the decoder holds back

    def _note(self, packet: Packet[AudioStream]) -> None:
        is_first = self._packet_count == 0
        if is_first and packet.pos and self._opened.counts_frames_before(packet.pos):
            self._promised_seconds = self._opened.declared_seconds()
        if is_first and packet.has_sidedata("encryption_info"):
            raise UnsupportedAudioError(self._path, "is protected (DRM): its packets are encrypted")
        self._packet_count += 1
        self._sha256.update(packet)

    def _count(self, frame: AudioFrame) -> None:
        self._samples_of_rate[frame.sample_rate] += frame.samples
        if self.seconds > self._limits.max_seconds:
            reason = f"lasts longer than the limit of {self._limits.max_seconds:.0f} s"
            raise AudioLimitError(self._path, reason)

    def _drain(self, fifo: av.AudioFifo) -> Iterator[Block]:
        frame = fifo.read() if fifo.samples else None
        if frame is None:
            return
        self._count(frame)
        samples = _to_float(frame, self._path)
        peak = _peak(samples)
        if not peak <= PLAUSIBLE_PEAK:  # NaN too
            is_broken = ~(np.abs(samples) <= PLAUSIBLE_PEAK)
            self._broken_seconds += is_broken.any(axis=0).sum() / frame.sample_rate
            samples = np.where(is_broken, np.float32(0), samples)
            peak = _peak(samples)
        yield Block(
            samples=samples,
            sample_rate=frame.sample_rate,
            weights=channel_weights([channel.name for channel in frame.layout.channels]),
            peak=peak,
        )

    def _check_complete(self) -> None:
        broken, total = self._broken_count, self._packet_count
        if broken > max(1, MAX_BROKEN_SHARE * total):
            raise CorruptAudioError(self._path, f"{broken} of its {total} packets are broken")
        if self._broken_seconds > MAX_BROKEN_SHARE * self.seconds:
            broken_seconds = f"{self._broken_seconds:.1f} of its {self.seconds:.1f} s"
            reason = f"{broken_seconds} are not a number, infinite or far beyond full scale"
            raise CorruptAudioError(self._path, reason)
        promised = self._promised_seconds
        if promised is None and self._is_cut:
            promised = self._opened.declared_seconds()
        if promised is None:
            return
        missing = promised - self.seconds
        if missing > max(MISSING_SECONDS, MISSING_SHARE * promised):
            ends = f"ends after {self.seconds:.1f} s of the {promised:.1f} s its header promises"
            raise CorruptAudioError(self._path, ends)


def _to_float(frame: AudioFrame, path: str | Path) -> NDArray[np.float32]:
    try:
        samples = frame.to_ndarray()
    except ValueError as error:
        reason = f"its samples are of an unknown kind ({frame.format.name})"
        raise UnsupportedAudioError(path, reason) from error
    if not frame.format.is_planar:
        samples = samples.reshape(-1, frame.layout.nb_channels).T
    with np.errstate(all="ignore"):  # what is no number is found by its peak
        as_float: NDArray[np.float32] = samples.astype(np.float32)
    if samples.dtype == np.uint8:
        as_float -= 128
    if samples.dtype.name in FULL_SCALE_OF_DTYPE:
        as_float /= np.float32(FULL_SCALE_OF_DTYPE[samples.dtype.name])
    return as_float


def _peak(samples: NDArray[np.float32]) -> float:
    if samples.size == 0:
        return 0.0
    return float(np.maximum(samples.max(), -samples.min()))
