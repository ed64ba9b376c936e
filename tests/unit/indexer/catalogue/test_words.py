from __future__ import annotations

import pytest

from indexer.catalogue.words import KEY_CHARACTERS, LAST, MAX_WORDS, folded, text_row, words_of


class TestFolded:
    @pytest.mark.parametrize(
        ("one", "other"),
        [
            pytest.param("BJÖRK", "björk", id="umlaut"),
            pytest.param("Straße", "STRASSE", id="sharp s"),
            pytest.param("ΟΔΟΣ", "οδος", id="last sigma"),
            pytest.param("ДЫМ", "дым", id="cyrillic"),
            pytest.param("ﾄﾞﾗﾑ", "ドラム", id="half-width"),
            pytest.param("e\u0301te", "\u00e9te", id="combining"),
        ],
    )
    def test_the_same_word_is_one(self, one: str, other: str):
        assert folded(one) == folded(other)

    def test_what_no_database_takes_is_left_out(self):
        assert folded("a\0b\ud800") == "ab?"


class TestWordsOf:
    def test_words_and_phrases(self):
        assert words_of('  Rain "On a" window ') == ["rain", "on a", "window"]

    def test_an_open_quote_is_a_phrase_too(self):
        assert words_of('"on a win') == ["on a win"]

    def test_nothing_is_asked_by_nothing(self):
        assert words_of(' "" " ') == []
        assert len(words_of("a " * 100)) == MAX_WORDS


class TestTextRow:
    def test_a_file_without_a_title_has_its_name(self):
        row = text_row(path="/m/Lake.opus", title=None, artist=None, others=["A Scene", None])
        assert row == {"title_key": "lake", "artist_key": LAST, "text": "/m/lake.opus\na scene"}

    def test_keys_are_short_enough_to_be_indexed(self):
        row = text_row(path="/a", title="ﬃ" * 500, artist="x" * 500, others=[])
        assert len(row["title_key"]) == len(row["artist_key"]) == KEY_CHARACTERS
