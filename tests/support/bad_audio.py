"""A corpus of files that are not, or not quite, audio: each with the error that it must give."""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from musiscene.audio.limits import AudioLimits
from musiscene.errors import (
    AudioError,
    AudioLimitError,
    AudioTimeoutError,
    CorruptAudioError,
    EmptyAudioError,
    SilentAudioError,
    UnreadableAudioError,
    UnsupportedAudioError,
)
from tests.support.audio import noise, silence, sine, write_audio, write_video

if TYPE_CHECKING:
    from collections.abc import Iterator

SECONDS = 3.0
SAMPLE_RATE = 44_100
JPEG_HEAD = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01"
PNG_HEAD = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"
ASF_CODEC_LIST = bytes.fromhex("4052d1861d31d011a3a400a0c90348f6")
ASF_CONTENT_ENCRYPTION = bytes.fromhex("fbb3112223bdd211b4b700a0c955fc6e")


class BadFile(msgspec.Struct, frozen=True):
    """One kind of bad file."""

    name: str
    """Of the case."""
    build: Callable[[Path], Path]
    """Makes it in an empty folder."""
    error: type[AudioError]
    """What reading it raises."""
    says: str
    """Part of the error's reason."""
    limits: AudioLimits = AudioLimits()
    """Under which it is read."""


def whole(folder: Path, suffix: str, codec: str | None = None) -> Path:
    """A good file of three seconds of noise."""
    waveform = noise(seconds=SECONDS, sample_rate=SAMPLE_RATE)
    return write_audio(
        folder / f"whole{suffix}",
        np.stack([waveform, waveform]),
        sample_rate=SAMPLE_RATE,
        codec=codec,
    )


def truncated(suffix: str, share: float) -> Callable[[Path], Path]:
    """The first `share` of a good file's bytes."""

    def build(folder: Path) -> Path:
        data = whole(folder, suffix).read_bytes()
        return _put(folder / f"truncated{suffix}", data[: int(share * len(data))])

    return build


def flip_bytes(data: bytes, *, share: float, seed: int, spare: int = 0) -> bytes:
    """`data` with a share of its bytes replaced at random, all but the first `spare`."""
    generator = np.random.default_rng(seed)
    array = np.frombuffer(data, dtype=np.uint8).copy()
    count = max(1, round(share * (array.size - spare)))
    places = generator.integers(spare, array.size, count)
    array[places] = generator.integers(0, 256, count)
    return array.tobytes()


