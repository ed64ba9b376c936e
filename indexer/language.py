"""The language of a brief: the text embedder knows English alone, and says nonsense of the rest.

py3langid is a naive Bayes classifier over byte sequences, of 4.6 MB inside its wheel (BSD-3-Clause,
numpy only, no network). Of its 142 labels the languages below are asked: short English texts look
like one of the rare ones too often.

Source: Lui and Baldwin 2012, langid.py: an off-the-shelf language identification tool (ACL).
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from py3langid.langid import LanguageIdentifier

UNKNOWN: Final = "und"  # ISO 639-2 for undetermined
ENGLISH: Final = "en"

LANGUAGES: Final = {
    "ar": "Arabic",
    "bg": "Bulgarian",
    "bn": "Bengali",
    "ca": "Catalan",
    "cs": "Czech",
    "da": "Danish",
    "de": "German",
    "el": "Greek",
    "en": "English",
    "es": "Spanish",
    "et": "Estonian",
    "fa": "Persian",
    "fi": "Finnish",
    "fr": "French",
    "he": "Hebrew",
    "hi": "Hindi",
    "hr": "Croatian",
    "hu": "Hungarian",
    "id": "Indonesian",
    "is": "Icelandic",
    "it": "Italian",
    "ja": "Japanese",
    "ko": "Korean",
    "lt": "Lithuanian",
    "lv": "Latvian",
    "ms": "Malay",
    "nl": "Dutch",
    "nn": "Norwegian Nynorsk",
    "no": "Norwegian",
    "pl": "Polish",
    "pt": "Portuguese",
    "ro": "Romanian",
    "ru": "Russian",
    "sk": "Slovak",
    "sl": "Slovenian",
    "sr": "Serbian",
    "sv": "Swedish",
    "ta": "Tamil",
    "th": "Thai",
    "tr": "Turkish",
    "uk": "Ukrainian",
    "ur": "Urdu",
    "vi": "Vietnamese",
    "zh": "Chinese",
}
"""ISO 639-1 code -> English name."""

SURE_FROM: Final = 0.8
"""Probability from which a text is taken to be in another language than English. Of 3,105 English
briefs, captions and lists of tags none gets there, and of their fragments of two to six words 2 in
12,420; of whole foreign sentences all do, of fragments of six words all, of three words 0.73."""

READ_CHARACTERS: Final = 400
"""Looked at; more makes no difference and costs half a microsecond each."""


class LanguageGuess(msgspec.Struct, frozen=True):
    """The language that a text seems to be in."""

    code: str
    """ISO 639-1, or `und` for a text without a letter."""
    name: str
    """In English."""
    probability: float
    """Among the languages that are asked, 0 to 1; short texts are never sure."""


def language_of(text: str) -> LanguageGuess:
    """Guess the language of a text.

    Args:
        text: Any.

    Returns:
        The guess; one of `LANGUAGES` for any text with a letter, gibberish too.
    """
    looked_at = " ".join(text[:READ_CHARACTERS].split())
    if not any(char.isalpha() for char in looked_at):
        return LanguageGuess(UNKNOWN, "unknown", 0.0)
    code, probability = _identifier().classify(looked_at)
    return LanguageGuess(code, LANGUAGES[code], float(probability))


def foreign_language(text: str) -> LanguageGuess | None:
    """The language of a text that the embedder cannot read.

    Args:
        text: Any.

    Returns:
        The guess where it is surely another language than English; None for English, for what is
        too short to tell, and for what is in no language.
    """
    guess = language_of(text)
    is_foreign = guess.code not in {ENGLISH, UNKNOWN} and guess.probability >= SURE_FROM
    return guess if is_foreign else None


@cache
def _identifier() -> LanguageIdentifier:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    identifier.set_languages(LANGUAGES)
    return identifier
