from __future__ import annotations

import re
from fractions import Fraction
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from musiscene.errors import CaptionFileError
from musiscene.video.captions import files
from musiscene.video.captions.files import read_captions

if TYPE_CHECKING:
    from pathlib import Path

    from musiscene.video.captions.given import TimedCaption

RATE = Fraction(25)
SRT = (
    "1\n00:00:01,000 --> 00:00:02,500\n<i>A door</i>\nopens.\n\n"
    "2\n00:00:03,000 --> 00:00:04,000\nRain\n"
)
VTT = (
    "WEBVTT - scenes\n\nNOTE\nnobody reads this\n\nSTYLE\n::cue { color: red }\n\nintro\n"
    "00:01.000 --> 00:02.500 align:start line:0%\n<v Ann>A door opens.\n\n"
    "00:03.000 --> 00:04.000\nRain\n"
)
PREMIERE = (
    "Marker Name\tDescription\tIn\tOut\tDuration\tMarker Type\n"
    "A door opens.\t\t00:00:01:00\t00:00:02:12\t00:00:01:12\tComment\n"
    "Rain\t\t00:00:03:00\t00:00:03:00\t00:00:00:00\tComment\n"
)
RESOLVE = (
    "TITLE: Timeline 1\nFCM: NON-DROP FRAME\n\n"
    "001  001      V     C        01:00:01:00 01:00:01:01 01:00:01:00 01:00:01:01  \n"
    " |C:ResolveColorBlue |M:A door opens. |D:38\n\n"
    "002  001      V     C        01:00:03:00 01:00:03:01 01:00:03:00 01:00:03:01  \n"
    "in the street |C:ResolveColorRed |M:Rain |D:1\n"
)
REAPER = (
    "#,Name,Start,End,Length\nR1,A door opens.,0:01.000,0:02.500,0:01.500\nM1,Rain,0:03.000,,\n"
)
AUDACITY = "1.000000\t2.500000\tA door opens.\n\\\t100.0\t200.0\n3.0\t3.0\tRain\n"
AVID = "ann\t01:00:01:00\tV1\tred\tA door opens.\t1\nann\t01:00:03:00\tV1\tred\tRain\t1\n"
LOCATORS = "TITLE: x\n* LOC: 01:00:01:00 RED     A door opens.\n* LOC: 01:00:03:00 RED     Rain\n"
CHAPTERS = "My film\n\n0:01 A door opens.\n(0:03) - Rain\n"
CSV = "start,end,text\n1,2.5,A door opens.\n3,4,Rain\n"
FCPXML = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE fcpxml>
<fcpxml version="1.10"><library><event><project><sequence tcStart="3600s"><spine>
<asset-clip offset="3600s" start="10s" duration="5s">
 <marker start="11s" duration="1/25s" value="A door opens."/>
 <title lane="1" offset="12s" start="3600s" duration="2s">
  <chapter-marker start="90025/25s" value="Rain" note="x"/></title>
