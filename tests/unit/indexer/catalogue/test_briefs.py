from __future__ import annotations

from typing import Any

import pytest

from indexer.catalogue.briefs import AskedBrief
from indexer.catalogue.models import new_id, utc_now
from indexer.catalogue.repository import Catalogue
from indexer.errors import BriefNotFoundError


def asked(caption: str, **fields: Any) -> AskedBrief:  # noqa: ANN401
    return AskedBrief(
        id=new_id(),
        asked_at=utc_now(),
        captions=[caption],
        decision="matched",
        confidence=0.1 + 0.2,
        track_ids=[new_id()],
        **fields,
    )


class TestBriefs:
    def test_come_back_as_they_were_newest_first(self, catalogue_location: str):
        wanted = {"field": "bpm", "op": ">", "value": 100}
        briefs = [asked("a", filter=wanted), asked("b\0", negatives=["x"], arc="build"), asked("c")]
        with Catalogue.open(catalogue_location) as catalogue:
            catalogue.briefs.add(briefs)
            assert catalogue.briefs.page() == briefs[::-1]
            first = catalogue.briefs.page(limit=2)
            assert catalogue.briefs.page(before=first[-1].id) == [briefs[0]]
            assert catalogue.briefs.brief(briefs[1].id) == briefs[1]

    def test_the_oldest_go(self, catalogue_location: str):
        briefs = [asked(str(number)) for number in range(5)]
        with Catalogue.open(catalogue_location) as catalogue:
            catalogue.briefs.add(briefs[:3], keep=3)
            catalogue.briefs.add(briefs[3:], keep=3)
            assert catalogue.briefs.page() == briefs[:1:-1]

    def test_one_can_be_forgotten(self, catalogue_location: str):
        brief = asked("a")
        with Catalogue.open(catalogue_location) as catalogue:
            catalogue.briefs.add([brief])
            catalogue.briefs.remove(brief.id)
            for call in (catalogue.briefs.brief, catalogue.briefs.remove):
                with pytest.raises(BriefNotFoundError):
                    call(brief.id)
