from __future__ import annotations

import msgspec
import pytest

from musiscene.video.analysis import SceneFacts
from musiscene.video.captioners.measured import facts_in_words
from tests.support.scenes import CALM, FRANTIC


class TestFactsInWords:
    def test_calm_and_frantic_scenes_are_called_so(self):
        assert facts_in_words(CALM) == (
            "A very slow, calm, peaceful and quiet scene: long lingering shots, stillness,"
            " cool pale colours in very low light."
        )
        assert facts_in_words(FRANTIC) == (
            "A very fast, frantic and intense scene: a storm of quick cuts, constant movement,"
            " warm vivid colours in very bright light. It is loud."
        )

    @pytest.mark.parametrize(
        ("changed", "said"),
        [
            ({"speech": 0.2}, "Somebody speaks now and then."),
            ({"speech": 0.9}, "Somebody speaks most of the time."),
            ({"loudness_lufs": -50.0}, "It is quiet."),
            ({"motion": 0.5}, "constant movement"),
            ({"warmth": 0.5}, "warm pale colours"),
        ],
    )
    def test_each_fact_is_heard(self, changed: dict[str, float], said: str):
        assert said in facts_in_words(msgspec.structs.replace(CALM, **changed))
        assert said not in facts_in_words(CALM)

    def test_movement_alone_makes_a_scene_lively(self):
        dance = msgspec.structs.replace(CALM, motion=0.5)
        assert "energetic" in facts_in_words(dance)

    def test_any_facts_are_said(self):
        for value in (-1.0, 0.0, 0.5, 1.0, 1e9):
            facts = SceneFacts(**{**msgspec.structs.asdict(CALM), "motion": value, "warmth": value})
            assert facts_in_words(facts).endswith(".")
