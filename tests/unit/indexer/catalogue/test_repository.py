from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

import msgspec
import numpy as np
import pytest
from sqlalchemy import event

from indexer.catalogue.columns import lowered
from indexer.catalogue.models import Track
from indexer.catalogue.repository import Catalogue
from indexer.catalogue.rows import Failure, ScanCounts
from indexer.errors import CatalogueError, TrackNotFoundError
from tests.support.listening import WordEmbedder, listening, store

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator


@pytest.fixture
def catalogue(catalogue_location: str) -> Iterator[Catalogue]:
    with Catalogue.open(catalogue_location) as opened:
        yield opened


class TestStoreTrack:
    def test_gives_back_what_was_heard(self, catalogue: Catalogue):
        heard = listening("/music/été.wav", tags={"piano": 0.5}, artist="Ólafur")
        track = catalogue.track(store(catalogue, heard, scenes=["a street", "a field"]))
        assert (track.path, track.artist, track.bpm, track.key) == (
            "/music/été.wav",
            "Ólafur",
            120.0,
            "E:major",
        )
        assert [(s.start_seconds, s.end_seconds) for s in track.segments] == [(0, 15), (15, 30)]
        assert [(tag.name, tag.score) for tag in track.tags] == [("piano", 0.5)]
        assert {caption.text for caption in track.captions} == {"slow piano", "a street", "a field"}
        assert np.frombuffer(track.energy_curve, "<f2").tolist() == [0.25, 0.5, 1.0]
        assert track.beat_times is not None
        assert track.downbeat_times is not None
        assert np.frombuffer(track.beat_times, "<f4")[:3].tolist() == [0.0, 0.5, 1.0]
        assert np.frombuffer(track.downbeat_times, "<f4")[:3].tolist() == [0.0, 2.0, 4.0]

    def test_keeps_the_id_and_replaces_the_rest(self, catalogue: Catalogue):
        first = store(catalogue, listening(segments=3), scenes=["old one", "old two", "old three"])
        second = store(catalogue, listening(segments=1), scenes=["new"])
        assert first == second
        track = catalogue.track(second)
        assert len(track.segments) == 1
        assert [c.text for c in track.captions if c.kind == "scene"] == ["new"]
        assert len(list(catalogue.vectors(embedder="words-1"))) == 2

    def test_raises_the_revision_once(self, catalogue: Catalogue):
        assert catalogue.revision() == 0
        store(catalogue, listening())
        assert catalogue.revision() == 1

    def test_a_failure_leaves_nothing_behind(self, catalogue: Catalogue):
        with pytest.raises(IndexError):  # a caption about a segment that is not there
            store(catalogue, listening(segments=1), scenes=["one", "two"])
        assert catalogue.known_files() == {}
        assert catalogue.revision() == 0


class TestWriting:
    @pytest.mark.parametrize("catalogue_location", ["sqlite"], indirect=True)
    def test_a_full_disk_is_named_and_leaves_the_catalogue_whole(self, catalogue: Catalogue):
        store(catalogue, listening("/music/kept.wav"))

        def limit_size(connection: sqlite3.Connection, *_: object) -> None:
            pages = connection.execute("PRAGMA page_count").fetchone()[0]
            connection.execute(f"PRAGMA max_page_count = {pages + 1}")

        event.listen(catalogue._engine, "checkout", limit_size)
        with pytest.raises(CatalogueError, match="disk is full"):
            store(catalogue, listening("/music/big.wav", segments=900), scenes=["a"] * 900)
        assert set(catalogue.known_files()) == {"/music/kept.wav"}
        assert catalogue.revision() == 1


class TestFollowFile:
    def test_keeps_id_and_captions(self, catalogue: Catalogue):
        track_id = store(catalogue, listening())
        moved = listening("/music/moved.wav", artist="Now known").info
        catalogue.follow_file(track_id, moved, path="/music/moved.wav", modified_ns=9)
        track = catalogue.track(track_id)
        assert (track.path, track.artist, track.modified_ns) == ("/music/moved.wav", "Now known", 9)
        assert len(track.captions) == 2


class TestSongs:
    def test_titles_of_segments_and_the_cue_sheet_are_kept(self, catalogue: Catalogue):
        heard = listening(segments=2)
        first, second = heard.segments
        named = msgspec.structs.replace(second, title="Rain")
        heard = msgspec.structs.replace(heard, segments=(first, named))
        track_id = store(catalogue, heard)
        catalogue.follow_file(
            track_id, heard.info, path=heard.info.path, modified_ns=1, cue_stamp="12 34 a.cue"
        )
        assert [one.title for one in catalogue.track(track_id).segments] == [None, "Rain"]
        assert catalogue.known_files()[heard.info.path].cue_stamp == "12 34 a.cue"
        remembered = catalogue.heard(track_id)
        assert remembered is not None
        assert remembered.listening.segments[1].title == "Rain"


