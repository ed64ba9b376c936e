"""What the decoder's attention keeps of earlier frames, in memory that is set aside once.

transformers' own growing cache copies everything that it holds at each frame.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from transformers.cache_utils import Cache, DynamicCache, DynamicLayer, EncoderDecoderCache

if TYPE_CHECKING:
    import torch


class RoomyLayer(DynamicLayer):  # type: ignore[no-untyped-call]
    """One layer's keys and values, each written once.

    Args:
        room: How many columns it can hold.
    """

    def __init__(self, room: int) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._room = room
        self._filled = 0
        self._all_keys: torch.Tensor | None = None
        self._all_values: torch.Tensor | None = None

    def update(
        self,
        key_states: torch.Tensor,
        value_states: torch.Tensor,
        *_args: Any,  # noqa: ANN401 - as the class above has it
        **_kwargs: Any,  # noqa: ANN401
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Add columns.

        Args:
            key_states: Shape (rows, heads, columns, width).
            value_states: The same shape.
            *_args: Not used.
            **_kwargs: Not used.

        Returns:
            All keys and all values so far, as views.
        """
        if self._all_keys is None or self._all_values is None:
            self.lazy_initialization(key_states, value_states)
            rows, heads, _, width = key_states.shape
            self._all_keys = key_states.new_empty(rows, heads, self._room, width)
            self._all_values = value_states.new_empty(rows, heads, self._room, width)
        end = self._filled + key_states.shape[-2]
        self._all_keys[..., self._filled : end, :] = key_states
        self._all_values[..., self._filled : end, :] = value_states
        self._filled = end
        self.keys, self.values = self._all_keys[..., :end, :], self._all_values[..., :end, :]
        return self.keys, self.values


def roomy_cache(*, layers: int, room: int) -> EncoderDecoderCache:
    """A cache for one window.

    Args:
        layers: Of the decoder.
        room: How many columns it must hold.

    Returns:
        The cache, empty.
    """
    own = Cache(layers=[RoomyLayer(room) for _ in range(layers)])
    return EncoderDecoderCache(own, DynamicCache())
