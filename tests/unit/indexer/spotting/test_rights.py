from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from indexer.spotting.rights import Rights, read_rights
from musiscene.generate.files import encode_audio
from tests.support.audio import sine

if TYPE_CHECKING:
    from pathlib import Path


def tagged(path: Path, **tags: str) -> Path:
    tone = sine(440, seconds=0.6, sample_rate=8_000)[None]
    encode_audio(tone, path, sample_rate=8_000, tags=tags)
    return path


class TestReadRights:
    @pytest.mark.parametrize("suffix", [".flac", ".mp3"])
    def test_reads_what_the_tags_say(self, tmp_path: Path, suffix: str):
        path = tagged(
            tmp_path / f"a{suffix}",
            composer="Ana Lima", lyricist="Bo Chen", publisher="Small House", album="Nights",
            ISRC="BR-ABC-24-00001", ISWC="T-034.524.680-1", IPI="00014107338",
            copyright="(c) 2024 Small House", license="CC BY 4.0",
        )  # fmt: skip
        rights = read_rights(path)
        assert rights == Rights(
            composer="Ana Lima", lyricist="Bo Chen", publisher="Small House", album="Nights",
            isrc="BRABC2400001", iswc="T0345246801", ipi="00014107338",
            copyright="(c) 2024 Small House", licence="CC BY 4.0",
        )  # fmt: skip
        assert rights.writers == "Ana Lima; Bo Chen"

    def test_fields_of_id3(self, tmp_path: Path):
        path = tagged(tmp_path / "a.mp3", TCOM="Ana Lima", TEXT="Bo Chen", TSRC="BRABC2400001",
                      TPUB="Small House")  # fmt: skip
        rights = read_rights(path)
        assert (rights.composer, rights.lyricist) == ("Ana Lima", "Bo Chen")
        assert (rights.isrc, rights.publisher) == ("BRABC2400001", "Small House")

    def test_labels_and_writers_of_vorbis_comments(self, tmp_path: Path):
        path = tagged(tmp_path / "a.flac", LABEL="Small House", WRITER="Bo Chen", TEXT="la la la")
        rights = read_rights(path)
        assert (rights.publisher, rights.writers) == ("Small House", "Bo Chen")

    def test_guesses_nothing(self, tmp_path: Path):
        path = tagged(tmp_path / "a.flac", artist="The Band", title="x", ISRC="a microphone")
        assert read_rights(path) == Rights()

    def test_hostile_tags_become_one_line(self, tmp_path: Path):
        path = tagged(tmp_path / "a.flac", composer="Ana\r\n002  AX\x07\u202e" + "x" * 10_000)
        composer = read_rights(path).composer
        assert composer is not None
        assert composer.isprintable()
        assert len(composer) <= 300

    @pytest.mark.parametrize(
        "content", [None, b"", b"no audio at all", b"RIFF\x00\x00\x00\x00WAVE"]
    )
    def test_a_file_that_cannot_be_opened_says_nothing(self, tmp_path: Path, content: bytes | None):
        path = tmp_path / "a.wav"
        if content is not None:
            path.write_bytes(content)
        assert read_rights(path) == Rights()
