from __future__ import annotations

import json
from pathlib import Path

import pytest

from indexer.language import LANGUAGES, LanguageGuess, foreign_language, language_of

BRIEFS = Path(__file__).parents[3] / "tools" / "briefs"


def rows_of(pattern: str) -> list[dict[str, str]]:
    rows = [
        json.loads(line)
        for path in sorted(BRIEFS.glob(pattern))
        for line in path.read_text("utf-8").splitlines()
    ]
    assert rows
    return rows


class TestLanguageOf:
    @pytest.mark.parametrize(
        ("text", "code", "name"),
        [
            ("rain on a window at night", "en", "English"),
            ("RAIN ON A WINDOW AT NIGHT", "en", "English"),
            ("Regen am Fenster in der Nacht", "de", "German"),
            ("雨が窓を打つ夜", "ja", "Japanese"),
            ("дождь стучит в окно", "ru", "Russian"),
        ],
    )
    def test_names_the_language(self, text: str, code: str, name: str):
        guess = language_of(text)
        assert (guess.code, guess.name) == (code, name)
        assert 0.3 < guess.probability <= 1.0

    @pytest.mark.parametrize("text", ["", " \n", "42 17 8", "🔥🔥💯", "!!! ??? ..."])
    def test_without_a_letter_there_is_no_language(self, text: str):
        assert language_of(text) == LanguageGuess("und", "unknown", 0.0)

    def test_a_long_text_is_told_by_its_beginning(self):
        beginning = "Regen am Fenster in der Nacht, und niemand ist wach. " * 8
        assert language_of(beginning + "rain on a window " * 100_000).code == "de"

    def test_bytes_that_are_no_character_do_no_harm(self):
        assert language_of("rain on a \ud800 window").code in LANGUAGES


class TestForeignLanguage:
    @pytest.mark.parametrize("file", ["demo-t*.jsonl", "wesnoth-t*.jsonl"])
    def test_no_english_brief_is_turned_away(self, file: str):
        turned_away = [row["brief"] for row in rows_of(file) if foreign_language(row["brief"])]
        assert turned_away == []

    def test_scenes_in_other_languages_are_named(self):
        rows = [row for row in rows_of("nonsense-tuning.jsonl") if "language" in row]
        guesses = [foreign_language(row["brief"]) for row in rows]
        assert [guess and guess.code for guess in guesses] == [row["language"] for row in rows]

    @pytest.mark.parametrize("text", ["", "sunset", "café", "Paris, Champs-Élysées", "war epic"])
    def test_what_is_too_short_to_tell_is_read(self, text: str):
        assert foreign_language(text) is None
