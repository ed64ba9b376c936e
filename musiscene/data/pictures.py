"""Pictures for the data card; needs the extra `research`."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from musiscene.data.describe import MIN_WORD_LETTERS, words_of
from musiscene.errors import MusiSceneError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from matplotlib.figure import Figure

    from musiscene.data.rows import SceneExample

BINS: Final = 40
SHOWN_WORDS: Final = 15
DOTS_PER_INCH: Final = 120


def draw_pictures(examples: Sequence[SceneExample], folder: Path) -> tuple[str, ...]:
    """Draw how long the texts are, and which words the scenes use.

    Args:
        examples: The rows.
        folder: Is made; pictures in it are replaced.

    Returns:
        The names of the PNG files.

    Raises:
        MusiSceneError: If matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        reason = "pictures need matplotlib: pip install 'musiscene[research]', or --no-pictures"
        raise MusiSceneError(reason) from error
    folder.mkdir(parents=True, exist_ok=True)
    figures = {
        "lengths.png": _draw_lengths(Figure(figsize=(9, 3.5), layout="constrained"), examples),
        "words.png": _draw_words(Figure(figsize=(9, 4.5), layout="constrained"), examples),
    }
    for name, figure in figures.items():
        figure.savefig(folder / name, dpi=DOTS_PER_INCH)
    return tuple(figures)


def _draw_lengths(figure: Figure, examples: Sequence[SceneExample]) -> Figure:
    texts = {
        "music": [(example.source, example.music_text) for example in examples],
        "scene": [(example.source, example.scene) for example in examples if example.scene],
    }
    for axes, (kind, of_kind) in zip(figure.subplots(1, 2), texts.items(), strict=True):
        axes.set(title=f"Words of {kind}", xlabel="words", ylabel="rows")
        counts: dict[str, list[int]] = {}
        for source, text in of_kind:
            counts.setdefault(source, []).append(len(words_of(text)))
        if counts:
            longest = max(max(of_source) for of_source in counts.values())
            for source, of_source in sorted(counts.items()):
                axes.hist(of_source, bins=BINS, range=(0, longest + 1), alpha=0.6, label=source)
            axes.legend(frameon=False)
    return figure


def _draw_words(figure: Figure, examples: Sequence[SceneExample]) -> Figure:
    totals: dict[str, Counter[str]] = {}
    for example in examples:
        words = {word for word in words_of(example.scene) if len(word) >= MIN_WORD_LETTERS}
        totals.setdefault(example.source, Counter()).update(words)
    all_axes = figure.subplots(1, max(len(totals), 1), squeeze=False)[0]
    for axes, (source, total) in zip(all_axes, sorted(totals.items()), strict=False):
        shown = sorted(total.items(), key=lambda item: (item[1], item[0]))[-SHOWN_WORDS:]
        axes.barh([word for word, _ in shown], [count for _, count in shown])
        axes.set(title=f"Commonest words of scenes: {source}", xlabel="scenes")
    return figure
