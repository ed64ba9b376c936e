"""Rows of data -> what is read in each epoch, and in which batches.

An epoch's order depends on the seed and the epoch alone, so a training that was interrupted goes on
with the very batch that it would have read.
"""

from __future__ import annotations

import hashlib
import random
from typing import TYPE_CHECKING, NamedTuple

from musiscene.prompts import SCENE_QUESTION
from musiscene.training.examples import encode_example

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from musiscene.data.rows import SceneExample
    from musiscene.language_model import LanguageModel
    from musiscene.training.examples import Example

POOL_BATCHES = 32
"""Rows of so many batches are sorted by length together: little padding, still much chance."""


class Lesson(NamedTuple):
    """One answer and the ways in which it may be asked for."""

    id: str
    questions: tuple[str, ...]
    answer: str
    features: NDArray[np.float32] | None = None
    """What an encoder hears of the music, (layers, width); None where there are only words."""


def lessons_from(examples: Iterable[SceneExample], prompt: str) -> list[Lesson]:
    """One lesson for each row that has a scene and says something about the music.

    Args:
        examples: Of any source.
        prompt: `{question}` and `{music}` are replaced.

    Returns:
        The lessons; one time in three asked with the first field of the music alone, which is the
        shortest and names the moods, else with all together.
    """
    lessons = []
    for example in examples:
        fields = [" ".join(text.split()) for text in example.music.values() if text.strip()]
        if fields and example.scene.strip():
            asked = prompt.replace("{question}", example.question or SCENE_QUESTION)
            ways = (
                [fields[0], *[example.music_line] * 2] if len(fields) > 1 else [example.music_line]
            )
            questions = tuple(asked.replace("{music}", way) for way in ways)
            lessons.append(Lesson(example.id, questions, " ".join(example.scene.split())))
    return lessons


def encode_epoch(
    lessons: Sequence[Lesson],
    language_model: LanguageModel,
    *,
    max_tokens: int,
    seed: int,
    epoch: int,
) -> list[Example]:
    """Encode every lesson with the question of this epoch.

    Args:
        lessons: What is taught.
        language_model: Whose tokens they are.
        max_tokens: Longest row.
        seed: Of the training.
        epoch: From 0; another epoch asks another way.

    Returns:
        One row each, in order.
    """
    return [
        encode_example(
            language_model,
            lesson.questions[_draw(seed, epoch, lesson.id) % len(lesson.questions)],
            lesson.answer,
            max_tokens=max_tokens,
            features=lesson.features,
        )
        for lesson in lessons
    ]


def batch_rows(lengths: Sequence[int], *, rows: int, seed: int, epoch: int) -> list[list[int]]:
    """Batches of rows of about the same length, in an order of chance.

    Args:
        lengths: Of the rows.
        rows: Of a batch; the last of an epoch may have fewer.
        seed: Of the training.
        epoch: From 0.

    Returns:
        Places of the rows, each once.

    Example:
        >>> sorted(sum(batch_rows([3, 1, 2], rows=2, seed=0, epoch=0), []))
        [0, 1, 2]
    """
    chance = random.Random(f"{seed} {epoch}")  # noqa: S311 - an order, not a secret
    order = list(range(len(lengths)))
    chance.shuffle(order)
    batches = []
    for start in range(0, len(order), POOL_BATCHES * rows):
        pool = sorted(order[start : start + POOL_BATCHES * rows], key=lambda place: lengths[place])
        batches += [pool[first : first + rows] for first in range(0, len(pool), rows)]
    chance.shuffle(batches)
    return batches


def _draw(seed: int, epoch: int, name: str) -> int:
    digest = hashlib.blake2b(f"{seed} {epoch} {name}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big")
