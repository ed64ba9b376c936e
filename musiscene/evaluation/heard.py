"""What a model says of real audio: one passage of each track, heard on its own.

A passage is a track's most energetic segment. The model gets its audio alone: a model with an ear
has no measured fact in its prompt. What it says when it hears nothing is asked of a file of noise
so faint that nobody hears it, as digital silence is no music and is refused.
"""

from __future__ import annotations

import wave
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

import msgspec
import numpy as np

from musiscene.data.pseudo_captions import FACT_QUESTIONS, find_audio
from musiscene.data.rows import Name, Text
from musiscene.describe import describe_music
from musiscene.encoders.features import AudioFeatures
from musiscene.errors import AudioError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from musiscene.console import Console
    from musiscene.language_model import Sampling
    from musiscene.listen import Listening
    from musiscene.track_imaginer import ImaginedSegment

DESCRIPTION: Final = "description"
ANSWERS: Final = "answers"
SCENES: Final = "scenes"
SAYINGS: Final = (DESCRIPTION, ANSWERS, SCENES)
"""What is asked of a model about each passage."""

BATCH_TRACKS: Final = 8
MAX_ANSWER_TOKENS: Final = 40
NOISE_SECONDS: Final = 30.0
NOISE_RATE: Final = 16_000
NOISE_SCALE: Final = 10.0 / 32_768  # -70 dBFS


class HearingModel(Protocol):
    """What is judged: `musiscene.model.MusiScene`, or what speaks like it."""

    @property
    def version(self) -> str:
        """Of the models and the recipe together."""
        ...

    def listen(self, path: str | Path) -> Listening:
        """Hear one file."""
        ...

    def imagine(
        self,
        listenings: Sequence[Listening],
        *,
        captions_per_segment: int = 2,
        seed: int = 0,
        greedy: bool = False,
    ) -> list[tuple[ImaginedSegment, ...]]:
        """Describe the segments of tracks and imagine scenes for them."""
        ...

    def answer(self, listening: Listening, question: str, sampling: Sampling) -> Iterator[str]:
        """Answer a question about a track."""
        ...


class Passage(NamedTuple):
    """One passage of a track."""

    name: str
    """The file below the library's folder, with `/`."""
    listening: Listening
    """The passage as if it were a track of one segment."""
    measured: str
    """What was measured in it, in words."""


class LabelledTrack(msgspec.Struct, frozen=True, kw_only=True):
    """What is true of a track, whoever says so."""

    audio: Name
    """The file below the library's folder, with `/`."""
    labels: Text
    """In words, such as `calm acoustic piece, 68 bpm, C major`."""


class TrackTexts(msgspec.Struct, frozen=True, kw_only=True):
    """What is said of one track."""

    audio: str
    """The file below the library's folder, with `/`."""
    measured: str
    """What was measured in its passage, in words."""
    texts: dict[str, str]
    """One of `SAYINGS` -> what the model says."""


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """What a model says of the passages of a library."""

    version: str
    """Of the model."""
    texts: dict[str, tuple[str, ...]]
    """One of `SAYINGS` -> a text for each passage."""
    of_nothing: dict[str, str]
    """The same for a file in which nothing is heard."""

    def by_track(self, passages: Sequence[Passage]) -> list[TrackTexts]:
        """The texts of each track.

        Args:
            passages: That were asked about, in their order.

        Returns:
            One for each.
        """
        return [
            TrackTexts(
                audio=passage.name,
                measured=passage.measured,
                texts={saying: texts[row] for saying, texts in self.texts.items()},
            )
            for row, passage in enumerate(passages)
        ]


class Asking(msgspec.Struct, frozen=True, kw_only=True):
    """How a model is asked."""

    sayings: tuple[str, ...] = SAYINGS
    """Some of `SAYINGS`."""
    scenes: int = 2
    """Scenes for each passage."""
    seed: int = 0
    """Of the scenes; the rest is said greedily."""
    greedy: bool = False
    """Imagine the likeliest words too."""


