from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from indexer.catalogue.columns import contains_in_any_case
from indexer.catalogue.database import read_session, write_session
from indexer.catalogue.models import Scan, Track
from indexer.catalogue.repository import Catalogue
from indexer.catalogue.rows import Failure
from tests.support.listening import listening, store

if TYPE_CHECKING:
    from collections.abc import Iterator

INDIAN = timezone(timedelta(hours=5, minutes=30))


@pytest.fixture
def catalogue(catalogue_location: str) -> Iterator[Catalogue]:
    with Catalogue.open(catalogue_location) as opened:
        yield opened


class TestCleanText:
    @pytest.mark.parametrize(
        ("given", "kept"),
        [
            ("a\0b", "ab"),
            ("\0", ""),
            ("half \ud83d", "half ?"),
            ("\0é\udcff", "é?"),
            ("été 雨 🎵", "été 雨 🎵"),
            (r"C:\new\x00 '; --", r"C:\new\x00 '; --"),
        ],
    )
    def test_text_that_a_database_refuses_is_cleaned(
        self, catalogue: Catalogue, given: str, kept: str
    ):
        scan_id = catalogue.scans.start(["/m"])
        catalogue.scans.add_failure(scan_id, Failure("/m/a.wav", "decode", given))
        assert [one.reason for one in catalogue.scans.failures(scan_id)] == [kept]

    def test_tags_and_captions_are_cleaned(self, catalogue: Catalogue):
        track = catalogue.track(store(catalogue, listening(artist="A\0B"), scenes=["a\0 lake"]))
        assert track.artist == "AB"
        assert "a lake" in {caption.text for caption in track.captions}

    def test_a_question_with_such_text_is_answered(self, catalogue: Catalogue):
        store(catalogue, listening())
        assert catalogue.track_ids(Track.path == "/m/\udcff.wav") == set()


class TestUtcDateTime:
    def test_a_moment_is_the_same_whatever_its_zone(self, catalogue: Catalogue):
        noon = datetime(2026, 1, 31, 12, tzinfo=INDIAN)
        with write_session(catalogue._engine) as session:
            session.add(Scan(roots="[]", started_at=noon, finished_at=noon))
        with read_session(catalogue._engine) as session:
            scan = session.scalars(select(Scan)).one()
        assert scan.started_at == noon
        assert (scan.finished_at or noon).isoformat() == "2026-01-31T06:30:00+00:00"
        assert scan.started_at.tzinfo is UTC


class TestContainsInAnyCase:
    @pytest.mark.parametrize(
        ("text", "asked", "is_found"),
        [
            ("BJÖRK", "björk", True),
            ("björk", "BJÖRK", True),
            ("ЗЕМФИРА", "земфира", True),
            ("\u039f\u0394\u039f\u03a3", "\u03b4\u03bf\u03c2", True),  # a last sigma is one
            ("\u039f\u0394\u039f\u03a3", "\u03b4\u03bf\u03c3", False),
            ("İstanbul", "İSTANBUL", True),
            ("100% loud", "0% L", True),
            ("100 loud", "0%l", False),
            ("a_b", "A_B", True),
            ("axb", "a_b", False),
            (r"back\slash", "K\\S", True),
            ("a/b", "A/B", True),
        ],
    )
    def test_every_alphabet_and_no_wildcards(
        self,
        catalogue: Catalogue,
        text: str,
        asked: str,
        is_found: bool,  # noqa: FBT001
    ):
        track_id = store(catalogue, listening(f"/m/{text}"))
        found = catalogue.track_ids(contains_in_any_case(Track.path, asked))
        assert found == ({track_id} if is_found else set())
        assert is_found == (asked.lower() in text.lower())


class TestOrder:
    def test_paths_come_in_the_order_of_code_points(self, catalogue: Catalogue):
        paths = [f"/m/{name}.wav" for name in ("B", "_", "a b", "a", "É", "é", "ab", "Z", "雨")]
        for path in paths:
            store(catalogue, listening(path))
        with read_session(catalogue._engine) as session:
            assert list(session.scalars(select(Track.path).order_by(Track.path))) == sorted(paths)

    def test_tracks_of_one_time_come_in_the_order_of_their_ids(self, catalogue: Catalogue):
        ids = [store(catalogue, listening(f"/m/{number}.wav")) for number in range(40)]
        assert [sound.id for sound in catalogue.sounds()] == sorted(ids) == ids


class TestLongPaths:
    def test_a_path_of_4096_bytes_is_kept_once(self, catalogue: Catalogue):
        # Digests, since the index compresses what repeats itself.
        letters = "".join(hashlib.sha512(bytes([turn])).hexdigest() for turn in range(32))
        path = f"/{letters[:4091]}.wav"
        track_id = store(catalogue, listening(path))
        assert store(catalogue, listening(path)) == track_id
        assert catalogue.track_called(path) == track_id
        assert set(catalogue.known_files()) == {path}
