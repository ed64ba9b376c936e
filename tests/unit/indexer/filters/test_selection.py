from __future__ import annotations

import pytest

from indexer.catalogue.repository import Catalogue
from indexer.errors import FilterObjectError, FilterSyntaxError
from indexer.filters.selection import demands_of, why_nothing
from tests.support.listening import listening, store


class TestDemandsOf:
    def test_each_thing_that_must_hold_is_one(self):
        demands = demands_of(
            "bpm>90 (key=E or key=G)",
            negatives=["Drums", "no drums", "a red kite"],
            length_seconds=45,
        )
        assert [demand.text for demand in demands] == [
            "bpm>90",
            "(key=E or key=G)",
            "45 seconds or more",
            "no drums",
            "no drums",
        ]

    def test_nothing_asked_is_no_demand(self):
        assert demands_of("") == demands_of({}) == []

    def test_reads_either_form(self):
        (demand,) = demands_of({"not": {"field": "bpm", "op": "<", "value": 90}})
        assert demand.text == "-bpm<90"
        with pytest.raises(FilterObjectError):
            demands_of({"bpm": 90})
        with pytest.raises(FilterSyntaxError):
            demands_of("bpm")


class TestWhyNothing:
    def test_counts_what_each_demand_leaves(self, catalogue_location: str):
        with Catalogue.open(catalogue_location) as catalogue:
            store(catalogue, listening("/m/a.wav", bpm=60, tags={"piano": 0.9}))
            store(catalogue, listening("/m/b.wav", bpm=90))
            demands = demands_of("tag=piano|pianno bpm>80", length_seconds=600)
            assert why_nothing(catalogue, demands) == (
                "No track of 2 fulfils what is asked: tag=piano|pianno leaves 1, bpm>80 leaves 1, "
                "600 seconds or more leaves 0. 'pianno' is a tag that is never heard; did you mean "
                "piano?"
            )
