"""More than a hundred files that are no videos, or broken ones, or lie about themselves."""

from __future__ import annotations

import os
import struct
import zipfile
from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

import av
import numpy as np
from av.audio.stream import AudioStream
from av.video.stream import VideoStream

from tests.support.audio import sine, write_audio
from tests.support.video import MadeShot, plain, shapes, texture, write_video

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

SIZE = (96, 54)
CONTAINERS = {
    ".mp4": "libx264",
    ".mov": "prores_ks",
    ".mkv": "libx265",
    ".webm": "libvpx-vp9",
    ".avi": "mjpeg",
    ".ts": "libx264",
}
CUTS = (0.02, 0.1, 0.25, 0.4)
"""Shares of a file that are left; from a half on a player shows what there is."""
ATOMS = (b"stts", b"stsz", b"stsc", b"stco", b"stsd", b"mdhd", b"mvhd", b"tkhd", b"avcC")
WITHOUT_INDEX = (".avi", ".ts")
"""Written so that what is there can be played, however much is missing."""
TARGET = "the-file-beside"


class Hostile(NamedTuple):
    """One file, or what stands in place of one."""

    path: Path
    may_play: bool = False
    """Whether a good reader may find a video in it: it must only not hang, crash or follow."""


def write_hostile(folder: Path) -> list[Hostile]:
    """Make them all below a folder that exists."""
    made = [*_no_files(folder), *_not_videos(folder), *_playlists(folder)]
    sources = {
        suffix: _source(folder / f"whole{suffix}", codec).read_bytes()
        for suffix, codec in CONTAINERS.items()
    }
    for suffix, data in sources.items():
        has_index = suffix not in WITHOUT_INDEX
        made += [Hostile(path, not has_index) for path in _truncated(folder, suffix, data)]
        made += _bent(folder, suffix, data)
        (folder / f"whole{suffix}").unlink()
    return [*made, *_lying(folder, sources[".mp4"]), *_odd(folder)]


def _source(path: Path, codec: str) -> Path:
    sound = sine(440, seconds=2.0, sample_rate=48_000).astype(np.float32)
    looks = (texture(1, speed=0.01), shapes(2), texture(3, speed=0.01))
    shots = [MadeShot(look, 16) for look in looks]
    return write_video(path, shots, size=SIZE, codec=codec, audio=sound).path


def _put(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def _no_files(folder: Path) -> Iterator[Hostile]:
    yield Hostile(folder / "missing.mp4")
    yield Hostile(folder / "null\0byte.mp4")
    yield Hostile(folder / ("long" * 100 + ".mp4"))
    (folder / "directory.mp4").mkdir()
    yield Hostile(folder / "directory.mp4")
    os.mkfifo(folder / "pipe.mp4")
    yield Hostile(folder / "pipe.mp4")
    (folder / "dangling.mp4").symlink_to(folder / "nowhere")
    yield Hostile(folder / "dangling.mp4")
    (folder / "loop.mp4").symlink_to(folder / "loop.mp4")
    yield Hostile(folder / "loop.mp4")
    for device in ("zero", "null", "full"):
        (folder / f"{device}.mp4").symlink_to(f"/dev/{device}")
        yield Hostile(folder / f"{device}.mp4")


def _not_videos(folder: Path) -> Iterator[Hostile]:
    generator = np.random.default_rng(9)
    contents = {
        "empty.mp4": b"",
        "one-byte.mp4": b"\0",
        "text.mp4": b"Dear diary, today I saw no moving picture at all.\n" * 40,
        "zeros.mp4": bytes(100_000),
        "random.mp4": generator.bytes(200_000),
        "random.mkv": b"\x1a\x45\xdf\xa3" + generator.bytes(100_000),
        "random.avi": b"RIFF\xff\xff\xff\x7fAVI LIST" + generator.bytes(100_000),
        "random-ftyp.mp4": b"\0\0\0\x18ftypisom" + generator.bytes(100_000),
        "random.ts": b"".join(b"G" + generator.bytes(187) for _ in range(500)),
        "random.flv": b"FLV\1\5\0\0\0\x09" + generator.bytes(50_000),
        "random.ivf": b"DKIF\0\0\x20\0VP90" + generator.bytes(50_000),
        "random.ogv": b"OggS\0\2" + generator.bytes(50_000),
        "random.wmv": bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c") + generator.bytes(50_000),
        "random.mxf": bytes.fromhex("060e2b34020501010d01020101020400") + generator.bytes(50_000),
        "random.y4m": b"YUV4MPEG2 W99999 H99999 F25:1\nFRAME\n" + generator.bytes(5_000),
        "pdf.mov": b"%PDF-1.7\n" + generator.bytes(1_000),
        "png.mp4": b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + generator.bytes(1_000),
        "jpeg.mp4": b"\xff\xd8\xff\xe0\0\x10JFIF\0\1" + generator.bytes(1_000),
        "gzip.mkv": b"\x1f\x8b\x08\0" + generator.bytes(1_000),
        "elf.mp4": b"\x7fELF\2\1\1" + bytes(1_000),
        "webpage.mp4": b"<!doctype html><html><body>404 not found</body></html>",
        "subtitles.mp4": b"1\n00:00:01,000 --> 00:00:02,000\nHello\n",
    }
    for name, data in contents.items():
        yield Hostile(_put(folder / name, data))
    with zipfile.ZipFile(folder / "zip.mp4", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb.bin", bytes(1 << 20))
    yield Hostile(folder / "zip.mp4")
    tone = sine(440, seconds=1.0, sample_rate=48_000).astype(np.float32)
    for suffix in (".m4a", ".mp3", ".wav", ".mka"):
        path = write_audio(folder / f"sound{suffix}", tone, sample_rate=48_000)
        yield Hostile(path.rename(folder / f"only-sound-{suffix[1:]}.mp4"))
    locked = _put(folder / "locked.mp4", b"\0\0\0\x18ftypisom")
    locked.chmod(0)
    yield Hostile(locked)
    yield Hostile(_cover_alone(folder / "cover.mp4"))


def _cover_alone(path: Path) -> Path:
    """A song with its cover, as shops sell them."""
    with av.open(str(path), "w") as container:
        sound = container.add_stream("aac", rate=48_000, layout="mono")
        cover = container.add_stream("mjpeg", rate=1)
        if not isinstance(cover, VideoStream) or not isinstance(sound, AudioStream):
            raise TypeError(path)
        cover.width, cover.height, cover.pix_fmt = 32, 32, "yuvj420p"
        cover.disposition = av.stream.Disposition.attached_pic
        black = av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), dtype=np.uint8))
        container.mux([*cover.encode(black), *cover.encode(None)])
        heard = av.AudioFrame.from_ndarray(
            np.zeros((1, 48_000), dtype=np.float32), format="fltp", layout="mono"
        )
        heard.sample_rate, heard.pts = 48_000, 0
        container.mux([*sound.encode(heard), *sound.encode(None)])
    return path


