"""How language models are asked about music.

MU-LLaMA's template is Stanford Alpaca's. The original fills its input slot with Python's builtin
`input` by mistake, in training and in use, so that its text stands in every prompt; `mu-llama`
reproduces that for comparisons. `clean` leaves it out: the slot holds what is known already, or
nothing. Models that learnt by our recipes for SmolLM2 are asked in its chat format, as a `lesson`.
"""

from __future__ import annotations

from typing import Final, Literal

PromptStyle = Literal["clean", "mu-llama", "lesson"]

ORIGINAL_INPUT: Final = "<built-in function input>"

TEMPLATE: Final = (
    "Below is an instruction that describes a task, paired with an input that provides further"
    " context. Write a response that appropriately completes the request.\n\n"
    "### Instruction:\n{question}\n\n### Input:\n{context}\n\n### Response:"
)

LESSON: Final = "<|im_start|>user\n{known}{question}<|im_end|>\n<|im_start|>assistant\n"
KNOWN: Final = "Music: {context}\n"
"""Stands in a lesson where the music is known in words."""

DESCRIBE_QUESTION: Final = "Describe elements of the music, such as its mood, rhythm, and genre"
"""What VACAD's first music captions answer."""
SCENE_QUESTION: Final = "Where does it belong?"
"""What a scene answers in a sentence or two, as our own lessons ask it."""
VIDEO_QUESTION: Final = "What does a video with it show?"
"""What a scene answers at length, the music in it included, as VACAD's fusions do."""


def instruction_prompt(question: str, *, context: str = "", style: PromptStyle = "clean") -> str:
    r"""The text that an answer follows directly.

    Args:
        question: What is asked about the music.
        context: What is known already, such as a music caption.
        style: `mu-llama` puts the original's text in place of the context.

    Returns:
        The prompt.

    Raises:
        ValueError: If there is a context that the style cannot hold.

    Example:
        >>> instruction_prompt("How fast is it?", style="mu-llama")[-64:]
        'fast is it?\n\n### Input:\n<built-in function input>\n\n### Response:'
    """
    if style == "mu-llama" and context:
        raise ValueError("the original's prompt has no place for a context")
    if style == "lesson":
        known = KNOWN.format(context=context) if context else ""
        return LESSON.format(known=known, question=question)
    filled = ORIGINAL_INPUT if style == "mu-llama" else context
    return TEMPLATE.format(question=question, context=filled)
