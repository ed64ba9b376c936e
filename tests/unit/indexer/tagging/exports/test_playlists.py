from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote, urlsplit
from xml.etree import ElementTree as ET

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.errors import TagError
from indexer.tagging.exports.playlists import XSPF_NAMESPACE, check_m3u8, m3u8_lines, xspf_pieces
from tests.support.tagging import FACTS

OUT = Path("/m/lists")
SPACE = {"x": XSPF_NAMESPACE}


def m3u8(*paths: str, relative: bool = True) -> list[str]:
    tracks = [msgspec.structs.replace(FACTS, path=path) for path in paths]
    lines = m3u8_lines(tracks, title="Rain", folder=OUT, relative=relative)
    return b"".join(lines).decode().splitlines()


def xspf(path: str, title: str = "Song", *, relative: bool = False) -> ET.Element:
    track = msgspec.structs.replace(FACTS, path=path, title=title)
    pieces = xspf_pieces([track], title="a <b> & c", folder=OUT, relative=relative)
    return ET.fromstring(b"".join(pieces))  # noqa: S314  made by us


class TestM3u8:
    def test_names_tracks_from_where_it_is_or_wholly(self):
        assert m3u8("/m/a/song.flac") == [
            "#EXTM3U", "#PLAYLIST:Rain", "#EXTINF:62,Song", "../a/song.flac",
        ]  # fmt: skip
        assert m3u8("/m/a/song.flac", relative=False)[-1] == "/m/a/song.flac"

    def test_a_name_that_looks_like_a_comment_is_none(self):
        assert m3u8("/m/lists/#1 hit.mp3")[-1] == "./#1 hit.mp3"

    def test_a_name_with_a_line_end_cannot_stand(self):
        with pytest.raises(TagError, match="line end"):
            check_m3u8(msgspec.structs.replace(FACTS, path="/m/a\nb.mp3"))

    def test_a_title_cannot_break_out_of_its_line(self):
        track = msgspec.structs.replace(FACTS, title="a\n/etc/passwd", artist="\r\nB")
        text = b"".join(m3u8_lines([track], title="", folder=OUT, relative=True)).decode()
        assert text.splitlines()[1] == "#EXTINF:62,B - a /etc/passwd"


class TestXspf:
    def test_holds_what_the_standard_names(self):
        root = xspf("/m/a/song.flac")
        assert root.attrib == {"version": "1"}
        assert root.findtext("x:title", namespaces=SPACE) == "a <b> & c"
        (track,) = root.findall("x:trackList/x:track", SPACE)
        assert [child.tag.partition("}")[2] for child in track] == [
            "location", "title", "annotation", "album", "duration",
        ]  # fmt: skip
        assert track.findtext("x:duration", namespaces=SPACE) == "61500"

    @given(
        st.text(min_size=1, max_size=30).filter(
            lambda name: not {"/", "\0"} & set(name) and name.isprintable()
        ),
        st.text(max_size=30),
    )
    def test_any_name_and_title_come_back(self, name: str, title: str):
        if name in {".", ".."}:
            return
        root = xspf(f"/m/{name}", title)
        location = root.findtext("x:trackList/x:track/x:location", namespaces=SPACE) or ""
        assert unquote(urlsplit(location).path) == f"/m/{name}"
        assert location.isascii()
        relative = xspf(f"/m/{name}", title, relative=True)
        location = relative.findtext("x:trackList/x:track/x:location", namespaces=SPACE) or ""
        assert unquote(location) == f"../{name}"
