"""What the commands that measure share: options, and the libraries and the embedder that judge."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import click

JUDGING_EMBEDDER = "all-minilm-l6-v2"
"""Identifies; never tuned by us, so that no model is judged by what taught it."""
MEASURING_LIBRARIES = ("nltk", "rouge_score", "sacrebleu", "matplotlib")

seed_option = click.option(
    "--seed", type=int, default=0, show_default=True, help="Of scenes and shuffles."
)
greedy_option = click.option(
    "--greedy", is_flag=True, help="Imagine the likeliest words instead of sampling."
)
picture_option = click.option(
    "--picture",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Draw the comparison here.",
)


class MissingExtraError(click.ClickException):
    """An optional part of the installation is not there."""

    exit_code = 3


def require_libraries() -> None:
    """Refuse to begin where a library that measures is missing.

    Raises:
        MissingExtraError: Naming what brings it.
    """
    missing = [name for name in MEASURING_LIBRARIES if find_spec(name) is None]
    if missing:
        raise MissingExtraError(
            f"measuring needs {', '.join(missing)}: pip install 'musiscene[research]'"
        )
