from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event, Timer
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from musiscene.errors import GenerationError, GenerationStoppedError, GeneratorMissingError
from musiscene.generate.audiocraft.backend import Audiocraft
from musiscene.generate.audiocraft.client import AudiocraftWorker, Patience
from musiscene.generate.protocol import MusicRequest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from musiscene.generate.audiocraft.client import Sound

REAL = os.environ.get("MUSISCENE_GENERATION_AUDIOCRAFT_PYTHON")
STAND_IN = """
import array, json, math, os, random, sys, time
say = lambda **line: print(json.dumps(line), flush=True)
hello = dict(kind="hello", protocol=1, audiocraft="1.3.0", torch="2", device="cpu")
def lives():
    with open({lives!r}, "a") as file:
        file.write(str(os.getpid()) + "\\n")
    return len(open({lives!r}).readlines())
life = lives()
def make(asked, rate=8000):
    random.seed(asked["seed"])
    count = int(asked["seconds"] * rate) + 100
    wave = array.array("f", (random.uniform(-0.3, 0.3) for _ in range(count)))
    with open(asked["out"], "wb") as file:
        wave.tofile(file)
    for done in range(5):
        say(kind="progress", id=asked["id"], done=done, total=5)
    say(kind="done", id=asked["id"], channels=1, samples=count, sample_rate=rate)
def requests():
    for line in sys.stdin:
        yield json.loads(line)
{body}
"""
GOOD = "say(**hello)\nfor asked in requests():\n    make(asked)\n"
FIRST_TIME = "say(**hello)\nfor asked in requests():\n    if life > 1: make(asked); continue\n    "
SOON = Patience(hello_seconds=20.0, silence_seconds=0.5, cancel_seconds=0.5)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., AudiocraftWorker]]:
    """Starts a stand-in that speaks the protocol and does as its body says."""
    workers = []

    def started(body: str, *, patience: Patience | None = None) -> AudiocraftWorker:
        file = tmp_path / "stand_in.py"
        file.write_text(STAND_IN.format(lives=str(tmp_path / "lives"), body=body))
        worker = AudiocraftWorker(
            Path(sys.executable), worker=file, patience=patience or Patience(hello_seconds=20.0)
        )
        workers.append(worker)
        return worker

    yield started
    for worker in workers:
        worker.close()


@pytest.fixture
def lives(tmp_path: Path) -> Callable[[], list[int]]:
    """The processes that were started, by their numbers."""
    return lambda: [int(line) for line in (tmp_path / "lives").read_text().split()]


def _make(worker: AudiocraftWorker, seed: int = 3, stop: Event | None = None) -> Sound:
    wanted = {"seconds": 1.0, "seed": seed, "prompt": "folk"}
    return worker.make(wanted, progress=lambda *_: None, stop=stop or Event())


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


