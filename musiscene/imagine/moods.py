"""Examples of the mood that a description speaks of.

A small model leans on its examples more than on the description: shown scenes of every mood, it
imagines dark alleys for a bright tune. So the examples are chosen by mood, and differ in all else.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Final

from musiscene.imagine.fallback import SCENES
from musiscene.imagine.prompt import FEW_SHOT_PROMPT, ScenePrompt, few_shot_prompt

MOODS: Final[dict[str, tuple[str, ...]]] = {
    "calm": ("calm", "peaceful", "still", "dreamy"),
    "tender": ("tender", "warm", "light", "peaceful"),
    "joyful": ("joyful", "cheerful", "lively", "light"),
    "energetic": ("energetic", "driving", "triumphant", "lively"),
    "tense": ("tense", "fierce", "dark", "restless"),
    "sad": ("melancholic", "wistful", "mournful", "gloomy"),
}
"""Mood -> the words of `musiscene.affect` whose scenes are its examples."""

OTHER_WORDS: Final[dict[str, str]] = {
    "calm": "calming relaxing soothing meditative meditation ambient serene tranquil mellow "
    "lullaby healing chill ethereal slow soft",
    "tender": "romantic love sentimental sweet gentle intimate easygoing heartfelt soulful",
    "joyful": "happy fun playful upbeat festive funny merry christmas bouncy quirky uplifting "
    "children cartoon",
    "energetic": "exciting groovy club dance powerful epic heroic workout spirited uptempo fast "
    "motivational party",
    "tense": "aggressive suspenseful suspense eerie ominous sinister scary horror spooky creepy "
    "mysterious harsh dissonant intense metal",
    "sad": "sad melancholy sombre somber emotional longing lonely grim pain nostalgic pensive",
}
"""Mood -> more words by which people speak of it."""

EXAMPLE_MUSIC: Final = (
    "folk piece with guitar, instrumental",
    "electronic track with synth and drums, instrumental",
    "classical piece with strings and piano, instrumental",
    "pop song with guitar, sung by a woman",
    "piece with piano, instrumental",
    "rock song with guitar and drums, sung by a man",
    "jazz piece with piano and drums, instrumental",
    "ambient piece with synth and flute, instrumental",
)
"""What the examples sound like, the mood aside: the same for every mood."""


def mood_of(description: str) -> str | None:
    """The mood that most words of a description speak of.

    Args:
        description: Of music, in English.

    Returns:
        One of `MOODS`, of two equally strong the one named first; None if no word speaks of any.

    Example:
        >>> mood_of("A wistful and melancholic waltz with piano, slow.")
        'sad'
    """
    moods = [mood for word in re.findall(r"[a-z]+", description.lower()) for mood in _speaks(word)]
    return max(moods, key=moods.count, default=None)


def prompt_for(description: str) -> ScenePrompt:
    """Examples of the description's mood, or of every mood where it has none.

    Args:
        description: Of music, in English.

    Returns:
        The same prompt for all descriptions of a mood.
    """
    mood = mood_of(description)
    return FEW_SHOT_PROMPT if mood is None else _prompt_of(mood)


@cache
def _prompt_of(mood: str) -> ScenePrompt:
    words = MOODS[mood]
    scenes = [(word, SCENES[word][place]) for place in (0, 1) for word in words]
    return few_shot_prompt(
        [
            (f"A {word} {music}.", scene)
            for (word, scene), music in zip(scenes, EXAMPLE_MUSIC, strict=True)
        ]
    )


def _speaks(word: str) -> list[str]:
    return [
        mood for mood, words in MOODS.items() if word in words or word in OTHER_WORDS[mood].split()
    ]
