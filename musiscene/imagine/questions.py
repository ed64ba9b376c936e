"""Free questions about a track.

A model with an ear is asked about what it hears. One without is given what was measured, and shown
how to answer from it; it can say no more than the facts hold.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from musiscene.describe import describe_music
from musiscene.imagine.prompt import chat_turn

if TYPE_CHECKING:
    from musiscene.listen import Listening

_FACT_TAGS = 8

_EXAMPLE_FACTS: Final = (
    "A calm and peaceful ambient piece with flute and synth, instrumental, very slow.\n"
    "Tempo: 62 beats per minute. Key: D minor. Length: 3 minutes 5 seconds. Loudness: quiet.\n"
    "Vocals: none. Mood: calm, neither happy nor sad. Heard: ambient, slow, flute, synth, quiet."
)
_EXAMPLES: Final = (
    ("How fast is it?", "It is very slow, at about 62 beats per minute."),
    ("Is anybody singing?", "No, it is instrumental."),
    ("What key is it in?", "It is in D minor."),
    ("Which instruments do you hear?", "I hear a flute and a synth."),
    (
        "Would it suit a car chase?",
        "No, it is too calm and too slow. It would suit a quiet landscape.",
    ),
)


def facts_about(listening: Listening) -> str:
    """What was measured in a track, in a few lines of English.

    Args:
        listening: The track.

    Returns:
        Three lines.
    """
    minutes, seconds = divmod(round(listening.info.duration_seconds), 60)
    length = f"{minutes} minutes {seconds} seconds" if minutes else f"{seconds} seconds"
    tags = sorted(
        (tag for named in listening.tags.values() for tag in named), key=lambda tag: -tag.score
    )
    heard = list(dict.fromkeys(tag.name for tag in tags))[:_FACT_TAGS]
    return (
        f"{describe_music(listening)}\n"
        f"Tempo: {listening.tempo.bpm:.0f} beats per minute. Key: {listening.key.tonic} {listening.key.mode}. "
        f"Length: {length}. Loudness: {_loudness(listening.loudness_lufs)}.\n"
        f"Vocals: {_vocals(listening.vocals.probability)}. "
        f"Mood: {_mood(listening.affect.valence, listening.affect.arousal)}. "
        f"Heard: {', '.join(heard)}."
    )


def question_prompt(listening: Listening, question: str) -> str:
    """A conversation about a track that ends where the answer begins.

    Args:
        listening: The track.
        question: What is asked.

    Returns:
        ChatML, which SmolLM2 was tuned on.
    """
    shown = [
        chat_turn("user", asked) + chat_turn("assistant", answer) for asked, answer in _EXAMPLES
    ]
    return (
        chat_turn("system", "You answer questions about a piece of music from its description.")
        + chat_turn("user", f"{_EXAMPLE_FACTS}\n{_EXAMPLES[0][0]}")
        + chat_turn("assistant", _EXAMPLES[0][1])
        + "".join(shown[1:])
        + chat_turn("user", f"Now another piece. {facts_about(listening)}\n{question.strip()}")
        + "<|im_start|>assistant\n"
    )


def _loudness(lufs: float | None) -> str:
    if lufs is None:
        return "hardly audible"
    return "quiet" if lufs < -23 else "moderate" if lufs < -14 else "loud"


def _vocals(probability: float) -> str:
    return "yes" if probability > 0.6 else "none" if probability < 0.4 else "perhaps"


def _mood(valence: float, arousal: float) -> str:
    energy = "energetic" if arousal > 0.2 else "calm" if arousal < -0.2 else "moderate energy"
    feeling = "happy" if valence > 0.2 else "sad" if valence < -0.2 else "neither happy nor sad"
    return f"{energy}, {feeling}"
