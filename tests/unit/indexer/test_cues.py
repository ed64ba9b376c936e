from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.cues import (
    BETWEEN,
    MAX_CUE_BYTES,
    MAX_SONGS,
    CueError,
    CueSheets,
    Song,
    cue_stamp,
    songs_in,
    songs_of,
    with_songs,
)
from musiscene.audio.tags import Chapter
from tests.support.listening import listening

if TYPE_CHECKING:
    from pathlib import Path

SHEET = """\
REM GENRE Ambient
PERFORMER "The Band"
TITLE "Live"
FILE "live.wav" WAVE
  TRACK 01 AUDIO
    TITLE "Opening"
    PERFORMER "The Band"
    INDEX 01 00:00:00
  TRACK 02 AUDIO
    TITLE "Rain, "again""
    PERFORMER "Ann & The Band"
    INDEX 00 03:58:50
    INDEX 01 04:00:37
"""
LINES = st.lists(
    st.one_of(
        st.sampled_from(SHEET.splitlines()),
        st.text(max_size=30),
        st.builds("INDEX {} {}".format, st.text(max_size=4), st.text("0123456789:", max_size=12)),
        st.builds("FILE {}".format, st.text('ab/\\" .', max_size=12)),
        st.builds("TRACK {}".format, st.integers(-1, 10**6)),
    ),
    max_size=60,
)


def song(start_seconds: float, title: str | None = None, *, file: str = "live.wav") -> Song:
    return Song(file=file, start_seconds=start_seconds, title=title, performer=None)


def write(path: Path, text: str | bytes = SHEET) -> Path:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


class TestSongsIn:
    def test_reads_titles_performers_and_beginnings(self):
        first, second = songs_in(SHEET.encode())
        assert first == song(0.0, "Opening")
        assert second == Song(
            file="live.wav",
            start_seconds=240 + 37 / 75,
            title='Rain, "again',
            performer="Ann & The Band",
        )

    @pytest.mark.parametrize(
        "data",
        [
            pytest.param("Füße 曲".encode(), id="utf-8"),
            pytest.param(b"\xef\xbb\xbf" + "Füße 曲".encode(), id="with a mark"),
            pytest.param("Füße 曲".encode("utf-16"), id="utf-16"),
            pytest.param("Füße €".encode("cp1252"), id="windows"),
        ],
    )
    def test_reads_what_programs_write(self, data: bytes):
        encoding = "utf-16" if data.startswith(b"\xff\xfe") else None
        before, after = 'TRACK 01 AUDIO\r\nTITLE "', '"\r\nINDEX 01 00:00:00\r\n'
        if encoding:
            whole = f"{before}{data.decode(encoding)}{after}".encode(encoding)
        else:
            mark = b"\xef\xbb\xbf" if data.startswith(b"\xef\xbb\xbf") else b""
            whole = mark + before.encode() + data.removeprefix(mark) + after.encode()
        [found] = songs_in(whole)
        assert found.title is not None
        assert found.title.startswith("Füße ")

    @pytest.mark.parametrize(
        ("line", "name"),
        [
            ('FILE "C:\\rips\\my album.wav" WAVE', "my album.wav"),
            ("FILE ../../etc/passwd BINARY", "passwd"),
            ("FILE my album.ape WAVE", "my album.ape"),
            ("file album.flac", "album.flac"),
            ('FILE "album.flac"', "album.flac"),
            ("FILE", ""),
        ],
    )
    def test_of_a_files_path_only_the_name_counts(self, line: str, name: str):
        [found] = songs_in(f"{line}\nTRACK 01 AUDIO\nINDEX 01 00:00:00")
        assert found.file == name

    def test_a_song_is_in_the_file_where_it_begins_not_where_its_silence_does(self):
        first, second = songs_in(
            'FILE "1.wav" WAVE\nTRACK 01 AUDIO\nINDEX 01 00:00:00\n'
            'TRACK 02 AUDIO\nINDEX 00 03:00:00\nFILE "2.wav" WAVE\nINDEX 01 00:00:00\n'
        )
        assert (first.file, second.file, second.start_seconds) == ("1.wav", "2.wav", 0.0)

    @pytest.mark.parametrize(
        "text",
        ["", "TRACK 01 AUDIO", "INDEX 01 00:00:00", "TRACK 1\nINDEX 01 0:0", "x" * 3_000_000],
    )
    def test_refuses_what_lists_no_song(self, text: str):
        with pytest.raises(CueError):
            songs_in(text)

    def test_takes_no_more_songs_than_the_limit(self):
        text = "".join(f"TRACK {n} AUDIO\nINDEX 01 {n}:00:00\n" for n in range(2 * MAX_SONGS))
        assert len(songs_in(text)) == MAX_SONGS

    @given(LINES)
    def test_lines_in_any_order_break_nothing(self, lines: list[str]):
        try:
            songs = songs_in("\n".join(lines).encode("utf-8", "replace"))
        except CueError:
            return
        assert 0 < len(songs) <= MAX_SONGS
        assert all(one.start_seconds >= 0 and "/" not in one.file for one in songs)
        assert all("\n" not in (one.title or "") for one in songs)

    @given(st.binary(max_size=400))
    def test_bytes_of_any_kind_break_nothing(self, data: bytes):
        try:
            assert songs_in(SHEET.encode() + data)
        except CueError:
            return