def passage_of(listening: Listening) -> Listening:
    """The most energetic segment of a track, as a track of its own.

    Args:
        listening: What is heard in the track.

    Returns:
        One segment with its own tags, features and energy; tempo, key and mood are the track's.
    """
    energies = [segment.energy for segment in listening.segments]
    place = int(np.argmax(energies))
    segment = listening.segments[place]
    first = int(segment.start_seconds)
    last = max(int(segment.end_seconds), first + 1)
    features = listening.features.segments[place]
    return msgspec.structs.replace(
        listening,
        energy_curve=listening.energy_curve[first:last],
        tags=segment.tags,
        segments=(segment,),
        features=AudioFeatures(track=features, segments=features[None]),
    )


def hear_passages(model: HearingModel, folder: Path, console: Console) -> list[Passage]:
    """Hear one passage of each track of a library.

    Args:
        model: Listens.
        folder: Of audio files, at any depth.
        console: Is told of progress and of files that cannot be heard, which are left out.

    Returns:
        The passages in the order of their names.
    """
    paths = find_audio(folder)
    passages = []
    with console.progress("tracks") as report:
        for number, path in enumerate(paths):
            report("Listening", number, len(paths))
            try:
                heard = passage_of(model.listen(path))
            except AudioError as error:
                console.fail_item(path, error.reason)
                continue
            name = Path(path).relative_to(folder).as_posix()
            passages.append(Passage(name, heard, describe_music(heard, heard.segments[0])))
        report("Listening", len(paths), len(paths))
    return passages


def hear_nothing(model: HearingModel) -> Listening:
    """What a model hears where there is nothing to hear.

    Args:
        model: Listens to a file of faint noise.

    Returns:
        A passage.
    """
    noise = np.random.default_rng(0).normal(size=round(NOISE_SECONDS * NOISE_RATE))
    with TemporaryDirectory() as folder:
        path = Path(folder) / "nothing.wav"
        with wave.open(str(path), "wb") as file:
            file.setparams((1, 2, NOISE_RATE, 0, "NONE", ""))
            file.writeframes((noise * NOISE_SCALE * 32_767).astype("<i2").tobytes())
        return passage_of(model.listen(path))


def ask(model: HearingModel, passages: Sequence[Passage], asking: Asking, console: Console) -> Said:
    """Ask a model about every passage, and about nothing.

    Args:
        model: Is asked.
        passages: From `hear_passages`.
        asking: How.
        console: Is told of progress.

    Returns:
        What it says.
    """
    heard = [passage.listening for passage in passages] + [hear_nothing(model)]
    told: dict[str, list[str]] = {saying: [] for saying in asking.sayings}
    with console.progress("tracks") as report:
        for start in range(0, len(heard), BATCH_TRACKS):
            report("Asking", start, len(heard))
            batch = heard[start : start + BATCH_TRACKS]
            for saying, texts in _ask_batch(model, batch, asking).items():
                told[saying] += texts
        report("Asking", len(heard), len(heard))
    return Said(
        version=model.version,
        texts={saying: tuple(texts[:-1]) for saying, texts in told.items()},
        of_nothing={saying: texts[-1] for saying, texts in told.items()},
    )


def _ask_batch(
    model: HearingModel, batch: Sequence[Listening], asking: Asking
) -> dict[str, list[str]]:
    told: dict[str, list[str]] = {}
    if {DESCRIPTION, SCENES}.intersection(asking.sayings):
        imagined = model.imagine(
            batch,
            captions_per_segment=asking.scenes if SCENES in asking.sayings else 0,
            seed=asking.seed,
            greedy=asking.greedy,
        )
        told[DESCRIPTION] = [segment.music_caption for [segment] in imagined]
        told[SCENES] = [
            " ".join(caption.text for caption in segment.scene_captions) for [segment] in imagined
        ]
    if ANSWERS in asking.sayings:
        told[ANSWERS] = [_answers(model, listening) for listening in batch]
    return {saying: told[saying] for saying in asking.sayings}


def _answers(model: HearingModel, listening: Listening) -> str:
    """The answers to a question about each kind of fact, in one line."""
    from musiscene.language_model import Sampling

    # A line end is no end: a model may begin with one.
    greedy = Sampling(max_new_tokens=MAX_ANSWER_TOKENS, temperature=0.0, stop=())
    answers = [
        "".join(model.answer(listening, questions[0], greedy))
        for questions in FACT_QUESTIONS.values()
    ]
    return " ".join(" ".join(answer.split()) for answer in answers if answer.strip())
