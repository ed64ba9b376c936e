"""Any audio or video file -> what it is, and one mono waveform at the sample rate asked for.

One pass over the packets gives the identity (a hash of the encoded audio), the loudness and the
waveform; the native samples are never held as a whole, and neither is the waveform where it is
written into a file. Whatever is wrong with the file raises an `AudioError` that names it.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, BinaryIO, Literal, Protocol

import av
import msgspec
import numpy as np
from numpy.typing import NDArray

from musiscene.audio.container import OpenAudio, open_audio
from musiscene.audio.decode import Block, PacketDecoder
from musiscene.audio.limits import AudioLimits
from musiscene.audio.loudness import LoudnessMeter, integrated_lufs
from musiscene.audio.resample import HannResampler
from musiscene.audio.tags import (
    Chapter,
    chapters_in,
    clean_tag,
    tag_number,
    tagged_cue_sheet,
    tagged_licence,
)
from musiscene.errors import AudioLimitError, EmptyAudioError, SilentAudioError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

Filter = Literal["soxr", "hann"]
"""How samples are brought to another rate: the best way, or the way MU-LLaMA was trained behind."""

SILENT_PEAK = 1e-4  # -80 dBFS
DEFAULT_LIMITS = AudioLimits()


class AudioInfo(msgspec.Struct, frozen=True, kw_only=True):
    """What a file says about itself."""

    path: str
    """As it was given."""
    size_bytes: int
    """Of the whole file."""
    container: str
    """FFmpeg's first name for the container: `mp3`, `ogg`, `mov`, ..."""
    codec: str
    """FFmpeg's name for the coding of the audio stream."""
    duration_seconds: float
    """As decoded; from `probe_audio`, as the header states or FFmpeg estimates it."""
    sample_rate: int
    """Native, in Hz."""
    channels: int
    """Native."""
    title: str | None = None
    """From the tags."""
    artist: str | None = None
    """From the tags."""
    album: str | None = None
    """From the tags."""
    album_artist: str | None = None
    """From the tags."""
    disc_number: int | None = None
    """From the tags, from 1."""
    track_number: int | None = None
    """From the tags, from 1."""
    licence: str | None = None
    """From the tags: the licence, or else a copyright line that states one."""
    chapters: tuple[Chapter, ...] = ()
    """Songs within the file: of its container, or what a cue sheet says instead; else none."""
    cue_sheet: str | None = None
    """From the tags: the text of a whole cue sheet."""


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """Which recording a file holds."""

    info: AudioInfo
    """The file, with the duration that its header states."""
    audio_hash: str
    """As `Recording` has it."""


class Recording(msgspec.Struct, frozen=True, kw_only=True):
    """One file, heard."""

    info: AudioInfo
    """The file, with its decoded duration."""
    waveform: NDArray[np.float32]
    """Mean of the channels, in [-1, 1] nominally, shape (samples,)."""
    sample_rate: int
    """Of `waveform`, in Hz."""
    loudness_lufs: float | None
    """Integrated loudness of the native channels (ITU-R BS.1770-4), None below the gate."""
    audio_hash: str
    """SHA-256 of the encoded audio packets, in hex: survives moves, retagging and remuxing."""


def probe_audio(path: str | Path, *, limits: AudioLimits = DEFAULT_LIMITS) -> AudioInfo:
    """What the file's header and tags say, without decoding it.

    Args:
        path: Any file.
        limits: What is allowed.

    Returns:
        The facts; a file may still turn out broken when it is read.

    Raises:
        AudioError: If the file cannot be opened, holds no audio or breaks a limit.
    """
    with open_audio(path, limits=limits) as opened:
        declared = opened.declared_seconds()
        seconds = _seconds_of_packets(opened) if declared is None else declared
        return _info(path, opened, seconds)


def identify_audio(path: str | Path, *, limits: AudioLimits = DEFAULT_LIMITS) -> Identity:
    """Hash the audio packets of a file without decoding them, which takes as long as reading it.

    Args:
        path: Any file.
        limits: What is allowed.

    Returns:
        The hash that `read_audio` would give, whether or not the packets can be decoded.

    Raises:
        AudioError: If the file cannot be opened, holds no audio or breaks a limit.
    """
    with open_audio(path, limits=limits) as opened:
        packets = PacketDecoder(path, opened, limits)
        packets.skip_through()
        seconds = opened.declared_seconds() or 0.0
        return Identity(info=_info(path, opened, seconds), audio_hash=packets.audio_hash())


def read_audio(
    path: str | Path,
    *,
    sample_rate: int,
    limits: AudioLimits = DEFAULT_LIMITS,
    resampler: Filter = "soxr",
    into: BinaryIO | None = None,
) -> Recording:
    """Decode a file to mono, measuring its loudness and identity on the way.

    Args:
        path: Any file.
        sample_rate: Of the waveform, in Hz.
        limits: What is allowed.
        resampler: How samples are brought to that rate.
        into: An empty file, open for reading and writing, that takes the samples instead of memory;
            it must stay as it is while the waveform is used.

    Returns:
        The recording; `round(duration * sample_rate)` samples, give or take one.

    Raises:
        AudioError: If the file cannot be opened or decoded, holds no sound or breaks a limit.
    """
    with open_audio(path, limits=limits) as opened:
        decoder = PacketDecoder(path, opened, limits)
        mix = _MonoMix(sample_rate, resampler, into)
        loudness = BlockLoudness()
        peak = 0.0
        for block in decoder.blocks():
            loudness.add(block)
            mix.add(block)
            peak = max(peak, block.peak)
        waveform = mix.waveform()
        _check_heard(path, decoder, limits, peak=peak, mono_peak=mix.peak)
        return Recording(
            info=_info(path, opened, decoder.seconds),
            waveform=waveform,
            sample_rate=sample_rate,
            loudness_lufs=loudness.integrated_lufs(),
            audio_hash=decoder.audio_hash(),
        )


