from __future__ import annotations

import struct

import pytest

from musiscene.audio.sniff import (
    audio_kind,
    foreign_kind,
    is_protected_asf,
    riff_data_seconds,
    unknown_kind,
)


def riff(*, data_bytes: int, bytes_per_second: int = 176_400, extra: bytes = b"") -> bytes:
    layout = struct.pack("<HHIIHH", 1, 2, 44_100, bytes_per_second, 4, 16)
    chunks = b"WAVEfmt " + struct.pack("<I", len(layout)) + layout + extra
    return b"RIFF" + bytes(4) + chunks + b"data" + struct.pack("<I", data_bytes)


class TestRiffDataSeconds:
    def test_divides_the_stated_bytes_by_the_rate(self):
        assert riff_data_seconds(riff(data_bytes=352_800)) == 2.0

    def test_steps_over_other_chunks_of_odd_length(self):
        extra = b"LIST" + struct.pack("<I", 3) + b"abc\0"
        assert riff_data_seconds(riff(data_bytes=352_800, extra=extra)) == 2.0

    @pytest.mark.parametrize("placeholder", [0, 0xFFFFFFFF, 0x7FFFFFFF, 0x80000000])
    def test_a_placeholder_promises_nothing(self, placeholder: int):
        assert riff_data_seconds(riff(data_bytes=placeholder)) is None

    def test_a_rate_of_zero_promises_nothing(self):
        assert riff_data_seconds(riff(data_bytes=9, bytes_per_second=0)) is None

    @pytest.mark.parametrize("head", [b"", b"RIFF", b"fLaC" + bytes(40), riff(data_bytes=9)[:30]])
    def test_anything_else_promises_nothing(self, head: bytes):
        assert riff_data_seconds(head) is None


class TestKinds:
    def test_playlist_is_foreign_even_after_a_byte_order_mark(self):
        assert foreign_kind(b"\xef\xbb\xbf#EXTM3U\n") == "a playlist"

    def test_webp_is_an_image_and_wave_is_not(self):
        assert foreign_kind(b"RIFF\0\0\0\0WEBP") == "an image"
        assert foreign_kind(b"RIFF\0\0\0\0WAVE") is None

    def test_names_what_begins_as_audio(self):
        assert audio_kind(b"OggS\0") == "Ogg"
        assert audio_kind(b"\0\0\0\x20ftypM4A ") == "MP4"
        assert audio_kind(b"hello") is None

    def test_text_cut_inside_a_character_is_still_text(self):
        assert unknown_kind("für".encode()[:2]) == "text"

    @pytest.mark.parametrize("head", [b"", b"\xff", b"a\0b", b"\xfe\xfea"])
    def test_bytes_are_not_text(self, head: bytes):
        assert unknown_kind(head) == "data of no known format"

    def test_content_encryption_counts_only_inside_windows_media(self):
        guid = bytes.fromhex("fbb3112223bdd211b4b700a0c955fc6e")
        assert is_protected_asf(b"\x30\x26\xb2\x75" + guid)
        assert not is_protected_asf(b"fLaC" + guid)
