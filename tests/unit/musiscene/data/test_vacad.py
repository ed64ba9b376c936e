from pathlib import Path

import pytest

from musiscene.data.captions import Clip, ImportedCaptions
from musiscene.data.manifest import Manifest
from musiscene.data.rows import read_examples
from musiscene.data.vacad import SCENE_QUESTIONS, ClipRecord, VacadBuilder, find_clips
from musiscene.errors import MusiSceneError
from tests.support.data import GOOD_ANSWER, ScriptedFuser, vacad_row, write_lines

CLIPS = [Clip(clip_id=name) for name in "abc"]


def manifest(folder: Path) -> Manifest[ClipRecord]:
    return Manifest(folder / "vacad.jsonl", ClipRecord, key=lambda record: record.clip_id)


def builder(folder: Path, fuser: ScriptedFuser, *, missing: str = "") -> VacadBuilder:
    rows = [
        f'{{"clip_id": "{name}", "video_caption": "a {name}", "music_elements": "Slow {name}."}}'
        for name in "abc"
        if name not in missing
    ]
    captions = ImportedCaptions(
        write_lines(folder / "captions.jsonl", [row.encode() for row in rows])
    )
    return VacadBuilder(fuser=fuser, video_captioner=captions, music_captioner=captions)


class TestBuild:
    def test_a_clip_becomes_a_row_of_vacad_with_question_and_provenance(self, tmp_path: Path):
        fuser = ScriptedFuser("Slow music fits the a, as somebody hums it along.", GOOD_ANSWER)
        with manifest(tmp_path) as held:
            [record] = builder(tmp_path, fuser).build(CLIPS[:1], held)
        assert (record.status, record.fused_scene) == ("done", GOOD_ANSWER)
        assert record.question in SCENE_QUESTIONS
        assert {field: one.origin for field, one in record.provenance.items()} == {
            "video_caption": "import",
            "music_elements": "import",
            "fused_music": "model",
            "fused_scene": "model",
        }
        assert ["Describe the music" in prompt for prompt in fuser.prompts] == [True, False]
        assert all("'a a' \nMusic caption: 'Slow a.'" in prompt for prompt in fuser.prompts)
        [example] = read_examples(tmp_path / "vacad.jsonl").good
        assert (example.scene, example.question) == (GOOD_ANSWER, record.question)

    def test_an_interrupted_run_goes_on_and_equals_an_uninterrupted_one(self, tmp_path: Path):
        stopped = ScriptedFuser(GOOD_ANSWER, GOOD_ANSWER, GOOD_ANSWER, KeyboardInterrupt())
        with pytest.raises(KeyboardInterrupt), manifest(tmp_path) as held:
            list(builder(tmp_path, stopped).build(CLIPS, held))
        resumed = ScriptedFuser()
        with manifest(tmp_path) as held:
            assert list(held.rows) == ["a"]
            records = list(builder(tmp_path, resumed).build(CLIPS, held))
        assert len(resumed.prompts) == 4
        (tmp_path / "whole").mkdir()
        whole = ScriptedFuser()
        with manifest(tmp_path / "whole") as held:
            expected = list(builder(tmp_path, whole).build(CLIPS, held))
        assert [record.question for record in records] == [one.question for one in expected]
        assert resumed.seeds == whole.seeds[2:]

    def test_a_failed_clip_keeps_its_reason_and_is_tried_again(self, tmp_path: Path):
        with manifest(tmp_path) as held:
            records = list(builder(tmp_path, ScriptedFuser(), missing="b").build(CLIPS, held))
        assert [record.status for record in records] == ["done", "failed", "done"]
        assert "no video caption" in records[1].problem
        again = ScriptedFuser()
        with manifest(tmp_path) as held:
            records = list(builder(tmp_path, again).build(CLIPS, held))
        assert [record.status for record in records] == ["done"] * 3
        assert len(again.prompts) == 2

    def test_a_failure_keeps_the_steps_before_it(self, tmp_path: Path):
        fuser = ScriptedFuser(GOOD_ANSWER, "", "", "", "")
        with manifest(tmp_path) as held:
            [record] = builder(tmp_path, fuser).build(CLIPS[:1], held)
        assert (record.status, record.fused_music, record.fused_scene) == (
            "failed",
            GOOD_ANSWER,
            "",
        )
        assert "is empty" in record.problem

    def test_a_model_that_cannot_be_asked_stops_the_run(self, tmp_path: Path):
        fuser = ScriptedFuser(MusiSceneError("no such key"))
        with pytest.raises(MusiSceneError, match="no such key"), manifest(tmp_path) as held:
            list(builder(tmp_path, fuser).build(CLIPS, held))

    def test_released_rows_are_taken_by_id_and_empty_scenes_dropped(self, tmp_path: Path):
        released = {"a": vacad_row("a"), "b": vacad_row("b", scene=" ")}
        with manifest(tmp_path) as held:
            records = list(VacadBuilder(released=released).build(CLIPS, held))
        assert [record.status for record in records] == ["done", "dropped", "failed"]
        assert records[0].fused_scene == released["a"].fused_scene
        assert records[0].provenance["fused_scene"].origin == "import"
        assert "no scene" in records[1].problem
        assert "not among the released rows" in records[2].problem


class TestFindClips:
    def test_a_folder_gives_its_videos_and_a_list_its_rows(self, tmp_path: Path):
        for name in ("b.mp4", "sub/a.MKV", "notes.txt"):
            (tmp_path / "clips" / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / "clips" / name).touch()
        found = find_clips(tmp_path / "clips")
        assert [clip.clip_id for clip in found] == ["b", "a"]
        assert found[0].path == str(tmp_path / "clips" / "b.mp4")
        listed = write_lines(tmp_path / "clips.jsonl", found)
        assert find_clips(listed) == found

    def test_nothing_and_bad_lines_are_refused(self, tmp_path: Path):
        with pytest.raises(MusiSceneError, match="holds no clips"):
            find_clips(tmp_path)
        with pytest.raises(MusiSceneError, match=r"clips\.jsonl:1"):
            find_clips(write_lines(tmp_path / "clips.jsonl", [b"{}"]))
