from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.errors import FilterObjectError
from indexer.filters import read_filter, read_object, read_text
from tests.support.filters import filters

BPM = {"field": "bpm", "op": ">=", "value": 110}


class TestReadObject:
    @pytest.mark.parametrize(
        ("wanted", "says"),
        [
            pytest.param(BPM, "bpm>=110", id="term"),
            pytest.param({"not": BPM}, "-bpm>=110", id="not"),
            pytest.param({"and": [BPM]}, "bpm>=110", id="and of one"),
            pytest.param({"or": [BPM, {"not": BPM}]}, "bpm>=110 or -bpm>=110", id="or"),
            pytest.param(
                {"field": "loudness", "op": "between", "value": [None, -9.5]},
                "loudness=..-9.5",
                id="range",
            ),
            pytest.param(
                {"field": "key", "op": "in", "value": ["Eb:major", "g"]},
                "key=D#:major|G",
                id="list",
            ),
            pytest.param({"field": "vocals", "op": "=", "value": False}, "vocals=no", id="no"),
            pytest.param({"field": "added", "op": "<", "value": "7d"}, "added<7d", id="age"),
        ],
    )
    def test_means_what_the_text_means(self, wanted: dict[str, Any], says: str):
        assert str(read_object(wanted)) == says
        assert read_filter(wanted) == read_text(says)

    def test_nothing_asks_nothing(self):
        assert read_object({}) is None

    @pytest.mark.parametrize(
        ("wanted", "path", "says"),
        [
            pytest.param({"bpm": 3}, "$", "an object with", id="keys"),
            pytest.param(BPM | {"and": []}, "$", "an object with", id="two in one"),
            pytest.param({"and": []}, "$.and", "a list of one or more", id="empty"),
            pytest.param({"and": "bpm=3"}, "$.and", "a list of one or more", id="no list"),
            pytest.param({"or": [BPM, 3]}, "$.or[1]", "an object with", id="no object"),
            pytest.param(BPM | {"field": 3}, "$.field", "name of a field", id="field"),
            pytest.param(BPM | {"field": "tempo"}, "$.field", "did you mean bpm", id="unknown"),
            pytest.param(BPM | {"op": "=="}, "$.op", "between in", id="operator"),
            pytest.param(BPM | {"op": []}, "$.op", "no comparison", id="no operator"),
            pytest.param({"not": BPM | {"value": "110"}}, "$.not.value", "a number", id="text"),
            pytest.param(BPM | {"value": True}, "$.value", "a number", id="true is no number"),
            pytest.param(BPM | {"value": 10**400}, "$.value", "a number", id="far too large"),
            pytest.param(BPM | {"value": None}, "$.value", "a number", id="null"),
            pytest.param(BPM | {"op": "in", "value": [1]}, "$.value", "two or more", id="in"),
            pytest.param(BPM | {"op": "in", "value": [1, ""]}, "$.value[1]", "number", id="in it"),
            pytest.param(
                BPM | {"op": "between", "value": 1}, "$.value", "[low, high]", id="between"
            ),
            pytest.param(
                BPM | {"op": "between", "value": [2, 1]}, "$.value", "low end", id="upside down"
            ),
            pytest.param(
                {"field": "vocals", "op": "=", "value": "no"}, "$.value", "yes or no", id="bool"
            ),
        ],
    )
    def test_says_where_it_cannot_be_read(self, wanted: dict[str, Any], path: str, says: str):
        with pytest.raises(FilterObjectError) as caught:
            read_object(wanted)
        assert caught.value.path == path
        assert says in str(caught.value)

    def test_refuses_what_is_too_much(self):
        deep: dict[str, Any] = BPM
        for _ in range(21):
            deep = {"not": deep}
        for wanted in (
            deep,
            {"and": [BPM] * 51},
            {"field": "title", "op": "=", "value": "x" * 2001},
        ):
            with pytest.raises(FilterObjectError, match="more than"):
                read_object(wanted)

    @given(filters)
    def test_what_it_encodes_to_reads_back(self, wanted: object):
        assert read_object(json.loads(msgspec.json.encode(wanted))) == wanted

    @given(
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
            lambda inner: st.one_of(
                st.lists(inner, max_size=3),
                st.dictionaries(st.sampled_from(["and", "or", "not", "x"]), inner, max_size=2),
                st.fixed_dictionaries(
                    {
                        "field": st.sampled_from(["bpm", "key", "added", "title"]) | inner,
                        "op": st.sampled_from(["=", "in", "between", "~="]) | inner,
                        "value": inner,
                    }
                ),
            ),
            max_leaves=12,
        )
    )
    def test_any_object_is_read_or_refused(self, wanted: object):
        try:
            found = read_object({"not": wanted})
        except FilterObjectError as error:
            assert error.path.startswith("$")  # noqa: PT017
        else:
            assert read_text(str(found)) == found
