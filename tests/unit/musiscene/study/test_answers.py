from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from musiscene.errors import StudyBusyError, StudyError
from musiscene.study.answers import Answer, AnswerFile, completion_code, read_answers

if TYPE_CHECKING:
    from pathlib import Path


def answer(*, rater: int = 0, trial: int = 0, point: int = 3) -> Answer:
    return Answer(
        rater=rater, trial=trial, values={"overall": point}, heard_seconds=(5.0,), plays=1,
        milliseconds=1000,
    )  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "answers.jsonl").touch()
    return tmp_path


class TestAnswerFile:
    def test_what_was_added_is_read_again_the_last_of_two_counting(self, folder: Path):
        with AnswerFile(folder) as opened:
            for point in (2, 5):
                opened.add(answer(point=point))
            opened.add(answer(rater=1, trial=4))
            assert opened.answers == read_answers(folder)
        found = read_answers(folder).given
        assert (found[0][0].values, list(found[1])) == ({"overall": 5}, [4])

    @pytest.mark.parametrize("cut", range(1, 80, 13))
    def test_a_line_cut_off_anywhere_harms_no_other(self, folder: Path, cut: int):
        with AnswerFile(folder) as opened:
            opened.add(answer(trial=0))
            opened.add(answer(trial=1))
        path = folder / "answers.jsonl"
        path.write_bytes(path.read_bytes()[:-cut])
        with AnswerFile(folder) as opened:
            opened.add(answer(trial=2))
        found = read_answers(folder)
        is_whole = cut == 1  # only its line end is gone
        assert list(found.given[0]) == ([0, 1, 2] if is_whole else [0, 2])
        assert found.unreadable == (0 if is_whole else 1)

    def test_nobody_else_opens_it_so_long(self, folder: Path):
        with AnswerFile(folder), pytest.raises(StudyBusyError):
            AnswerFile(folder)
        AnswerFile(folder).close()

    def test_a_folder_without_answers_is_no_study(self, tmp_path: Path):
        with pytest.raises(StudyError, match=r"answers\.jsonl"):
            AnswerFile(tmp_path)
        with pytest.raises(StudyError, match=r"answers\.jsonl"):
            read_answers(tmp_path)

    def test_lines_that_are_no_records_are_counted(self, folder: Path):
        (folder / "answers.jsonl").write_bytes(b'{"type":"other"}\n\xff\xfe\n\n[1]\n')
        assert read_answers(folder).unreadable == 3


def test_codes_differ_by_rater_and_study():
    assert len({completion_code(secret, rater) for secret in "ab" for rater in range(50)}) == 100
