import errno
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from musiscene.checkpoints.convert import CONVERTERS, run_converter
from musiscene.checkpoints.registry import EMBEDDED, TUNED


@pytest.fixture
def python_that_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def replace(words: str) -> None:
        fake = tmp_path / "python"
        fake.write_text(f"#!/bin/sh\necho '{words}' >&2\nexit 1\n")
        fake.chmod(0o755)
        monkeypatch.setattr(sys, "executable", str(fake))

    return replace


class TestRunConverter:
    def test_every_embedded_model_has_one(self):
        assert {model.converter for model in EMBEDDED + TUNED} == set(CONVERTERS)

    def test_failure_ends_with_its_last_words(self, tmp_path: Path):
        with pytest.raises(RuntimeError, match=r"ended with status 1: (.|\n)*ModelIntegrityError"):
            run_converter("tensorflow_tagger", tmp_path / "absent", tmp_path)

    def test_full_disk_is_told_from_other_failures(
        self, tmp_path: Path, python_that_says: Callable[[str], None]
    ):
        python_that_says("SafetensorError: I/O error: No space left on device (os error 28)")
        with pytest.raises(OSError, match="does not fit") as caught:
            run_converter("tensorflow_tagger", tmp_path, tmp_path)
        assert caught.value.errno == errno.ENOSPC
