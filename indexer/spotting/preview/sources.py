"""What is mixed, decoded in pieces at 48 kHz: a stretch of a track, and a video's own sound."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Final

import numpy as np

from indexer.spotting.preview.scratch import SAMPLE_RATE
from musiscene.audio.container import open_audio
from musiscene.audio.decode import PacketDecoder
from musiscene.audio.limits import AudioLimits

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from av.audio.frame import AudioFrame
    from numpy.typing import NDArray

    from musiscene.audio.container import OpenAudio
    from musiscene.audio.decode import Block

LIMITS: Final = AudioLimits(max_bytes=20 * 1024**3, min_seconds=0.0, timeout_seconds=3600.0)
SIDE_GAIN: Final = np.float32(np.sqrt(0.5))
"""Of the centre and of the sides in stereo. Source: ITU-R BS.775-3, annex 4."""
GAP_SECONDS: Final = 0.05
"""Timestamps that jump by more leave a gap; by less, they are only badly rounded."""
SURROUND_CHANNELS: Final = 6


def track_pieces(path: Path, first: int, samples: int) -> Iterator[NDArray[np.float32]]:
    """A stretch of a track, exact to the sample, counted from its first decoded one.

    Args:
        path: The track.
        first: Sample at 48 kHz with which it begins.
        samples: How many; fewer where the track ends before.

    Yields:
        Shape (2, samples), float32, in order.

    Raises:
        AudioError: If it cannot be decoded so far.
    """
    reached, last = 0, first + samples
    with open_audio(path, limits=LIMITS) as opened:
        for piece in _resampled(PacketDecoder(path, opened, LIMITS).blocks()):
            begin, end = max(0, first - reached), min(piece.shape[1], last - reached)
            if end > begin:
                yield piece[:, begin:end]
            reached += piece.shape[1]
            if reached >= last:
                return


def own_pieces(video: Path) -> Iterator[tuple[int, NDArray[np.float32]]]:
    """The sound that a video has already, each piece in its place in time.

    Args:
        video: The file.

    Yields:
        Number of the first sample at 48 kHz, from when the first frame is shown (so it may lie
        before 0), and samples of shape (2, samples), float32.

    Raises:
        AudioError: If it has none, or it cannot be read.
    """
    import soxr

    with open_audio(video, limits=LIMITS) as opened:
        begins = _picture_start(opened)
        rate, stream, expected, at = 0, None, 0.0, 0
        for seconds, native_rate, samples in _stereo_frames(opened):
            is_gap = abs(seconds - expected) > GAP_SECONDS
            if stream is None or native_rate != rate or is_gap:
                if stream is not None:
                    rest = stream.resample_chunk(np.empty((0, 2), np.float32), last=True)
                    yield at, rest.T
                    at += len(rest)
                rate, expected = native_rate, seconds
                stream = soxr.ResampleStream(rate, SAMPLE_RATE, 2, dtype="float32", quality="HQ")
                at = round((seconds - begins) * SAMPLE_RATE)
            expected += samples.shape[1] / rate
            piece = stream.resample_chunk(np.ascontiguousarray(samples.T))
            yield at, piece.T
            at += len(piece)
        if stream is not None:
            yield at, stream.resample_chunk(np.empty((0, 2), np.float32), last=True).T


def to_stereo(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """Mix channels down to two.

    Args:
        samples: Shape (channels, samples), in FFmpeg's order.

    Returns:
        Shape (2, samples); a single channel goes to both.
    """
    if len(samples) == 1:
        return np.repeat(samples, 2, axis=0)
    stereo: NDArray[np.float32] = samples[:2]
    if len(samples) >= SURROUND_CHANNELS:  # left, right, centre, bass, then pairs
        sides = len(samples) - len(samples) % 2
        stereo = stereo + SIDE_GAIN * samples[2]
        for pair in range(4, sides, 2):
            stereo = stereo + SIDE_GAIN * samples[pair : pair + 2]
    return stereo


def _resampled(blocks: Iterable[Block]) -> Iterator[NDArray[np.float32]]:
    """Blocks of one track at 48 kHz, shape (2, samples) each."""
    import soxr

    for rate, alike in groupby(blocks, key=lambda block: block.sample_rate):
        if rate == SAMPLE_RATE:
            yield from (to_stereo(block.samples) for block in alike)
            continue
        stream = soxr.ResampleStream(rate, SAMPLE_RATE, 2, dtype="float32", quality="HQ")
        for block in alike:
            yield stream.resample_chunk(np.ascontiguousarray(to_stereo(block.samples).T)).T
        yield stream.resample_chunk(np.empty((0, 2), np.float32), last=True).T


def _stereo_frames(opened: OpenAudio) -> Iterator[tuple[float, int, NDArray[np.float32]]]:
    """When a frame sounds in the file's own time, its sample rate, and its samples."""
    import av

    mixer: av.AudioResampler | None = None
    kind: tuple[int, str, str] | None = None
    end = 0.0
    for frame in _frames(opened):
        if kind != (frame.sample_rate, frame.layout.name, frame.format.name):
            kind = (frame.sample_rate, frame.layout.name, frame.format.name)
            mixer = av.AudioResampler(format="fltp", layout="stereo", rate=frame.sample_rate)
        seconds = end if frame.time is None else frame.time
        frame.pts = None
        for mixed in mixer.resample(frame) if mixer is not None else ():
            samples = mixed.to_ndarray()
            yield seconds, frame.sample_rate, np.nan_to_num(samples).astype(np.float32)
            seconds += samples.shape[1] / frame.sample_rate
        end = seconds


def _frames(opened: OpenAudio) -> Iterator[AudioFrame]:
    import av

    context = opened.stream.codec_context
    try:
        for packet in opened.container.demux(opened.stream):
            opened.source.check_deadline()
            opened.source.raise_failure()
            try:
                yield from context.decode(packet)
            except av.FFmpegError:
                continue  # a broken packet is a moment of silence
    except av.FFmpegError:
        return  # cut short: what was there counts


def _picture_start(opened: OpenAudio) -> float:
    """When the first frame is shown in the file's own time, in seconds."""
    import av

    attached = av.stream.Disposition.attached_pic
    for picture in opened.container.streams.video:
        if not picture.disposition & attached:
            if picture.start_time is None or picture.time_base is None:
                return 0.0
            return float(picture.start_time * picture.time_base)
    return 0.0
