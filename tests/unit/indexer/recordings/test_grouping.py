from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from indexer.recordings import grouping
from indexer.recordings.grouping import group_recordings
from musiscene.audio.fingerprint import compare
from tests.support.listening import new_catalogue
from tests.support.recordings import coarse, print_of, put, tune

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from uuid import UUID

    from indexer.catalogue.repository import Catalogue

TUNE = tune(1)
PRINT = print_of(TUNE)
COPY = print_of(coarse(np.pad(TUNE, (4_000, 0))))
OTHER = print_of(tune(2))


@pytest.fixture
def catalogue(tmp_path: Path) -> Iterator[Catalogue]:
    with new_catalogue(tmp_path) as made:
        yield made


def recording_of(catalogue: Catalogue, track_id: UUID) -> UUID | None:
    return catalogue.track(track_id).recording_id


class TestGroups:
    def test_copies_are_one_recording_and_others_their_own(self, catalogue: Catalogue):
        first, copy = put(catalogue, "a.wav", PRINT), put(catalogue, "a.mp3", COPY)
        other = put(catalogue, "b.wav", OTHER)
        report = group_recordings(catalogue)
        assert (report.tracks_assigned, report.duplicates_found) == (3, 1)
        assert recording_of(catalogue, first) == recording_of(catalogue, copy) == first
        assert recording_of(catalogue, other) == other

    def test_bit_by_bit_gives_the_same_without_comparing_again(self, catalogue: Catalogue):
        first = put(catalogue, "a.wav", PRINT)
        put(catalogue, "b.wav", OTHER)
        group_recordings(catalogue)
        copy = put(catalogue, "a.mp3", COPY)
        report = group_recordings(catalogue)
        assert (report.tracks_assigned, report.pairs_compared) == (1, 1)
        assert recording_of(catalogue, copy) == first
        assert group_recordings(catalogue).tracks_assigned == 0

    def test_the_same_audio_is_one_recording_even_without_fingerprints(self, catalogue: Catalogue):
        first = put(catalogue, "a.wav", None, audio_hash="x")
        second = put(catalogue, "b.wav", None, audio_hash="x")
        third = put(catalogue, "c.wav", None, audio_hash="y")
        group_recordings(catalogue)
        assert recording_of(catalogue, second) == first
        assert recording_of(catalogue, third) == third

    def test_likeness_is_not_handed_on(self, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch):
        # a and b agree, b and c agree, a and c do not: c must stay out.
        prints = {
            name: print_of(coarse(TUNE * gain))
            for name, gain in zip("abc", (1, 0.8, 0.6), strict=True)
        }
        asked = [frozenset((prints["a"], prints["c"]))]
        real = compare
        monkeypatch.setattr(
            grouping,
            "compare",
            lambda one, two: real(one, OTHER if frozenset((one, two)) in asked else two),
        )
        ids = {name: put(catalogue, name, data) for name, data in prints.items()}
        group_recordings(catalogue)
        assert recording_of(catalogue, ids["b"]) == ids["a"]
        assert recording_of(catalogue, ids["c"]) == ids["c"]

    def test_a_file_that_changed_leaves_its_recording_to_the_others(self, catalogue: Catalogue):
        first, copy = put(catalogue, "a.wav", PRINT), put(catalogue, "a.mp3", COPY)
        group_recordings(catalogue)
        put(catalogue, "a.wav", OTHER, audio_hash="changed")
        group_recordings(catalogue)
        assert recording_of(catalogue, copy) == first
        assert recording_of(catalogue, first) not in {None, first}

    def test_the_revision_stays(self, catalogue: Catalogue):
        put(catalogue, "a.wav", PRINT)
        before = catalogue.revision()
        group_recordings(catalogue)
        assert catalogue.revision() == before

    def test_batches_make_no_difference(
        self, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
    ):
        monkeypatch.setattr(grouping, "TRACKS_AT_ONCE", 1)
        first, copy = put(catalogue, "a.wav", PRINT), put(catalogue, "a.mp3", COPY)
        group_recordings(catalogue)
        assert recording_of(catalogue, copy) == first
