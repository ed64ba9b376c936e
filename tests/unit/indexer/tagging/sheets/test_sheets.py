"""What every kind of tags does with any text, and what hostile tags do to us."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import mutagen
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mutagen.id3 import ID3, TXXX

from indexer.errors import TagError
from indexer.tagging.facts import one_line
from indexer.tagging.sheets import container_of, open_sheet
from musiscene.audio.read import identify_audio
from tests.support.tagging import SUFFIXES, music_file

if TYPE_CHECKING:
    from pathlib import Path

CODECS = {
    ".mp3": "mp3", ".flac": "flac", ".ogg": "vorbis", ".opus": "opus", ".m4a": "aac",
    ".wav": "pcm_s16le", ".aiff": "pcm_s16be", ".wv": "wavpack",
}  # fmt: skip
FIELDS = ("mood", "genre", "comment", "key", "MUSISCENE_SCENES")
NUMBERS = itertools.count()


@pytest.fixture(params=SUFFIXES)
def path(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return music_file(tmp_path / f"song{request.param}")


def sheet_of(path: Path) -> Any:  # noqa: ANN401
    return open_sheet(path, codec=CODECS[path.suffix])


class TestAnyText:
    @given(st.lists(st.text(max_size=40), min_size=1, max_size=3), st.sampled_from(FIELDS))
    @settings(
        max_examples=25,
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture],
    )
    def test_is_read_back_and_given_back(self, path: Path, texts: list[str], field: str):
        values = tuple(filter(None, map(one_line, texts)))
        sheet = sheet_of(path)
        name, values = sheet.name_of(field), sheet.spelled(field, values)
        before, others = sheet.raw(name), sheet.others({name})
        sheet.put(name, values)
        sheet.save(path)
        again = sheet_of(path)
        assert again.values(name) == values
        assert again.others({name}) == others
        again.restore(name, before)
        again.save(path)
        assert sheet_of(path).raw(name) == before

    def test_a_megabyte_of_text_is_kept(self, path: Path):
        hash_before = identify_audio(path).audio_hash
        sheet = sheet_of(path)
        name = sheet.name_of("MUSISCENE_SCENES")
        sheet.put(name, ("x" * 1_000_000,))
        sheet.save(path)
        assert len(sheet_of(path).values(name)[0]) == 1_000_000
        assert identify_audio(path).audio_hash == hash_before

    def test_names_of_other_programs_are_known(self, path: Path):
        file: Any = mutagen.File(path)
        if isinstance(file.tags, ID3) or path.suffix in {".wav", ".aiff"}:
            if file.tags is None:
                file.add_tags()
            file.tags.add(TXXX(encoding=3, desc="initialkey", text=["8A"]))
        elif path.suffix == ".m4a":
            file["----:com.apple.iTunes:KEY"] = [b"8A"]
        else:
            file["key"] = ["8A"]
        file.save()
        sheet = sheet_of(path)
        (name,) = sheet.present("key")
        assert sheet.values(name) == ("8A",)


class TestHostileTags:
    @pytest.mark.parametrize("suffix", [".mp3", ".flac", ".ogg", ".m4a", ".wav", ".wv"])
    def test_damage_is_one_error_or_none(self, tmp_path: Path, suffix: str):
        """Bytes of the head and the end are turned over; nothing but a `TagError` comes out."""
        whole = music_file(tmp_path / f"song{suffix}").read_bytes()
        path = tmp_path / f"damaged{suffix}"
        places = [*range(3, 400, 23), *range(len(whole) - 200, len(whole), 17)]
        for place in places:
            data = bytearray(whole)
            data[place] ^= 0xFF
            path.write_bytes(data)
            try:
                sheet = sheet_of(path)
                sheet.put(sheet.name_of("mood"), ("calm",))
                assert sheet.values(sheet.name_of("mood")) == ("calm",)
            except TagError as error:
                assert error.path == path  # noqa: PT017

    @pytest.mark.parametrize("data", [b"", b"ID3", b"ID3\x04\0\0\x7f\x7f\x7f\x7f", b"RIFFxxxxWAVE"])
    def test_what_is_cut_short_is_an_error(self, tmp_path: Path, data: bytes):
        path = tmp_path / "cut.wav"
        path.write_bytes(data)
        with pytest.raises(TagError):
            open_sheet(path, codec="pcm_s16le")


class TestContainer:
    def test_goes_by_the_first_bytes_not_by_the_name(self, tmp_path: Path):
        path = music_file(tmp_path / "song.flac").rename(tmp_path / "song.mp3")
        assert container_of(path, codec="flac") == "flac"

    def test_an_id3_tag_before_flac_is_seen_through(self, tmp_path: Path):
        path = music_file(tmp_path / "song.flac")
        path.write_bytes(b"ID3\x04\0\0\0\0\0\x0a" + b"\0" * 10 + path.read_bytes())
        assert container_of(path, codec="flac") == "flac"

    def test_mpeg_audio_in_other_containers_is_no_mp3(self, tmp_path: Path):
        path = music_file(tmp_path / "song.mka", codec="libmp3lame")
        assert container_of(path, codec="mp3") is None
