from __future__ import annotations

import hmac
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING

import pytest

from service.security import keys
from service.security.keys import KEY, KeyRing, make_key
from tests.support.listening import new_catalogue

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from indexer.catalogue.repository import Catalogue

NOW = datetime(2026, 6, 1, tzinfo=UTC)


@pytest.fixture
def catalogue(tmp_path: Path) -> Iterator[Catalogue]:
    with new_catalogue(tmp_path) as opened:
        yield opened


class TestMakeKey:
    def test_its_secret_is_256_bits_that_are_not_in_the_digest(self):
        key = make_key()
        parts = KEY.fullmatch(key.text)
        assert parts is not None
        assert parts[1] == key.id
        assert len(bytes.fromhex(parts[2])) == 32
        assert key.digest == sha256(parts[2].encode()).digest()

    def test_no_two_are_alike(self):
        assert len({make_key().text for _ in range(100)}) == 100


class TestKeyRing:
    def test_it_knows_a_key_and_nothing_beside_it(self, catalogue: Catalogue):
        key, other = make_key(), make_key()
        catalogue.keys.add(key.id, key.digest, name="", scopes=["read"])
        ring = KeyRing(catalogue.keys)
        ring.refresh()
        found = ring.recognise(key.text, NOW)
        assert found is not None
        assert found.id == key.id
        mixed = f"mus_{key.id}_{other.text.rpartition('_')[2]}"
        wrong = [other.text, mixed, "", "mus_", key.text + "0", key.text.upper(), key.text[:-1],
                 f" {key.text}", f"{key.text}\n", "\udcff", "é" * 500]  # fmt: skip
        assert [ring.recognise(text, NOW) for text in wrong] == [None] * len(wrong)

    def test_a_revoked_or_expired_key_opens_nothing(self, catalogue: Catalogue):
        revoked, expired = make_key(), make_key()
        catalogue.keys.add(revoked.id, revoked.digest, name="", scopes=["read"])
        catalogue.keys.add(
            expired.id, expired.digest, name="", scopes=["read"],
            expires_at=NOW + timedelta(hours=1),
        )  # fmt: skip
        ring = KeyRing(catalogue.keys)
        ring.refresh()
        assert ring.recognise(expired.text, NOW)
        assert not ring.recognise(expired.text, NOW + timedelta(hours=1))
        catalogue.keys.revoke(revoked.id)
        ring = KeyRing(catalogue.keys)
        ring.refresh()
        assert ring.recognise(revoked.text, NOW) is None
        assert ring.is_locked

    def test_it_looks_again_after_two_seconds(self, catalogue: Catalogue):
        seconds = 0.0
        ring = KeyRing(catalogue.keys, clock=lambda: seconds)
        ring.refresh()
        key = make_key()
        catalogue.keys.add(key.id, key.digest, name="", scopes=["read"])
        seconds = 1.9
        ring.refresh()
        assert not ring.recognise(key.text, NOW)
        seconds = 2.0
        ring.refresh()
        assert ring.recognise(key.text, NOW)

    @pytest.mark.parametrize("shown", ["", "mus_" + "0" * 12 + "_" + "0" * 64, "no key"])
    def test_unknown_ids_are_compared_too(
        self, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch, shown: str
    ):
        compared: list[tuple[bytes, bytes]] = []

        class Compare:
            @staticmethod
            def compare_digest(left: bytes, right: bytes) -> bool:
                compared.append((left, right))
                return hmac.compare_digest(left, right)

        monkeypatch.setattr(keys, "hmac", Compare)
        assert KeyRing(catalogue.keys).recognise(shown, NOW) is None
        assert [len(side) for side in compared[0]] == [32, 32]
