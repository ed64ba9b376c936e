"""The experiment's report: what was compared, and every figure."""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

from musiscene.metrics.bootstrap import Interval
from musiscene.metrics.frechet import Frechet
from musiscene.metrics.identification import Identification
from musiscene.metrics.spread import Spread

Kind: TypeAlias = Literal["caption", "real", "control"]


class Agreement(msgspec.Struct, frozen=True, kw_only=True):
    """A figure of pieces with their own clips, beside the same pieces moved to other clips."""

    value: Interval
    """Mean over the clips."""
    moved: float
    """Of the same pieces on other clips, mean of all moves."""
    gap: Interval
    """The value minus the moved one, clips drawn in pairs."""


class SystemFigures(msgspec.Struct, frozen=True, kw_only=True):
    """All figures of one kind of music."""

    name: str
    """As in the tables."""
    kind: Kind
    """`control`: another clip's music."""
    clips: int
    """That it was judged on."""
    pieces: int
    """All takes."""
    frechet: Frechet | None
    """To real music; None where there is no reference, or too few pieces."""
    kernel: Interval | None
    """Kernel distance to real music, times 1000."""
    tags_pooled: Interval | None
    """KL in nats of the tags of all pieces together from those of real music."""
    tags_own: Interval | None
    """KL in nats of the tags of each piece from those of the clip's own music."""
    fit: Agreement
    """Fit of the music with the clip's video caption, -1 to 1."""
    fit_music: Agreement
    """Fit of the music with the clip's music caption."""
    scene: Agreement
    """Cosine of the scene imagined to the music with the video caption."""
    found_by_fit: Identification
    """The clip's music among all of this kind, by its fit with the video caption."""
    found_by_scene: Identification
    """The same by the imagined scenes."""
    spread: Spread
    """How different the pieces are from each other."""
    tempo_confidence: Interval
    """How sure the tempo is that is heard, 0 to 1."""
    loudness_lufs: Interval | None
    """Before all are brought to one loudness."""
    clipped_pieces: int
    """With a sample at full scale."""
    silent_share: float
    """Of all seconds."""


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """Two systems by one figure, clips drawn in pairs."""

    figure: str
    """A field of `SystemFigures`."""
    first: str
    """A system."""
    second: str
    """Another."""
    difference: Interval
    """The first's less the second's."""
    p: float
    """Of a paired permutation test."""
    p_holm: float
    """Corrected for all tests of this figure; below 0.05 is a difference."""


class Setting(msgspec.Struct, frozen=True, kw_only=True):
    """How a run was made."""

    clips_file: str
    """As given."""
    split: str
    """Of the clips, as the person says."""
    clips: int
    """That have all pieces."""
    backend: str
    """Of the music; `none` where only real music was judged."""
    generator: str
    """Model and version."""
    weights_licence: str
    """Of what makes the music."""
    commercial_use: str
    """Of the music, by that licence."""
    captions_by: dict[str, tuple[str, ...]]
    """Where the fused and the imagined captions come from."""
    seconds: float
    """Of every piece."""
    takes: int
    """Of every prompt."""
    seed: int
    """Of the run."""
    reference: str
    """What real music the distances are to."""
    real: str
    """What `real` and `random` are."""
    embedding: str
    """Of the distances."""
    judging_embedder: str
    """Of the scenes."""
    listening: str
    """What hears."""
    writing: str
    """What imagines scenes to the pieces."""
    machine: str
    """Processor and system."""
    versions: dict[str, str]
    """Of the libraries."""
    finished: str
    """UTC."""


class BackgroundMusicReport(msgspec.Struct, frozen=True, kw_only=True):
    """The whole report."""

    setting: Setting
    """How it was made."""
    chance: Identification
    """What music that knows nothing reaches."""
    systems: tuple[SystemFigures, ...]
    """In the order of the tables."""
    comparisons: tuple[Comparison, ...]
    """Of all pairs of one form of prompts, and of each caption's two forms, by three figures."""
    examples: tuple[tuple[str, str, str], ...] = ()
    """Of the first clip: system, prompt, scene imagined to the piece."""
