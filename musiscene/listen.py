"""What is heard in one track: facts from signal processing, tags from the encoder, segments."""

from __future__ import annotations

import msgspec

from musiscene.affect import Affect
from musiscene.audio.key import KeyEstimate
from musiscene.audio.read import AudioInfo
from musiscene.audio.tempo import TempoEstimate


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


class Listening(msgspec.Struct, frozen=True, kw_only=True):
    """Everything measured in one track, before any language model has seen it."""

    info: AudioInfo
    """The file, as its container describes it."""
    audio_hash: str
    """SHA-256 of the encoded audio packets: survives moves and retagging."""
    tempo: TempoEstimate
    """Beats per minute, with a confidence."""
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
