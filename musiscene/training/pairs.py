"""Rows of data -> pairs of a scene and music in words, as the text embedder learns them.

Each epoch shows a row in another view, and an epoch depends on the seed and its number alone.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, NamedTuple

from musiscene.data.targets import scene_alone

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from musiscene.data.rows import SceneExample

FIRST_FIELD, ONE_FIELD = 0.6, 0.12
"""Share of rows whose music is told by the first field alone, and by one field of chance. In
MusicCaps the first is the list of aspects: short phrases, as the measured facts are."""
_PHRASES = ", "


class Pair(NamedTuple):
    """A scene and the music that suits it."""

    scene: str
    music: str


def paired(examples: Iterable[SceneExample]) -> list[SceneExample]:
    """The rows that make a pair: those with a scene and words about the music."""
    return [row for row in examples if row.scene.strip() and any(row.music.values())]


def plain_pair(example: SceneExample) -> Pair:
    """A row as it is measured: the whole scene, and all that is said about the music.

    Args:
        example: With scene and music.

    Returns:
        The pair.
    """
    return Pair(_line(example.scene), _joined(list(example.music.values())))


def drawn_pair(example: SceneExample, chance: random.Random, *, bare_scenes: float) -> Pair:
    """A row in a view of chance.

    Args:
        example: With scene and music.
        chance: Draws.
        bare_scenes: Share of scenes without their opening words.

    Returns:
        The scene, whole or bare; one field of the music or all. A list of phrases comes in another
        order, and sometimes without some of them.
    """
    fields = [_shuffled(text, chance) for text in example.music.values() if text]
    draw = chance.random()
    if draw < FIRST_FIELD:
        music = fields[:1]
    elif draw < FIRST_FIELD + ONE_FIELD:
        music = [chance.choice(fields)]
    else:
        music = fields
    scene = _line(example.scene)
    if chance.random() < bare_scenes:
        scene = scene_alone(scene) or scene
    return Pair(scene, _joined(music))


def drawn_batches(
    examples: Sequence[SceneExample], *, rows: int, one_annotator: float, seed: int, epoch: int
) -> list[list[SceneExample]]:
    """An epoch's batches.

    Texts of one person are told apart by what they say, not by how the person writes; so some
    batches hold rows of one annotator alone.

    Args:
        examples: To learn.
        rows: Of a batch; what is left over at the end of an epoch and is less than half a batch is
            left out, as its scenes would have too few others to be told from.
        one_annotator: Share of rows that are put with rows of their annotator, where there are
            enough.
        seed: Of the training.
        epoch: From 0.

    Returns:
        Batches in an order of chance, at least one.
    """
    chance = random.Random(f"batches {seed} {epoch}")  # noqa: S311 - an order, not a secret
    order = list(examples)
    chance.shuffle(order)
    count = round(one_annotator * len(order))
    by_annotator: dict[str, list[SceneExample]] = {}
    for example in order[:count]:
        by_annotator.setdefault(example.annotator, []).append(example)
    batches, rest = [], order[count:]
    for own in by_annotator.values():
        whole = len(own) - len(own) % rows
        batches += list(_slices(own[:whole], rows))
        rest += own[whole:]
    chance.shuffle(rest)
    mixed = list(_slices(rest, rows))
    if (batches or len(mixed) > 1) and mixed and 2 * len(mixed[-1]) < rows:
        mixed.pop()
    batches += mixed
    chance.shuffle(batches)
    return batches


def _slices(rows: Sequence[SceneExample], size: int) -> Iterator[list[SceneExample]]:
    for start in range(0, len(rows), size):
        yield list(rows[start : start + size])


def _shuffled(text: str, chance: random.Random) -> str:
    """A list of phrases in another order; prose as it is."""
    if text.rstrip().endswith("."):
        return text
    phrases = text.split(_PHRASES)
    draw = chance.random()
    if draw < 0.6:  # noqa: PLR2004 - the rest keeps the order that a catalogue's texts have
        chance.shuffle(phrases)
    if draw < 0.3:  # noqa: PLR2004
        phrases = phrases[: max(3, round(len(phrases) * chance.uniform(0.5, 1.0)))]
    return _PHRASES.join(phrases)


def _joined(fields: Sequence[str]) -> str:
    return ". ".join(line.rstrip(".") for field in fields if (line := _line(field)))


def _line(text: str) -> str:
    return " ".join(text.split())