def _playlists(folder: Path) -> Iterator[Hostile]:
    secret = _source(folder / f"{TARGET}.mp4", "libx264")
    web = "http://127.0.0.1:9/video.mp4"
    texts = {
        "list.m3u8": f"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{secret}\n#EXT-X-ENDLIST\n",
        "web.m3u8": f"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{web}\n#EXT-X-ENDLIST\n",
        "list.ffconcat": f"ffconcat version 1.0\nfile '{secret}'\n",
        "list.txt": f"file '{secret}'\n",
        "web.ffconcat": f"ffconcat version 1.0\nfile {web}\n",
        "call.sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\n"
        "m=video 9 RTP/AVP 96\na=rtpmap:96 H264/90000\n",
        "dash.mpd": f'<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011"><Period>'
        f"<BaseURL>{secret}</BaseURL></Period></MPD>",
        "smooth.ism": f'<?xml version="1.0"?><SmoothStreamingMedia Url="{secret}"/>',
        "list.pls": f"[playlist]\nFile1={secret}\nNumberOfEntries=1\n",
        "script.avs": f'DirectShowSource("{secret}")\n',
        "script.vpy": f"import os\nos.stat('{secret}')\n",
        "rtsp.rm": "rtsp://127.0.0.1:9/video",
        "filter.lavfi": f"movie={secret}",
    }
    for name, text in texts.items():
        yield Hostile(_put(folder / name, text.encode()))
        yield Hostile(_put(folder / f"{name}.mp4", text.encode()))
    for name in ("frame%03d.mp4", "concat:a.mp4|b.mp4", "http:__127.0.0.1_9_a.mp4", "-i.mp4"):
        yield Hostile(_put(folder / name, b"not a video"))


def _truncated(folder: Path, suffix: str, data: bytes) -> Iterator[Path]:
    for share in CUTS:
        yield _put(folder / f"cut-{share}{suffix}", data[: int(len(data) * share)])


