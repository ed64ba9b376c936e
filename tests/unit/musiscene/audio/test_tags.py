from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mutagen.flac import FLAC, CueSheet, CueSheetTrack, CueSheetTrackIndex

from musiscene.audio.read import probe_audio, read_audio
from musiscene.audio.tags import (
    LEAST_SONG_SECONDS,
    MAX_CHAPTERS,
    Chapter,
    in_order,
    tagged_cue_sheet,
)
from tests.support.audio import sine, write_audio, write_chapters

TONE = sine(440, seconds=6)


def chapter(start_seconds: float, title: str | None = None) -> Chapter:
    return Chapter(start_seconds=start_seconds, title=title)


class TestChapters:
    @pytest.mark.parametrize("suffix", [".mka", ".m4a", ".mp3", ".opus", ".ogg", ".flac"])
    def test_are_read_from_every_container_that_has_them(self, tmp_path: Path, suffix: str):
        path = write_chapters(tmp_path / f"a{suffix}", TONE, [(0, "Öne\x1b"), (2.5, "Two")])
        expected = (chapter(0.0, "Öne"), chapter(2.5, "Two"))
        assert probe_audio(path).chapters == expected
        assert read_audio(path, sample_rate=16_000).info.chapters == expected

    def test_of_a_flac_are_in_its_table_of_contents_too(self, tmp_path: Path):
        path = write_audio(tmp_path / "a.flac", TONE, sample_rate=44_100)
        file, sheet = FLAC(path), CueSheet(None)
        sheet.media_catalog_number, sheet.lead_in_samples, sheet.compact_disc = b"", 88_200, True
        for number, start, isrc in ((1, 0, b"USABC1234567"), (2, 3, b""), (170, 6, b"")):
            track = CueSheetTrack(number, start * 44_100, isrc)
            track.indexes.extend([CueSheetTrackIndex(1, 0)] if number < 170 else [])
            sheet.tracks.append(track)
        file.metadata_blocks.append(sheet)
        file.save()
        assert probe_audio(path).chapters == (chapter(0.0), chapter(3.0))

    def test_with_names_that_are_no_unicode_spare_the_file(self, tmp_path: Path):
        path = write_chapters(tmp_path / "a.mka", TONE, [(0, "One"), (2.5, "TWO")])
        path.write_bytes(path.read_bytes().replace(b"TWO", b"\xff\xfe\xff"))
        assert [one.start_seconds for one in probe_audio(path).chapters] == [0.0, 2.5]

    def test_are_none_where_there_is_only_one(self, tmp_path: Path):
        path = write_chapters(tmp_path / "a.m4a", TONE, [(0, "All of it")])
        assert probe_audio(path).chapters == ()

    def test_are_not_more_than_the_limit(self, tmp_path: Path):
        many = [(number * 2.0, f"{number}") for number in range(MAX_CHAPTERS + 200)]
        path = write_chapters(tmp_path / "a.mka", TONE, many)
        assert len(probe_audio(path).chapters) == MAX_CHAPTERS


class TestInOrder:
    def test_the_last_of_those_that_begin_together_counts(self):
        given_chapters = [chapter(9, "C"), chapter(0, "Part I"), chapter(0.5, "A"), chapter(5, "B")]
        assert in_order(given_chapters) == (chapter(0, "A"), chapter(5, "B"), chapter(9, "C"))

    @given(st.lists(st.floats(-1e20, 1e20), max_size=40))
    def test_they_rise_and_can_be_told_apart(self, starts: list[float]):
        found = in_order(chapter(start) for start in starts)
        times = np.array([one.start_seconds for one in found])
        assert len(found) != 1
        assert (times >= 0).all()
        assert (np.diff(times) >= LEAST_SONG_SECONDS - 0.002).all()


class TestCueSheet:
    def test_may_be_a_tag(self, tmp_path: Path):
        text = 'FILE "x.wav" WAVE\n  TRACK 01 AUDIO\n    INDEX 01 00:00:00\n'
        path = write_audio(
            tmp_path / "a.flac", TONE, sample_rate=44_100, metadata={"CUESHEET": text}
        )
        assert probe_audio(path).cue_sheet == text

    def test_that_is_too_long_is_none(self):
        assert tagged_cue_sheet({"cuesheet": "x" * 70_000}) is None
        assert tagged_cue_sheet({}) is None