class TestSongsOf:
    def test_are_those_of_the_file_alone(self):
        songs = [
            song(0, "A", file="1.wav"),
            song(60, "B", file="1.wav"),
            song(0, "C", file="2.wav"),
        ]
        expected = tuple(Chapter(start_seconds=s, title=t) for s, t in ((0, "A"), (60, "B")))
        assert songs_of(songs, "1.WAV") == expected
        assert songs_of(songs, "1.flac") == expected
        assert songs_of(songs, "2.wav") == ()  # one file, one song: a track like any other
        assert songs_of(songs, "3.wav") == ()

    def test_a_performer_of_its_own_stands_before_the_title(self):
        assert [one.title for one in songs_of(songs_in(SHEET), "live.flac")] == [
            "Opening",
            f'Ann & The Band{BETWEEN}Rain, "again',
        ]


class TestCueSheets:
    @pytest.mark.parametrize(
        ("name", "sheet"),
        [
            ("live.wav", "x.cue"),
            ("LIVE.flac", "x.cue"),
            ("x.flac", "x.cue"),
            ("bonus.flac", "bonus.flac.cue"),
            ("other.flac", None),
        ],
    )
    def test_belong_to_a_file_by_name(self, tmp_path: Path, name: str, sheet: str | None):
        write(tmp_path / "x.cue")
        write(tmp_path / "bonus.flac.cue", SHEET.replace("live.wav", "CDImage.wav"))
        found = CueSheets(str(tmp_path), ["bonus.flac.cue", "x.cue", "live.wav"]).of(name)
        assert found == (sheet and str(tmp_path / sheet))

    def test_that_name_the_file_itself_go_first(self, tmp_path: Path):
        write(tmp_path / "a.cue", SHEET.replace("live.wav", "live.ape"))
        write(tmp_path / "b.cue", SHEET.replace("live.wav", "live.flac"))
        sheets = CueSheets(str(tmp_path), ["a.cue", "b.cue"])
        assert sheets.of("live.flac") == str(tmp_path / "b.cue")
        assert sheets.of("live.wv") == str(tmp_path / "a.cue")

    def test_that_are_broken_are_told_in_the_log(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ):
        write(tmp_path / "live.cue", "no sheet")
        write(tmp_path / "long.cue", b"x" * (MAX_CUE_BYTES + 1))
        (tmp_path / "folder.cue").mkdir()
        names = ["live.cue", "long.cue", "folder.cue", "gone.cue"]
        assert CueSheets(str(tmp_path), names).of("live.flac") is None
        assert all(name in caplog.text for name in names)

    def test_are_stamped_by_what_they_are(self, tmp_path: Path):
        path = write(tmp_path / "a.cue")
        before = cue_stamp(str(path))
        assert cue_stamp(str(path)) == before
        write(path, SHEET + "REM")
        assert cue_stamp(str(path)) != before
        assert cue_stamp(str(tmp_path / "gone.cue")) is None


class TestWithSongs:
    own = (Chapter(start_seconds=0, title="Its own"), Chapter(start_seconds=9, title="Another"))
    tag = SHEET.replace("Opening", "From the tag")

    @pytest.mark.parametrize(
        ("sheet", "tag", "first"),
        [
            pytest.param(SHEET, tag, "Opening", id="the sheet goes first"),
            pytest.param(None, tag, "From the tag", id="then the tag"),
            pytest.param("broken", tag, "From the tag", id="the tag where the sheet is broken"),
            pytest.param(None, None, "Its own", id="then the chapters"),
            pytest.param("broken", "broken", "Its own", id="the chapters where all is broken"),
        ],
    )
    def test_the_nearest_to_people_counts(
        self, tmp_path: Path, sheet: str | None, tag: str | None, first: str
    ):
        info = listening(str(tmp_path / "live.flac")).info
        info = msgspec.structs.replace(info, chapters=self.own, cue_sheet=tag)
        cue = None if sheet is None else str(write(tmp_path / "live.cue", sheet))
        found = with_songs(info, cue)
        assert found.chapters[0].title == first
        assert with_songs(found, cue) == found
