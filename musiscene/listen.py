"""What is heard in one track: facts from signal processing, tags from the encoder, segments."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from musiscene.affect import Affect, estimate_affect
from musiscene.audio.affect_cues import affect_cues
from musiscene.audio.beats import BeatEstimate, find_beats
from musiscene.audio.energy import energy_curve
from musiscene.audio.excerpt_details import excerpt_details
from musiscene.audio.key import KeyEstimate, estimate_key
from musiscene.audio.limits import AudioLimits
from musiscene.audio.pulse.activations import beat_activations
from musiscene.audio.read import AudioInfo, Recording, read_audio
from musiscene.audio.segments import SegmentBounds, cut_at_chapters, find_segments
from musiscene.audio.tempo import TempoEstimate, estimate_tempo
from musiscene.encoders.features import AudioFeatures
from musiscene.encoders.patches import PatchPlan, plan_patches
from musiscene.vocabularies import (
    FAST_TAGS,
    NO_VOCAL_TAGS,
    SLOW_TAGS,
    TAGS_OF,
    VOCAL_TAGS,
    Vocabulary,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from musiscene.encoders.mert import Hearing, MertEncoder
    from musiscene.encoders.musicnn import MusicnnOutput, MusicnnTagger

SAMPLE_RATE = 16_000
"""Of everything that listens, in Hz: what MusiCNN was trained on."""

MIN_TAG_SCORE = 0.03
"""Tags below it are not kept: a library would be drowned in them."""

VOCALS_MIDDLE = 0.12
VOCALS_SPREAD = 0.04
"""By how much vocal tags must outweigh their denial, and the width of the doubt. A lone guitar or
flute is tagged as a voice by up to 0.1; a sung line by 0.2 and more."""

DEFAULT_LIMITS = AudioLimits()


class TagScore(msgspec.Struct, frozen=True, kw_only=True):
    """One word of a vocabulary and how strongly it is heard."""

    name: str
    """The tag, as the vocabulary spells it."""
    score: float
    """Probability that a person would use the tag, 0 to 1."""


class VocalEstimate(msgspec.Struct, frozen=True, kw_only=True):
    """Whether somebody sings."""

    probability: float
    """Probability of vocals, 0 to 1."""
    confidence: float
    """How far the vocabularies and segments agree, 0 to 1."""


class HeardSegment(msgspec.Struct, frozen=True, kw_only=True):
    """What is heard between two musical boundaries."""

    start_seconds: float
    """From the beginning of the track."""
    end_seconds: float
    """From the beginning of the track."""
    energy: float
    """Relative to the loudest part of the same track, 0 to 1."""
    tags: dict[str, tuple[TagScore, ...]]
    """Vocabulary (`mtt`, `msd`) -> its tags, strongest first."""
    title: str | None = None
    """Of its song, where the file holds several."""


class Listening(msgspec.Struct, frozen=True, kw_only=True):
    """Everything measured in one track, before any language model has seen it."""

    info: AudioInfo
    """The file, as its container describes it."""
    audio_hash: str
    """SHA-256 of the encoded audio packets: survives moves and retagging."""
    tempo: TempoEstimate
    """Beats per minute, with a confidence."""
    beats: BeatEstimate
    """Beats and bars at that tempo; none where no beat can be made out."""
    key: KeyEstimate
    """Tonic and mode, with a confidence."""
    loudness_lufs: float | None
    """Integrated loudness (ITU-R BS.1770-4), None below the gate."""
    energy_curve: tuple[float, ...]
    """One value a second, relative to the loudest second, 0 to 1."""
    vocals: VocalEstimate
    """Whether somebody sings."""
    tags: dict[str, tuple[TagScore, ...]]
    """Vocabulary (`mtt`, `msd`) -> its tags over the whole track, strongest first."""
    affect: Affect
    """Valence and arousal of the whole track."""
    segments: tuple[HeardSegment, ...]
    """In order, without gaps."""
    features: AudioFeatures
    """The track and its segments as the encoder hears them, for a language model with an ear."""


class Listener:
    """Hears tracks.

    Args:
        tagger: Names what is heard; also the encoder, if there is no other.
        encoder: A larger frozen encoder, whose features take the place of the tagger's.
        hear: How much of a track the larger encoder's features speak of.
        limits: On the files that are read.
    """

    def __init__(
        self,
        tagger: MusicnnTagger,
        *,
        encoder: MertEncoder | None = None,
        hear: Hearing = "whole",
        limits: AudioLimits = DEFAULT_LIMITS,
    ) -> None:
        self._tagger = tagger
        self._encoder = encoder
        self._hear = hear
        self._limits = limits

    def read(self, path: str | Path) -> Recording:
        """Decode a file to mono at `SAMPLE_RATE`.

        Args:
            path: Any audio or video file.

        Returns:
            What `hear` takes.

        Raises:
            AudioError: If the file cannot be heard.
        """
        return read_audio(path, sample_rate=SAMPLE_RATE, limits=self._limits)

    def hear(self, recording: Recording) -> Listening:
        """Measure and tag one recording made by `read`; safe to call from several threads."""
        waveform = recording.waveform
        bounds = _bounds(recording)
        plan = _plan(waveform, bounds)
        heard = self._tagger.listen(waveform, starts_seconds=plan.starts_seconds)
        track_scores = _mean_scores(heard, plan.of_segment)
        pulse = beat_activations(waveform, sample_rate=SAMPLE_RATE)
        excerpts = excerpt_details(waveform, sample_rate=SAMPLE_RATE)
        tempo = estimate_tempo(
            waveform,
            sample_rate=SAMPLE_RATE,
            pace=_pace(track_scores),
            activations=pulse,
            excerpts=excerpts,
        )
        key = estimate_key(waveform, sample_rate=SAMPLE_RATE, excerpts=excerpts)
        curve = energy_curve(waveform, sample_rate=SAMPLE_RATE)
        return Listening(
            features=self._features(recording, heard, bounds, plan),
            info=recording.info,
            audio_hash=recording.audio_hash,
            tempo=tempo,
            beats=find_beats(waveform, sample_rate=SAMPLE_RATE, bpm=tempo.bpm, activations=pulse),
            key=key,
            loudness_lufs=recording.loudness_lufs,
            energy_curve=tuple(round(float(energy), 3) for energy in curve),
            vocals=estimate_vocals(track_scores),
            tags=_strongest_first(track_scores),
            affect=estimate_affect(
                affect_cues(waveform, sample_rate=SAMPLE_RATE, excerpts=excerpts),
                tempo_bpm=tempo.bpm,
                tempo_confidence=tempo.confidence,
                loudness_lufs=recording.loudness_lufs,
            ),
            segments=tuple(
                HeardSegment(
                    start_seconds=bound.start_seconds,
                    end_seconds=bound.end_seconds,
                    energy=_mean_energy(curve, bound),
                    tags=_strongest_first(_mean_scores(heard, [patches])),
                    title=bound.title,
                )
                for bound, patches in zip(bounds, plan.of_segment, strict=True)
            ),
        )

    def features(self, recording: Recording) -> AudioFeatures:
        """What the encoder hears, without all else that `hear` measures and with the same result.

        Args:
            recording: Made by `read`.

        Returns:
            The track's features and its segments'.
        """
        bounds = _bounds(recording)
        plan = _plan(recording.waveform, bounds)
        heard = self._tagger.listen(recording.waveform, starts_seconds=plan.starts_seconds)
        return self._features(recording, heard, bounds, plan)

    def _features(
        self,
        recording: Recording,
        heard: MusicnnOutput,
        bounds: Sequence[SegmentBounds],
        plan: PatchPlan,
    ) -> AudioFeatures:
        if self._encoder is None:
            layers = np.stack(list(heard.penultimate.values()), axis=1)  # (patches, layers, width)
            by_segment = np.stack([layers[list(patches)].mean(0) for patches in plan.of_segment])
            return AudioFeatures(track=by_segment.mean(0), segments=by_segment)
        # Read once more: the larger encoder hears what lies above the tagger's 8 kHz.
        waveform = read_audio(
            recording.info.path,
            sample_rate=self._encoder.sample_rate,
            limits=self._limits,
            resampler="hann",
        ).waveform
        spans = [(bound.start_seconds, bound.end_seconds) for bound in bounds]
        return self._encoder.encode(waveform, spans_seconds=spans, hear=self._hear)


def estimate_vocals(scores: Mapping[Vocabulary, Sequence[tuple[str, float]]]) -> VocalEstimate:
    """Weigh the tags that speak of voices against those that deny them.

    Args:
        scores: Vocabulary -> every tag with its probability.

    Returns:
        Mean over the vocabularies of a logistic curve over the strongest vocal tag less the
        strongest denial; they agree fully at confidence 1.
    """
    shares = []
    for named in scores.values():
        sung = max((score for name, score in named if name in VOCAL_TAGS), default=0.0)
        unsung = max((score for name, score in named if name in NO_VOCAL_TAGS), default=0.0)
        shares.append(1.0 / (1.0 + math.exp((VOCALS_MIDDLE - sung + unsung) / VOCALS_SPREAD)))
    probability = float(np.mean(shares))
    agreement = 1.0 - float(np.ptp(shares))
    return VocalEstimate(
        probability=round(probability, 3),
        confidence=round(agreement * abs(2.0 * probability - 1.0), 3),
    )


def _bounds(recording: Recording) -> list[SegmentBounds]:
    bounds = find_segments(recording.waveform, sample_rate=SAMPLE_RATE)
    return cut_at_chapters(bounds, recording.info.chapters)


def _plan(waveform: NDArray[np.float32], bounds: Sequence[SegmentBounds]) -> PatchPlan:
    return plan_patches(
        waveform,
        [(bound.start_seconds, bound.end_seconds) for bound in bounds],
        [bound.title for bound in bounds],
    )


def _mean_scores(
    heard: MusicnnOutput, of_segment: Sequence[Sequence[int]]
) -> dict[Vocabulary, list[tuple[str, float]]]:
    """Of some segments, each of which counts the same."""
    return {
        vocabulary: list(
            zip(
                TAGS_OF[vocabulary],
                np.mean([probabilities[list(own)].mean(axis=0) for own in of_segment], axis=0)
                .astype(float)
                .tolist(),
                strict=True,
            )
        )
        for vocabulary, probabilities in heard.tags.items()
    }


def _strongest_first(
    scores: Mapping[Vocabulary, Sequence[tuple[str, float]]],
) -> dict[str, tuple[TagScore, ...]]:
    return {
        vocabulary: tuple(
            TagScore(name=name, score=round(score, 4))
            for name, score in sorted(named, key=lambda pair: -pair[1])
            if score >= MIN_TAG_SCORE
        )
        for vocabulary, named in scores.items()
    }


def _pace(scores: Mapping[Vocabulary, Sequence[tuple[str, float]]]) -> float:
    """From -1 (tagged slow) to 1 (tagged fast)."""
    named = dict(scores["mtt"])
    fast = max(named[tag] for tag in FAST_TAGS)
    slow = max(named[tag] for tag in SLOW_TAGS)
    return (fast - slow) / max(fast + slow, 1e-6)


def _mean_energy(curve: NDArray[np.float32], bound: SegmentBounds) -> float:
    first = int(bound.start_seconds)
    return round(float(curve[first : max(int(bound.end_seconds), first + 1)].mean()), 3)
