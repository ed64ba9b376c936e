"""A scene in words from what was measured in it, where nothing can look at it.

Nothing is said that was not measured: pace, movement, light, colour, voices, loudness. The words
are those that people use of music too, so that tempo and energy follow the picture; that a picture
is dark is said as little light, since "dark" would ask for dark music (docs/captions.md).
"""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from musiscene.video.analysis import CaptionSource, SceneFacts, VideoScene

CUTS_PER_MINUTE: Final = (4.0, 10.0, 20.0, 40.0)
MOTION: Final = (0.02, 0.06, 0.15, 0.3)
BRIGHTNESS: Final = (0.18, 0.32, 0.5, 0.65)
SATURATION: Final = (0.1, 0.2, 0.4)
WARMTH: Final = (-0.12, 0.12)
SPEECH: Final = (0.1, 0.5)
LOUDNESS_LUFS: Final = (-35.0, -16.0)
"""Edges between the words below, from low to high."""

LIVELINESS: Final = (
    "A very slow, calm, peaceful and quiet scene",
    "A slow, calm and gentle scene",
    "A scene of moderate pace",
    "A fast, lively and energetic scene",
    "A very fast, frantic and intense scene",
)
SHOTS: Final = (
    "long lingering shots", "long shots", "regular cuts", "quick cuts", "a storm of quick cuts",
)  # fmt: skip
MOVEMENTS: Final = (
    "stillness", "gentle movement", "some movement", "much movement", "constant movement",
)  # fmt: skip
LIGHTS: Final = (
    "very low light", "low light", "soft light", "bright light", "very bright light",
)  # fmt: skip
COLOURS: Final = ("grey", "pale", "natural", "vivid")
WARMTHS: Final = ("cool ", "", "warm ")
VOICES: Final = ("", "Somebody speaks now and then.", "Somebody speaks most of the time.")
SOUNDS: Final = ("It is quiet.", "", "It is loud.")


class MeasuredCaptioner:
    """Says what the facts say."""

    name = "facts"
    licence: str | None = None
    source: CaptionSource = "measured"
    most_frames = 0

    def caption(self, scene: VideoScene, frames: Sequence[NDArray[np.uint8]]) -> str:
        """Say what was measured in a scene.

        Args:
            scene: With its facts.
            frames: Are not looked at.

        Returns:
            One to three sentences.
        """
        del frames
        return facts_in_words(scene.facts)


def facts_in_words(facts: SceneFacts) -> str:
    """Put facts into words.

    Args:
        facts: Of a scene.

    Returns:
        One to three sentences.

    Example:
        >>> from musiscene.video.analysis import SceneFacts
        >>> facts_in_words(
        ...     SceneFacts(
        ...         cuts_per_minute=2.0, motion=0.01, brightness=0.1, contrast=0.1,
        ...         saturation=0.05, warmth=-0.3, speech=0.8, loudness_lufs=-24.0,
        ...     )
        ... )
        'A very slow, calm, peaceful and quiet scene: long lingering shots, stillness, cool grey \
colours in very low light. Somebody speaks most of the time.'
    """
    cuts = bisect_right(CUTS_PER_MINUTE, facts.cuts_per_minute)
    motion = bisect_right(MOTION, facts.motion)
    # Either makes a scene lively: a dance in one shot, and a storm of photographs.
    liveliness = min(4, round((max(cuts, motion) * 2 + min(cuts, motion)) / 3))
    light = LIGHTS[bisect_right(BRIGHTNESS, facts.brightness)]
    warmth = WARMTHS[bisect_right(WARMTH, facts.warmth)]
    colour = COLOURS[bisect_right(SATURATION, facts.saturation)]
    seen = f"{SHOTS[cuts]}, {MOVEMENTS[motion]}, {warmth}{colour} colours in {light}"
    said = [f"{LIVELINESS[liveliness]}: {seen}.", VOICES[bisect_right(SPEECH, facts.speech)]]
    if facts.loudness_lufs is not None:
        said.append(SOUNDS[bisect_right(LOUDNESS_LUFS, facts.loudness_lufs)])
    return " ".join(filter(None, said))
