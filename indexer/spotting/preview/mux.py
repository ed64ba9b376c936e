"""A finished mix -> a file of sound, or a video with its picture as it was."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Final

import numpy as np

from indexer.spotting.errors import ExportError
from indexer.spotting.preview.scratch import SAMPLE_RATE
from musiscene.video.limits import VideoLimits
from musiscene.video.probe_file import OpenVideo, open_video

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from av.container import OutputContainer
    from av.packet import Packet
    from av.video.stream import VideoStream
    from numpy.typing import NDArray

CONTAINERS: Final = {".mp4": "mp4", ".mov": "mov", ".mkv": "matroska"}
AAC_BITS_A_SECOND: Final = 256_000
FRAME_SAMPLES: Final = 1_024
"""Of AAC."""
LIMITS: Final = VideoLimits()
NOT_COPIED: Final = (
    "its picture cannot be copied; take wav or mp3, or export the video again as MP4"
)


def video_suffix(video: Path, wanted: str) -> str:
    """The end of the name of a file that can hold a video's picture.

    Args:
        video: The video.
        wanted: A key of `CONTAINERS`.

    Returns:
        The wanted one where its format can hold the picture, else `.mkv`.

    Raises:
        VideoError: If the video cannot be opened.
    """
    import io

    import av

    with (
        open_video(video, limits=LIMITS) as opened,
        av.open(io.BytesIO(), "w", format=CONTAINERS[wanted]) as target,
    ):
        try:
            target.add_stream_from_template(opened.stream, opaque=True)
            target.start_encoding()
        except (ValueError, av.FFmpegError):  # MOV refuses VP9 and AV1 only when it begins
            return ".mkv"
    return wanted


def write_video(
    blocks: Iterator[NDArray[np.float32]],
    video: Path,
    path: Path,
    *,
    start_timecode: str | None,
    step: Callable[[float], None],
) -> None:
    """Put a mix under a picture whose packets are copied.

    Args:
        blocks: Of the mix, shape (2, samples) each, in order.
        video: Where the picture is from.
        path: Its end is one of `CONTAINERS`.
        start_timecode: Of the first frame.
        step: Is told the second that is reached; raises to stop.

    Raises:
        ExportError: If the picture cannot be copied.
        OSError: If the file cannot be written; PyAV's errors may come too.
    """
    import av

    container = CONTAINERS[path.suffix.lower()]
    with (
        open_video(video, limits=LIMITS) as opened,
        av.open(str(path), "w", format=container) as target,
    ):
        picture = target.add_stream_from_template(opened.stream, opaque=True)
        if start_timecode is not None:
            picture.metadata["timecode"] = start_timecode
        sound = _Sound(target, blocks)
        for packet, seconds in _copied(opened, picture):
            step(seconds)
            sound.write_until(seconds)
            _put(target, packet, opened)
        opened.raise_failure()
        sound.write_until(float("inf"))
        sound.finish()


def _put(target: OutputContainer, packet: Packet[VideoStream], opened: OpenVideo) -> None:
    import av

    try:
        target.mux(packet)
    except (av.ArgumentError, av.InvalidDataError) as error:  # no disk that is full
        raise ExportError(f"{opened.path}: holds broken packets: {NOT_COPIED}") from error


class _Sound:
    """AAC beside the picture, written as far as the picture has come."""

    def __init__(self, target: OutputContainer, blocks: Iterator[NDArray[np.float32]]) -> None:
        self._target = target
        self._stream = target.add_stream("aac", rate=SAMPLE_RATE)
        self._stream.codec_context.layout = "stereo"
        self._stream.codec_context.bit_rate = AAC_BITS_A_SECOND
        self._frames = (
            block[:, start : start + FRAME_SAMPLES]
            for block in blocks
            for start in range(0, block.shape[1], FRAME_SAMPLES)
        )
        self._written = 0

    def write_until(self, seconds: float) -> None:
        import av

        while self._written < seconds * SAMPLE_RATE:
            samples = next(self._frames, None)
            if samples is None:
                return
            frame = av.AudioFrame.from_ndarray(
                np.ascontiguousarray(np.clip(samples, -1.0, 1.0)), format="fltp", layout="stereo"
            )
            frame.sample_rate, frame.pts = SAMPLE_RATE, self._written
            frame.time_base = Fraction(1, SAMPLE_RATE)
            self._written += samples.shape[1]
            self._target.mux(self._stream.encode(frame))

    def finish(self) -> None:
        self._target.mux(self._stream.encode(None))


def _copied(opened: OpenVideo, picture: VideoStream) -> Iterator[tuple[Packet[VideoStream], float]]:
    """Packets of the picture, from 0 on, and when each is due in seconds.

    Args:
        opened: The video.
        picture: Where they go.

    Yields:
        Both.

    Raises:
        ExportError: If a packet does not say when it is shown.
    """
    source = opened.stream
    begins = source.start_time or 0
    for packet in opened.container.demux(source):
        if packet.size == 0:
            continue
        if packet.pts is None and packet.dts is not None and not source.codec_context.has_b_frames:
            packet.pts = packet.dts
        if packet.pts is None or packet.time_base is None:
            raise ExportError(f"{opened.path}: says not when packets are shown: {NOT_COPIED}")
        packet.pts -= begins
        if packet.dts is not None:
            packet.dts -= begins
        due = packet.pts if packet.dts is None else packet.dts
        seconds = max(0.0, float(due * packet.time_base))
        packet.stream = picture
        yield packet, seconds
