"""A caption -> the prompt that a backend gets: a few words of it, or the caption itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from musiscene.generate.prompts import short_prompt
from musiscene.generate.protocol import MAX_PROMPT_CHARACTERS
from musiscene.generate.reading import read_prompt
from musiscene.scene_reader import IMAGINED_TAGS

if TYPE_CHECKING:
    from musiscene.scene_reader import SceneReader

Form: TypeAlias = Literal["short", "long"]
FORMS: Final[tuple[Form, ...]] = ("short", "long")
LONG: Final = ", long"
"""Ends the name of what is made for the captions themselves."""


def prompt_for(caption: str, form: Form, reader: SceneReader) -> str:
    """The prompt for a caption.

    Args:
        caption: Not empty.
        form: `short` for genre, moods, instruments and tempo, as the reader has them; `long` for
            the caption, as far as a prompt may go.
        reader: Says what a scene calls for.

    Returns:
        The prompt.
    """
    if form == "long":
        line = " ".join(caption.split())
        if len(line) > MAX_PROMPT_CHARACTERS:
            line = line[:MAX_PROMPT_CHARACTERS].rsplit(" ", 1)[0]
        return line
    wish = read_prompt(caption, reader)
    said = caption.lower()
    tags = sorted(
        wish.tags.intersection(IMAGINED_TAGS),
        key=lambda tag: (tag not in said, IMAGINED_TAGS.index(tag)),
    )
    wishes = [] if wish.tempo_bpm is None else [f"{wish.tempo_bpm:.0f} bpm"]
    wishes += [f"no {tag}" for tag in sorted(wish.denied.intersection(IMAGINED_TAGS))]
    return short_prompt(wish.moods, tags, wishes)


def forms_of(choice: str) -> tuple[Form, ...]:
    """The forms of prompts that a person chose.

    Args:
        choice: One of `FORMS`, or `both`.

    Returns:
        The forms, `short` first.
    """
    return tuple(form for form in FORMS if choice in {form, "both"})
