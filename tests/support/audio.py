"""Made audio: signals with a known pitch, tempo and loudness, and writers for every format."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, cast

import av
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from av.audio.stream import AudioStream
    from av.container import OutputContainer
    from av.video.stream import VideoStream
    from numpy.typing import NDArray

CODEC_OF_SUFFIX = {
    ".aac": "aac",
    ".ac3": "ac3",
    ".aiff": "pcm_s16be",
    ".caf": "pcm_s16le",
    ".flac": "flac",
    ".m4a": "aac",
    ".mka": "flac",
    ".mkv": "flac",
    ".mov": "aac",
    ".mp3": "libmp3lame",
    ".mp4": "aac",
    ".ogg": "vorbis",
    ".opus": "libopus",
    ".wav": "pcm_s16le",
    ".webm": "libopus",
    ".wma": "wmav2",
    ".wv": "wavpack",
}
LAYOUT_OF_CHANNELS = {1: "mono", 2: "stereo", 6: "5.1", 8: "7.1"}
BLOCK_SAMPLES = 4096


def sine(
    hertz: float, *, seconds: float, sample_rate: int = 44_100, amplitude: float = 0.5
) -> NDArray[np.float32]:
    """A pure tone, shape (samples,)."""
    phase = 2 * np.pi * hertz * np.arange(round(seconds * sample_rate)) / sample_rate
    return (amplitude * np.sin(phase)).astype(np.float32)


def noise(
    *, seconds: float, sample_rate: int = 44_100, amplitude: float = 0.1, seed: int = 0
) -> NDArray[np.float32]:
    """White noise of the given RMS, clipped to full scale, shape (samples,)."""
    samples = np.random.default_rng(seed).normal(0, amplitude, round(seconds * sample_rate))
    return np.clip(samples, -1, 1).astype(np.float32)


def silence(*, seconds: float, sample_rate: int = 44_100) -> NDArray[np.float32]:
    """Zeros, shape (samples,)."""
    return np.zeros(round(seconds * sample_rate), dtype=np.float32)


def click_track(
    *, bpm: float, seconds: float, sample_rate: int = 44_100, accent_every: int = 4
) -> NDArray[np.float32]:
    """Decaying 1 kHz clicks, one a beat from 0 s, each `accent_every`-th louder and higher."""
    track = silence(seconds=seconds, sample_rate=sample_rate)
    click_seconds = np.arange(round(0.05 * sample_rate)) / sample_rate
    for beat, start in enumerate(np.arange(0, seconds, 60 / bpm)):
        is_accent = beat % accent_every == 0
        tone = np.sin(2 * np.pi * (1500 if is_accent else 1000) * click_seconds)
        click = (0.9 if is_accent else 0.6) * tone * np.exp(-80 * click_seconds)
        first = round(start * sample_rate)
        room = track[first : first + click.size]
        room += click[: room.size].astype(np.float32)
    return track


def write_audio(
    path: Path,
    waveform: NDArray[np.float32],
    *,
    sample_rate: int,
    codec: str | None = None,
    metadata: Mapping[str, str] | None = None,
    bit_rate: int = 128_000,
    cover: bool = False,
) -> Path:
    """Encode a waveform, float32 in [-1, 1], shape (samples,) or (channels, samples).

    `cover` attaches a small picture, as music files carry them (MP3 and FLAC).

    The suffix chooses the container, and the codec where none is named. A codec that knows not the
    sample rate gets 48 kHz (Opus). FFmpeg's Vorbis encoder is stereo only: mono is doubled for it.
    """
    with av.open(str(path), "w") as container:
        container.metadata.update(metadata or {})
        stream = _add_audio(container, path, np.atleast_2d(waveform), sample_rate, codec)
        stream.bit_rate = bit_rate
        if cover:
            _mux_cover(container)
        _mux_audio(container, stream, np.atleast_2d(waveform), sample_rate)
    return path


def write_video(
    path: Path,
    *tracks: NDArray[np.float32],
    seconds: float,
    sample_rate: int = 48_000,
    codec: str | None = None,
) -> Path:
    """Encode a small moving picture with any number of audio tracks (none: a silent film)."""
    with av.open(str(path), "w") as container:
        video_codec = "libvpx" if path.suffix == ".webm" else "mpeg4"
        video = cast("VideoStream", container.add_stream(video_codec, rate=10))
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        waveforms = [np.atleast_2d(track) for track in tracks]
        streams = [_add_audio(container, path, each, sample_rate, codec) for each in waveforms]
        for index in range(round(seconds * 10)):
            pixels = np.full((48, 64, 3), (index * 7) % 256, dtype=np.uint8)
            container.mux(video.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(video.encode(None))
        for stream, waveform in zip(streams, waveforms, strict=True):
            _mux_audio(container, stream, waveform, sample_rate)
    return path


def remux(source: Path, target: Path, *, metadata: Mapping[str, str] | None = None) -> Path:
    """Copy the audio packets of `source` into another container, or another set of tags."""
    with av.open(str(source)) as reader, av.open(str(target), "w") as writer:
        writer.metadata.update(metadata or {})
        stream = reader.streams.audio[0]
        copy = writer.add_stream_from_template(stream)
        for packet in reader.demux(stream):
            if packet.dts is not None:
                packet.stream = copy
                writer.mux(packet)
    return target


def dominant_hertz(waveform: NDArray[np.float32], *, sample_rate: int) -> float:
    """The frequency of the strongest spectral line, Hann window, shape (samples,)."""
    spectrum = np.abs(np.fft.rfft(waveform * np.hanning(waveform.size)))
    return float(np.argmax(spectrum) * sample_rate / waveform.size)


def _add_audio(
    container: OutputContainer,
    path: Path,
    waveform: NDArray[np.float32],
    sample_rate: int,
    codec_name: str | None,
) -> AudioStream:
    name = codec_name or CODEC_OF_SUFFIX[path.suffix.lower()]
    codec = av.codec.Codec(name, "w")
    known_rates = codec.audio_rates or [sample_rate]
    options = {"strict": "experimental"} if codec.experimental else {}
    channels = 2 if name == "vorbis" and waveform.shape[0] == 1 else waveform.shape[0]
    stream = container.add_stream(
        name,
        rate=sample_rate if sample_rate in known_rates else 48_000,
        options=options,
        layout=LAYOUT_OF_CHANNELS.get(channels, f"{channels}C"),
    )
    return cast("AudioStream", stream)


def _audio_frames(
    stream: AudioStream, waveform: NDArray[np.float32], sample_rate: int
) -> Iterator[av.AudioFrame | None]:
    if stream.layout.nb_channels != waveform.shape[0]:
        waveform = np.repeat(waveform, stream.layout.nb_channels, axis=0)
    resampler = av.AudioResampler(
        format=stream.format,
        layout=stream.layout,
        rate=stream.rate,
        frame_size=stream.codec_context.frame_size or None,
    )
    for first in range(0, waveform.shape[1], BLOCK_SAMPLES):
        block = np.ascontiguousarray(waveform[:, first : first + BLOCK_SAMPLES])
        frame = av.AudioFrame.from_ndarray(block, format="fltp", layout=stream.layout)
        frame.sample_rate = sample_rate
        frame.pts = first
        frame.time_base = Fraction(1, sample_rate)
        yield from resampler.resample(frame)
    yield from resampler.resample(None)
    yield None


def _mux_audio(
    container: OutputContainer,
    stream: AudioStream,
    waveform: NDArray[np.float32],
    sample_rate: int,
) -> None:
    for frame in _audio_frames(stream, waveform, sample_rate):
        container.mux(stream.encode(frame))


def _mux_cover(container: OutputContainer) -> None:
    picture = container.add_stream("mjpeg", rate=1)
    picture.width, picture.height, picture.pix_fmt = 64, 64, "yuvj420p"
    picture.disposition = av.stream.Disposition.attached_pic
    pixels = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    container.mux(picture.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
    container.mux(picture.encode(None))


def write_chapters(
    path: Path,
    waveform: NDArray[np.float32],
    chapters: Sequence[tuple[float, str | None]],
    *,
    sample_rate: int = 44_100,
    metadata: Mapping[str, str] | None = None,
) -> Path:
    """Encode a waveform with chapters, each a start in seconds and a title.

    In Ogg and FLAC they are tags, as their programs write them.
    """
    waveform = np.atleast_2d(waveform)
    with av.open(str(path), "w") as container:
        container.metadata.update(metadata or {})
        if path.suffix in {".ogg", ".opus", ".flac"}:
            for number, (start, title) in enumerate(chapters, start=1):
                clock = f"{start // 3600:02.0f}:{start // 60 % 60:02.0f}:{start % 60:06.3f}"
                container.metadata[f"CHAPTER{number:03}"] = clock
                container.metadata[f"CHAPTER{number:03}NAME"] = title or ""
        else:
            ends = [start for start, _ in chapters[1:]] + [chapters[-1][0] + 1]
            container.set_chapters(
                [
                    {
                        "id": number,
                        "start": round(start * 1000),
                        "end": round(end * 1000),
                        "time_base": Fraction(1, 1000),
                        "metadata": {} if title is None else {"title": title},
                    }
                    for number, ((start, title), end) in enumerate(zip(chapters, ends, strict=True))
                ]
            )
        stream = _add_audio(container, path, waveform, sample_rate, None)
        _mux_audio(container, stream, waveform, sample_rate)
    return path
