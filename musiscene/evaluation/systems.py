"""What is compared: a text for every row from each system, and from controls that know nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, NamedTuple, Protocol

import msgspec
import numpy as np

from musiscene.errors import MusiSceneError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from musiscene.data.rows import SceneExample
    from musiscene.evaluation.predictions import PredictionFile
    from musiscene.imagine import SceneImaginer
    from musiscene.progress import ProgressReport

Kind = Literal["system", "column", "ceiling", "control"]
BATCH_ROWS: Final = 16
MODEL: Final = "musiscene"
MUSIC_TEXT: Final = "music-text"
REFERENCE: Final = "reference"
OTHER_MUSIC: Final = "other-music"
EMPTY: Final = "empty"
OTHER_REFERENCE: Final = "other-reference"
CONTROLS: Final = (OTHER_MUSIC, EMPTY, OTHER_REFERENCE)
IMAGINED: Final = frozenset({MODEL, OTHER_MUSIC, EMPTY})
"""Those that need the model."""


class System(msgspec.Struct, frozen=True, kw_only=True):
    """A text for every row, under a name."""

    name: str
    """Unique among those compared."""
    kind: Kind
    """`column`: a text of the row itself; `ceiling`: the reference."""
    texts: tuple[str, ...]
    """In the order of the rows."""


class SceneWriter(Protocol):
    """Imagines scenes from descriptions of music."""

    @property
    def version(self) -> str:
        """Of the models and all else that decides what is imagined."""
        ...

    def write(self, descriptions: Sequence[str]) -> list[str]:
        """One scene for each description, in order."""
        ...


class ImaginingWriter:
    """The product's own imaginer as a `SceneWriter`.

    Args:
        imaginer: Imagines.
        model_version: Of its language model.
        seed: The same seed imagines the same scenes, whatever else is in the batch.
        greedy: Take the likeliest words instead of sampling.
    """

    def __init__(
        self, imaginer: SceneImaginer, model_version: str, *, seed: int = 0, greedy: bool = False
    ) -> None:
        self._imaginer = imaginer
        self._seed = seed
        self._greedy = greedy
        self.version = f"{model_version}, {'greedy' if greedy else f'seed {seed}'}"

    def write(self, descriptions: Sequence[str]) -> list[str]:
        """Imagine.

        Args:
            descriptions: Of music, in English.

        Returns:
            The best scene for each, in order.
        """
        imagined = self._imaginer.imagine(descriptions, seed=self._seed, greedy=self._greedy)
        return [scenes[0].text for scenes in imagined]


class Imagined(NamedTuple):
    """What the model wrote for rows."""

    of_rows: Mapping[str, str]
    """Row id -> the scene imagined from the row's music text."""
    of_nothing: str
    """The scene imagined from an empty description."""


def other_rows(row_count: int, *, seed: int) -> list[int]:
    """Another row for every row, each once.

    Args:
        row_count: At least 2.
        seed: The same seed chooses the same.

    Returns:
        A permutation without fixed points.

    Raises:
        ValueError: If there is no other row.
    """
    if row_count < 2:  # noqa: PLR2004  one row and another
        raise ValueError(f"{row_count} rows: there is no other row")
    order = np.random.default_rng(seed).permutation(row_count)
    others = np.empty(row_count, dtype=np.int64)
    others[order] = np.roll(order, 1)
    return [int(other) for other in others]


def imagine_rows(
    examples: Sequence[SceneExample],
    writer: SceneWriter,
    file: PredictionFile | None,
    report: ProgressReport,
) -> dict[str, str]:
    """Imagine a scene for each row from its music text alone.

    Args:
        examples: The rows.
        writer: Imagines.
        file: Keeps what is imagined, batch by batch, and what it holds is not imagined again.
        report: Is told how many are done.

    Returns:
        Row id -> scene.

    Raises:
        MusiSceneError: If `file` cannot be written.
    """
    kept = dict(file.kept) if file else {}
    missing = [example for example in examples if example.id not in kept]
    for start in range(0, len(missing), BATCH_ROWS):
        report("Imagining", start, len(missing))
        batch = missing[start : start + BATCH_ROWS]
        scenes = writer.write([example.music_line for example in batch])
        fresh = {example.id: scene for example, scene in zip(batch, scenes, strict=True)}
        kept.update(fresh)
        if file:
            file.keep(fresh)
    report("Imagining", len(missing), len(missing))
    return {example.id: kept[example.id] for example in examples}


def system_names(examples: Sequence[SceneExample]) -> list[str]:
    """The systems that rows can be asked for.

    Args:
        examples: The rows.

    Returns:
        The model, the row's music text, each of its fields, the reference and the controls.
    """
    columns = list(dict.fromkeys(name for example in examples for name in example.music))
    return [MODEL, MUSIC_TEXT, *columns, REFERENCE, *CONTROLS]


def build_systems(
    examples: Sequence[SceneExample], names: Sequence[str], imagined: Imagined | None, *, seed: int
) -> list[System]:
    """The texts of each system.

    Args:
        examples: The rows, at least two, each with its reference.
        names: Some of `system_names`.
        imagined: By the model; may be None if no name is in `IMAGINED`.
        seed: Of the choice of other rows.

    Returns:
        The systems, in the order of `names`.
    """
    others = other_rows(len(examples), seed=seed)
    scenes = [] if imagined is None else [imagined.of_rows[example.id] for example in examples]
    systems = []
    for name in names:
        kind: Kind = "control" if name in CONTROLS else "column"
        if name == MODEL:
            kind, texts = "system", scenes
        elif name == REFERENCE:
            kind, texts = "ceiling", [example.scene for example in examples]
        elif name == MUSIC_TEXT:
            texts = [example.music_line for example in examples]
        elif name == OTHER_MUSIC:
            texts = [scenes[other] for other in others]
        elif name == EMPTY:
            texts = [imagined.of_nothing if imagined else ""] * len(examples)
        elif name == OTHER_REFERENCE:
            texts = [examples[other].scene for other in others]
        else:
            texts = [example.music.get(name, "") for example in examples]
        systems.append(System(name=name, kind=kind, texts=tuple(texts)))
    return systems


def imported_system(
    name: str, predictions: Mapping[str, str], examples: Sequence[SceneExample]
) -> System:
    """A system whose predictions were made elsewhere.

    Args:
        name: Of the system.
        predictions: Row id -> text.
        examples: The rows.

    Returns:
        The system.

    Raises:
        MusiSceneError: If a row has no prediction.
    """
    missing = [example.id for example in examples if example.id not in predictions]
    if missing:
        raise MusiSceneError(
            f"{name}: {len(missing)} of {len(examples)} rows have no prediction, {missing[0]} first"
        )
    texts = tuple(predictions[example.id] for example in examples)
    return System(name=name, kind="system", texts=texts)
