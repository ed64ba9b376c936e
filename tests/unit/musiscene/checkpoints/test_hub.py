from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from huggingface_hub import HfApi
from huggingface_hub.errors import GatedRepoError

from musiscene.checkpoints.hub import download_pinned, download_repository
from musiscene.checkpoints.progress import ignore_progress
from musiscene.checkpoints.registry import HubRepository
from musiscene.checkpoints.wheels import ChangedBytesError, SourceError
from tests.support.models import pinned

HUB = HubRepository(repo_id="somebody/model", folder="made_model/")


def answer(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    siblings = [SimpleNamespace(rfilename=name) for name in names]
    monkeypatch.setattr(
        HfApi, "model_info", lambda *_, **__: SimpleNamespace(sha="c0ffee", siblings=siblings)
    )


def fail(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def model_info(*_args: object, **_kwargs: object) -> None:
        raise error

    monkeypatch.setattr(HfApi, "model_info", model_info)


class TestDownloadRepository:
    def test_pickles_alone_are_refused(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
        answer(monkeypatch, "config.json", "pytorch_model.bin")
        with pytest.raises(SourceError, match="only there as pickles"):
            download_repository(HUB, tmp_path, 10, ignore_progress)

    def test_asks_for_no_pickle_and_pins_the_commit(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ):
        answer(monkeypatch, "model.safetensors", "pytorch_model.bin")
        asked: dict[str, object] = {}
        monkeypatch.setattr(
            "huggingface_hub.snapshot_download", lambda *_, **options: asked.update(options)
        )
        assert download_repository(HUB, tmp_path, 10, ignore_progress) == "c0ffee"
        assert asked["revision"] == "c0ffee"
        patterns = asked["allow_patterns"]
        assert isinstance(patterns, list)
        assert not any(pattern.endswith((".bin", ".pt", ".pth", "*")) for pattern in patterns)

    def test_gate_is_explained(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
        response: Any = httpx.Response(403, request=httpx.Request("GET", "http://hub"))
        fail(monkeypatch, GatedRepoError("403", response=response))
        with pytest.raises(SourceError, match="gated: accept the licence"):
            download_repository(HUB, tmp_path, 10, ignore_progress)

    @pytest.mark.parametrize(
        "error", [ConnectionError("refused"), TimeoutError("slow"), httpx.ConnectError("no name")]
    )
    def test_unreachable_hub_is_called_that(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
    ):
        fail(monkeypatch, error)
        with pytest.raises(SourceError, match="the hub cannot be reached"):
            download_repository(HUB, tmp_path, 10, ignore_progress)

    def test_full_disk_is_not_taken_for_an_unreachable_hub(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ):
        fail(monkeypatch, OSError(28, "No space left on device"))
        with pytest.raises(OSError, match="No space left"):
            download_repository(HUB, tmp_path, 10, ignore_progress)


class TestDownloadPinned:
    @pytest.fixture(autouse=True)
    def hub(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def download(_repo: str, name: str, *, revision: str, local_dir: Path) -> str:
            assert (name, revision) == ("deep/weights.bin", "main")
            path = local_dir / name
            path.parent.mkdir(parents=True)
            path.write_bytes(b"hub bytes")
            return str(path)

        answer(monkeypatch)
        monkeypatch.setattr("huggingface_hub.hf_hub_download", download)

    def test_puts_checked_files_under_our_names(self, tmp_path: Path):
        files = (pinned("made_model/deep/weights.bin", b"hub bytes"),)
        download_pinned(HUB, files, tmp_path / "scratch", tmp_path / "raw", ignore_progress)
        assert (tmp_path / "raw" / "deep" / "weights.bin").read_bytes() == b"hub bytes"

    def test_other_bytes_are_refused(self, tmp_path: Path):
        files = (pinned("made_model/deep/weights.bin", b"our bytes"),)
        with pytest.raises(ChangedBytesError, match="the pinned one is"):
            download_pinned(HUB, files, tmp_path / "scratch", tmp_path / "raw", ignore_progress)
        assert not (tmp_path / "raw").exists()
