import json
from pathlib import Path

from musiscene.evaluation.background_music.clips import read_clips


def write(path: Path, *rows: object) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path


class TestReadClips:
    def test_reads_vacad_and_plain_rows(self, tmp_path: Path):
        (tmp_path / "own.wav").write_bytes(b"x")
        path = write(
            tmp_path / "clips.jsonl",
            {
                "clip_id": "a",
                "video_caption": "a man",
                "music_elements": "Drums",
                "music_heard": "A song.",
                "fused_music": "Both.",
            },
            {"clip_id": "b", "video_caption": "a dog", "audio": "own.wav", "msi": "A park."},
        )
        first, second = read_clips(path).good
        assert (first.music, first.fusion, first.is_vacad) == ("Drums. A song.", "Both.", True)
        assert first.audio is None
        assert second.audio == tmp_path / "own.wav"
        assert (second.msi, second.is_vacad) == ("A park.", False)

    def test_lists_what_is_no_clip_and_keeps_the_rest(self, tmp_path: Path):
        good = {"clip_id": "a", "video_caption": "a man", "music_caption": "drums"}
        path = write(
            tmp_path / "clips.jsonl",
            good,
            good,
            {"clip_id": "b", "video_caption": "a man"},
            {"clip_id": "c", "video_caption": "a man", "audio": "gone.wav"},
            {"clip_id": "d", "video_caption": ""},
        )
        read = read_clips(path)
        assert [clip.id for clip in read.good] == ["a"]
        reasons = " ".join(bad.reason for bad in read.bad)
        assert len(read.bad) == 4
        for part in ("named before", "neither `music_caption`", "gone.wav: no such file"):
            assert part in reasons
