from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from indexer.engines.cluster import settled
from indexer.engines.cluster.settled import SettledHashes, pack_hashes, short_hash

if TYPE_CHECKING:
    import pytest


def digest(number: int) -> str:
    return hashlib.sha256(str(number).encode()).hexdigest()


class TestSettledHashes:
    @given(st.sets(st.integers(0, 60)), st.sets(st.integers(0, 60)))
    def test_holds_what_it_was_given_and_nothing_else(self, first: set[int], since: set[int]):
        hashes = SettledHashes(pack_hashes(map(digest, first)))
        hashes.add(np.array([short_hash(digest(one)) for one in since], "<u8"))
        assert {number for number in range(61) if digest(number) in hashes} == first | since

    def test_many_are_sorted_in(self, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setattr(settled, "MAX_LOOSE", 10)
        hashes = SettledHashes(pack_hashes([]))
        for number in range(100):
            hashes.add(np.array([short_hash(digest(number))], "<u8"))
        assert len(hashes) == 100
        assert all(digest(number) in hashes for number in range(100))
        assert digest(100) not in hashes

    def test_the_largest_hash_is_found(self):
        hashes = SettledHashes(pack_hashes(["f" * 64]))
        assert "f" * 64 in hashes
        assert "e" * 64 not in hashes
