"""Videos made with PyAV, whose cuts, fades and flashes are known to the frame."""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

import av
import numpy as np
from av.audio.stream import AudioStream
from av.video.stream import VideoStream

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from av.container import OutputContainer
    from numpy.typing import NDArray

Picture: TypeAlias = "NDArray[np.uint8]"
Look: TypeAlias = "Callable[[int, tuple[int, int]], Picture]"
"""Number of the frame within its shot, (width, height) -> RGB, shape (height, width, 3)."""
FAST = {
    "libx264": {"preset": "ultrafast"},
    "libx265": {"preset": "ultrafast", "x265-params": "log-level=none:pools=1"},
    "libvpx-vp9": {"deadline": "realtime", "cpu-used": "8"},
    "libsvtav1": {"preset": "12"},
}
PIXELS = {"prores_ks": "yuv422p10le", "mjpeg": "yuvj420p"}
SOUND_OF = {".webm": "libopus", ".avi": "pcm_s16le"}
SOUND_RATE = 48_000
FINE_TICK = Fraction(1, 90_000)


class MadeShot(NamedTuple):
    """One shot that is to be made."""

    look: Look
    frames: int
    begins: Literal["cut", "fade", "dissolve"] = "cut"
    """How it takes over from the shot before: by a cut, through black, or mixed with it."""
    over: int = 12
    """Frames that each side of a fade, or a whole dissolve, takes."""
    flashes: tuple[int, ...] = ()
    """Frames of the shot that are turned white."""


class Start(NamedTuple):
    """Where a shot begins in the finished video."""

    frame: int
    """For a dissolve, its middle."""
    begins: Literal["cut", "fade", "dissolve"]


@dataclass(frozen=True)
class MadeVideo:
    """A file and the truth about it."""

    path: Path
    frames: int
    starts: tuple[Start, ...]
    """Of every shot but the first."""
    rate: Fraction = field(default=Fraction(25))

    @property
    def cuts(self) -> list[int]:
        """Frames at which a shot begins with a hard cut."""
        return [start.frame for start in self.starts if start.begins == "cut"]


def write_video(  # noqa: PLR0913 - each is a thing that a file may have or lack
    path: Path,
    shots: Sequence[MadeShot],
    *,
    rate: Fraction = Fraction(25),
    size: tuple[int, int] = (320, 180),
    codec: str = "libx264",
    audio: NDArray[np.float32] | None = None,
    sound_rate: int = SOUND_RATE,
    seconds: Sequence[float] | None = None,
    rotation: int = 0,
    pixel_aspect: Fraction | None = None,
    timecode: str | None = None,
    more_pictures: int = 0,
    more_sounds: int = 0,
    noise: float = 0.0,
    seed: int = 0,
    options: dict[str, str] | None = None,
) -> MadeVideo:
    """Make a video; the suffix of `path` chooses the container.

    `audio` is mono (samples,) or (samples, channels), -1 to 1; `seconds` are the times of the
    frames where they are not to come at `rate`; `rotation` is what a player turns the picture by,
    clockwise; `noise` is the standard deviation of a noise over every frame, in levels.
    """
    pictures, starts = render(shots, size=size)
    count = sum(shot.frames - (shot.over if shot.begins == "dissolve" else 0) for shot in shots)
    os.environ["SVT_LOG"] = "1"  # errors alone
    tick = 1 / rate if seconds is None else FINE_TICK
    with as_scheduled_before(), av.open(str(path), "w") as container:
        streams = [
            _picture_stream(container, codec, rate, size, options, tick=tick)
            for _ in range(1 + more_pictures)
        ]
        picture = streams[0]
        if pixel_aspect is not None:
            picture.sample_aspect_ratio = picture.codec_context.sample_aspect_ratio = pixel_aspect
        if rotation:
            picture.set_display_rotation(-rotation)
        if timecode is not None:
            picture.metadata["timecode"] = timecode
        sounds = [
            _sound_stream(container, path, audio, sound_rate)
            for _ in range(0 if audio is None else 1 + more_sounds)
        ]
        grain = np.random.default_rng(seed)
        for number, rgb in enumerate(pictures):
            frame = av.VideoFrame.from_ndarray(_noisy(rgb, noise, grain), format="rgb24")
            at = number / rate if seconds is None else Fraction(seconds[number])
            frame.time_base = tick
            frame.pts = round(at / tick)
            for stream in streams:
                container.mux(stream.encode(frame))
        for stream in streams:
            container.mux(stream.encode(None))
        if audio is not None:
            for sound in sounds:
                _write_sound(container, sound, audio, sound_rate)
    return MadeVideo(path, count, tuple(starts), rate)


