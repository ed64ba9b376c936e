"""The data card: what is in some rows, in numbers and as a page."""

from __future__ import annotations

import re
from collections import Counter
from statistics import median, quantiles
from typing import TYPE_CHECKING, Final

import msgspec

from musiscene.data.duplicates import find_near_duplicates
from musiscene.data.rows import BadRow

if TYPE_CHECKING:
    from collections.abc import Sequence

    from musiscene.data.rows import SceneExample

COMMON_WORDS: Final = 25
COMMON_OPENINGS: Final = 5
OPENING_WORDS: Final = 5
MIN_WORD_LETTERS: Final = 4
DECILES: Final = 10
COLUMNS: Final = (
    "source", "split", "rows", "with a scene", "artists or clips", "words of music",
    "words of scene", "distinct scenes", "words known",
)  # fmt: skip


class Lengths(msgspec.Struct, frozen=True, kw_only=True):
    """How long texts are, in words."""

    median: float
    """Half are shorter."""
    tenth: float
    """A tenth are shorter."""
    ninetieth: float
    """A tenth are longer."""
    longest: int
    """The longest."""


class SplitCard(msgspec.Struct, frozen=True, kw_only=True):
    """One split of one source."""

    source: str
    """Data set."""
    split: str
    """Split, or `none`."""
    rows: int
    """All of them."""
    with_scene: int
    """Rows that say a scene."""
    groups: int
    """Artists or clips."""
    music_words: Lengths
    """Of all that a row says about its music."""
    scene_words: Lengths
    """Of the scenes that are there."""
    distinct_scenes: int
    """Different ones, whatever their case and punctuation."""
    scene_vocabulary: int
    """Different words in the scenes."""
    common_openings: tuple[tuple[str, int], ...]
    """First words of scenes, and how many scenes begin with them."""
    common_words: tuple[tuple[str, int], ...]
    """Words of four letters and more, and in how many scenes they stand."""


class DataCard(msgspec.Struct, frozen=True, kw_only=True):
    """All that is told about some rows."""

    splits: tuple[SplitCard, ...]
    """By source and split."""
    licences: dict[str, str]
    """Source -> licence."""
    near_duplicates_within: int
    """Pairs of music texts that are nearly the same, inside a split."""
    near_duplicates_across: int
    """The same between splits: these must be none."""
    groups_across: int
    """Groups that stand in several splits: these must be none."""
    bad_rows: tuple[BadRow, ...]
    """Lines that could not be read."""


def describe_examples(examples: Sequence[SceneExample], *, bad: Sequence[BadRow] = ()) -> DataCard:
    """Measure some rows.

    Args:
        examples: Of any sources and splits.
        bad: Lines that could not be read.

    Returns:
        The card.
    """
    kinds: dict[tuple[str, str], list[SceneExample]] = {}
    splits_of: dict[str, set[str]] = {}
    for example in examples:
        split = example.split or "none"
        kinds.setdefault((example.source, split), []).append(example)
        splits_of.setdefault(example.group, set()).add(split)
    pairs = find_near_duplicates([example.music_text for example in examples])
    across = sum(examples[pair.first].split != examples[pair.second].split for pair in pairs)
    return DataCard(
        splits=tuple(_split_card(*kind, rows) for kind, rows in sorted(kinds.items())),
        licences={example.source: example.licence for example in examples},
        near_duplicates_within=len(pairs) - across,
        near_duplicates_across=across,
        groups_across=sum(len(splits) > 1 for splits in splits_of.values()),
        bad_rows=tuple(bad),
    )


def card_page(card: DataCard, *, pictures: Sequence[str] = ()) -> str:
    """The card as Markdown.

    Args:
        card: From `describe_examples`.
        pictures: Paths, relative to the page.

    Returns:
        The page.
    """
    lines = [
        "# Data card",
        "",
        f"| {' | '.join(COLUMNS)} |",
        "|---" * len(COLUMNS) + "|",
        *(_table_row(split) for split in card.splits),
        "",
        "Lengths are medians, with the tenth and the ninetieth percentile.",
        "",
        "## Licences",
        "",
        *(f"- {source}: {licence or 'not stated'}" for source, licence in card.licences.items()),
        "",
        "## Leaks and faults",
        "",
        f"- groups in several splits: {card.groups_across}",
        f"- near-duplicates across splits: {card.near_duplicates_across}",
        f"- near-duplicates inside a split: {card.near_duplicates_within}",
        f"- lines that could not be read: {len(card.bad_rows)}",
        "",
        "## How scenes begin, and their words",
        "",
    ]
    for split in card.splits:
        if split.with_scene:
            lines += [
                f"- {split.source}, {split.split}: {_counted(split.common_openings)}",
                f"  - words: {_counted(split.common_words)}",
            ]
    for picture in pictures:
        lines += ["", f"![{picture.rsplit('.', 1)[0].replace('_', ' ')}]({picture})"]
    return "\n".join(lines) + "\n"


def words_of(text: str) -> list[str]:
    """The words of a text in lower case.

    Args:
        text: Any.

    Returns:
        The words.

    Example:
        >>> words_of("It's a chase, at night!")
        ["it's", 'a', 'chase', 'at', 'night']
    """
    return re.findall(r"\w+(?:['-]\w+)*", text.lower())


def _split_card(source: str, split: str, rows: Sequence[SceneExample]) -> SplitCard:
    scenes = [words_of(row.scene) for row in rows if row.scene.strip()]
    openings = Counter(" ".join(words[:OPENING_WORDS]) for words in scenes)
    words = Counter(
        word for scene in scenes for word in set(scene) if len(word) >= MIN_WORD_LETTERS
    )
    return SplitCard(
        source=source,
        split=split,
        rows=len(rows),
        with_scene=len(scenes),
        groups=len({row.group for row in rows}),
        music_words=_lengths([len(words_of(row.music_text)) for row in rows]),
        scene_words=_lengths([len(scene) for scene in scenes]),
        distinct_scenes=len({" ".join(scene) for scene in scenes}),
        scene_vocabulary=len({word for scene in scenes for word in scene}),
        common_openings=_most_common(openings, COMMON_OPENINGS),
        common_words=_most_common(words, COMMON_WORDS),
    )


def _lengths(counts: Sequence[int]) -> Lengths:
    if not counts:
        return Lengths(median=0.0, tenth=0.0, ninetieth=0.0, longest=0)
    if len(counts) == 1:
        tenths = [float(counts[0])] * (DECILES - 1)
    else:
        tenths = quantiles(counts, n=DECILES, method="inclusive")
    return Lengths(
        median=float(median(counts)),
        tenth=round(tenths[0], 1),
        ninetieth=round(tenths[-1], 1),
        longest=max(counts),
    )


def _most_common(counter: Counter[str], count: int) -> tuple[tuple[str, int], ...]:
    """The commonest first; equally common ones by the alphabet."""
    return tuple(sorted(counter.items(), key=lambda item: (-item[1], item[0]))[:count])


def _counted(pairs: Sequence[tuple[str, int]]) -> str:
    return ", ".join(f"{text} ({count})" for text, count in pairs)


def _table_row(card: SplitCard) -> str:
    cells = [
        card.source,
        card.split,
        f"{card.rows}",
        f"{card.with_scene}",
        f"{card.groups}",
        _spread(card.music_words),
        _spread(card.scene_words),
        f"{card.distinct_scenes}",
        f"{card.scene_vocabulary}",
    ]
    return f"| {' | '.join(cells)} |"


def _spread(lengths: Lengths) -> str:
    return f"{lengths.median:.0f} ({lengths.tenth:.0f} to {lengths.ninetieth:.0f})"