class _Resampler(Protocol):
    def resample_chunk(
        self, samples: NDArray[np.float32], *, last: bool = False
    ) -> NDArray[np.float32]: ...


class _MonoMix:
    """Mean of the channels, resampled; the pieces are appended to one growing buffer or file."""

    def __init__(self, sample_rate: int, resampler: Filter, into: BinaryIO | None) -> None:
        self._sample_rate = sample_rate
        self._filter = resampler
        self._file = into
        self._native_rate: int | None = None
        self._resampler: _Resampler | None = None
        self._bytes = bytearray()  # grows in place, where concatenating would double the peak
        self.peak = 0.0

    def add(self, block: Block) -> None:
        if block.sample_rate != self._native_rate:
            self._flush()
            self._native_rate = block.sample_rate
            self._resampler = self._resampler_from(block.sample_rate)
        mono = block.samples.mean(axis=0, dtype=np.float32)
        self.peak = max(self.peak, float(np.abs(mono).max(initial=0.0)))
        self._append(mono if self._resampler is None else self._resampler.resample_chunk(mono))

    def waveform(self) -> NDArray[np.float32]:
        self._flush()
        if self._file is None:
            return np.frombuffer(self._bytes, dtype=np.float32)
        self._file.flush()
        if self._file.tell() == 0:
            return np.empty(0, np.float32)  # nothing cannot be mapped
        return np.memmap(self._file, dtype=np.float32, mode="r")

    def _resampler_from(self, native_rate: int) -> _Resampler | None:
        import soxr

        if native_rate == self._sample_rate:
            return None
        if self._filter == "hann":
            return HannResampler(native_rate, self._sample_rate)
        stream: _Resampler = soxr.ResampleStream(
            native_rate, self._sample_rate, 1, dtype="float32", quality="HQ"
        )
        return stream

    def _flush(self) -> None:
        if self._resampler is not None:
            rest = self._resampler.resample_chunk(np.empty(0, dtype=np.float32), last=True)
            self._append(rest)
            self._resampler = None

    def _append(self, samples: NDArray[np.float32]) -> None:
        if self._file is None:
            self._bytes += samples.tobytes()
        else:
            self._file.write(samples.tobytes())


class BlockLoudness:
    """Integrated loudness of blocks: one meter for each run of the same kind, and common gates."""

    def __init__(self) -> None:
        self._kind: tuple[int, tuple[float, ...]] | None = None
        self._meters: list[LoudnessMeter] = []

    def add(self, block: Block) -> None:
        """Measure the next block."""
        kind = (block.sample_rate, block.weights)
        if kind != self._kind:
            self._kind = kind
            meter = LoudnessMeter(sample_rate=block.sample_rate, weights=block.weights)
            self._meters.append(meter)
        self._meters[-1].add(block.samples)

    def integrated_lufs(self) -> float | None:
        """Loudness in LUFS of all of them; None below the gate."""
        powers = [meter.block_powers() for meter in self._meters]
        return integrated_lufs(np.concatenate(powers)) if powers else None


def _check_heard(
    path: str | Path,
    decoder: PacketDecoder,
    limits: AudioLimits,
    *,
    peak: float,
    mono_peak: float,
) -> None:
    if decoder.seconds == 0:
        raise EmptyAudioError(path, "holds no samples")
    if decoder.seconds < limits.min_seconds:
        reason = f"lasts {decoder.seconds:.2f} s, the least is {limits.min_seconds:g} s"
        raise AudioLimitError(path, reason)
    if peak < SILENT_PEAK:
        raise SilentAudioError(path, "is silent: its peak is below -80 dBFS")
    if mono_peak < SILENT_PEAK:
        raise SilentAudioError(path, "is silent in mono: its channels cancel each other out")


def _seconds_of_packets(opened: OpenAudio) -> float:
    """Duration by the timestamps of the packets: what live recordings leave to their reader."""
    stream = opened.stream
    end = 0
    with suppress(av.FFmpegError):  # broken further on: what is there counts
        for packet in opened.container.demux(stream):
            opened.source.check_deadline()
            opened.source.raise_failure()
            if packet.pts is not None:
                end = max(end, packet.pts + (packet.duration or 0))
    return float(end * stream.time_base) if stream.time_base is not None else 0.0


def _info(path: str | Path, opened: OpenAudio, seconds: float) -> AudioInfo:
    stream = opened.stream
    tags = _lower_keys(opened.container.metadata) | _lower_keys(stream.metadata)
    return AudioInfo(
        path=str(path),
        size_bytes=opened.source.size_bytes,
        container=opened.format_name,
        codec=stream.codec_context.codec.canonical_name,
        duration_seconds=seconds,
        sample_rate=stream.rate,
        channels=stream.channels,
        title=clean_tag(tags.get("title")),
        artist=clean_tag(tags.get("artist")),
        album=clean_tag(tags.get("album")),
        album_artist=clean_tag(tags.get("album_artist") or tags.get("albumartist")),
        disc_number=tag_number(tags.get("disc") or tags.get("discnumber")),
        track_number=tag_number(tags.get("track") or tags.get("tracknumber")),
        licence=tagged_licence(tags),
        chapters=chapters_in(opened.container),
        cue_sheet=tagged_cue_sheet(tags),
    )


def _lower_keys(tags: Mapping[str, str]) -> dict[str, str]:
    return {key.lower(): value for key, value in tags.items()}
