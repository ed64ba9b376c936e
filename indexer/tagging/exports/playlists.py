"""Tracks as playlists: M3U8 for players, XSPF for everything else.

Source: RFC 8216, section 4 (M3U in UTF-8: EXTM3U and EXTINF); xspf.org, XSPF version 1.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import quote
from xml.sax.saxutils import escape

from indexer.errors import TagError
from indexer.tagging.facts import one_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from indexer.tagging.facts import TrackFacts

XSPF_NAMESPACE: Final = "http://xspf.org/ns/0/"


def m3u8_lines(
    tracks: Iterable[TrackFacts], *, title: str, folder: Path, relative: bool
) -> Iterator[bytes]:
    """A playlist in M3U8.

    Args:
        tracks: In this order; none with a line end in its name, see `check_m3u8`.
        title: Of the playlist.
        folder: That the playlist will be in.
        relative: Whether paths are written from there.

    Yields:
        Its lines, UTF-8.
    """
    yield b"#EXTM3U\n"
    if title:
        yield f"#PLAYLIST:{one_line(title)}\n".encode()
    for track in tracks:
        name = " - ".join(filter(None, [track.artist, track.title or Path(track.path).stem]))
        yield f"#EXTINF:{round(track.duration_seconds)},{one_line(name)}\n".encode()
        path = _path_from(track.path, folder, relative=relative)
        # What begins so would be taken for a comment.
        yield (f"./{path}\n" if path.startswith("#") else f"{path}\n").encode()


def check_m3u8(track: TrackFacts) -> None:
    """See that a track can stand in M3U8.

    Args:
        track: The track.

    Raises:
        TagError: If its name has a line end in it.
    """
    if len(track.path.splitlines()) != 1:
        raise TagError(track.path, "its name has a line end, which M3U8 cannot hold; use --to xspf")


def xspf_pieces(
    tracks: Iterable[TrackFacts], *, title: str, folder: Path, relative: bool
) -> Iterator[bytes]:
    """A playlist in XSPF.

    Args:
        tracks: In this order.
        title: Of the playlist.
        folder: That the playlist will be in.
        relative: Whether locations are written from there.

    Yields:
        An XML document in UTF-8, in pieces.
    """
    yield b'<?xml version="1.0" encoding="UTF-8"?>\n'
    yield f'<playlist version="1" xmlns="{XSPF_NAMESPACE}">\n'.encode()
    yield _element("title", title, indent=2)
    yield b"  <trackList>\n"
    for track in tracks:
        yield b"    <track>\n"
        yield _element("location", _location(track.path, folder, relative=relative), indent=6)
        yield _element("title", track.title or Path(track.path).stem, indent=6)
        yield _element("creator", track.artist, indent=6)
        yield _element("annotation", track.scenes[0] if track.scenes else None, indent=6)
        yield _element("album", track.album, indent=6)
        yield _element("duration", str(round(track.duration_seconds * 1000)), indent=6)
        yield b"    </track>\n"
    yield b"  </trackList>\n</playlist>\n"


def _element(name: str, text: str | None, *, indent: int) -> bytes:
    shown = escape(one_line(text or "")) if name != "location" else escape(text or "")
    return f"{' ' * indent}<{name}>{shown}</{name}>\n".encode() if shown else b""


def _location(path: str, folder: Path, *, relative: bool) -> str:
    if not relative:
        return Path(path).as_uri()
    return quote(Path(_path_from(path, folder, relative=True)).as_posix())


def _path_from(path: str, folder: Path, *, relative: bool) -> str:
    if not relative:
        return path
    # With links resolved: `..` leads out of where a folder is, not of where a link to it is.
    track = Path(path)
    real = Path(os.path.realpath(track.parent)) / track.name
    return os.path.relpath(real, os.path.realpath(folder))