@contextmanager
def as_scheduled_before() -> Iterator[None]:
    """Leave the thread with the scheduling that it had.

    SVT-AV1 gives whoever encodes as root the highest real-time priority and does not take it back;
    every process that is started then, such as a browser, would have it too.
    """
    if not hasattr(os, "sched_getscheduler"):
        yield
        return
    policy, priority = os.sched_getscheduler(0), os.sched_getparam(0)
    try:
        yield
    finally:
        os.sched_setscheduler(0, policy, priority)


def render(
    shots: Sequence[MadeShot], *, size: tuple[int, int]
) -> tuple[Iterator[Picture], list[Start]]:
    """The pictures of all shots in order, and where each but the first begins."""
    starts: list[Start] = []
    at = shots[0].frames
    for shot in shots[1:]:
        at -= shot.over if shot.begins == "dissolve" else 0
        middle = shot.over // 2 if shot.begins == "dissolve" else 0
        starts.append(Start(at + middle, shot.begins))
        at += shot.frames
    return _pictures(shots, size), starts


def _pictures(shots: Sequence[MadeShot], size: tuple[int, int]) -> Iterator[Picture]:
    held: list[Picture] = []
    for place, shot in enumerate(shots):
        after = shots[place + 1] if place + 1 < len(shots) else None
        fades_out = after.over if after is not None and after.begins == "fade" else 0
        keeps = after.over if after is not None and after.begins == "dissolve" else 0
        kept: list[Picture] = []
        for number in range(shot.frames):
            rgb = shot.look(number, size)
            if number in shot.flashes:
                rgb = np.full_like(rgb, 250)
            if shot.begins == "dissolve" and number < shot.over:
                rgb = _mixed(held[number], rgb, (number + 1) / (shot.over + 1))
            if shot.begins == "fade" and place and number < shot.over:
                rgb = _mixed(np.zeros_like(rgb), rgb, (number + 0.5) / shot.over)
            left = shot.frames - 1 - number
            if left < fades_out:
                rgb = _mixed(np.zeros_like(rgb), rgb, left / fades_out)
            if left < keeps:
                kept.append(rgb)
            else:
                yield rgb
        held = kept


def plain(colour: tuple[int, int, int]) -> Look:
    """One colour all over."""

    def look(_number: int, size: tuple[int, int]) -> Picture:
        return np.full((size[1], size[0], 3), colour, dtype=np.uint8)

    return look


def gradient(first: tuple[int, int, int], second: tuple[int, int, int]) -> Look:
    """From one colour at the left to another at the right."""

    def look(_number: int, size: tuple[int, int]) -> Picture:
        share = np.linspace(0.0, 1.0, size[0])[None, :, None]
        row = (1 - share) * np.array(first) + share * np.array(second)
        return np.repeat(row, size[1], axis=0).astype(np.uint8)

    return look


def texture(seed: int, *, speed: float = 0.0, detail: int = 9) -> Look:
    """Soft patches of colours of their own, moving `speed` widths of the picture a frame."""
    generator = np.random.default_rng(seed)
    base = generator.uniform(40, 215, 3)
    patches = np.clip(base + generator.normal(0, 55, (detail, 2 * detail, 3)), 0, 255)
    angle = generator.uniform(0, 2 * np.pi)
    patches = np.concatenate([patches, patches[:, :1]], axis=1)

    def look(number: int, size: tuple[int, int]) -> Picture:
        width, height = size
        span = patches.shape[1] - 1
        xs = (np.arange(width) / width * detail + number * speed * detail * np.cos(angle)) % span
        ys = np.abs((np.arange(height) / height + number * speed * np.sin(angle)) % 2 - 1)
        return _smooth(patches, ys * (detail - 1), xs)

    return look