</asset-clip></spine></sequence></project></event></library></fcpxml>
"""


def read(tmp_path: Path, content: str | bytes, **options: object) -> tuple[TimedCaption, ...]:
    path = tmp_path / "given.txt"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_captions(path, **{"rate": RATE, **options})  # type: ignore[arg-type]


class TestFormats:
    @pytest.mark.parametrize(
        ("content", "ends"),
        [
            (SRT, (2.5, 4.0)),
            (VTT, (2.5, 4.0)),
            (CSV, (2.5, 4.0)),
            (CSV.replace(",", ";"), (2.5, 4.0)),
            (CSV.removeprefix("start,end,text\n"), (2.5, 4.0)),
            ("Timecode In|Duration|Comment\n00:00:01:00|1.5|A door opens.\n3|1|Rain\n", (2.5, 4.0)),
            (PREMIERE, (2.48, None)),
            (RESOLVE, (2.52, None)),
            (REAPER, (2.5, None)),
            (AUDACITY, (2.5, None)),
            (AVID, (None, None)),
            (LOCATORS, (None, None)),
            (CHAPTERS, (3.0, 86_400.0)),
            (FCPXML, (None, None)),
        ],
        ids=[
            "srt", "vtt", "csv", "semicolons", "no header", "duration", "premiere", "resolve",
            "reaper", "audacity", "avid", "edl locators", "chapters", "fcpxml",
        ],
    )  # fmt: skip
    def test_reads_what_editors_write(
        self, tmp_path: Path, content: str, ends: tuple[float | None, float | None]
    ):
        start = "01:00:00:00" if "01:00:01:00" in content else None
        door, rain = read(tmp_path, content, start_timecode=start)
        assert (door.start_seconds, rain.start_seconds) == (1.0, 3.0)
        assert (door.end_seconds, rain.end_seconds) == ends
        assert door.text == "A door opens."
        assert rain.text.startswith("Rain")

    def test_a_table_may_hold_a_name_and_a_comment(self, tmp_path: Path):
        (one,) = read(tmp_path, 'Name,Start,Notes\nDoor,1,"It opens,\nslowly"\n')
        assert one.text == "Door: It opens, slowly"

    @pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
    def test_all_line_ends_are_read(self, tmp_path: Path, ending: str):
        assert len(read(tmp_path, SRT.replace("\n", ending))) == 2


class TestTimecode:
    def test_counts_from_the_beginning_of_the_video(self, tmp_path: Path):
        door, _ = read(tmp_path, AVID, start_timecode="01:00:00:10")
        assert door.start_seconds == pytest.approx(0.6)

    def test_markers_from_zero_are_left_as_they_are(self, tmp_path: Path):
        door, _ = read(tmp_path, PREMIERE, start_timecode="01:00:00:00")
        assert door.start_seconds == 1.0

    def test_drop_frame_keeps_step_with_the_clock(self, tmp_path: Path):
        text = "Marker Name\tIn\nRain\t00;10;00;00\n"
        (rain,) = read(tmp_path, text, rate=Fraction(30000, 1001))
        assert rain.start_seconds == pytest.approx(600.0, abs=0.04)

    def test_needs_the_frame_rate(self, tmp_path: Path):
        with pytest.raises(CaptionFileError, match=r"line 1: .* frame rate is not known"):
            read(tmp_path, AVID, rate=None)


class TestCodings:
    @pytest.mark.parametrize("coding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le"])
    def test_unicode_is_known_by_itself(self, tmp_path: Path, coding: str):
        notes: list[str] = []
        (one,) = read(tmp_path, "start,text\n1,Café\n".encode(coding), note=notes.append)
        assert one.text == "Café"
        assert notes == []

    def test_windows_letters_are_noticed(self, tmp_path: Path):
        notes: list[str] = []
        (one,) = read(tmp_path, "start,text\n1,Café\n".encode("cp1252"), note=notes.append)
        assert one.text == "Café"
        assert "Windows-1252" in notes[0]


class TestBadFiles:
    @pytest.mark.parametrize(
        ("content", "said"),
        [
            ("", "holds no caption"),
            ('""', "holds no caption"),
            ("just words\n", "line 1: no format"),
            ("1\nsoon --> later\nRain\n", "line 2: has no two times"),
            ("1\n00:00:05,000 --> 00:00:02,000\nRain\n", "line 2: ends at .* before"),
            ("start,end,text\n1,2,a\nx,2,b\n", "line 3: 'x' is no time"),
            ("start,end,text\n,2,a\n", "line 2: has no start"),
            ("start,text\n99999,a\n", "line 2: .* more than a day"),
            ("1.0\t2.0\ta\nb\n", "line 2: is no label"),
            ("<fcpxml><spine>", "line 1: is broken XML"),
            ('<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "line 1: declares an entity"),
            ('<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>', "holds no caption"),
            ("<a>" * 100, "line 1: its elements are nested too deep"),
            ('<spine><marker start="1/0s" value="x"/></spine>', "line 1: '1/0s' is no time"),
            (b"\x00\x01\x02\x81\xff" * 20, "is no text"),
            ("start,text\n" + "1,a\n" * 20_001, "more than 20,000 captions"),
            ("start\n" + "\n" * 200_001, "more than 200,000 lines"),
        ],
    )
    def test_says_what_is_wrong_and_where(self, tmp_path: Path, content: str | bytes, said: str):
        with pytest.raises(CaptionFileError, match=said) as raised:
            read(tmp_path, content)
        assert "given.txt" in str(raised.value)

    def test_a_missing_or_huge_file(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
        with pytest.raises(CaptionFileError, match="cannot be opened"):
            read_captions(tmp_path / "none.srt")
        monkeypatch.setattr(files, "MAX_BYTES", 10)
        with pytest.raises(CaptionFileError, match="larger than"):
            read(tmp_path, SRT)

    def test_long_words_are_cut_with_a_notice(self, tmp_path: Path):
        notes: list[str] = []
        (one,) = read(tmp_path, f"start,text\n1,{'a' * 5_000}\n", note=notes.append)
        assert len(one.text) == 2_000
        assert re.search("line 2: longer", notes[0])

    @settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(
        st.one_of(
            st.binary(max_size=200),
            st.text(max_size=200),
            st.tuples(
                st.sampled_from([SRT, VTT, PREMIERE, RESOLVE, AVID, CHAPTERS, FCPXML]),
                st.integers(0, 200),
                st.text(max_size=8),
            ).map(lambda cut: cut[0][: cut[1]] + cut[2] + cut[0][cut[1] + 3 :]),
        )
    )
    def test_anything_is_read_or_refused(self, tmp_path: Path, content: str | bytes):
        path = tmp_path / "any.txt"
        path.write_bytes(
            content if isinstance(content, bytes) else content.encode(errors="surrogatepass")
        )
        try:
            found = read_captions(path, rate=RATE)
        except CaptionFileError:
            return
        assert all(0 <= one.start_seconds <= 86_400 and one.text for one in found)
