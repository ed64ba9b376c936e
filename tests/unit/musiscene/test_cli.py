import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from musiscene.checkpoints.registry import EMBEDDED, MODELS, TUNED
from musiscene.checkpoints.store import ModelStore
from musiscene.cli import models
from musiscene.errors import ModelUnavailableError, UnknownModelError


@pytest.fixture(autouse=True)
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setattr("platformdirs.user_cache_dir", lambda _name: str(tmp_path))
    return tmp_path / "models"


def run(*arguments: str) -> Result:
    return CliRunner().invoke(models, arguments)


def pull_by_name(monkeypatch: pytest.MonkeyPatch, missing: tuple[str, ...] = ()) -> list[str]:
    pulled: list[str] = []

    def pull(store: ModelStore, name: str, progress: object, *, source_folder: object) -> Path:
        assert callable(progress)
        assert source_folder is None
        if name in missing:
            raise ModelUnavailableError(name, "no source works")
        pulled.append(name)
        return store.root / name

    monkeypatch.setattr(ModelStore, "pull", pull)
    return pulled


class TestList:
    def test_json_has_every_model_with_licence_and_way_to_get_it(self):
        rows = json.loads(run("list", "--json").stdout)["models"]
        assert [row["name"] for row in rows] == list(MODELS)
        assert all(row["licence"] and row["how_to_get"] and row["disk_bytes"] for row in rows)

    def test_non_commercial_licence_is_visible(self):
        lines = run("list").stdout.splitlines()
        assert any("mert-v1-330m" in line and "NOT ALLOWED" in line for line in lines)

    def test_damaged_model_ends_with_1(self, cache: Path):
        folder = cache / "musicnn"
        folder.mkdir(parents=True)
        (folder / "manifest.json").write_text("{")
        result = run("list")
        assert result.exit_code == 1
        assert "musicnn" in result.stderr
        assert "musiscene models pull musicnn" in result.stderr

    def test_imports_no_torch(self):
        script = (
            "import sys; from click.testing import CliRunner; from musiscene.cli import models;"
            " CliRunner().invoke(models, ['list', '--json']);"
            " sys.exit(any(name in sys.modules for name in ('torch', 'transformers', 'onnx')))"
        )
        assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0  # noqa: S603


class TestPull:
    def test_without_names_gets_the_embedded_ones(self, monkeypatch: pytest.MonkeyPatch):
        pulled = pull_by_name(monkeypatch)
        result = run("pull", "--json")
        assert sorted(pulled) == sorted(model.name for model in EMBEDDED + TUNED)
        rows = json.loads(result.stdout)["models"]
        assert [row["name"] for row in rows] == [model.name for model in EMBEDDED + TUNED]
        assert not any(row["was_ready"] for row in rows)

    def test_licence_is_said_before_it_is_pulled(self, monkeypatch: pytest.MonkeyPatch):
        pull_by_name(monkeypatch)
        stderr = run("pull", "musicgen-small").stderr
        assert "licence CC-BY-NC-4.0, commercial use: NOT ALLOWED" in stderr

    def test_unknown_name_pulls_nothing(self, monkeypatch: pytest.MonkeyPatch):
        pulled = pull_by_name(monkeypatch)
        result = run("pull", "musicnn", "minilm-l6")
        assert isinstance(result.exception, UnknownModelError)
        assert "all-minilm-l6-v2" in str(result.exception)
        assert pulled == []

    def test_one_failure_is_raised_and_the_others_are_pulled(self, monkeypatch: pytest.MonkeyPatch):
        pulled = pull_by_name(monkeypatch, missing=("all-minilm-l6-v2",))
        result = run("pull")
        assert isinstance(result.exception, ModelUnavailableError)
        assert sorted(pulled) == [
            "musicnn",
            "scene-embedder",
            "smollm2-135m-instruct",
        ]

    def test_several_failures_are_one_message(self, monkeypatch: pytest.MonkeyPatch):
        pull_by_name(monkeypatch, missing=("all-minilm-l6-v2", "musicnn"))
        message = str(run("pull").exception)
        assert "all-minilm-l6-v2: no source works" in message
        assert "musicnn: no source works" in message


class TestRemove:
    def test_says_what_was_not_there(self):
        assert run("remove", "musicnn").stdout == "musicnn: was not there\n"

    def test_needs_a_name(self):
        assert run("remove").exit_code == 2


@pytest.mark.parametrize("command", ["list", "pull", "remove"])
def test_help_has_an_example(command: str):
    assert f"Example: musiscene models {command}" in run(command, "--help").stdout
