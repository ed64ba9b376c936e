"""Where a text that is still being written ends, for good or for now."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

STOP_TOKENS = 16
"""A stop is looked for in so many of the last tokens."""
BYTE_TOKEN = re.compile("<0x[0-9A-F]{2}>")


class Endings:
    """Finds stops, and the part of a text that no further token can change.

    Args:
        tokenizer: Of the language model.
        vocabulary_size: How many tokens it knows.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase, vocabulary_size: int) -> None:
        self._tokenizer = tokenizer
        self._every_id = range(vocabulary_size)
        self._stopping: dict[tuple[str, ...], frozenset[int]] = {}

    def settled(self, token_ids: list[int]) -> str:
        """The text so far that no further token can change.

        LLaMA's tokenizer writes rare characters as tokens of one byte each, and a run of them that
        ends torn is torn as a whole.
        """
        end = len(token_ids)
        while end and BYTE_TOKEN.fullmatch(
            cast("str", self._tokenizer.convert_ids_to_tokens(token_ids[end - 1]))
        ):
            end -= 1
        return cast("str", self._tokenizer.decode(token_ids[:end], skip_special_tokens=True))

    def has_stop(self, token_ids: list[int], stops: tuple[str, ...]) -> bool:
        """Whether one of the stops has come with the last token."""
        if token_ids[-1] not in self._ids_that_stop(stops):
            return False
        end = self._tokenizer.decode(token_ids[-STOP_TOKENS:])
        return any(stop in end for stop in stops)

    def _ids_that_stop(self, stops: tuple[str, ...]) -> frozenset[int]:
        """The tokens with which a stop may have come: after the others none need be looked for."""
        if stops not in self._stopping:
            chosen = list(self._every_id) if stops else []
            last = {stop[-1] for stop in stops if stop}
            if chosen and all(character.isascii() and character != " " for character in last):
                pieces = self._tokenizer.batch_decode([[token_id] for token_id in chosen])
                chosen = [
                    token_id
                    for token_id, piece in zip(chosen, pieces, strict=True)
                    if not last.isdisjoint(piece)
                ]
            self._stopping[stops] = frozenset(chosen)
        return self._stopping[stops]
