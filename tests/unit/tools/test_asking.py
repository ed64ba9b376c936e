from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from indexer.match import Matcher
from indexer.matching.fusion import fitted
from tests.support.listening import word_reader
from tests.support.retrieval import TRACKS, made_library, write_briefs
from tools.asking import Asked, Nonsense, ask_library, read_nonsense

if TYPE_CHECKING:
    from pathlib import Path

    from indexer.matching.results import MatchResult

BRIEF = "mist over the still lake"
NONSENSE = "a storm of riders in calm mist"


@pytest.fixture
def answers(tmp_path: Path) -> list[tuple[Asked, MatchResult]]:
    briefs = write_briefs(tmp_path / "briefs.jsonl", [{"brief": BRIEF, "mood": "calm"}])
    nonsense = [Nonsense(brief=NONSENSE, kind="word salad")]
    with made_library(tmp_path) as library:
        asked = ask_library(library, word_reader(), [briefs], nonsense)
        matcher = Matcher.over(library, word_reader())
        found = [matcher.match([text]) for text in (BRIEF, NONSENSE)]
    return list(zip(asked, found, strict=True))


class TestAsk:
    def test_says_what_an_answer_says(self, answers: list[tuple[Asked, MatchResult]]):
        for asked, found in answers:
            is_answered = asked.chance >= fitted().answered_from
            assert is_answered == (found.decision == "matched")
            assert asked.confidence == pytest.approx(found.confidence, abs=1e-4)
            in_order = asked.confidences[asked.order]
            assert in_order == pytest.approx([hit.confidence for hit in found.hits], abs=1e-4)

    def test_knows_what_is_wanted(self, answers: list[tuple[Asked, MatchResult]]):
        (brief, answer), (nonsense, _) = answers
        are_calm = ["/calm/" in hit.track.path for hit in answer.hits]
        assert brief.wanted[brief.order].tolist() == are_calm
        assert brief.is_right == are_calm[0]
        assert brief.is_answerable
        assert brief.are_all_known
        assert (nonsense.is_answerable, nonsense.is_right) == (False, False)
        assert nonsense.wanted.tolist() == [False] * len(TRACKS)

    def test_names_lines_that_it_passes_over(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ):
        briefs = write_briefs(tmp_path / "briefs.jsonl", [{"brief": BRIEF, "file": "none.wav"}])
        with made_library(tmp_path) as library:
            assert ask_library(library, word_reader(), [briefs], []) == []
        assert "none.wav" in capsys.readouterr().err


class TestReadNonsense:
    def test_reads_the_kind_and_ignores_the_rest(self, tmp_path: Path):
        rows = [
            {"brief": "qwxz", "kind": "gibberish"},
            {"brief": "y", "kind": "k", "language": "e"},
        ]
        found = read_nonsense(write_briefs(tmp_path / "nonsense.jsonl", rows))
        assert [one.kind for one in found] == ["gibberish", "k"]