class TestStatus:
    def test_missing_tracks_are_not_found_but_not_lost(self, catalogue: Catalogue):
        track_id = store(catalogue, listening())
        catalogue.set_status([track_id], "missing")
        assert catalogue.track_ids() == set()
        assert list(catalogue.vectors(embedder="words-1")) == []
        assert catalogue.track(track_id).status == "missing"
        catalogue.set_status([track_id], "ready")
        assert catalogue.track_ids() == {track_id}

    def test_deleting_takes_everything_below(self, catalogue: Catalogue):
        kept = store(catalogue, listening("/music/kept.wav"))
        gone = store(catalogue, listening("/music/gone.wav"))
        catalogue.delete_tracks([gone])
        assert {row.track_id for row in catalogue.vectors(embedder="words-1")} == {kept}
        assert set(catalogue.known_files()) == {"/music/kept.wav"}
        assert catalogue.track_ids() == {kept}
        with pytest.raises(TrackNotFoundError, match=str(gone)):
            catalogue.track(gone)


class TestReading:
    def test_case_is_folded_in_every_script(self, catalogue: Catalogue):
        found = store(catalogue, listening("/a.wav", artist="Björk"))
        assert catalogue.track_ids(lowered(Track.artist) == "BJÖRK".lower()) == {found}
        assert catalogue.track_ids(lowered(Track.artist) == lowered("BJÖRK")) == {found}

    def test_what_was_heard_is_kept(self, catalogue: Catalogue):
        heard = listening(tags={"happy": 0.5})
        track_id = store(catalogue, heard)
        found = catalogue.heard(track_id)
        assert found is not None
        assert (found.listening.segments, found.listening.tempo) == (heard.segments, heard.tempo)
        assert catalogue.heard(uuid4()) is None

    def test_a_track_knows_the_revision_that_changed_it(self, catalogue: Catalogue):
        first = store(catalogue, listening("/a.wav"))
        second = store(catalogue, listening("/b.wav"))
        assert [catalogue.track(one).revision for one in (first, second)] == [1, 2]
        catalogue.set_status([first], "missing")
        assert catalogue.track(first).revision == catalogue.revision() == 3

    def test_more_ids_than_one_statement_may_name(self, catalogue: Catalogue):
        track_id = store(catalogue, listening())
        asked = [uuid4() for _ in range(1200)] + [track_id]
        assert list(catalogue.tracks(asked)) == [track_id]

    def test_what_an_answer_shows_is_what_the_track_has(self, catalogue: Catalogue):
        heard = [listening(f"/{name}.wav", tags={"happy": 0.5}) for name in "ab"]
        ids = [store(catalogue, one) for one in heard]
        shown, tracks = catalogue.shown([*ids, uuid4()]), catalogue.tracks(ids)
        assert list(shown) == list(tracks)
        for track_id in ids:
            one, whole = shown[track_id], tracks[track_id]
            for name in set(one.__struct_fields__) - {"segments", "captions", "tags"}:
                assert getattr(one, name) == getattr(whole, name), name
            for part in ("segments", "captions", "tags"):
                found, rows = getattr(one, part), getattr(whole, part)
                names = found[0].__struct_fields__
                assert [[getattr(row, name) for name in names] for row in found] == [
                    [getattr(row, name) for name in names] for row in rows
                ]

    def test_conditions_restrict_track_ids(self, catalogue: Catalogue):
        slow = store(catalogue, listening("/a.wav", bpm=60))
        store(catalogue, listening("/b.wav", bpm=120))
        assert catalogue.track_ids(Track.bpm < 100) == {slow}

    def test_vectors_are_unit_to_half_precision(self, catalogue: Catalogue):
        store(catalogue, listening())
        rows = list(catalogue.vectors(embedder=WordEmbedder.version))
        lengths = [np.linalg.norm(np.frombuffer(row.data, "<f2").astype(float)) for row in rows]
        assert lengths == pytest.approx([1.0, 1.0], abs=2e-3)
        assert [row.kind for row in rows] == ["music", "scene"]
        assert list(catalogue.vectors(embedder="another")) == []


class TestScans:
    def test_failures_are_kept_in_order(self, catalogue: Catalogue):
        scans = catalogue.scans
        scan_id = scans.start(["/music"])
        failures = [Failure(f"/music/{name}", "decode", "broken") for name in ("b", "a")]
        for failure in failures:
            scans.add_failure(scan_id, failure)
        scans.finish(scan_id, status="finished", counts=ScanCounts(files_found=2))
        assert scans.failures(scan_id) == failures
        assert scans.status(scan_id) == "finished"

    def test_a_scan_that_never_ended_was_killed(self, catalogue: Catalogue):
        killed = catalogue.scans.start(["/music"])
        running = catalogue.scans.start(["/music"])
        assert catalogue.scans.status(killed) == "killed"
        assert catalogue.scans.status(running) == "running"

    def test_only_failures_of_the_same_reader_last(self, catalogue: Catalogue):
        scans = catalogue.scans
        scan_id = scans.start(["/music"])
        lasting = Failure("/music/a", "decode", "broken", 10, 20, "reader-1")
        scans.add_failure(scan_id, lasting)
        scans.add_failure(scan_id, Failure("/music/b", "decode", "took too long", 10, 20))
        assert scans.lasting_failures(reader="reader-1") == {"/music/a": lasting}
        assert scans.lasting_failures(reader="reader-2") == {}

    def test_counts_have_a_column_each(self):
        assert set(msgspec.structs.asdict(ScanCounts())) <= {
            column.name
            for column in __import__(
                "indexer.catalogue.models", fromlist=["Scan"]
            ).Scan.__table__.columns
        }
