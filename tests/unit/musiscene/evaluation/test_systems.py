from pathlib import Path

import pytest

from musiscene.data.rows import SceneExample
from musiscene.errors import MusiSceneError
from musiscene.evaluation.predictions import PredictionFile
from musiscene.evaluation.systems import (
    Imagined,
    build_systems,
    imagine_rows,
    imported_system,
    other_rows,
    system_names,
)
from musiscene.progress import ProgressReport
from tests.support.evaluation import PlaceWriter, made_examples


class TestMusicLine:
    def test_is_one_line_of_sentences(self):
        example = SceneExample(
            id="a",
            source="made",
            group="a",
            music={"aspects": "calm,\nslow", "none": " ", "description": "A harp plays."},
            scene="",
        )
        assert example.music_line == "calm, slow. A harp plays."


class TestOtherRows:
    @pytest.mark.parametrize("row_count", [2, 3, 50])
    def test_gives_every_row_another_one(self, row_count: int):
        for seed in range(20):
            others = other_rows(row_count, seed=seed)
            assert sorted(others) == list(range(row_count))
            assert all(other != row for row, other in enumerate(others))

    def test_one_row_has_no_other(self):
        with pytest.raises(ValueError, match="no other row"):
            other_rows(1, seed=0)


class TestImagineRows:
    def test_reads_the_music_text_alone(self):
        writer = PlaceWriter()
        imagine_rows(made_examples(), writer, None, ProgressReport())
        assert writer.asked[0] == "harp. A harp plays alone."
        assert not any("forest" in asked for asked in writer.asked)

    def test_goes_on_where_it_was_stopped(self, tmp_path: Path):
        examples = made_examples()
        path = tmp_path / "out.jsonl"
        first = PredictionFile.open(path, origin="places-1")
        begun = imagine_rows(examples[:3], PlaceWriter(), first, ProgressReport())
        second = PredictionFile.open(path, origin="places-1")
        writer = PlaceWriter()
        found = imagine_rows(examples, writer, second, ProgressReport())
        assert len(writer.asked) == 5
        assert list(found) == [example.id for example in examples]
        assert found["clip0"] == begun["clip0"]


class TestBuildSystems:
    def test_controls_hold_other_rows_texts(self):
        examples = made_examples()
        scenes = imagine_rows(examples, PlaceWriter(), None, ProgressReport())
        names = system_names(examples)
        systems = {
            system.name: system
            for system in build_systems(examples, names, Imagined(scenes, "Nothing."), seed=3)
        }
        assert list(systems) == names
        assert systems["musiscene"].texts == tuple(scenes.values())
        assert systems["aspects"].texts[2] == "flute"
        assert systems["reference"].texts[2] == examples[2].scene
        assert set(systems["empty"].texts) == {"Nothing."}
        for control, own in (("other-music", "musiscene"), ("other-reference", "reference")):
            assert systems[control].kind == "control"
            assert sorted(systems[control].texts) == sorted(systems[own].texts)
            pairs = zip(systems[control].texts, systems[own].texts, strict=True)
            assert all(text != owned for text, owned in pairs)


class TestImportedSystem:
    def test_needs_every_row(self):
        with pytest.raises(MusiSceneError, match="7 of 8 rows have no prediction, clip1 first"):
            imported_system("mine", {"clip0": "a"}, made_examples())

    def test_follows_the_rows_and_ignores_others(self):
        examples = made_examples()
        predictions = {example.id: example.id for example in reversed(examples)} | {"more": "x"}
        assert imported_system("mine", predictions, examples).texts[1] == "clip1"
