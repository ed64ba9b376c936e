from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from musiscene.checkpoints.registry import find_model
from musiscene.checkpoints.store import ModelStore
from musiscene.console import Console, Places
from musiscene.errors import ModelUnavailableError, UnknownModelError
from musiscene.profiles import HEARING_PARTS, MODELS_OF, licences_of, store_for
from service import cli

if TYPE_CHECKING:
    from pathlib import Path

PAPER_COMMAND = "musiscene checkpoint import-mu-llama --checkpoint checkpoint.pth"


@pytest.fixture(autouse=True)
def pulled(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """Names of what was pulled into an empty cache, for nothing."""
    names: list[str] = []

    def pull(store: ModelStore, name: str, _progress: object) -> Path:
        names.append(name)
        return store.root / name

    monkeypatch.setattr(ModelStore, "pull", pull)
    monkeypatch.setattr("platformdirs.user_cache_dir", lambda _name: str(tmp_path / "cache"))
    return names


@pytest.fixture
def models_dir(tmp_path: Path) -> Path:
    folder = tmp_path / "models"
    folder.mkdir()
    return folder


def put_by_hand(models_dir: Path, name: str) -> None:
    (models_dir / name).mkdir()
    (models_dir / name / "config.json").write_text("{}")


def console_for(models_dir: Path) -> Console:
    return Console(Places(models_dir=models_dir), quiet=True)


def refusal(models_dir: Path) -> list[str]:
    with pytest.raises(ModelUnavailableError) as refused:
        store_for("paper", console_for(models_dir))
    assert refused.value.name == "paper"
    return refused.value.reason.splitlines()


class TestStoreForPaper:
    @pytest.mark.parametrize(
        ("name", "facts", "way"),
        [
            (
                "mert-v1-330m",
                "1.2 GiB; licence CC-BY-NC-4.0, no commercial use",
                find_model("mert-v1-330m").how_to_get,
            ),
            (
                "llama-2-7b-chat",
                "13.0 GiB; licence Llama 2, commercial use allowed",
                find_model("llama-2-7b-chat").how_to_get,
            ),
            (
                "mu-llama",
                "1.0 GiB; licence not stated, commercial use not stated",
                "download checkpoint.pth from huggingface.co/mu-llama/MU-LLaMA",
            ),
        ],
    )
    def test_names_each_missing_part_with_size_licence_and_way(
        self, models_dir: Path, name: str, facts: str, way: str
    ):
        lines = refusal(models_dir)
        place = lines.index(f"  {name}: {facts}")
        assert lines[place + 1] == f"    {way}"

    def test_ends_with_the_command_that_joins_them_and_the_way_without(self, models_dir: Path):
        lines = refusal(models_dir)
        assert len(lines) == 1 + 2 * len(HEARING_PARTS) + 2
        assert lines[-2] == f"and then: {PAPER_COMMAND}"
        assert lines[-1] == "The tiny profile needs none of them."

    def test_says_which_parts_are_here(self, models_dir: Path):
        put_by_hand(models_dir, "mert-v1-330m")
        lines = refusal(models_dir)
        [here] = [place for place, line in enumerate(lines) if line == "    is here"]
        assert lines[here - 1].startswith("  mert-v1-330m: ")

    def test_opens_once_it_was_imported(self, models_dir: Path, pulled: list[str]):
        put_by_hand(models_dir, "mu-llama")
        store = store_for("paper", console_for(models_dir))
        assert store.folder("mu-llama") == models_dir / "mu-llama"
        assert pulled == ["musicnn"]


class TestStoreForTiny:
    def test_fetches_what_is_missing_and_what_else_is_asked_for(
        self, models_dir: Path, pulled: list[str]
    ):
        store_for("tiny", console_for(models_dir), also=["all-minilm-l6-v2"])
        assert sorted(pulled) == sorted([*MODELS_OF["tiny"], "all-minilm-l6-v2"])


class TestCommandLine:
    def test_a_missing_paper_profile_ends_with_3_and_says_the_way(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ):
        status = cli.main(["imagine", "--profile", "paper", str(tmp_path / "song.wav")])
        captured = capsys.readouterr()
        assert status == cli.SOMETHING_MISSING == 3
        assert captured.out == ""
        assert "error: paper: this profile is not on this machine" in captured.err
        assert PAPER_COMMAND in captured.err


class TestLicencesOf:
    def test_are_those_of_the_registry_in_order(self):
        musicnn, mert = licences_of(["musicnn", "mert-v1-330m"])
        assert (musicnn.model, musicnn.licence, musicnn.commercial_use) == ("musicnn", "ISC", "yes")
        assert (mert.licence, mert.commercial_use) == ("CC-BY-NC-4.0", "no")

    @pytest.mark.parametrize("names", MODELS_OF.values(), ids=MODELS_OF)
    def test_are_known_for_every_profile(self, names: tuple[str, ...]):
        assert [licence.model for licence in licences_of(names)] == list(names)

    def test_refuses_an_unknown_model(self):
        with pytest.raises(UnknownModelError):
            licences_of(["musicnnn"])
