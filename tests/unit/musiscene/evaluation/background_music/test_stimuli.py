from __future__ import annotations

import json
from pathlib import Path

from musiscene.evaluation.background_music.clips import Clip
from musiscene.evaluation.background_music.music import Job
from musiscene.evaluation.background_music.stimuli import write_stimuli
from musiscene.study.sources import check_sources, read_sources

CLIPS = [Clip(id=name, video=f"{name} walks", music="drums") for name in ("ann", "bob")]


def made(out: Path) -> dict[Job, Path]:
    return {
        Job(system, clip, take, "calm"): out / "music" / f"{system}{clip}{take}.flac"
        for clip in ("ann", "bob", "cem")
        for system in ("video", "video, long")
        for take in (0, 1)
    }


class TestWriteStimuli:
    def test_every_system_has_the_first_take_of_every_clip_that_is_whole(self, tmp_path: Path):
        table = tmp_path / "stimuli.jsonl"
        write_stimuli(table, CLIPS, made(tmp_path), {})
        sources = read_sources(table)
        assert check_sources(sources) == (["video", "video, long"], ["ann", "bob"])
        assert {one.text for one in sources} == {"ann walks", "bob walks"}
        first = json.loads(table.read_text("utf-8").splitlines()[0])
        assert first == {
            "system": "video", "item": "ann", "text": "ann walks", "audio": "music/videoann0.flac",
        }  # fmt: skip

    def test_the_clips_own_music_is_found_from_the_table_wherever_it_is_read(self, tmp_path: Path):
        out = tmp_path / "runs" / "one"
        own = {name: tmp_path / "clips" / f"{name}.ogg" for name in ("ann", "bob", "cem")}
        for path in own.values():
            path.parent.mkdir(exist_ok=True)
            path.touch()
        link = tmp_path / "link"
        out.mkdir(parents=True)
        link.symlink_to(out, target_is_directory=True)
        write_stimuli(link / "stimuli.jsonl", CLIPS, made(out), own)
        real = [one for one in read_sources(link / "stimuli.jsonl") if one.system == "real"]
        assert [one.item for one in real] == ["ann", "bob"]
        assert real[0].audio.endswith("../../clips/ann.ogg")
        assert Path(real[0].audio).is_file()
