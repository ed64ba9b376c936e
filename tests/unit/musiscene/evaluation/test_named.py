import pytest

from musiscene.describe import describe_music
from musiscene.evaluation.named import named_in
from tests.support.listening import listening


class TestNamedIn:
    @pytest.mark.parametrize(
        ("text", "facts"),
        [
            pytest.param(
                "Guitars and a drum", {"instrument:guitar", "instrument:drums"}, id="plural"
            ),
            pytest.param("The harpsichord", {"instrument:harpsichord"}, id="whole words"),
            pytest.param("no drums, no vocals", {"voice:none"}, id="denied"),
            pytest.param("Nobody sings.", {"voice:none"}, id="nobody"),
            pytest.param("It is not clear whether anybody sings.", set(), id="unsure"),
            pytest.param("classic rock", {"genre:rock"}, id="longest first"),
            pytest.param("Hip-hop", {"genre:hip-hop"}, id="hyphen"),
            pytest.param("at about 68 beats per minute", {"tempo:slow"}, id="beats"),
            pytest.param("very slow at about 68 bpm", {"tempo:slow"}, id="very slow"),
            pytest.param("brisk, 123 bpm", {"tempo:fast"}, id="brisk"),
            pytest.param("in B flat minor", {"key:10 minor"}, id="flat"),
            pytest.param("Bb minor or A# minor", {"key:10 minor"}, id="same key"),
            pytest.param("in E major", {"key:4 major"}, id="major"),
            pytest.param("peaceful", {"mood:calm", "mood:tender"}, id="two moods"),
            pytest.param("A metal track", {"genre:metal"}, id="a genre is no mood"),
            pytest.param("A family at the table.", set(), id="nothing"),
            pytest.param("", set(), id="empty"),
        ],
    )
    def test_reads(self, text: str, facts: set[str]):
        assert named_in(text) == facts

    def test_reads_all_that_a_description_of_the_product_says(self):
        heard = listening(bpm=140.0, key="C#:minor", tags={"guitar": 0.9, "folk": 0.5})
        facts = named_in(describe_music(heard))
        expected = {"instrument:guitar", "genre:folk", "tempo:fast", "key:1 minor", "voice:none"}
        assert facts >= expected
        assert any(fact.startswith("mood:") for fact in facts)