def _put(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def _holding(name: str, data: bytes) -> Callable[[Path], Path]:
    return lambda folder: _put(folder / name, data)


def _replaced(suffix: str, old: bytes, new: bytes) -> Callable[[Path], Path]:
    def build(folder: Path) -> Path:
        data = whole(folder, suffix).read_bytes()
        assert old in data
        return _put(folder / f"replaced{suffix}", data.replace(old, new, 1))

    return build


def _flipped(suffix: str, share: float, spare: int) -> Callable[[Path], Path]:
    def build(folder: Path) -> Path:
        data = whole(folder, suffix).read_bytes()
        return _put(folder / f"flipped{suffix}", flip_bytes(data, share=share, seed=0, spare=spare))

    return build


def _wav(waveform: np.ndarray, sample_rate: int = SAMPLE_RATE) -> Callable[[Path], Path]:
    """A float WAV, so that every value arrives as it is."""
    samples = np.atleast_2d(waveform).astype("<f4")
    data = np.ascontiguousarray(samples.T).tobytes()
    channels = samples.shape[0]
    layout = struct.pack(
        "<HHIIHH", 3, channels, sample_rate, sample_rate * 4 * channels, 4 * channels, 32
    )
    chunks = b"WAVEfmt " + struct.pack("<I", len(layout)) + layout
    chunks += b"data" + struct.pack("<I", len(data)) + data
    return _holding("made.wav", b"RIFF" + struct.pack("<I", len(chunks)) + chunks)


def _directory(folder: Path) -> Path:
    (folder / "album.mp3").mkdir()
    return folder / "album.mp3"


def _dangling_link(folder: Path) -> Path:
    (folder / "link.mp3").symlink_to(folder / "gone.mp3")
    return folder / "link.mp3"


def _link_loop(folder: Path) -> Path:
    (folder / "loop.mp3").symlink_to(folder / "loop.mp3")
    return folder / "loop.mp3"


def _pipe(folder: Path) -> Path:
    os.mkfifo(folder / "pipe.wav")
    return folder / "pipe.wav"


def _device(folder: Path) -> Path:
    (folder / "zero.wav").symlink_to("/dev/zero")
    return folder / "zero.wav"


def _socket(folder: Path) -> Path:
    with socket.socket(socket.AF_UNIX) as listener:
        here = os.open(".", os.O_RDONLY)
        os.chdir(folder)  # a socket's whole path may have some hundred bytes only
        try:
            listener.bind("s.wav")
        finally:
            os.fchdir(here)
            os.close(here)
    return folder / "s.wav"


def _long_flac(folder: Path) -> Path:
    """Its header claims 2^36 - 1 samples, four hundred hours."""
    data = bytearray(whole(folder, ".flac").read_bytes())
    data[21] |= 0x0F
    data[22:26] = b"\xff\xff\xff\xff"
    return _put(folder / "long.flac", bytes(data))


def _long_wav(folder: Path) -> Path:
    """Its header claims one gigabyte of samples."""
    data = bytearray(whole(folder, ".wav").read_bytes())
    place = data.index(b"data") + 4
    data[place : place + 4] = struct.pack("<I", 1_000_000_000)
    return _put(folder / "long.wav", bytes(data))


def _wav_header(folder: Path) -> Path:
    data = whole(folder, ".wav").read_bytes()
    return _put(folder / "header.wav", data[: data.index(b"data") + 8])


def _silent_film(folder: Path) -> Path:
    return write_video(folder / "film.mp4", seconds=SECONDS)


def _opposite_channels(folder: Path) -> Path:
    tone = sine(440, seconds=SECONDS)
    return _wav(np.stack([tone, -tone]))(folder)


def _naming(name: str, template: str) -> Callable[[Path], Path]:
    """A file of text that names a good file beside it."""

    def build(folder: Path) -> Path:
        return _put(folder / name, template.format(file=whole(folder, ".wav")).encode())

    return build


_NAN = np.full(SAMPLE_RATE, np.nan)
_TONE = sine(440, seconds=SECONDS)
_HLS = "#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:3,\n{file}\n#EXT-X-ENDLIST\n"

BAD_FILES = (
    BadFile("missing", lambda folder: folder / "no.mp3", UnreadableAudioError, "no such file"),
    BadFile("directory", _directory, UnreadableAudioError, "is a directory"),
    BadFile("dangling link", _dangling_link, UnreadableAudioError, "is a link to nothing"),
    BadFile("link to itself", _link_loop, UnreadableAudioError, "cannot be opened"),
    BadFile("null in name", lambda folder: folder / "a\0b", UnreadableAudioError, "null byte"),
    BadFile("long name", lambda folder: folder / ("a" * 300), UnreadableAudioError, "too long"),
    BadFile("pipe", _pipe, UnreadableAudioError, "is a pipe, socket or device"),
    BadFile("endless device", _device, UnreadableAudioError, "is a pipe, socket or device"),
    BadFile("socket", _socket, UnreadableAudioError, "is a pipe, socket or device"),
    BadFile("no bytes", _holding("empty.mp3", b""), EmptyAudioError, "holds no bytes"),
    BadFile("text", _holding("t.mp3", b"la la la\n" * 999), UnsupportedAudioError, "is text"),
    BadFile("one byte", _holding("t.mp3", b"\xff"), UnsupportedAudioError, "no known format"),
    BadFile(
        "random bytes",
        _holding("r.mp3", np.random.default_rng(1).bytes(50_000)),
        UnsupportedAudioError,
        "no known format",
    ),
    BadFile("JPEG", _holding("j.mp3", JPEG_HEAD + bytes(999)), UnsupportedAudioError, "an image"),
    BadFile("PNG", _holding("p.mp3", PNG_HEAD + bytes(999)), UnsupportedAudioError, "an image"),
    BadFile("PDF", _holding("d.mp3", b"%PDF-1.7\n%%EOF"), UnsupportedAudioError, "a PDF"),
    BadFile("zip", _holding("z.mp3", b"PK\x03\x04" + bytes(99)), UnsupportedAudioError, "a zip"),
    BadFile("HLS", _naming("a.m3u8", _HLS), UnsupportedAudioError, "a playlist"),
    BadFile("HLS named MP3", _naming("a.mp3", _HLS), UnsupportedAudioError, "a playlist"),
    BadFile(
        "HLS after a comment", _naming("a.m3u8", "\n" + _HLS), UnsupportedAudioError, "is text"
    ),
    BadFile(
        "HLS of the web",
        _holding("a.m3u8", _HLS.format(file="http://127.0.0.1:9/a.ts").encode()),
        UnsupportedAudioError,
        "a playlist",
    ),
    BadFile(
        "ffconcat",
        _naming("a.mp3", "ffconcat version 1.0\nfile {file}\n"),
        UnsupportedAudioError,
        "a playlist",
    ),
    BadFile(
        "DASH",
        _naming(
            "a.mpd",
            '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" '
            'profiles="urn:mpeg:dash:profile:isoff-on-demand:2011"><Period><AdaptationSet>'
            "<Representation><BaseURL>{file}</BaseURL></Representation></AdaptationSet>"
            "</Period></MPD>",
        ),
        UnsupportedAudioError,
        "is text",
    ),
    BadFile(
        "SDP",
        _holding("a.sdp", b"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nm=audio 5004 RTP/AVP 0\n"),
        UnsupportedAudioError,
        "is text",
    ),
    BadFile("WAV header", _wav_header, CorruptAudioError, "ends after 0.0 s of the 3.0 s"),
    BadFile("FLAC header", _holding("h.flac", b"fLaC"), CorruptAudioError, "begins as FLAC"),
    BadFile("WAV of no samples", _wav(np.zeros(0)), EmptyAudioError, "holds no samples"),
    *(
        BadFile(
            f"{suffix} cut at {share:.0%}",
            truncated(suffix, share),
            CorruptAudioError,
            "ends after",
        )
        for suffix in (".wav", ".flac", ".mp3", ".aiff", ".mkv", ".webm")
        for share in (0.3, 0.6, 0.8)
    ),
    *(
        BadFile(f"{suffix} to 60%", truncated(suffix, 0.6), CorruptAudioError, "cut short")
        for suffix in (".m4a", ".mp4", ".mov")
    ),
    BadFile("FLAC in shreds", _flipped(".flac", 0.01, 100), CorruptAudioError, "are broken"),
    BadFile("FLAC of 400 h", _long_flac, AudioLimitError, "claims to last"),
    BadFile("WAV of 1 GB", _long_wav, CorruptAudioError, "ends after 3.0 s"),
    BadFile("DRM drms", _replaced(".m4a", b"mp4a", b"drms"), UnsupportedAudioError, "protected"),
    BadFile("DRM enca", _replaced(".m4a", b"mp4a", b"enca"), UnsupportedAudioError, "protected"),
    BadFile(
        "DRM wma",
        _replaced(".wma", ASF_CODEC_LIST, ASF_CONTENT_ENCRYPTION),
        UnsupportedAudioError,
        "protected",
    ),
    BadFile("silent film", _silent_film, UnsupportedAudioError, "no audio stream"),
    BadFile("NaN", _wav(_NAN), CorruptAudioError, "are not a number"),
    BadFile("infinite", _wav(_NAN * 0 + np.inf), CorruptAudioError, "infinite"),
    BadFile("absurdly loud", _wav(_TONE * 1e30), CorruptAudioError, "far beyond full scale"),
    BadFile("silence", _wav(silence(seconds=2)), SilentAudioError, "is silent"),
    BadFile("near silence", _wav(_TONE * 1e-4), SilentAudioError, "below -80 dBFS"),
    BadFile("opposite channels", _opposite_channels, SilentAudioError, "cancel each other"),
    BadFile("too short", _wav(sine(440, seconds=0.3)), AudioLimitError, "lasts 0.30 s"),
    BadFile(
        "too long",
        lambda folder: whole(folder, ".aac"),
        AudioLimitError,
        "longer than the limit of 2 s",
        AudioLimits(max_seconds=2),
    ),
    BadFile(
        "too long by its header",
        lambda folder: whole(folder, ".flac"),
        AudioLimitError,
        "claims to last 3 s",
        AudioLimits(max_seconds=2),
    ),
    BadFile(
        "too many bytes",
        lambda folder: whole(folder, ".wav"),
        AudioLimitError,
        "the limit is 1000",
        AudioLimits(max_bytes=1000),
    ),
    BadFile("33 channels", _wav(np.stack([_TONE] * 33)), AudioLimitError, "33 channels"),
    BadFile("1 kHz", _wav(_TONE, 1_000), AudioLimitError, "sample rate of 1000 Hz"),
    BadFile("768 kHz", _wav(_TONE, 768_000), AudioLimitError, "sample rate of 768000 Hz"),
    BadFile(
        "too slow",
        lambda folder: whole(folder, ".mp3"),
        AudioTimeoutError,
        "takes longer than 1e-09 s",
        AudioLimits(timeout_seconds=1e-9),
    ),
)


def mutations(data: bytes, *, count: int, seed: int) -> Iterator[bytes]:
    """`count` damaged copies: flipped, cut, with parts dropped, doubled or zeroed."""
    generator = np.random.default_rng(seed)
    for index in range(count):
        first, last = sorted(int(place) for place in generator.integers(0, len(data), 2))
        part = data[first:last]
        yield (
            flip_bytes(data, share=float(10 ** generator.uniform(-4, -1)), seed=index),
            flip_bytes(data[:200], share=0.05, seed=index) + data[200:],
            data[:last],
            data[:first] + data[last:],
            data[:last] + part + data[last:],
            data[:first] + bytes(len(part)) + data[last:],
        )[index % 6]