def shapes(seed: int, *, speed: float = 0.01, count: int = 5) -> Look:
    """Boxes that move over a plain ground, `speed` widths a frame."""
    generator = np.random.default_rng(seed)
    ground = generator.uniform(20, 235, 3)
    colours = generator.uniform(0, 255, (count, 3))
    places = generator.uniform(0, 1, (count, 2))
    ways = generator.normal(0, 1, (count, 2))
    ways *= speed / np.linalg.norm(ways, axis=1, keepdims=True)
    sides = generator.uniform(0.1, 0.3, count)

    def look(number: int, size: tuple[int, int]) -> Picture:
        width, height = size
        rgb = np.empty((height, width, 3), dtype=np.uint8)
        rgb[:] = ground
        for place, way, side, colour in zip(places, ways, sides, colours, strict=True):
            x, y = 1 - np.abs((place + number * way) % 2 - 1)
            left, top = int(x * (1 - side) * width), int(y * (1 - side) * height)
            rgb[top : top + int(side * height) + 1, left : left + int(side * width) + 1] = colour
        return rgb

    return look


def _smooth(
    patches: NDArray[np.float64], ys: NDArray[np.float64], xs: NDArray[np.float64]
) -> Picture:
    rows, columns = ys.astype(int), xs.astype(int)
    down, right = (ys - rows)[:, None, None], (xs - columns)[None, :, None]
    below = np.minimum(rows + 1, len(patches) - 1)
    upper = patches[rows]
    lower = patches[below]
    grid = (1 - down) * upper + down * lower
    mixed = (1 - right) * grid[:, columns] + right * grid[:, columns + 1]
    return np.asarray(mixed, dtype=np.uint8)


def _mixed(old: Picture, new: Picture, share: float) -> Picture:
    return np.rint((1 - share) * old.astype(np.float32) + share * new).astype(np.uint8)


def _noisy(rgb: Picture, noise: float, generator: np.random.Generator) -> Picture:
    if not noise:
        return np.ascontiguousarray(rgb)
    grain = generator.normal(0, noise, rgb.shape)
    return np.clip(rgb + grain, 0, 255).astype(np.uint8)


def _picture_stream(
    container: OutputContainer,
    codec: str,
    rate: Fraction,
    size: tuple[int, int],
    options: dict[str, str] | None,
    *,
    tick: Fraction,
) -> VideoStream:
    chosen = {**FAST.get(codec, {}), **(options or {})}
    stream = container.add_stream(codec, rate=rate, options=chosen)
    if not isinstance(stream, VideoStream):
        raise TypeError(codec)
    stream.width, stream.height = size
    is_odd = size[0] % 2 or size[1] % 2
    stream.pix_fmt = PIXELS.get(codec, "yuv444p" if is_odd else "yuv420p")
    stream.codec_context.thread_count = 1
    stream.codec_context.time_base = tick
    return stream


def _sound_stream(
    container: OutputContainer, path: Path, audio: NDArray[np.float32] | None, rate: int
) -> AudioStream:
    mono = audio is None or audio.ndim == 1
    layout = "mono" if mono else "stereo"
    codec = SOUND_OF.get(path.suffix, "aac")
    stream = container.add_stream(codec, rate=rate, layout=layout)
    if not isinstance(stream, AudioStream):
        raise TypeError(codec)
    return stream


def _write_sound(
    container: OutputContainer, stream: AudioStream, audio: NDArray[np.float32], rate: int
) -> None:
    samples = audio[None, :] if audio.ndim == 1 else np.ascontiguousarray(audio.T)
    layout = "mono" if audio.ndim == 1 else "stereo"
    for start in range(0, samples.shape[1], rate):
        part = np.ascontiguousarray(samples[:, start : start + rate], dtype=np.float32)
        frame = av.AudioFrame.from_ndarray(part, format="fltp", layout=layout)
        frame.sample_rate, frame.pts, frame.time_base = rate, start, Fraction(1, rate)
        container.mux(stream.encode(frame))
    container.mux(stream.encode(None))