class TestAudiocraftWorker:
    def test_sound_and_progress_come_through(self, start: Callable[..., AudiocraftWorker]):
        worker, told = start(GOOD), []
        wanted = {"seconds": 1.0, "seed": 3}
        sound = worker.make(wanted, progress=lambda _, share: told.append(share), stop=Event())
        assert sound.waveform.shape == (1, 8_100)
        assert sound.sample_rate == 8_000
        assert 0.1 < sound.waveform.std() < 0.2
        assert told == pytest.approx([0.0, 0.2, 0.4, 0.6, 0.8])

    def test_one_process_does_one_request_after_the_other(
        self, start: Callable[..., AudiocraftWorker], lives: Callable[[], list[int]]
    ):
        worker = start(GOOD)
        first, other, again = (_make(worker, seed=seed).waveform for seed in (1, 2, 1))
        assert np.array_equal(first, again)
        assert not np.array_equal(first, other)
        assert len(lives()) == 1

    def test_threads_take_turns(
        self, start: Callable[..., AudiocraftWorker], lives: Callable[[], list[int]]
    ):
        worker, seeds = start(GOOD), [1, 2, 1, 2]
        with ThreadPoolExecutor(4) as threads:
            first, other, *again = threads.map(lambda seed: _make(worker, seed).waveform, seeds)
        assert not np.array_equal(first, other)
        assert np.array_equal(again, [first, other])
        assert len(lives()) == 1

    def test_one_that_waits_for_its_turn_can_be_stopped(
        self, start: Callable[..., AudiocraftWorker]
    ):
        patience = Patience(hello_seconds=20.0, silence_seconds=30.0, cancel_seconds=0.2)
        worker = start("say(**hello)\ntime.sleep(60)", patience=patience)
        one, other = Event(), Event()
        other.set()
        with ThreadPoolExecutor(1) as threads:
            busy = threads.submit(_make, worker, 1, one)
            while not worker._turn.locked():
                time.sleep(0.01)
            with pytest.raises(GenerationStoppedError):
                _make(worker, 2, other)
            assert not busy.done()
            one.set()
            with pytest.raises(GenerationStoppedError):
                busy.result()

    @pytest.mark.parametrize(
        "what",
        [
            pytest.param("os._exit(3)", id="dies"),
            pytest.param("print('Loading', flush=True)", id="says no JSON"),
            pytest.param("say(**hello)", id="greets again"),
            pytest.param(
                "say(kind='done', id=asked['id'], channels=1, samples=9, sample_rate=1)",
                id="makes no file",
            ),
        ],
    )
    def test_a_worker_that_fails_is_replaced_once(
        self, start: Callable[..., AudiocraftWorker], lives: Callable[[], list[int]], what: str
    ):
        assert _make(start(FIRST_TIME + what)).waveform.shape == (1, 8_100)
        assert len(lives()) == 2

    def test_the_second_death_is_shown_with_its_reason(
        self, start: Callable[..., AudiocraftWorker], lives: Callable[[], list[int]]
    ):
        body = "say(**hello)\nnext(requests())\nsys.exit('CUDA out of memory')"
        with pytest.raises(GenerationError, match=r"ended: CUDA out of memory; so did another"):
            _make(start(body))
        assert len(lives()) == 2
        assert not any(_is_alive(process) for process in lives())

    def test_what_it_cannot_make_is_said_and_not_tried_again(
        self, start: Callable[..., AudiocraftWorker], lives: Callable[[], list[int]]
    ):
        body = GOOD.replace(
            "make(asked)", "say(kind='error', id=asked['id'], message='no weights')"
        )
        with pytest.raises(GenerationError, match="audiocraft: no weights"):
            _make(start(body))
        assert len(lives()) == 1

    def test_a_worker_that_hangs_is_ended(
        self, start: Callable[..., AudiocraftWorker], lives: Callable[[], list[int]]
    ):
        body = "say(**hello)\nsys.stderr.write('loading'); sys.stderr.flush()\ntime.sleep(60)"
        with pytest.raises(GenerationError, match=r"said nothing for 0.5 s: loading"):
            _make(start(body, patience=SOON))
        assert not _is_alive(lives()[0])

    @pytest.mark.parametrize("protocol", [0, 2])
    def test_another_version_is_refused(
        self, start: Callable[..., AudiocraftWorker], protocol: int
    ):
        body = f"say(**(hello | dict(protocol={protocol})))\ntime.sleep(60)"
        with pytest.raises(GeneratorMissingError, match="another protocol than 1"):
            _make(start(body))

    def test_an_environment_without_audiocraft_says_how_to_make_it(
        self, start: Callable[..., AudiocraftWorker]
    ):
        with pytest.raises(
            GeneratorMissingError, match=r"(?s)No module named 'nowhere'.*docs/audiocraft.md"
        ):
            _make(start("import nowhere"))
        with pytest.raises(GeneratorMissingError, match=r"cannot be started.*docs/audiocraft.md"):
            _make(AudiocraftWorker(Path("/nowhere/python")))

    @pytest.mark.parametrize(
        ("body", "stays"),
        [
            pytest.param(
                "asks = requests(); first = next(asks); second = next(asks)\n"
                "assert second['kind'] == 'cancel'\nsay(kind='cancelled', id=first['id'])\n"
                "for asked in asks: make(asked)",
                True,
                id="obeys",
            ),
            pytest.param("time.sleep(60)", False, id="does not hear"),
        ],
    )
    def test_it_can_be_stopped(
        self,
        start: Callable[..., AudiocraftWorker],
        lives: Callable[[], list[int]],
        body: str,
        stays: bool,  # noqa: FBT001
    ):
        patience = Patience(hello_seconds=20.0, silence_seconds=30.0, cancel_seconds=0.5)
        worker, stop = start("say(**hello)\n" + body, patience=patience), Event()
        Timer(0.5, stop.set).start()
        began = time.monotonic()
        with pytest.raises(GenerationStoppedError):
            worker.make({"seconds": 1.0, "seed": 1}, progress=lambda *_: None, stop=stop)
        assert time.monotonic() - began < 10
        assert _is_alive(lives()[0]) == stays
        if stays:
            assert _make(worker).waveform.shape == (1, 8_100)
            assert len(lives()) == 1

    def test_none_is_left_when_the_parent_is_killed(self, tmp_path: Path):
        """Of the real worker: its reader ends the process when standard input ends."""
        for package in ("audiocraft", "torch"):
            (tmp_path / f"{package}.py").write_text(
                "__version__ = '0'\nclass cuda:\n    is_available = staticmethod(lambda: False)\n"
            )
        worker = Path(sys.modules[AudiocraftWorker.__module__].__file__ or "").with_name(
            "worker.py"
        )
        parent = (
            "import subprocess, sys, time\n"
            f"child = subprocess.Popen([sys.executable, {str(worker)!r}],"
            " stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True)\n"
            "print(child.pid, child.stdout.readline().decode(), flush=True)\ntime.sleep(60)\n"
        )
        with subprocess.Popen(  # noqa: S603
            [sys.executable, "-c", parent],
            stdout=subprocess.PIPE,
            env=os.environ | {"PYTHONPATH": str(tmp_path)},
        ) as process:
            assert process.stdout is not None
            child, hello = process.stdout.readline().split(maxsplit=1)
            assert b'"protocol": 1' in hello
            assert _is_alive(int(child))
            process.send_signal(signal.SIGKILL)
        until = time.monotonic() + 10
        while _is_running(int(child)) and time.monotonic() < until:
            time.sleep(0.02)
        assert not _is_running(int(child))


