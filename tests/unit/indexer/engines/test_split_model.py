from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from indexer.engines.apart import ProcessApart
from indexer.engines.imaginer_main import serve
from indexer.engines.split_model import SplitModel
from indexer.errors import ImaginerError
from musiscene.errors import ModelError
from tests.support.listening import WordEmbedder, listening
from tests.support.split import Chosen

if TYPE_CHECKING:
    from collections.abc import Iterator

    from indexer.engines.split_model import Hears


ORPHAN_SECONDS = 20.0
PARENT = """
import threading, time
from indexer.engines.apart import ProcessApart
def sleep(connection):
    connection.recv_bytes()
    connection.send_bytes(b"begun")
    time.sleep(60)
if __name__ == "__main__":
    apart = ProcessApart(sleep, name="sleeper")
    apart.ask(b"begin")
    print(apart.pid, flush=True)
    threading.Event().wait()
"""


class Deaf:
    """Hears nothing: nobody asks."""

    hear = None


def model_of(chosen: Chosen) -> SplitModel:
    listener: Hears = Deaf()  # type: ignore[assignment]  # never called
    apart = ProcessApart(serve, chosen, None, name="imaginer")
    return SplitModel(listener, apart, needs_features=True)


@pytest.fixture(scope="module")
def model() -> Iterator[SplitModel]:
    """One for all tests: its process takes seconds to start."""
    made = model_of(Chosen())
    yield made
    made.close()


class TestImagine:
    def test_tracks_come_back_in_order_from_another_process(self, model: SplitModel):
        heard = [listening(audio_hash=name, bpm=90.0, segments=3) for name in ("b", "a")]
        first, second = model.imagine(heard, cores=1)
        said = [(one.segment, one.text) for one in first if one.kind == "music"]
        assert said == [(number, "b at 90.0") for number in range(3)]
        assert second[0].text == "a at 90.0"
        assert {one.text for one in first if one.kind == "scene"} != {str(os.getpid())}
        wanted = WordEmbedder().encode([one.text for one in first]).astype("<f2")
        assert [one.vector for one in first] == [row.tobytes() for row in wanted]

    def test_what_it_needs_is_known_while_a_batch_is_imagined(self):
        """It was asked over the same pipe, and the two answers could change places."""
        model = model_of(Chosen())
        assert model.needs_features
        assert model._imaginer.pid is None, "nobody was asked"

    def test_an_error_costs_one_batch(self, model: SplitModel):
        [before] = model.imagine([listening(audio_hash="a")], cores=1)
        with pytest.raises(ImaginerError, match="ZeroDivisionError"):
            model.imagine([listening(audio_hash="dull")], cores=1)
        [after] = model.imagine([listening(audio_hash="a")], cores=1)
        assert after == before, "by the same process"

    def test_a_process_that_dies_costs_one_batch(self, model: SplitModel):
        [before] = model.imagine([listening(audio_hash="a")], cores=1)
        with pytest.raises(ImaginerError, match="died"):
            model.imagine([listening(audio_hash="deadly")], cores=1)
        [after] = model.imagine([listening(audio_hash="a")], cores=1)
        assert after[0] == before[0]
        assert after[1] != before[1], "by another process"

    def test_a_damaged_model_is_no_fault_of_the_tracks(self):
        model = model_of(Chosen(is_damaged=True))
        try:
            for _ in range(2):
                with pytest.raises(ModelError, match="is damaged") as raised:
                    model.imagine([listening()], cores=1)
                assert raised.value.name == "tiny"
        finally:
            model.close()


class TestEnd:
    def test_a_process_at_work_does_not_outlive_the_one_that_asked(self, tmp_path: Path):
        """It would go on with its batch for half a minute, beside the next scan."""
        script = tmp_path / "parent.py"
        script.write_text(PARENT)
        with subprocess.Popen(  # noqa: S603  our own script
            [sys.executable, str(script)],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(Path.cwd())},
        ) as parent:
            assert parent.stdout is not None
            child = int(parent.stdout.readline())
            parent.kill()
            parent.wait()
        until = time.monotonic() + ORPHAN_SECONDS
        while Path(f"/proc/{child}").exists() and time.monotonic() < until:
            time.sleep(0.05)
        assert not Path(f"/proc/{child}").exists()
