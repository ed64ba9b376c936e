"""Made lessons about made audio, so that a test of training needs no encoder."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from musiscene.data.pseudo_captions import AudioAnswer, AudioLesson
from musiscene.encoders.features import AudioFeatures
from musiscene.training.lessons import Lesson

if TYPE_CHECKING:
    from pathlib import Path

SHAPE = (2, 8)
"""Layers and width of made features."""
ANSWERS = ("a boat", "a storm", "a child", "ten men")


def made_lessons(count: int = 16) -> list[Lesson]:
    """One question, whose answer only the audio tells: features of four kinds, with some noise."""
    kinds = np.eye(len(ANSWERS), SHAPE[1], dtype=np.float32)
    chance = np.random.default_rng(0)
    return [
        Lesson(
            id=str(number),
            questions=("What is it? ",),
            answer=ANSWERS[number % len(ANSWERS)],
            features=np.float32(3.0) * np.stack([kinds[number % len(ANSWERS)]] * SHAPE[0])
            + chance.normal(0, 0.05, SHAPE).astype(np.float32),
        )
        for number in range(count)
    ]


def audio_lesson(path: str, audio_hash: str = "a" * 64, segment: int | None = None) -> AudioLesson:
    """A lesson of one question."""
    answer = AudioAnswer(
        about="mood", question="How does it feel?", answer="Calm,\nslow.", segment=segment
    )
    return AudioLesson(audio=path, status="done", audio_hash=audio_hash, answers=(answer,))


class MadeRecording(NamedTuple):
    """What a made listener reads."""

    audio_hash: str


class MadeListener:
    """Hears a track by its file's first letter, which is also its hash, and notes what it reads."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def read(self, path: str) -> MadeRecording:
        """Never fails."""
        self.asked.append(path)
        letter = path.rpartition("/")[2][0]
        return MadeRecording(letter * 64)

    def features(self, recording: MadeRecording) -> AudioFeatures:
        """Two segments, whose features are counted up from the track's."""
        track = np.full(SHAPE, ord(recording.audio_hash[0]), np.float32)
        return AudioFeatures(track=track, segments=np.stack([track + 1, track + 2]))


class OneModel:
    """A model store that holds one folder under every name."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def folder(self, name: str) -> Path:  # noqa: ARG002
        """The folder."""
        return self._folder
