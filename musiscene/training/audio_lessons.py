"""Questions about real audio -> lessons that are heard, each with the features of its stretch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from musiscene.data.pseudo_captions import DESCRIBE_QUESTIONS, FACT_QUESTIONS
from musiscene.errors import AudioError
from musiscene.prompts import instruction_prompt
from musiscene.training.lessons import Lesson

if TYPE_CHECKING:
    from collections.abc import Sequence

    from musiscene.console import Console
    from musiscene.data.pseudo_captions import AudioAnswer, AudioLesson
    from musiscene.encoders.features import AudioFeatures
    from musiscene.prompts import PromptStyle
    from musiscene.training.features import FeatureStore

WAYS_TO_ASK: Final = {"whole": DESCRIBE_QUESTIONS, **FACT_QUESTIONS}
"""What an answer is about -> questions that it answers, whichever of them was written down."""


def hear_lessons(
    rows: Sequence[AudioLesson], features: FeatureStore, *, style: PromptStyle, console: Console
) -> list[Lesson]:
    """Lessons with what is heard in each track.

    Args:
        rows: In the order of their file; those that failed are left out.
        features: Of the encoder.
        style: How questions are put.
        console: Told of tracks that cannot be heard; their lessons are left out.

    Returns:
        One lesson for each answer.
    """
    # A track that could not be heard at first has a second row.
    tracks = {row.audio: row for row in rows if row.status == "done"}.values()
    lessons: list[Lesson] = []
    with console.progress("tracks") as report:
        for number, row in enumerate(tracks, 1):
            try:
                heard = features.features(row.audio, row.audio_hash)
                lessons += lessons_about(row, heard, style=style)
            except AudioError as error:
                console.fail_item(row.audio, error.reason)
            report("Hearing", number, len(tracks))
    return lessons


def lessons_about(row: AudioLesson, heard: AudioFeatures, *, style: PromptStyle) -> list[Lesson]:
    """The lessons about one track.

    Args:
        row: Its questions and answers.
        heard: Its features.
        style: How questions are put.

    Returns:
        One lesson for each answer, with the features of the segment or of the whole track.

    Raises:
        AudioError: If an answer is about a segment that is not there.
    """
    lessons = []
    for number, answer in enumerate(row.answers):
        if answer.segment is None:
            stretch = heard.track
        elif 0 <= answer.segment < len(heard.segments):
            stretch = heard.segments[answer.segment]
        else:
            reason = f"an answer is about segment {answer.segment} of {len(heard.segments)}"
            raise AudioError(row.audio, reason)
        lessons.append(
            Lesson(
                id=f"{row.audio_hash}:{number}",
                questions=_questions(answer, style),
                answer=" ".join(answer.answer.split()),
                features=stretch,
            )
        )
    return lessons


def _questions(answer: AudioAnswer, style: PromptStyle) -> tuple[str, ...]:
    if answer.context:
        able = "clean" if style == "mu-llama" else style  # whose prompt holds no context
        return (instruction_prompt(answer.question, context=answer.context, style=able),)
    ways = dict.fromkeys([answer.question, *WAYS_TO_ASK.get(answer.about, ())])
    return tuple(instruction_prompt(way, style=style) for way in ways)
