"""What raters hear and see, made alike: one length, one loudness, names that tell nothing."""

from __future__ import annotations

import secrets
import shutil
from hashlib import file_digest
from typing import TYPE_CHECKING, Final

import numpy as np

from musiscene.errors import SilentAudioError, StudyError
from musiscene.study.design import Check, Stimulus

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from musiscene.study.design import Plan

SAMPLE_RATE: Final = 48_000
FADE_SECONDS: Final = 0.05
STEREO: Final = 2
MOST_TONES: Final = 5
TONE_SECONDS: Final = 0.35
GAP_SECONDS: Final = 0.5
TONE_HERTZ: Final = 523.25
SUFFIX: Final = ".flac"
"""Without loss, and played by every browser."""
PICTURES: Final = frozenset({".jpg", ".jpeg", ".png", ".webp"})
VIDEOS: Final = {"h264": ".mp4", "av1": ".mp4", "vp8": ".webm", "vp9": ".webm"}
"""Codecs that browsers play, and what they are put into."""


def new_token() -> str:
    """A name that nobody can guess and that tells nothing; 128 bits."""
    return secrets.token_hex(16)


def make_stimulus(source: Path, folder: Path, plan: Plan, *, system: str, item: str) -> Stimulus:
    """Make the file that raters hear.

    Args:
        source: Any audio or video file; its beginning is taken.
        folder: Of the stimuli.
        plan: Length and loudness.
        system: Who made it.
        item: What it is played for.

    Returns:
        The stimulus.

    Raises:
        AudioError: If the source cannot be heard.
        SilentAudioError: If its beginning is silent.
    """
    from musiscene.audio.read import read_audio
    from musiscene.errors import GenerationError
    from musiscene.generate.mastering import to_loudness

    stereo = _read_stereo(source, plan.excerpt_seconds)
    try:
        levelled = to_loudness(stereo, sample_rate=SAMPLE_RATE, target_lufs=plan.loudness_lufs)
    except GenerationError as error:
        raise SilentAudioError(source, "is silent where raters would hear it") from error
    token = new_token()
    path = folder / f"{token}{SUFFIX}"
    _write(_faded(levelled), path)
    heard = read_audio(path, sample_rate=SAMPLE_RATE)
    return Stimulus(
        token=token,
        system=system,
        item=item,
        source=source.name,
        sha256=sha256_of(path),
        seconds=round(levelled.shape[1] / SAMPLE_RATE, 3),
        loudness_lufs=None if heard.loudness_lufs is None else round(heard.loudness_lufs, 2),
    )


def make_check(tones: int, folder: Path, plan: Plan) -> Check:
    """Make some tones to be counted.

    Args:
        tones: How many.
        folder: Of the stimuli.
        plan: The loudness.

    Returns:
        The check.
    """
    from musiscene.generate.mastering import to_loudness

    time = np.arange(round(TONE_SECONDS * SAMPLE_RATE)) / SAMPLE_RATE
    tone = 0.25 * np.sin(2 * np.pi * TONE_HERTZ * time) * np.sin(np.pi * time / TONE_SECONDS)
    gap = np.zeros(round(GAP_SECONDS * SAMPLE_RATE))
    mono = np.concatenate([gap, *[part for _ in range(tones) for part in (tone, gap)]])
    stereo = np.stack([mono, mono]).astype(np.float32)
    token = new_token()
    levelled = to_loudness(stereo, sample_rate=SAMPLE_RATE, target_lufs=plan.loudness_lufs)
    _write(levelled, folder / f"{token}{SUFFIX}")
    return Check(token=token, tones=tones)


def make_media(source: Path, folder: Path) -> tuple[str, str]:
    """Put a video without its sound, or a picture, beside the stimuli.

    Args:
        source: Of the item.
        folder: Of the stimuli.

    Returns:
        Its name there and its SHA-256.

    Raises:
        StudyError: If browsers could not show it.
    """
    if source.suffix.lower() in PICTURES:
        path = folder / f"{new_token()}{source.suffix.lower()}"
        try:
            shutil.copyfile(source, path)
        except OSError as error:
            raise StudyError(f"{source}: cannot be read ({error.strerror})") from error
    else:
        path = _silent_video(source, folder)
    return path.name, sha256_of(path)


