"""Train, validation and test: by a hash of the artist or clip, without near-duplicates across.

Invariants: a group stands in one split only; unless rows state their splits, a row's split does not
depend on the other rows, so data may grow; what shares its group with a row of a later split, or is
nearly the same, is taken out of the earlier one, so that validation and test stay as they are.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Annotated, Final, get_args

import msgspec
from msgspec import Meta

from musiscene.data.duplicates import THRESHOLD, NearPair, find_near_duplicates
from musiscene.data.rows import SceneExample, Split

if TYPE_CHECKING:
    from collections.abc import Sequence

SPLITS: Final[tuple[Split, ...]] = get_args(Split)
"""Earlier ones give way to later ones."""


class SplitSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How rows are split."""

    validation_share: Annotated[float, Meta(ge=0.0, le=1.0)] = 0.1
    """Of the groups, about."""
    test_share: Annotated[float, Meta(ge=0.0, le=1.0)] = 0.1
    """Of the groups, about."""
    salt: str = "musiscene"
    """Another one gives another split."""
    threshold: Annotated[float, Meta(ge=0.5, le=1.0)] = THRESHOLD
    """Least resemblance of near-duplicates."""
    keep_without_scene: bool = False
    """Whether rows without a scene stay: they can borrow one."""

    def __post_init__(self) -> None:
        if self.validation_share + self.test_share > 1.0:
            raise ValueError("validation and test take more than all rows")


class SplitReport(msgspec.Struct, frozen=True, kw_only=True):
    """What became of the rows."""

    examples: tuple[SceneExample, ...]
    """Those that are kept, in order, each with its split."""
    counts: dict[str, int]
    """Split -> rows kept."""
    without_scene: int
    """Rows of which no scene is known; they are dropped unless the settings keep them."""
    without_music: int
    """Rows dropped since nothing is said about their music."""
    shared_groups: int
    """Rows dropped since another row puts their group into a later split."""
    near_duplicates: dict[str, int]
    """Split -> rows dropped since a later split has nearly the same."""
    pairs_across: int
    """Pairs of near-duplicates found between splits."""
    pairs_within: int
    """Pairs of near-duplicates found inside a split, where they stay."""


def split_of(group: str, settings: SplitSettings) -> Split:
    """The split of a group.

    Args:
        group: An artist or a clip.
        settings: The shares.

    Returns:
        The split, the same on every machine.
    """
    digest = hashlib.sha256(f"{settings.salt}\0{group}".encode()).digest()
    place = int.from_bytes(digest[:8]) / 2**64
    if place < settings.test_share:
        return "test"
    return "validation" if place < settings.test_share + settings.validation_share else "train"


def split_examples(
    examples: Sequence[SceneExample], settings: SplitSettings | None = None
) -> SplitReport:
    """Give each row its split, and take out what would make the later splits too easy.

    Args:
        examples: Any; a row that states its split keeps it.
        settings: How; None for the defaults.

    Returns:
        The rows that are kept, and how many are not.
    """
    settings = settings or SplitSettings()
    with_scene = [example for example in examples if example.scene.strip()]
    usable_scenes = examples if settings.keep_without_scene else with_scene
    with_music = [example for example in usable_scenes if example.music_text.strip()]
    placed = _place(with_music, settings)
    latest: dict[str, Split | None] = {}
    for example in sorted(placed, key=_order):
        latest[example.group] = example.split
    usable = [example for example in placed if example.split == latest[example.group]]
    texts = [example.music_text for example in usable]
    pairs = find_near_duplicates(texts, threshold=settings.threshold)
    across = [pair for pair in pairs if usable[pair.first].split != usable[pair.second].split]
    dropped = {_earlier(usable, pair) for pair in across}
    kept = [example for place, example in enumerate(usable) if place not in dropped]
    return SplitReport(
        examples=tuple(kept),
        counts=_count(kept),
        without_scene=len(examples) - len(with_scene),
        without_music=len(usable_scenes) - len(with_music),
        shared_groups=len(placed) - len(usable),
        near_duplicates=_count([usable[place] for place in dropped]),
        pairs_across=len(across),
        pairs_within=len(pairs) - len(across),
    )


def _place(examples: Sequence[SceneExample], settings: SplitSettings) -> list[SceneExample]:
    """Each row with its own split, else that which other rows state for its group, else by hash."""
    stated = {row.group: row.split for row in sorted(examples, key=_order) if row.split}
    return [
        msgspec.structs.replace(
            example,
            split=example.split or stated.get(example.group) or split_of(example.group, settings),
        )
        for example in examples
    ]


def _earlier(examples: Sequence[SceneExample], pair: NearPair) -> int:
    """Which of a pair stands in the earlier split."""
    return min(pair.first, pair.second, key=lambda place: _order(examples[place]))


def _order(example: SceneExample) -> int:
    return -1 if example.split is None else SPLITS.index(example.split)


def _count(examples: Sequence[SceneExample]) -> dict[str, int]:
    counts: dict[str, int] = dict.fromkeys(SPLITS, 0)
    for example in examples:
        if example.split is not None:
            counts[example.split] += 1
    return counts
