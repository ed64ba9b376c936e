"""Pieces, an ear, a captioner and backends for the background music experiment, all quick."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import numpy as np

from musiscene.audio.read import read_audio
from musiscene.errors import GenerationError
from musiscene.evaluation.background_music.captions import Captions
from musiscene.evaluation.background_music.ear import Ear, Excerpt, HeardPiece
from musiscene.evaluation.background_music.music import Backend
from musiscene.evaluation.background_music.sound import SoundCheck, check_sound
from musiscene.generate.protocol import GeneratedMusic, Provenance
from musiscene.vocabularies import TAGS_OF

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from threading import Event

    from musiscene.evaluation.background_music.clips import Clip
    from musiscene.generate.protocol import GenerationProgress, MusicRequest
    from musiscene.progress import ProgressReport

RATE = 8_000
SOUND = SoundCheck(loudness_lufs=-16.0, peak=0.5, clipped_share=0.0, silent_share=0.0)


def heard_piece(
    seed: int = 0,
    *,
    valence: float = 0.0,
    arousal: float = 0.0,
    tags: dict[str, float] | None = None,
    shift: float = 0.0,
    scene: str = "a forest",
) -> HeardPiece:
    """A piece with four patches of six features around `shift`, and tags at 0.05 but for some."""
    rows = np.random.default_rng(seed).normal(shift, 1.0, size=(4, 6))
    named = {name.lower(): score for name, score in (tags or {}).items()}
    return HeardPiece(
        tempo_bpm=100.0,
        tempo_confidence=0.5,
        valence=valence,
        arousal=arousal,
        tags={
            vocabulary: tuple(named.get(tag.lower(), 0.05) for tag in names)
            for vocabulary, names in TAGS_OF.items()
        },
        patches=tuple(map(tuple, rows.tolist())),
        sound=SOUND,
        scene=scene,
    )


class ToneGenerator:
    """Makes a tone for every prompt, and counts; words in `refused` cannot be made."""

    name = "tones"

    def __init__(self, *, refused: str = "", model: str = "tones-1") -> None:
        self.made: list[str] = []
        self.refused = refused
        self.model = model

    def generate(
        self,
        request: MusicRequest,
        *,
        progress: GenerationProgress,  # noqa: ARG002  the protocol's
        stop: Event,  # noqa: ARG002
    ) -> GeneratedMusic:
        """As in `MusicGenerator`."""
        if self.refused and self.refused in request.prompt:
            raise GenerationError(f"no music for {self.refused}")
        self.made.append(request.prompt)
        times = np.arange(round(request.seconds * RATE)) / RATE
        tone = 0.2 * np.sin(2 * np.pi * (200 + request.seed % 400) * times)
        return GeneratedMusic(
            waveform=np.stack([tone, tone]).astype(np.float32),
            sample_rate=RATE,
            provenance=Provenance(
                backend=self.name,
                model=self.model,
                weights_licence="none",
                commercial_use="yes",
                prompt=request.prompt,
                seconds=request.seconds,
                seed=request.seed,
            ),
        )


def backend(generator: ToneGenerator) -> Backend:
    """A generator as a backend."""
    return Backend(generator, "tones", "")


class PlainEar:
    """In place of an `Ear`: reads every file, and hears what its bytes say."""

    embedding = "made"

    def __init__(self) -> None:
        self.heard: list[Excerpt] = []

    def hear(
        self,
        excerpts: Sequence[Excerpt],
        step: str,
        report: ProgressReport,
        fail: Callable[[str, str], None],
    ) -> dict[Excerpt, HeardPiece]:
        """As in `Ear`."""
        found = {}
        for excerpt in excerpts:
            if not excerpt.path.is_file():
                fail(str(excerpt.path), "is gone")
                continue
            self.heard.append(excerpt)
            recording = read_audio(excerpt.path, sample_rate=RATE)
            seed = int(recording.audio_hash[:8], 16)
            piece = heard_piece(seed, valence=seed % 7 / 7, arousal=seed % 5 / 5)
            found[excerpt] = piece
            check_sound(recording.waveform[None], sample_rate=RATE)
        report(step, len(excerpts), len(excerpts))
        return found


def plain_ear() -> Ear:
    """A `PlainEar`."""
    return cast("Ear", PlainEar())


class PlainCaptioner:
    """Writes captions by rule, and counts the clips."""

    version = "plain-1"

    def __init__(self) -> None:
        self.captioned: list[str] = []

    def caption(self, clip: Clip) -> Captions:
        """As in `Captioner`."""
        self.captioned.append(clip.id)
        return Captions(
            video=clip.video,
            music=clip.music or "slow piano",
            fusion=clip.fusion or f"music for {clip.video}",
            msi=clip.msi or f"{clip.video} at night",
            fused_by="plain",
            imagined_by="plain",
        )
