from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import opentimelineio as otio
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer.spotting.exports.formats import EXPORT_FORMATS, export_plan
from tests.support.exports import chosen, cue, info, plan_of

if TYPE_CHECKING:
    from pathlib import Path
    from uuid import UUID


def nowhere(_track: UUID) -> Path | None:
    return None


HOSTILE = st.one_of(
    st.text(max_size=40),
    st.sampled_from([
        '=HYPERLINK("http://x","y")', "+1", "-1", "@SUM(A1)", "\t=1", "a\r\n002  AX A C 0 0 0 0",
        "]]></note>", "<!ENTITY x>", "&amp;", "\x00", "\ud800", "\u202egpj", "a\u2028b", "'" * 40,
    ]),
)  # fmt: skip


class TestHostileNames:
    @settings(max_examples=60, deadline=None)
    @given(title=HOSTILE, artist=HOSTILE, name=HOSTILE)
    def test_break_no_format(self, title: str, artist: str, name: str):
        video = info(frames=100, name=name or "x")
        track = chosen(title, artist=artist, path=f"/music/{title}", licence=title)
        plan = plan_of(video, [cue(0, (0, 50), track), cue(1, (50, 100), kind="open")],
                       caption=title)  # fmt: skip
        made = {
            key: export_plan(plan, key, audio_of=nowhere) for key in EXPORT_FORMATS if key != "json"
        }
        for file in made.values():
            assert "/" not in file.name
            assert file.name.isprintable()
        otio.adapters.read_from_string(made["otio"].content.decode(), "otio_json")
        read = otio.adapters.read_from_string(made["edl"].content.decode(), "cmx_3600", rate=25)
        assert [len(list(track.find_clips())) for track in read.tracks] == [1, 1, 1]
        root = ET.fromstring(made["fcpxml"].content)  # noqa: S314  ours
        assert len(root.findall(".//asset-clip")) == 2
        for key, encoding, rows in (
            ("premiere", "utf-16", 4), ("reaper", "utf-8", 4), ("cue-sheet", "utf-8-sig", 2),
        ):  # fmt: skip
            text = made[key].content.decode(encoding)
            lines = list(csv.reader(io.StringIO(text, newline=""),
                                    delimiter="\t" if key == "premiere" else ","))  # fmt: skip
            assert len(lines) == rows
            assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r"))
                           for line in lines for cell in line)  # fmt: skip
        labels = made["audacity"].content.decode().split("\n")
        assert [line.count("\t") for line in labels] == [2, 2, 2, 0]