def sha256_of(path: Path) -> str:
    """Of a file, in hex."""
    with path.open("rb") as opened:
        return file_digest(opened, "sha256").hexdigest()


def _read_stereo(source: Path, seconds: float) -> NDArray[np.float32]:
    """The beginning of a file at `SAMPLE_RATE`.

    Args:
        source: The file.
        seconds: So much of it.

    Returns:
        Shape (2, samples).

    Raises:
        AudioError: If it cannot be decoded.
        EmptyAudioError: If there is nothing in it.
    """
    import soxr

    from musiscene.audio.container import open_audio
    from musiscene.audio.decode import PacketDecoder
    from musiscene.audio.read import DEFAULT_LIMITS
    from musiscene.errors import EmptyAudioError

    pieces: list[tuple[int, NDArray[np.float32]]] = []
    length = 0.0
    with open_audio(source, limits=DEFAULT_LIMITS) as opened:
        for block in PacketDecoder(source, opened, DEFAULT_LIMITS).blocks():
            samples = block.samples
            if len(samples) != STEREO:
                samples = np.repeat(samples.mean(axis=0, keepdims=True), STEREO, axis=0)
            if pieces and pieces[-1][0] == block.sample_rate:
                pieces[-1] = (block.sample_rate, np.concatenate([pieces[-1][1], samples], axis=1))
            else:
                pieces.append((block.sample_rate, samples))
            length += samples.shape[1] / block.sample_rate
            if length > seconds:
                break
    if not pieces:
        raise EmptyAudioError(source, "holds no samples")
    resampled = [
        samples if rate == SAMPLE_RATE else soxr.resample(samples.T, rate, SAMPLE_RATE).T
        for rate, samples in pieces
    ]
    whole = np.concatenate(resampled, axis=1).astype(np.float32)
    return np.ascontiguousarray(whole[:, : round(seconds * SAMPLE_RATE)])


def _faded(stereo: NDArray[np.float32]) -> NDArray[np.float32]:
    length = min(round(FADE_SECONDS * SAMPLE_RATE), stereo.shape[1] // 2)
    ramp = np.linspace(0.0, 1.0, length, dtype=np.float32)
    faded = stereo.copy()
    faded[:, :length] *= ramp
    faded[:, faded.shape[1] - length :] *= ramp[::-1]
    return faded


def _write(stereo: NDArray[np.float32], path: Path) -> None:
    import av

    from musiscene.generate.files import encode_audio

    try:
        encode_audio(stereo, path, sample_rate=SAMPLE_RATE, tags={})
    except (OSError, av.FFmpegError) as error:
        raise StudyError(f"{path}: cannot be written ({error})") from error


def _silent_video(source: Path, folder: Path) -> Path:
    import av

    try:
        with av.open(str(source)) as read:
            stream = next(iter(read.streams.video), None)
            codec = stream.codec_context.codec.canonical_name if stream is not None else "nothing"
            if stream is None or codec not in VIDEOS:
                raise StudyError(
                    f"{source}: browsers show {', '.join(VIDEOS)}, not {codec}; convert it first: "
                    f"ffmpeg -i {source.name} -c:v libx264 -pix_fmt yuv420p NEW.mp4"
                )
            path = folder / f"{new_token()}{VIDEOS[codec]}"
            with av.open(str(path), "w") as written:
                kept = written.add_stream_from_template(stream)
                for packet in read.demux(stream):
                    if packet.dts is not None:
                        packet.stream = kept
                        written.mux(packet)
    except (OSError, av.FFmpegError) as error:
        raise StudyError(f"{source}: cannot be used as a video ({error})") from error
    return path


def verify(folder: Path, hashes: dict[str, str]) -> None:
    """See that the files are still what they were when the study was made.

    Args:
        folder: Of the stimuli.
        hashes: Name -> SHA-256.

    Raises:
        StudyError: If one is missing or another.
    """
    for name, wanted in hashes.items():
        path = folder / name
        if not path.is_file() or sha256_of(path) != wanted:
            raise StudyError(f"{path}: is missing or not as it was; make the study anew")


def hashes_of(stimuli: tuple[Stimulus, ...], media: dict[str, str]) -> dict[str, str]:
    """Name -> SHA-256 of all files of a study but its checks."""
    return {f"{one.token}{SUFFIX}": one.sha256 for one in stimuli} | media
