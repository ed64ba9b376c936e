from __future__ import annotations

import re

import pytest
from click.testing import CliRunner

from indexer.cli.match import match
from indexer.filters import read_text
from indexer.filters.fields import FIELDS


class TestMatchCommand:
    def test_a_filter_that_cannot_be_read_is_marked(self):
        result = CliRunner().invoke(match, ["rain", "--filter", "bpm>100 tempo=3"])
        assert result.exit_code == 2
        assert "did you mean bpm?" in result.stderr
        assert result.stderr.endswith("\n\nbpm>100 tempo=3\n        ^^^^^\n")

    def test_help_names_every_field_in_filters_that_can_be_read(self):
        text = CliRunner().invoke(match, ["--help"]).stdout.partition("Options:")[0]
        for field in FIELDS:
            assert re.search(rf"\b{field}\b", text), field
        examples = re.findall(r"(?<=[\s(])[a-z]+(?:[<>~]?=|<)(?:\"[^\"]*\"|[^\s);]+)", text)
        assert len(examples) > 15
        for example in examples:
            assert read_text(example)

    @pytest.mark.parametrize("expression", ["", "bpm=90"])
    def test_a_filter_that_can_be_read_goes_on(self, expression: str):
        result = CliRunner().invoke(match, ["--filter", expression])
        assert "say what is seen" in result.stderr
