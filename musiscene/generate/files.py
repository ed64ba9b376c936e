"""Generated music -> a file with its licence in the tags, and its provenance beside it."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING, Final, cast

import msgspec
import numpy as np

from musiscene.errors import GenerationError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from av.audio.stream import AudioStream
    from numpy.typing import NDArray

    from musiscene.generate.protocol import GeneratedMusic

CODECS: Final = {".flac": ("flac", "s16"), ".wav": ("pcm_s16le", "s16"), ".mp3": ("mp3", "s16p")}
"""By the end of a file's name: encoder and sample format."""
BLOCK_SAMPLES: Final = 4_096


def check_suffix(path: Path) -> None:
    """See that a file can be written as its name says.

    Args:
        path: The file.

    Raises:
        GenerationError: If no encoder belongs to the name.
    """
    if path.suffix.lower() not in CODECS:
        raise GenerationError(f"{path}: the name must end with {', '.join(CODECS)}")


def write_music(music: GeneratedMusic, path: Path, *, title: str) -> None:
    """Write a file, whole or not at all.

    Args:
        music: What was made.
        path: Where to; its end says how.
        title: For the tags.

    Raises:
        GenerationError: If the name says no format, or the file cannot be written.
    """
    import av

    check_suffix(path)
    partial = path.with_name(f".{path.stem}.part{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        made = music.provenance
        tags = {
            "title": title,
            "artist": f"MusiScene {made.backend}",
            "license": made.licence_line,
            "copyright": made.licence_line,  # WAV has no tag for a licence
            "comment": made.prompt,
            "encoded_by": f"MusiScene {made.backend}, {made.model}, seed {made.seed}",
        }
        encode_audio(music.waveform, partial, sample_rate=music.sample_rate, tags=tags)
        os.replace(partial, path)  # noqa: PTH105  in one step
    except (OSError, av.FFmpegError) as error:
        with suppress(OSError):
            partial.unlink()
        raise GenerationError(f"{path}: cannot be written ({error})") from error


def sidecar_of(path: Path) -> Path:
    """Where the provenance of a file lies."""
    return path.with_name(f"{path.name}.json")


def write_sidecar(music: GeneratedMusic, path: Path) -> Path:
    """Write the provenance beside a file.

    Args:
        music: What was made.
        path: Of the music.

    Returns:
        The file that was written.

    Raises:
        GenerationError: If it cannot be written.
    """
    sidecar = sidecar_of(path)
    try:
        sidecar.write_bytes(msgspec.json.format(msgspec.json.encode(music.provenance), indent=2))
    except OSError as error:
        raise GenerationError(f"{sidecar}: cannot be written ({error.strerror})") from error
    return sidecar


def encode_audio(
    waveform: NDArray[np.float32], path: Path, *, sample_rate: int, tags: Mapping[str, str]
) -> None:
    """Write samples of 16 bits into a file, as its name says.

    Args:
        waveform: In [-1, 1], one or two channels, shape (channels, samples).
        path: Its end is one of `CODECS`.
        sample_rate: In Hz.
        tags: Of the file.

    Raises:
        OSError: If the file cannot be written; PyAV's errors may come too.
    """
    encode_blocks([waveform], path, sample_rate=sample_rate, channels=len(waveform), tags=tags)


def encode_blocks(
    blocks: Iterable[NDArray[np.float32]],
    path: Path,
    *,
    sample_rate: int,
    channels: int,
    tags: Mapping[str, str],
) -> None:
    """Write samples of 16 bits, of which one block at a time is held, into a file.

    Args:
        blocks: In [-1, 1], in order, each of shape (channels, samples).
        path: Its end is one of `CODECS`.
        sample_rate: In Hz.
        channels: One or two.
        tags: Of the file.

    Raises:
        OSError: If the file cannot be written; PyAV's errors may come too.
    """
    import av

    codec, sample_format = CODECS[path.suffix.lower()]
    layout = "stereo" if channels > 1 else "mono"
    with av.open(str(path), "w") as container:
        container.metadata.update(tags)
        stream = cast("AudioStream", container.add_stream(codec, rate=sample_rate))
        stream.codec_context.format = av.AudioFormat(sample_format)
        stream.codec_context.layout = layout
        written = 0
        for block in _of_16_bits(blocks):
            if sample_format == "s16":  # both channels in one plane
                block = np.ascontiguousarray(block.T).reshape(1, -1)  # noqa: PLW2901
            frame = av.AudioFrame.from_ndarray(block, format=sample_format, layout=layout)
            frame.sample_rate, frame.pts = sample_rate, written
            written += frame.samples
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def _of_16_bits(blocks: Iterable[NDArray[np.float32]]) -> Iterator[NDArray[np.int16]]:
    for block in blocks:
        for start in range(0, block.shape[1], BLOCK_SAMPLES):
            some = np.clip(block[:, start : start + BLOCK_SAMPLES], -1.0, 1.0)
            yield np.ascontiguousarray((some * 32_767).round().astype(np.int16))
