"""What MusiScene hears in pieces, made and real: one passage of each, brought to one loudness."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec
import numpy as np

from musiscene.errors import AudioError, GenerationError
from musiscene.evaluation.background_music.kept import Kept, key_of
from musiscene.evaluation.background_music.sound import SoundCheck, check_sound
from musiscene.evaluation.heard import passage_of
from musiscene.generate.mastering import to_loudness
from musiscene.listen import SAMPLE_RATE
from musiscene.vocabularies import TAGS_OF

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from musiscene.audio.read import Recording
    from musiscene.encoders.musicnn import MusicnnTagger
    from musiscene.evaluation.background_music.embeddings import PatchEmbedder
    from musiscene.listen import Listening
    from musiscene.model import MusiScene
    from musiscene.progress import ProgressReport

BATCH_PIECES: Final = 8
DIGITS: Final = 4
"""Of vectors that are kept."""


class Excerpt(NamedTuple):
    """A passage that is to be heard."""

    path: Path
    """Any audio file."""
    seconds: float
    """From the middle of the file; all of it where that is shorter."""
    with_scene: bool
    """Whether a scene is imagined for it."""


class HeardPiece(msgspec.Struct, frozen=True, kw_only=True):
    """What is heard in a passage."""

    tempo_bpm: float
    """Measured."""
    tempo_confidence: float
    """0 to 1."""
    valence: float
    """-1 to 1."""
    arousal: float
    """-1 to 1."""
    tags: dict[str, tuple[float, ...]]
    """Vocabulary -> probability of each of its tags, mean over the patches."""
    patches: tuple[tuple[float, ...], ...]
    """Embeddings."""
    sound: SoundCheck
    """Of the passage as it is in the file, in mono at 16 kHz."""
    scene: str = ""
    """Imagined; empty where none was asked for."""

    @property
    def embeddings(self) -> NDArray[np.float32]:
        """Shape (patches, width)."""
        return np.array(self.patches, dtype=np.float32)

    @property
    def all_tags(self) -> NDArray[np.float64]:
        """Of all vocabularies, one after the other, shape (tags,)."""
        return np.concatenate([self.tags[name] for name in TAGS_OF])


class Ear:
    """Hears passages, and keeps what it heard.

    Args:
        model: Listens, and imagines scenes.
        tagger: Hears patch by patch.
        embedder: Of the patches.
        path: Keeps what is heard.
        seed: Of the scenes.

    Raises:
        MusiSceneError: If the file cannot be used.
    """

    def __init__(
        self,
        model: MusiScene,
        tagger: MusicnnTagger,
        embedder: PatchEmbedder,
        path: Path,
        *,
        seed: int,
    ) -> None:
        self._model = model
        self._tagger = tagger
        self._embedder = embedder
        self._seed = seed
        self._kept = Kept(path, HeardPiece)

    @property
    def embedding(self) -> str:
        """What the vectors are."""
        return self._embedder.name

    def hear(
        self,
        excerpts: Sequence[Excerpt],
        step: str,
        report: ProgressReport,
        fail: Callable[[str, str], None],
    ) -> dict[Excerpt, HeardPiece]:
        """Hear passages.

        Args:
            excerpts: Any number.
            step: What this is called in `report`.
            report: Is told how many are done.
            fail: Is told of a file that cannot be heard, and why; the rest goes on.

        Returns:
            What is heard.

        Raises:
            MusiSceneError: If what is heard cannot be kept.
        """
        wanted = list(dict.fromkeys(excerpts))
        missing = [one for one in wanted if self._key(one) not in self._kept]
        for start in range(0, len(missing), BATCH_PIECES):
            report(step, start, len(missing))
            self._hear_batch(missing[start : start + BATCH_PIECES], fail)
        report(step, len(missing), len(missing))
        return {one: self._kept[self._key(one)] for one in wanted if self._key(one) in self._kept}

    def _key(self, excerpt: Excerpt) -> str:
        try:
            state = excerpt.path.stat()
        except OSError:
            return ""
        versions = self._model.versions
        return key_of(
            str(excerpt.path.resolve()),
            [state.st_size, state.st_mtime_ns],
            [excerpt.seconds, excerpt.with_scene],
            [versions.listening, versions.writing, self._embedder.name, self._seed],
        )

    def _hear_batch(self, batch: Sequence[Excerpt], fail: Callable[[str, str], None]) -> None:
        heard: list[tuple[Excerpt, Listening, HeardPiece]] = []
        for excerpt in batch:
            try:
                heard.append((excerpt, *self._hear_one(excerpt)))
            except AudioError as error:
                fail(str(excerpt.path), error.reason)
            except GenerationError:
                fail(str(excerpt.path), "the passage is silent")
        told = [listening for excerpt, listening, _ in heard if excerpt.with_scene]
        scenes = iter(
            self._model.imagine(told, captions_per_segment=1, seed=self._seed) if told else []
        )
        for excerpt, _, piece in heard:
            scene = next(scenes)[0].scene_captions[0].text if excerpt.with_scene else ""
            self._kept.keep(self._key(excerpt), msgspec.structs.replace(piece, scene=scene))

    def _hear_one(self, excerpt: Excerpt) -> tuple[Listening, HeardPiece]:
        recording = cut(self._model.listener.read(excerpt.path), excerpt.seconds)
        sound = check_sound(recording.waveform[None], sample_rate=SAMPLE_RATE)
        levelled = to_loudness(recording.waveform[None].copy(), sample_rate=SAMPLE_RATE)[0]
        listening = self._model.listener.hear(msgspec.structs.replace(recording, waveform=levelled))
        patches = self._tagger.listen(levelled)
        waveform = levelled
        if self._embedder.sample_rate is not None:
            import soxr

            waveform = soxr.resample(levelled, SAMPLE_RATE, self._embedder.sample_rate)
        vectors = self._embedder.embed(waveform, patches)
        return passage_of(listening), HeardPiece(
            tempo_bpm=listening.tempo.bpm,
            tempo_confidence=listening.tempo.confidence,
            valence=listening.affect.valence,
            arousal=listening.affect.arousal,
            tags={
                name: tuple(scores.mean(axis=0).round(DIGITS + 1).astype(float).tolist())
                for name, scores in patches.tags.items()
            },
            patches=tuple(map(tuple, vectors.astype(float).round(DIGITS).tolist())),
            sound=sound,
        )


def cut(recording: Recording, seconds: float) -> Recording:
    """The middle of a recording.

    Args:
        recording: Any.
        seconds: How much of it.

    Returns:
        A recording of that length, or as it was where it is shorter.
    """
    samples = round(seconds * recording.sample_rate)
    spare = recording.waveform.size - samples
    if spare <= 0:
        return recording
    return msgspec.structs.replace(
        recording, waveform=recording.waveform[spare // 2 : spare // 2 + samples]
    )
