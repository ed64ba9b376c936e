"""How a language model is asked for a scene.

A model without training for the task is shown a conversation in which it has already answered some
descriptions with scenes, and much of what it says must be turned down. A model that was trained for
it is asked as its lessons asked it, and says shorter things.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from musiscene.prompts import SCENE_QUESTION, VIDEO_QUESTION, instruction_prompt

if TYPE_CHECKING:
    from collections.abc import Sequence


UNTRAINED_GUARDS: Final = (
    "length", "characters", "list", "music talk", "reader", "unsafe", "echo", "copy", "loop",
    "doubled", "bland", "repetition", "singing", "mood",
)  # fmt: skip
TRAINED_GUARDS: Final = (
    "length", "characters", "list", "reader", "unsafe", "loop", "doubled", "bland", "singing",
    "mood",
)  # fmt: skip
"""A model that learnt from people may name a music festival, and take up the music's own words."""


class ScenePrompt(msgspec.Struct, frozen=True, kw_only=True):
    """The text around a description, and where the scene ends."""

    prefix: str
    """The same for every description; ends at a line break."""
    template: str
    """`{description}` is replaced; the scene is what the model writes after it."""
    stop: tuple[str, ...]
    """Ends a scene."""
    opening: str = ""
    """The scene's first words, which are given to the model."""
    example_scenes: tuple[str, ...] = ()
    """Scenes in the prefix, which the model must not copy."""
    guards: tuple[str, ...] = UNTRAINED_GUARDS
    """Names of the `musiscene.imagine.guards` that turn scenes down."""
    words: tuple[int, int] = (8, 28)
    """A scene's fewest and most."""
    sentences: int = 1
    """How many of an answer's sentences are kept."""
    candidates: int = 4
    """Scenes sampled for each description in one round; the best are kept."""
    temperature: float = 0.6
    """Of the sampling."""
    max_new_tokens: int = 36
    """Longer answers are cut."""
    likeness: float = 0.5
    """Two scenes of one description that share so many content words are one."""


EXAMPLES: Final = (
    (
        "A calm and peaceful ambient piece with flute and synth, instrumental, very slow.",
        "Mist drifts over a mountain lake at sunrise while a lone rower glides past the reeds.",
    ),
    (
        "A tense and restless electronic track with drums and synth, instrumental, fast.",
        "A detective runs down a dark stairwell, torch in hand, as footsteps close in behind him.",
    ),
    (
        "A joyful and lively folk song with guitar, sung by a woman, brisk at about 120 bpm.",
        "Children chase soap bubbles across a sunny back garden at a birthday party.",
    ),
    (
        "A melancholic and wistful classical piece with piano and cello, instrumental, in D minor.",
        "An old man sits by a rainy window, turning the pages of a photo album.",
    ),
    (
        "A triumphant and energetic classical piece with strings and choir. It builds.",
        "Riders pour over the crest of a hill, their banners opening in the morning sun.",
    ),
    (
        "A tender and warm acoustic song with guitar, sung by a man, slow at about 76 bpm.",
        "Two newlyweds dance barefoot under strings of lights in a quiet garden.",
    ),
    (
        "A light and cheerful jazz piece with piano, instrumental, brisk at about 130 bpm.",
        "A clumsy waiter carries six plates across a crowded cafe and slips on the wet floor.",
    ),
    (
        "An energetic and driving rock song with guitar and drums, sung by a man, fast.",
        "Skateboarders drop into a concrete bowl while the crowd cheers from the railing.",
    ),
    (
        "A dark and gloomy experimental piece with strings, instrumental, very slow.",
        "A cellar door creaks open in an abandoned house and the only candle goes out.",
    ),
    (
        "A light and lively electronic track with synth and drums, instrumental, in E major.",
        "A young team pins sketches to a glass wall in a bright office above the city.",
    ),
)
"""Music and scene, written for this project: one of each mood and of each use."""


def few_shot_prompt(examples: Sequence[tuple[str, str]]) -> ScenePrompt:
    """A conversation that shows examples before it asks.

    Args:
        examples: Music and the scene it suits.

    Returns:
        The prompt.
    """
    return ScenePrompt(
        prefix=chat_turn(
            "system",
            "You imagine film scenes. For each piece of music, answer with one sentence that says "
            "who is seen, where, and what happens. Do not mention the music.",
        )
        + "".join(
            chat_turn("user", f"Music: {music}") + chat_turn("assistant", scene)
            for music, scene in examples
        ),
        template=chat_turn("user", "Music: {description}") + "<|im_start|>assistant\n",
        stop=("\n",),
        example_scenes=tuple(scene for _, scene in examples),
    )


def chat_turn(role: str, text: str) -> str:
    """One turn of a conversation in ChatML, which SmolLM2 was tuned on."""
    return f"<|im_start|>{role}\n{text}<|im_end|>\n"


FEW_SHOT_PROMPT: Final = few_shot_prompt(EXAMPLES)
"""For instruction-tuned models that were never taught to imagine scenes."""

HEARD_PROMPT: Final = ScenePrompt(
    prefix="",
    template=instruction_prompt(
        "Imagine a film scene that this music suits. Answer with one sentence that says who is"
        " seen, where, and what happens.",
        context="{description}",
    ),
    stop=("\n",),
)
"""For models that hear the music and were asked to describe it first."""

LEARNT_SCENE: Final = ScenePrompt(
    prefix="",
    template=instruction_prompt(SCENE_QUESTION, context="{description}", style="lesson"),
    stop=("\n",),
    guards=TRAINED_GUARDS,
    words=(2, 40),
    sentences=2,
    candidates=8,
    temperature=0.8,
    max_new_tokens=48,
    likeness=0.7,
)
"""For a model that learnt scenes by our recipe."""

LEARNT_VIDEO: Final = msgspec.structs.replace(
    LEARNT_SCENE,
    template=instruction_prompt(VIDEO_QUESTION, context="{description}", style="lesson"),
    opening="The music",
    guards=("length", "unsafe"),  # at length, music is spoken of twice
    words=(8, 120),
    sentences=8,
    candidates=4,
    temperature=0.6,
    max_new_tokens=110,
)
"""The same model asked for a whole video with the music, in the manner of VACAD's fusions. Begun
with the music, it keeps to what it was told instead of to what videos mostly show."""
