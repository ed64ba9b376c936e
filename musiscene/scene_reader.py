"""What a scene calls for: moods that it has in common with music, and the music imagined for it.

Fourteen moods: the nine of the Geneva Emotional Music Scales, with `energy`, `playfulness`,
`darkness`, `aggression` and `mystery`, which listeners of film and game music name besides. Each
has words, and a place in Russell's circumplex, by which a track of known valence and arousal has
moods too (`indexer/matching/places.py`).

A text is read by linear maps of its MiniLM vector: for the moods learnt from a language model's
answers to "The mood of this moment is ..." over human scene sentences, for the music from the words
that musicians gave to the music of such sentences (`musiscene/weights/scenes/README.md`).

Source: Zentner, Grandjean and Scherer 2008, Emotions evoked by the sound of music (the nine);
Russell 1980, A circumplex model of affect (the places, by our own judgement).
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

import msgspec
import numpy as np
from numpy.typing import NDArray

from musiscene.errors import ModelIntegrityError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from musiscene.embed import TextEmbedder

WEIGHTS: Final = Path(__file__).with_name("weights") / "scenes" / "scenes.safetensors"
SCENE_READER_MODEL: Final = "all-minilm-l6-v2"
"""The untuned embedder, which the maps were learnt on: a new tuning leaves them true."""

SHARPNESS: Final = 2.5
"""Of the softmax over standard scores: moods one deviation apart are 12 to 1. Chosen on the tuning
briefs of two libraries (docs/experiments.md); 2.5 to 6 do about as well."""


class Mood(msgspec.Struct, frozen=True):
    """One mood."""

    name: str
    words: tuple[str, ...]
    """How people say it."""
    valence: float
    """-1 to 1."""
    arousal: float
    """-1 to 1."""


MOODS: Final = (
    Mood("joy", ("joyful", "happy", "cheerful", "fun", "upbeat", "bright"), 0.8, 0.35),
    Mood("playfulness", ("playful", "funny", "quirky", "comical", "whimsical"), 0.55, 0.35),
    Mood(
        "energy",
        ("energetic", "exciting", "driving", "fast-paced", "adrenaline-filled", "intense"),
        0.25,
        0.85,
    ),
    Mood("power", ("powerful", "epic", "heroic", "triumphant", "majestic"), 0.3, 0.65),
    Mood("wonder", ("wondrous", "magical", "inspiring", "awe-inspiring", "enchanting"), 0.5, 0.1),
    Mood("transcendence", ("spiritual", "ethereal", "heavenly", "sacred"), 0.25, -0.35),
    Mood("tenderness", ("tender", "romantic", "loving", "gentle", "affectionate"), 0.5, -0.35),
    Mood("peacefulness", ("calm", "peaceful", "relaxing", "serene", "meditative"), 0.4, -0.65),
    Mood(
        "nostalgia",
        ("nostalgic", "wistful", "sentimental", "bittersweet", "reminiscing"),
        -0.1,
        -0.3,
    ),
    Mood("sadness", ("sad", "melancholic", "mournful", "lonely", "sorrowful"), -0.6, -0.4),
    Mood("tension", ("tense", "suspenseful", "anxious", "nervous", "urgent"), -0.45, 0.5),
    Mood("darkness", ("dark", "ominous", "sinister", "scary", "eerie"), -0.65, 0.15),
    Mood("aggression", ("aggressive", "angry", "violent", "furious", "brutal"), -0.5, 0.85),
    Mood("mystery", ("mysterious", "enigmatic", "mystical"), -0.15, -0.05),
)
MOOD_MIDDLE: Final = (0.15, 0.0)
MOOD_SPREAD: Final = (0.4, 0.5)
"""Mean and deviation of the moods' places, valence and arousal."""
MOOD_NAMES: Final = tuple(mood.name for mood in MOODS)
MOOD_OF_WORD: Final = {word: mood.name for mood in MOODS for word in (mood.name, *mood.words)} | {
    "slow and sad": "sadness", "melancholy": "sadness", "gloomy": "sadness", "scared": "darkness",
    "creepy": "darkness", "spooky": "darkness", "suspense": "tension", "relaxed": "peacefulness",
    "mellow": "peacefulness", "sappy": "tenderness", "cheesy": "joy", "corny": "joy",
    "frantic": "energy", "hectic": "energy", "goofy": "playfulness", "silly": "playfulness",
    "comedic": "playfulness", "bombastic": "power", "depressing": "sadness",
}  # fmt: skip
"""Word -> name of its mood."""

