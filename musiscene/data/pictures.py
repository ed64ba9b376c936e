"""Pictures for the data card; needs the extra `research`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from musiscene.data.describe import words_of
from musiscene.errors import MusiSceneError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from matplotlib.figure import Figure

    from musiscene.data.describe import DataCard
    from musiscene.data.rows import SceneExample

BINS: Final = 40
SHOWN_WORDS: Final = 15
DOTS_PER_INCH: Final = 120


def draw_pictures(
    card: DataCard, examples: Sequence[SceneExample], folder: Path
) -> tuple[str, ...]:
    """Draw how long the texts are, and which words the scenes use.

    Args:
        card: Of the examples.
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
        "words.png": _draw_words(Figure(figsize=(9, 4.5), layout="constrained"), card),
    }
    for name, figure in figures.items():
        figure.savefig(folder / name, dpi=DOTS_PER_INCH)
    return tuple(figures)


def _draw_lengths(figure: Figure, examples: Sequence[SceneExample]) -> Figure:
    sources = sorted({example.source for example in examples})
    texts = {
        "music": [(example.source, example.music_text) for example in examples],
        "scene": [(example.source, example.scene) for example in examples if example.scene],
    }
    for axes, (kind, of_kind) in zip(figure.subplots(1, 2), texts.items(), strict=True):
        for source in sources:
            counts = [len(words_of(text)) for name, text in of_kind if name == source]
            if counts:
                axes.hist(counts, bins=BINS, alpha=0.6, label=source)
        axes.set(title=f"Words of {kind}", xlabel="words", ylabel="rows")
        if axes.has_data():
            axes.legend(frameon=False)
    return figure


def _draw_words(figure: Figure, card: DataCard) -> Figure:
    sources = sorted({split.source for split in card.splits}) or ["none"]
    all_axes = figure.subplots(1, len(sources), squeeze=False)[0]
    for axes, source in zip(all_axes, sources, strict=True):
        totals: dict[str, int] = {}
        for split in card.splits:
            for word, count in split.common_words if split.source == source else ():
                totals[word] = totals.get(word, 0) + count
        shown = sorted(totals.items(), key=lambda item: (item[1], item[0]))[-SHOWN_WORDS:]
        axes.barh([word for word, _ in shown], [count for _, count in shown])
        axes.set(title=f"Commonest words of scenes: {source}", xlabel="scenes")
    return figure
