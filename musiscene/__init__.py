"""MusiScene hears a track and imagines the scenes it suits.

Example:
    >>> import musiscene
    >>> model = musiscene.load()  # doctest: +SKIP
    >>> [segments] = model.imagine([model.listen("song.flac")])  # doctest: +SKIP
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from musiscene.model import MusiScene, load

__all__ = ["MusiScene", "load"]


def __getattr__(name: str) -> Any:  # noqa: ANN401  as module attributes are
    # The models cost seconds to import; `import musiscene.embed` alone must not pay for them.
    if name in __all__:
        from musiscene import model

        return getattr(model, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
