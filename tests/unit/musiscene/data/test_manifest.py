import os
import signal
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from musiscene.data.manifest import Manifest
from musiscene.errors import MusiSceneError

KILLED_IN_FLIGHT = """
import os, signal, sys
from pathlib import Path
from tests.unit.musiscene.data.test_manifest import Item, opened
manifest = opened(Path(sys.argv[1])).__enter__()
for name in "abc":
    manifest.append(Item(name=name))
manifest._file.write(b'{"name": "d", "cou')
manifest._file.flush()
os.kill(os.getpid(), signal.SIGKILL)
"""


class Item(msgspec.Struct):
    name: str
    count: int = 0


def opened(path: Path) -> Manifest[Item]:
    return Manifest(path, Item, key=lambda item: item.name)


class TestManifest:
    def test_a_kill_loses_only_the_row_in_flight(self, tmp_path: Path):
        path = tmp_path / "items.jsonl"
        killed = subprocess.run(  # noqa: S603 - the test's own program
            [sys.executable, "-c", KILLED_IN_FLIGHT, path],
            check=False,
            env=os.environ | {"PYTHONPATH": "."},
        )
        assert killed.returncode == -signal.SIGKILL
        assert path.read_bytes().endswith(b'"cou')
        with opened(path) as manifest:
            assert list(manifest.rows) == ["a", "b", "c"]
            manifest.append(Item(name="d"))
        assert len(path.read_bytes().splitlines()) == 4
        with opened(path) as manifest:
            assert list(manifest.rows) == ["a", "b", "c", "d"]

    def test_a_lone_torn_row_longer_than_a_block_is_cut(self, tmp_path: Path):
        path = tmp_path / "items.jsonl"
        path.write_bytes(b"x" * 200_000)
        with opened(path) as manifest:
            assert manifest.rows == {}
        assert path.read_bytes() == b""

    def test_the_last_row_of_a_key_counts(self, tmp_path: Path):
        path = tmp_path / "items.jsonl"
        with opened(path) as manifest:
            manifest.append(Item(name="a", count=1))
            manifest.append(Item(name="a", count=2))
            assert manifest.rows["a"].count == 2
        with opened(path) as manifest:
            assert manifest.rows["a"].count == 2

    def test_a_second_run_is_refused_while_the_first_holds_it(self, tmp_path: Path):
        path = tmp_path / "items.jsonl"
        with (
            opened(path),
            pytest.raises(MusiSceneError, match="another run"),
            opened(path),
        ):
            pass
        with opened(path) as manifest:
            manifest.append(Item(name="a"))

    def test_a_file_of_something_else_is_refused_and_left_alone(self, tmp_path: Path):
        path = tmp_path / "items.jsonl"
        path.write_bytes(b'{"name": "a"}\n{"title": "b"}\n')
        for _ in range(2):  # the second time would wait for ever, were the lock kept
            with pytest.raises(MusiSceneError, match=r"items\.jsonl:2"), opened(path):
                pass
        assert path.read_bytes() == b'{"name": "a"}\n{"title": "b"}\n'

    def test_nothing_is_kept_outside_the_block(self, tmp_path: Path):
        with pytest.raises(ValueError, match="not open"):
            opened(tmp_path / "items.jsonl").append(Item(name="a"))