def _is_running(process: int) -> bool:
    """Whether it runs; nobody may have asked yet how it ended."""
    status = Path(f"/proc/{process}/stat")
    try:
        return status.read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


class TestAudiocraft:
    def test_music_is_cut_and_mastered_and_says_where_it_is_from(
        self, start: Callable[..., AudiocraftWorker]
    ):
        backend = Audiocraft(start(GOOD), model="small")
        request = MusicRequest(prompt="folk", seconds=5.01, seed=8)
        music = backend.generate(request, progress=lambda *_: None, stop=Event())
        assert music.waveform.shape == (1, round(5.01 * 8_000))
        assert np.abs(music.waveform).max() < 0.9
        made = music.provenance
        assert (made.backend, made.commercial_use) == ("audiocraft", "no")
        assert made.weights_licence == "CC-BY-NC-4.0"
        assert made.model == "musicgen-small, audiocraft 1.3.0"

    def test_a_folder_without_its_checkpoint_is_refused(self, tmp_path: Path):
        worker = AudiocraftWorker(Path(sys.executable))
        with pytest.raises(GenerationError, match=r"has no state_dict.bin and no compression"):
            Audiocraft(worker, model=str(tmp_path))
        with pytest.raises(GenerationError, match="neither a folder nor"):
            Audiocraft(worker, model="huge")

    @pytest.mark.skipif(not REAL, reason="MUSISCENE_GENERATION_AUDIOCRAFT_PYTHON is not set")
    def test_the_real_one_makes_music(self):
        with AudiocraftWorker(Path(REAL or "")) as worker:
            backend = Audiocraft(worker, model="tiny")
            # More than the model's window of 20 s.
            request = MusicRequest(prompt="calm folk", seconds=24.0, seed=7)
            shares: list[float] = []
            music, again = (
                backend.generate(
                    request, progress=lambda _, share: shares.append(share), stop=Event()
                )
                for _ in range(2)
            )
            assert music.waveform.shape == (1, 24 * 32_000)
            assert np.array_equal(music.waveform, again.waveform)
            assert len(shares) > 100
            stop = Event()
            Timer(0.3, stop.set).start()
            with pytest.raises(GenerationStoppedError):
                backend.generate(request, progress=lambda *_: None, stop=stop)

    @pytest.mark.skipif(not REAL, reason="MUSISCENE_GENERATION_AUDIOCRAFT_PYTHON is not set")
    def test_the_real_one_refuses_a_pickle_that_runs_code(self, tmp_path: Path):
        import pickle

        class Harmful:
            def __reduce__(self) -> tuple[Any, ...]:
                return os.mkdir, (str(tmp_path / "harm"),)

        for name in ("state_dict.bin", "compression_state_dict.bin"):
            (tmp_path / name).write_bytes(pickle.dumps({"best_state": Harmful()}))
        with AudiocraftWorker(Path(REAL or "")) as worker:
            backend = Audiocraft(worker, model=str(tmp_path))
            request = MusicRequest(prompt="calm folk", seconds=5.0, seed=7)
            with pytest.raises(GenerationError, match="Weights only load failed"):
                backend.generate(request, progress=lambda *_: None, stop=Event())
        assert not (tmp_path / "harm").exists()
