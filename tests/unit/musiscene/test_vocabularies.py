import json
from pathlib import Path

import pytest

from musiscene import vocabularies
from musiscene.vocabularies import MSD_TAGS, MTT_TAGS, NO_VOCAL_TAGS, TAGS_OF, VOCAL_TAGS

SOURCE = Path("../shared/data/musicnn_tags.json")
GROUPS = {name: getattr(vocabularies, name) for name in dir(vocabularies) if name.endswith("_TAGS")}
GROUPS = {name: group for name, group in GROUPS.items() if isinstance(group, frozenset)}


class TestVocabularies:
    @pytest.mark.parametrize("tags", TAGS_OF.values(), ids=TAGS_OF.keys())
    def test_has_fifty_different_tags(self, tags: tuple[str, ...]):
        assert len(tags) == len(set(tags)) == 50

    def test_order_is_that_of_the_networks_outputs(self):
        if not SOURCE.exists():
            pytest.skip(f"{SOURCE} is not on this machine")
        source = json.loads(SOURCE.read_text())
        assert list(MTT_TAGS) == source["MTT_musicnn"]
        assert list(MSD_TAGS) == source["MSD_musicnn"]


class TestGroups:
    @pytest.mark.parametrize("name", GROUPS)
    def test_holds_only_words_that_a_network_can_say(self, name: str):
        assert GROUPS[name] <= {*MTT_TAGS, *MSD_TAGS}

    def test_every_word_but_the_shapeless_stands_in_one(self):
        grouped = frozenset().union(*GROUPS.values())
        assert {*MTT_TAGS, *MSD_TAGS} - grouped == {"beat", "beats", "solo", "acoustic"}

    def test_nothing_is_both_sung_and_not(self):
        assert not VOCAL_TAGS & NO_VOCAL_TAGS
