from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from click.testing import CliRunner

from musiscene.cli.backend_options import ChosenBackend
from musiscene.cli.generate import generate
from musiscene.cli.model_options import ChosenModel
from musiscene.generate.composer.composer import Composer
from musiscene.generate.protocol import MusicRequest
from musiscene.generate.takes import Takes
from musiscene.scene_reader import SceneReader

if TYPE_CHECKING:
    from pathlib import Path

    from musiscene.generate.protocol import GeneratedMusic

pytest.importorskip("symusic", reason="symusic is not installed: pip install '.[compose]'")
pytest.importorskip("pretty_midi", reason="pretty_midi is not installed: pip install '.[compose]'")


class Sounds:
    name = "musicgen"


class Store:
    def folder(self, name: str) -> str:
        return name


class Listener:
    hear_takes = None


@pytest.fixture(autouse=True)
def light(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ChosenModel, "store", lambda *_arguments, **_options: Store())
    monkeypatch.setattr(ChosenModel, "load", lambda *_arguments: Listener())
    monkeypatch.setattr(SceneReader, "load", lambda _folder: None)


def run(path: Path, monkeypatch: pytest.MonkeyPatch, backend: object, *options: str):
    monkeypatch.setattr(ChosenBackend, "load", lambda *_arguments: backend)
    out, midi = path / "piece.wav", path / "piece.mid"
    options = ("folk", "--seconds", "6", "--out", str(out), "--midi", str(midi), *options)
    return CliRunner().invoke(generate, [*options, "--json"]), midi


class TestMidi:
    def test_has_the_notes_of_the_take_that_is_kept(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ):
        composer = Composer()

        def best(_takes: object, request: MusicRequest, **options: Any) -> GeneratedMusic:  # noqa: ANN401
            kept = msgspec.structs.replace(request, seed=77)
            return composer.generate(kept, progress=options["progress"], stop=options["stop"])

        monkeypatch.setattr(Takes, "best", best)
        result, midi = run(tmp_path, monkeypatch, composer, "--seed", "3")
        assert result.exit_code == 0, result.output
        assert json.loads(result.stdout)["midi"] == str(midi)
        kept = MusicRequest(prompt="folk", seconds=6.0, seed=77)
        assert midi.read_bytes() == composer.midi(kept)

    def test_a_backend_without_notes_says_so_before_anything_is_made(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ):
        result, midi = run(tmp_path, monkeypatch, Sounds(), "--takes", "0")
        assert result.exit_code != 0
        assert "no notes" in str(result.output) + str(result.exception)
        assert not list(tmp_path.iterdir())
        assert not midi.exists()
