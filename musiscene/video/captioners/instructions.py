"""What a model is asked about a scene, and what is kept of its answer."""

from __future__ import annotations

from typing import Final

from musiscene.video.captions.given import plain

QUESTION: Final = (
    "These are frames of one scene of a film, in order. Say in one or two sentences what happens,"
    " where, and the mood of it. Do not mention frames or pictures, and no music."
)
MAX_NEW_TOKENS: Final = 96
MAX_CHARACTERS: Final = 600


def kept_answer(answer: str) -> str:
    r"""One line of an answer of sane length; a sentence that is cut short is left out.

    Args:
        answer: As it comes.

    Returns:
        At most `MAX_CHARACTERS`.

    Example:
        >>> kept_answer("A  door opens.\nRain falls on the str")
        'A door opens.'
    """
    said = plain(answer)[:MAX_CHARACTERS].strip("\"' ")
    ends = max(said.rfind(mark) for mark in ".!?")
    return said[: ends + 1] if ends > 0 else said
