from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from indexer.catalogue.repository import Catalogue
from indexer.errors import KeyNotFoundError

if TYPE_CHECKING:
    from collections.abc import Iterator

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


@pytest.fixture
def catalogue(catalogue_location: str) -> Iterator[Catalogue]:
    with Catalogue.open(catalogue_location) as opened:
        yield opened


class TestKeys:
    def test_a_key_comes_back_as_it_was_added(self, catalogue: Catalogue):
        made = catalogue.keys.add("aa", b"1" * 32, name="Åse's", scopes=["admin", "read"])
        (stored,) = catalogue.keys.all()
        assert (stored.record, stored.digest) == (made, b"1" * 32)
        assert made.scopes == ("read", "admin")
        assert made.is_valid(NOON)

    def test_it_is_valid_until_it_expires(self, catalogue: Catalogue):
        key = catalogue.keys.add("aa", b"", name="", scopes=["read"], expires_at=NOON)
        assert key.is_valid(NOON - timedelta(seconds=1))
        assert not key.is_valid(NOON)

    def test_a_revoked_key_stays_and_is_never_valid(self, catalogue: Catalogue):
        catalogue.keys.add("aa", b"", name="", scopes=["read"])
        first = catalogue.keys.revoke("aa")
        assert not first.is_valid(NOON)
        assert catalogue.keys.revoke("aa") == first
        assert [stored.record for stored in catalogue.keys.all()] == [first]

    def test_an_unknown_key_cannot_be_revoked(self, catalogue: Catalogue):
        with pytest.raises(KeyNotFoundError, match="'zz'"):
            catalogue.keys.revoke("zz")

    def test_use_is_noted_once_a_minute(self, catalogue: Catalogue):
        catalogue.keys.add("aa", b"", name="", scopes=["read"])
        for seconds, noted in ((0, 0), (59, 0), (60, 60), (61, 60)):
            catalogue.keys.note_use("aa", NOON + timedelta(seconds=seconds))
            (stored,) = catalogue.keys.all()
            assert stored.record.last_used_at == NOON + timedelta(seconds=noted), seconds
