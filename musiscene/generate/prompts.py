"""What a brief calls for -> a short prompt: genre, mood, instruments, tempo.

Long prose makes worse music than a few words.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from musiscene.scene_reader import MOODS

if TYPE_CHECKING:
    from collections.abc import Sequence

MOST_WORDS: Final = 12
GENRES: Final = (
    "electronic", "dance", "rock", "metal", "pop", "jazz", "folk", "country", "classical",
    "ambient", "indian", "hip-hop", "blues", "soul", "funk", "techno",
)  # fmt: skip
NOT_PLAYED: Final = frozenset({"vocals", "no vocals", "weird", "experimental"})
"""Imagined tags that a prompt for instruments has no use for."""

_WORDS_OF: Final = {mood.name: mood.words for mood in MOODS}


def short_prompt(moods: Sequence[str], music: Sequence[str], wishes: Sequence[str]) -> str:
    """Say in a few words what music is called for.

    Args:
        moods: Names of `MOODS`, strongest first.
        music: Tags of the music that is imagined, strongest first.
        wishes: What the brief says of the music in so many words.

    Returns:
        The prompt.

    Example:
        >>> short_prompt(["sadness"], ["piano", "classical", "vocals"], ["70 bpm", "no drums"])
        'classical, sad, melancholic, piano, 70 bpm, no drums'
    """
    genres = [tag for tag in music if tag in GENRES]
    feelings = [word for mood in moods for word in _WORDS_OF.get(mood, ())[:2]]
    others = [tag for tag in music if tag not in {*GENRES, *NOT_PLAYED}]
    words = dict.fromkeys([*genres[:1], *feelings, *others])
    room = max(0, MOST_WORDS - len(wishes))
    return ", ".join([*list(words)[:room], *wishes][:MOST_WORDS]) or "calm, piano"