IMAGINED_TAGS: Final = (
    "guitar", "piano", "strings", "violin", "cello", "flute", "harp", "drums", "beat", "synth",
    "choir", "vocals", "no vocals", "electronic", "dance", "rock", "metal", "pop", "jazz", "folk",
    "country", "classical", "ambient", "acoustic", "slow", "fast", "soft", "loud", "quiet",
    "indian", "hip-hop", "blues", "soul", "funk", "techno", "happy", "sad", "chillout", "mellow",
    "party", "weird", "experimental",
)  # fmt: skip
"""Of the encoder's tags those that musicians' words for scenes speak of often enough to learn."""


class SceneMaps(msgspec.Struct, frozen=True, kw_only=True):
    """Linear maps from the vector of a text, float32."""

    moods: NDArray[np.float32]
    """Shape (dimension, moods)."""
    mood_bias: NDArray[np.float32]
    """Shape (moods,)."""
    tags: NDArray[np.float32]
    """Shape (dimension, `IMAGINED_TAGS`)."""
    tag_bias: NDArray[np.float32]
    """Shape (tags,)."""
    middle: NDArray[np.float32]
    """Mean vector of scenes of all sorts, shape (dimension,)."""
    whitener: NDArray[np.float32]
    """Gives the vectors of scenes, less `middle`, unit covariance; shape (dimension, dimension)."""


class SceneScores(msgspec.Struct, frozen=True, kw_only=True):
    """What texts call for, in standard scores over scenes of all sorts, float32."""

    moods: NDArray[np.float32]
    """In the order of `MOODS`, shape (texts, moods)."""
    tags: NDArray[np.float32]
    """Of the music imagined for it, in the order of `IMAGINED_TAGS`, shape (texts, tags)."""
    strangeness: NDArray[np.float32]
    """How unlike a scene each text is, about 1 for a scene: the mean square of its whitened vector
    (Mahalanobis 1936), shape (texts,)."""


class SceneReader:
    """Says which moods a scene calls for, and imagines the music for it.

    Args:
        embedder: `SCENE_READER_MODEL`.
        maps: For the moods, and for the tags of the music that a scene calls for.
    """

    def __init__(self, embedder: TextEmbedder, maps: SceneMaps) -> None:
        self._embedder = embedder
        self._maps = maps

    @classmethod
    def load(cls, folder: Path) -> Self:
        """The shipped reader.

        Args:
            folder: Of `SCENE_READER_MODEL`, in the model store.

        Returns:
            The reader.

        Raises:
            ModelUnavailableError: If the folder does not exist.
            ModelIntegrityError: If a file is missing or damaged, or not for this embedder.
        """
        from musiscene.embed import TextEmbedder

        embedder = TextEmbedder.load(folder)
        maps = load_maps()
        if len(maps.moods) != embedder.dimension:
            raise ModelIntegrityError(str(WEIGHTS), f"holds no maps for {embedder.version}")
        return cls(embedder, maps)

    def read(self, texts: Sequence[str]) -> SceneScores:
        """Say what texts call for.

        Args:
            texts: Scenes or briefs, any number.

        Returns:
            How far each mood and each tag stands out, and how far each text is a scene at all.
        """
        vectors = self._embedder.encode(texts)
        whitened = (vectors - self._maps.middle) @ self._maps.whitener
        return SceneScores(
            strangeness=np.square(whitened).mean(axis=1),
            moods=vectors @ self._maps.moods + self._maps.mood_bias,
            tags=vectors @ self._maps.tags + self._maps.tag_bias,
        )


@lru_cache(maxsize=1)
def load_maps() -> SceneMaps:
    """Read the shipped maps.

    Returns:
        The maps.

    Raises:
        ModelIntegrityError: If the file is missing or damaged.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        tensors = load_file(WEIGHTS)
        return SceneMaps(
            **{name: tensors[name].astype(np.float32) for name in SceneMaps.__struct_fields__}
        )
    except (OSError, SafetensorError, KeyError) as error:
        raise ModelIntegrityError(str(WEIGHTS), f"cannot be read ({error})") from error


def mood_probabilities(scores: NDArray[np.float32]) -> NDArray[np.float32]:
    """Turn standard scores into probabilities.

    Args:
        scores: Shape (texts, moods).

    Returns:
        Softmax at `SHARPNESS`, float32, the same shape.

    Example:
        >>> mood_probabilities(np.array([[1.0, 0.0]], dtype=np.float32)).argmax(axis=1).tolist()
        [0]
    """
    powers = np.exp(SHARPNESS * (scores - scores.max(axis=1, keepdims=True)))
    probabilities: NDArray[np.float32] = (powers / powers.sum(axis=1, keepdims=True)).astype("f4")
    return probabilities
