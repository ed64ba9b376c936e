"""Questions and answers about real audio, from what is measured in it: lessons for an ear.

MusicQA lets a language model write questions and answers from a data set's tags, LP-MusicCaps
captions. Here plain rules write them, from tags and descriptors: nothing is said that was not
measured, and equal facts get equal words.

Source: Liu et al. 2023, arXiv:2308.11276, section 4 (MusicQA); Doh et al. 2023, arXiv:2307.16372
(LP-MusicCaps).
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Final

import msgspec

from musiscene.data.rows import Name, Text
from musiscene.describe import describe_music
from musiscene.errors import AudioError
from musiscene.imagine.questions import answer_from_facts
from musiscene.prompts import DESCRIBE_QUESTION

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from musiscene.data.manifest import Manifest
    from musiscene.listen import Listening

DESCRIBE_QUESTIONS: Final = (
    "Describe the audio",
    "Describe the music",
    DESCRIBE_QUESTION,
    "Describe what you hear",
)
FACT_QUESTIONS: Final[dict[str, tuple[str, ...]]] = {
    "tempo": ("What is the tempo?", "How fast is the music?"),
    "key": ("What is the key of the piece?", "In which key is the music?"),
    "instruments": ("Which instruments do you hear?", "What instruments are played?"),
    "voice": ("Is there singing?", "Are there vocals?"),
    "mood": ("What is the mood of the music?", "Which mood does the piece have?"),
    "genre": ("What genre is it?", "Which style of music is this?"),
}
"""What is asked about -> ways to ask it, one of which is drawn for each track."""
SEGMENT_FACTS: Final = ("instruments", "genre")
"""What is asked about a segment too: what its own tags answer."""
AUDIO_EXTENSIONS: Final = frozenset({
    ".aac", ".aif", ".aiff", ".flac", ".m4a", ".mka", ".mp3", ".mp4", ".oga", ".ogg", ".opus",
    ".wav", ".webm", ".wma",
})  # fmt: skip
RULES_VERSION: Final = "2"
_UNSURE = re.compile(r"^(It is not clear|No )|half or double|probably")


class AudioAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """One question about a track, answered."""

    about: str
    """`whole`, or a key of `FACT_QUESTIONS`."""
    question: Text
    """In English."""
    answer: Text
    """In English, from measured facts alone."""
    segment: int | None = None
    """Which segment of the track is meant, from 0; None for the whole."""
    context: Text = ""
    """What is known of the music already when it is asked, such as a description."""


class AudioLesson(msgspec.Struct, frozen=True, kw_only=True):
    """What there is to learn from one track."""

    audio: Name
    """The file, as it was found."""
    status: str
    """`done` or `failed`; failed ones are tried again by the next run."""
    problem: str = ""
    """Why it has failed."""
    audio_hash: str = ""
    """Of the encoded audio packets: equal for copies of one track."""
    group: str = ""
    """The artist, or the audio hash: what must not stand in two splits."""
    answers: tuple[AudioAnswer, ...] = ()
    """On the whole track first, then on each of its segments."""
    source: str = f"rules-{RULES_VERSION}"
    """What wrote the answers."""


def find_audio(folder: Path) -> list[str]:
    """The audio files below a folder.

    Args:
        folder: Hidden files and folders in it are left out.

    Returns:
        Paths in their order.
    """
    return sorted(
        str(path)
        for path in folder.rglob("*")
        if path.suffix.lower() in AUDIO_EXTENSIONS
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
        and path.is_file()
    )


def write_lessons(
    paths: Iterable[str], hear: Callable[[str], Listening], manifest: Manifest[AudioLesson]
) -> Iterator[AudioLesson]:
    """Hear what the manifest does not hold yet, and keep each lesson as it is finished.

    Args:
        paths: Audio files.
        hear: Measures one.
        manifest: Open.

    Yields:
        The lesson of each file, also of those that were finished before.
    """
    for path in paths:
        lesson = manifest.rows.get(path)
        if lesson is None or lesson.status == "failed":
            try:
                lesson = lesson_from(path, hear(path))
            except AudioError as error:
                lesson = AudioLesson(audio=path, status="failed", problem=error.reason)
            manifest.append(lesson)
        yield lesson


def lesson_from(path: str, listening: Listening) -> AudioLesson:
    """Questions and answers about a track and its segments.

    Args:
        path: Its file.
        listening: What was measured.

    Returns:
        The whole description and the facts, each asked in a way that the audio's hash draws; of a
        track with several segments also what each of them sounds like.
    """
    draw = int.from_bytes(hashlib.sha256(listening.audio_hash.encode()).digest()[:4])
    answers = [_description(draw, describe_music(listening))]
    answers += _facts(listening, FACT_QUESTIONS, draw)
    if len(listening.segments) > 1:
        for number, segment in enumerate(listening.segments):
            heard = msgspec.structs.replace(listening, tags=segment.tags)
            drawn = draw + number + 1
            own = [
                _description(drawn, describe_music(listening, segment)),
                *_facts(heard, SEGMENT_FACTS, drawn),
            ]
            answers += [msgspec.structs.replace(answer, segment=number) for answer in own]
    return AudioLesson(
        audio=path,
        status="done",
        audio_hash=listening.audio_hash,
        group=listening.info.artist or listening.audio_hash,
        answers=tuple(answers),
    )


def _description(draw: int, described: str) -> AudioAnswer:
    question = DESCRIBE_QUESTIONS[draw % len(DESCRIBE_QUESTIONS)]
    return AudioAnswer(about="whole", question=question, answer=described)


def _facts(listening: Listening, abouts: Iterable[str], draw: int) -> list[AudioAnswer]:
    answers = []
    for about in abouts:
        question = FACT_QUESTIONS[about][draw % len(FACT_QUESTIONS[about])]
        answer = answer_from_facts(listening, question)
        # A fact of which the measurement is not sure would teach its mistakes.
        if _UNSURE.search(answer) is None:
            answers.append(AudioAnswer(about=about, question=question, answer=answer))
    return answers
