from __future__ import annotations

import time

import pytest
from hypothesis import given

from indexer.errors import FilterSyntaxError
from indexer.filters import read_text
from indexer.filters.conditions import condition_of
from tests.support.filters import expressions, filters


def text_of(expression: str) -> str:
    return str(read_text(expression))


class TestReadText:
    @pytest.mark.parametrize(
        ("expression", "says"),
        [
            pytest.param("bpm=90 key=E", "bpm=90 key=E", id="blanks mean and"),
            pytest.param("bpm=90 and key=E", "bpm=90 key=E", id="and"),
            pytest.param("bpm=1 key=E OR key=G", "(bpm=1 key=E) or key=G", id="and before or"),
            pytest.param("bpm=1 (key=E or key=G)", "bpm=1 (key=E or key=G)", id="group"),
            pytest.param("((bpm=1)(key=E))", "bpm=1 key=E", id="idle groups go"),
            pytest.param("not bpm=1 key=E", "-bpm=1 key=E", id="not binds closest"),
            pytest.param("-(bpm=1 or key=E)", "-(bpm=1 or key=E)", id="minus before a group"),
            pytest.param("not -bpm=1", "bpm=1", id="two negations"),
            pytest.param("key!=E|G", "-key=E|G", id="not equal"),
            pytest.param(" bpm >= 90\n", "bpm>=90", id="blanks around an operator"),
            pytest.param("BPM=90.0", "bpm=90", id="capital letters"),
            pytest.param("key=eb:Minor", "key=D#:minor", id="one spelling of a key"),
            pytest.param("key=C | G", "key=C|G", id="blanks in a list"),
            pytest.param('artist="The Band"', 'artist="The Band"', id="quotes are kept"),
            pytest.param('artist="Band"', "artist=Band", id="quotes that are not needed"),
            pytest.param('title="say ""hi"""', 'title="say ""hi"""', id="quotes in quotes"),
            pytest.param("title=a(b)c", 'title="a(b)c"', id="parentheses in a word"),
            pytest.param("(title=a)", "title=a", id="a word ends before the group's end"),
            pytest.param("title==x", "title==x", id="only the first = is the operator"),
            pytest.param("title=and or title=or", "title=and or title=or", id="words as values"),
            pytest.param("loudness=-20..", "loudness=-20..", id="open range"),
            pytest.param("title=..", "title=..", id="no range in text"),
            pytest.param("added=2026-01..2026-03", "added=2026-01..2026-03", id="months"),
        ],
    )
    def test_reads(self, expression: str, says: str):
        assert text_of(expression) == says

    @pytest.mark.parametrize("expression", ["", "  ", "\n\t"])
    def test_blanks_ask_nothing(self, expression: str):
        assert read_text(expression) is None

    @pytest.mark.parametrize(
        ("expression", "position", "found", "says"),
        [
            pytest.param("tempo=3", 0, "tempo", "did you mean bpm", id="other name"),
            pytest.param("titel=3", 0, "titel", "did you mean title", id="misspelt"),
            pytest.param("xyz=3", 0, "xyz", "there are bpm, duration", id="unknown"),
            pytest.param("bpm=fast", 4, "fast", "'fast' is not a number", id="number"),
            pytest.param("bpm=1..x", 7, "x", "'x' is not a number", id="range"),
            pytest.param("bpm=nan", 4, "nan", "not a number", id="not a number at all"),
            pytest.param("bpm=1e999", 4, "1e999", "not a number", id="infinite"),
            pytest.param("bpm=130..110", 4, "130..110", "low end is above", id="range upside down"),
            pytest.param("bpm~=0", 5, "0", "above 0", id="no tempo"),
            pytest.param("bpm=90 key=H", 11, "H", "no key; expected a key such as", id="key"),
            pytest.param("key=E:dorian", 4, "E:dorian", "no key", id="mode of a key"),
            pytest.param("key=C|H", 6, "H", "no key", id="in a list"),
            pytest.param("mode=E", 5, "E", "major or minor", id="mode"),
            pytest.param("vocals=maybe", 7, "maybe", "yes or no", id="yes or no"),
            pytest.param("vocals=yes|no", 7, "yes", "takes no list", id="list"),
            pytest.param("bpm>90|100", 4, "90", "takes no list", id="list after >"),
            pytest.param("tag>piano", 3, ">", "compared with = only", id="operator"),
            pytest.param("key~=E", 3, "~=", "compared with = only", id="nearly"),
            pytest.param("bpm 90", 4, "90", "expected = >= <= > < ~=", id="no operator"),
            pytest.param("bpm=", 4, "", "a value is missing", id="no value"),
            pytest.param("(bpm=)", 5, ")", "a value is missing", id="no value in a group"),
            pytest.param("bpm=90 x", 7, "x", "expected a term such as", id="word"),
            pytest.param("bpm=90 and", 10, "", "a term is missing", id="and nothing"),
            pytest.param("or bpm=90", 0, "or", "a term is missing", id="nothing or"),
            pytest.param("(bpm=90", 0, "", "never closed", id="open group"),
            pytest.param("bpm=90)", 6, ")", "closes no", id="closed group"),
            pytest.param("()", 1, ")", "a term is missing", id="empty group"),
            pytest.param('artist="open', 7, "", "never closed", id="open quote"),
            pytest.param('artist="a"b', 10, "b", "expected a blank", id="no blank"),
            pytest.param('artist=a"b"', 8, '"', "expected a blank", id="quote in a word"),
            pytest.param('artist="\0"', 7, '"\0"', "NUL", id="what no database holds"),
            pytest.param("added=2026-02-30", 6, "2026-02-30", "no day", id="no such day"),
            pytest.param("added=soon", 6, "soon", "neither a date nor an age", id="date"),
            pytest.param("added=7d", 6, "7d", "an age is compared with", id="age"),
            pytest.param("added<51y", 6, "51y", "50 years", id="long ago"),
            pytest.param("added=7d..2026", 6, "7d..2026", "two dates or two ages", id="mixed"),
        ],
    )
    def test_says_where_it_cannot_be_read(
        self, expression: str, position: int, found: str, says: str
    ):
        with pytest.raises(FilterSyntaxError) as caught:
            read_text(expression)
        assert says in str(caught.value)
        assert (caught.value.position, caught.value.found) == (position, found)

    @pytest.mark.parametrize(
        ("expression", "says"),
        [
            pytest.param("bpm=1 " * 1000, "longer than 2,000", id="long"),
            pytest.param("bpm=1 " * 51, "more than 50 terms", id="many terms"),
            pytest.param("bpm=" + "|".join(["1"] * 51), "more than 50 terms", id="many values"),
            pytest.param("(" * 21 + "bpm=1" + ")" * 21, "more than 20", id="deep groups"),
            pytest.param("not " * 400 + "bpm=1", "more than 20", id="many negations"),
        ],
    )
    def test_refuses_what_is_too_much(self, expression: str, says: str):
        with pytest.raises(FilterSyntaxError, match=says):
            read_text(expression)

    def test_takes_as_much_as_is_allowed(self):
        assert read_text("bpm=1 " * 50) is not None
        assert text_of("(" * 20 + "bpm=1" + ")" * 20) == "bpm=1"

    @given(expressions)
    def test_any_text_is_read_or_refused(self, expression: str):
        try:
            wanted = read_text(expression)
        except FilterSyntaxError as error:
            assert 0 <= error.position <= len(expression)  # noqa: PT017
            assert expression.startswith(error.found, error.position)  # noqa: PT017
            assert error.marked.count("\n") == 1  # noqa: PT017
        else:
            assert wanted is None or str(condition_of(wanted).compile())

    @given(filters)
    def test_its_text_reads_back(self, wanted: object):
        assert read_text(str(wanted)) == wanted

    @pytest.mark.parametrize("piece", ["(", "-", "not ", "a", '"', '""', "|", "bpm=1|", 'title="'])
    def test_the_longest_nonsense_is_refused_at_once(self, piece: str):
        expression = (piece * 2000)[:2000]
        before = time.process_time()
        with pytest.raises(FilterSyntaxError):
            read_text(expression)
        assert time.process_time() - before < 0.1


class TestMarked:
    @pytest.mark.parametrize(
        ("expression", "marked"),
        [
            pytest.param("bpm=1 tempo=3", "bpm=1 tempo=3\n      ^^^^^", id="word"),
            pytest.param("bpm=1 or", "bpm=1 or\n        ^", id="end"),
            pytest.param("bpm=1\ttempo=3", "bpm=1 tempo=3\n      ^^^^^", id="one line"),
        ],
    )
    def test_stands_below_the_wrong_piece(self, expression: str, marked: str):
        with pytest.raises(FilterSyntaxError) as caught:
            read_text(expression)
        assert caught.value.marked == marked

    def test_shows_what_is_near(self):
        with pytest.raises(FilterSyntaxError) as caught:
            read_text("bpm=1 " * 20 + "tempo=3 " + "bpm=1 " * 20)
        shown, marks = caught.value.marked.split("\n")
        assert len(shown) < 100
        assert shown[marks.index("^") :].startswith("tempo=3")
        assert shown.startswith("...")
        assert shown.endswith("...")