def _bent(folder: Path, suffix: str, data: bytes) -> Iterator[Hostile]:
    """Bytes that are wrong: at the head, everywhere, in the middle; and a wrong name."""
    for name, share, first, last in (
        ("head", 0.2, 0, 200),
        ("sparse", 0.001, 0, len(data)),
        ("dense", 0.2, 0, len(data)),
        ("middle", 0.5, len(data) // 3, 2 * len(data) // 3),
    ):
        generator = np.random.default_rng([len(name), len(data)])
        values = np.frombuffer(data, dtype=np.uint8).copy()
        part = values[first:last]
        is_hit = generator.random(len(part)) < share
        part[is_hit] = generator.integers(0, 256, int(is_hit.sum()))
        yield Hostile(_put(folder / f"bent-{name}{suffix}", values.tobytes()), may_play=True)
    yield Hostile(_put(folder / f"really-{suffix[1:]}.xyz", data), may_play=True)


def _lying(folder: Path, data: bytes) -> Iterator[Hostile]:
    """Headers that promise what is not there."""
    for name in ATOMS:
        place = data.find(name)
        for what, value in (("huge", 2**32 - 1), ("none", 0)):
            bent = bytearray(data)
            struct.pack_into(">I", bent, place + 8, value)
            yield Hostile(_put(folder / f"{what}-{name.decode()}.mp4", bytes(bent)), may_play=True)
    wide = bytearray(data)
    place = data.index(b"avc1")
    struct.pack_into(">HH", wide, place + 28, 65_535, 65_535)
    yield Hostile(_put(folder / "wide.mp4", bytes(wide)), may_play=True)
    nested = b""
    for _ in range(5_000):
        nested = struct.pack(">I", len(nested) + 8) + b"moov" + nested
    head = data[: struct.unpack(">I", data[:4])[0]]
    yield Hostile(_put(folder / "nested.mp4", head + nested))
    yield Hostile(_put(folder / "endless-atom.mp4", head + b"\0\0\0\1moov" + b"\xff" * 8))
    yield Hostile(_put(folder / "no-moov.mp4", data[: data.index(b"moov") - 4]))
    elsewhere = data.replace(b"url ", b"alis")
    yield Hostile(_put(folder / "elsewhere.mp4", elsewhere), may_play=True)
    claims = bytearray(data)
    for atom, offset in ((b"mvhd", 20), (b"mdhd", 20), (b"tkhd", 24)):
        struct.pack_into(">I", claims, data.index(atom) + offset, 0x7FFFFFFF)
    yield Hostile(_put(folder / "claims-years.mp4", bytes(claims)), may_play=True)


def _odd(folder: Path) -> Iterator[Hostile]:
    """What a player would show, but no good citizen makes."""
    red = plain((200, 20, 20))
    one = [MadeShot(red, 1)]
    few = [MadeShot(red, 5), MadeShot(plain((10, 10, 200)), 5)]
    yield Hostile(write_video(folder / "one-frame.mp4", one, size=SIZE).path, may_play=True)
    yield Hostile(
        write_video(folder / "one-pixel.mkv", few, size=(1, 1), codec="ffv1").path, may_play=True
    )
    wide = Fraction(30_000, 1)
    yield Hostile(
        write_video(folder / "flat.mp4", few, size=SIZE, pixel_aspect=wide).path, may_play=True
    )
    thin = write_video(folder / "thin.mkv", few, size=(16, 4_000))
    yield Hostile(thin.path, may_play=True)
    yield Hostile(_raw(folder / "negative.mkv", lambda n: n - 20), may_play=True)
    yield Hostile(_raw(folder / "far.mkv", lambda n: n if n < 8 else 10**7), may_play=True)
    yield Hostile(_raw(folder / "large.mkv", lambda n: n, size=(8_200, 4_400)))
    many = write_video(folder / "streams.mkv", few, size=(16, 16), codec="ffv1", more_pictures=99)
    yield Hostile(many.path)
    small = write_video(folder / "small.ts", few, size=SIZE).path
    grown = write_video(folder / "grown.ts", few, size=(192, 108)).path
    both = small.read_bytes() + grown.read_bytes()
    yield Hostile(_put(folder / "changes-size.ts", both), may_play=True)
    yield Hostile(_frameless(folder / "frameless.mkv"))
    for number, codec in enumerate(("mpeg4", "mjpeg", "ffv1")):
        path = write_video(folder / f"fast{number}.mkv", few, rate=Fraction(900), codec=codec).path
        yield Hostile(path)


def _raw(path: Path, pts: Callable[[int], int], *, size: tuple[int, int] = SIZE) -> Path:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mjpeg", rate=25)
        if not isinstance(stream, VideoStream):
            raise TypeError(path)
        stream.width, stream.height, stream.pix_fmt = *size, "yuvj420p"
        stream.codec_context.thread_count = 1
        packets = []
        for number in range(10 if size == SIZE else 1):
            frame = av.VideoFrame(*size, "yuvj420p")
            frame.pts, frame.time_base = number, Fraction(1, 25)
            packets += stream.encode(frame)
        packets += stream.encode(None)
        for number, packet in enumerate(packets):
            packet.pts = packet.dts = pts(number)
            container.mux(packet)
    return path


def _frameless(path: Path) -> Path:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mjpeg", rate=25)
        if not isinstance(stream, VideoStream):
            raise TypeError(path)
        stream.width, stream.height, stream.pix_fmt = *SIZE, "yuvj420p"
        container.start_encoding()
    return path
