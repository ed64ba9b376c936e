from pathlib import Path

import msgspec
import pytest

from musiscene.console import Console
from musiscene.data.rows import write_rows
from musiscene.evaluation.heard import Asking, ask, hear_passages
from musiscene.evaluation.hearing import judge_hearing, truth_of_measurements
from tests.support.evaluation import PLACES, made_examples, word_embedder, write_musiccaps
from tests.support.passages import INSTRUMENTS, SCENES, MadeModel, write_library
from tools.write_examples import Shown, choose, from_library, from_musiccaps, write_page

QUIET = Console(quiet=True)


def made(source: str, count: int) -> list[Shown]:
    return [
        Shown(source, f"{source}{rank}", "heard", "scene", "", float(rank), count)
        for rank in range(1, count + 1)
    ]


class TestChoose:
    def test_spreads_over_both_halves_of_every_source(self):
        chosen = choose([made("a", 41), made("b", 100), made("c", 28)], 20)
        assert len(chosen) == 20
        better, worse = chosen[:10], chosen[10:]
        assert [sum(shown.source == name for shown in better) for name in "abc"] == [4, 3, 3]
        assert [sum(shown.source == name for shown in worse) for name in "abc"] == [4, 3, 3]
        assert all(shown.rank <= shown.among / 2 for shown in better)
        assert all(shown.rank > shown.among / 2 for shown in worse)
        assert {"a1", "b1", "c1"} <= {shown.title for shown in better}
        assert {"a41", "b100", "c28"} <= {shown.title for shown in worse}

    def test_shows_all_of_a_small_source_once(self):
        chosen = choose([made("a", 6)], 20)
        assert sorted(shown.rank for shown in chosen) == [1, 2, 3, 4, 5, 6]


class TestFromLibrary:
    def test_reads_what_one_run_wrote_and_refuses_another(self, tmp_path: Path):
        model = MadeModel()
        passages = hear_passages(model, write_library(tmp_path / "music", *INSTRUMENTS), QUIET)
        said = ask(model, passages, Asking(scenes=1), QUIET)
        report = judge_hearing(passages, said, [truth_of_measurements(passages)], word_embedder())
        document, texts = tmp_path / "report.json", tmp_path / "texts.jsonl"
        document.write_bytes(msgspec.json.encode({"library": "x", "report": report}))
        write_rows(texts, said.by_track(passages))
        shown = from_library("Made (CC0)", document, texts)
        assert [one.title for one in shown] == sorted(INSTRUMENTS)
        assert all(one.scene == SCENES[one.title] for one in shown)
        assert all(one.title in one.heard for one in shown)
        write_rows(texts, said.by_track(passages)[::-1])
        with pytest.raises(ValueError, match="not of the run"):
            from_library("Made (CC0)", document, texts)


class TestFromMusicCaps:
    def test_ranks_the_scenes_among_those_of_people(self, tmp_path: Path):
        data = write_musiccaps(tmp_path / "rows.jsonl", without_scene=[2])
        predictions = tmp_path / "scenes.jsonl"
        lines = [
            {"clip_id": row.id, "prediction": f"Somebody is in a {place}"}
            for row, place in zip(made_examples(), PLACES, strict=True)
        ]
        predictions.write_bytes(b"\n".join(msgspec.json.encode(line) for line in lines))
        shown = from_musiccaps(data, predictions, word_embedder())
        assert len(shown) == 7
        assert {one.rank for one in shown} == {1.0}
        assert shown[0].human_scene == made_examples()[0].scene


class TestWritePage:
    def test_shows_each_example_with_its_rank_and_attribution(self):
        chosen = [
            Shown("MusicCaps", "clip _x_", "A *loud* harp.", "A fair.", "At a fair.", 1.0, 9),
            Shown("Made (CC0)", "song", "A harp.", "A storm.", "", 8.5, 9),
        ]
        page = write_page(chosen, total=18, model="made-1", embedder="words-1")
        assert "CC BY-SA 4.0" in page
        assert "2 examples out of 18" in page
        better, worse = page.split("## Worse half")
        assert r"MusicCaps: clip \_x\_" in better
        assert r"A \*loud\* harp." in better
        assert "- a person: At a fair." in better
        assert "rank 8.5 of 9" in worse
        assert "a person" not in worse
