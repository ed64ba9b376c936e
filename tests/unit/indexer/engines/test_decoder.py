from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
import wave
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from indexer.engines import apart
from indexer.engines import decoder as decoder_module
from indexer.engines.decoder import Decoder, RefusedAudioError
from indexer.errors import SpoolError
from musiscene.audio.limits import AudioLimits
from musiscene.audio.read import identify_audio, read_audio
from tests.support.audio import sine, write_audio

if TYPE_CHECKING:
    from collections.abc import Iterator

SAMPLE_RATE = 16_000
ORPHAN_SECONDS = 5.0

PARENT = """
import os, sys
from pathlib import Path
from indexer.engines.decoder import Decoder
from musiscene.audio.limits import AudioLimits
if __name__ == "__main__":
    decoder = Decoder(Path(sys.argv[1]), sample_rate=16000, limits=AudioLimits())
    decoder.decode(sys.argv[2])
    print(decoder._apart.pid, flush=True)
    sys.stdin.read()
"""


@pytest.fixture(scope="module")
def tone(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder: Path = tmp_path_factory.mktemp("tone")
    waveform = sine(440, seconds=1, sample_rate=SAMPLE_RATE)
    return str(write_audio(folder / "tone.wav", waveform, sample_rate=SAMPLE_RATE))


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Decoder]:
    """One decoder for the tests that leave it alive: each takes a second to start."""
    spool: Path = tmp_path_factory.mktemp("spool")
    decoder = Decoder(spool, sample_rate=SAMPLE_RATE, limits=AudioLimits(), memory_mib=400)
    yield decoder
    decoder.close()


@contextmanager
def new_decoder(spool: Path) -> Iterator[Decoder]:
    """One with a time-out of half a second."""
    limits = AudioLimits(timeout_seconds=0.4)
    decoder = Decoder(spool, sample_rate=SAMPLE_RATE, limits=limits)
    try:
        yield decoder
    finally:
        decoder.close()


def mp3_with_a_tag(path: Path, *, size_bytes: int) -> Path:
    """A second of sound after one ID3v2.4 text of so many bytes."""
    waveform = sine(440, seconds=1, sample_rate=SAMPLE_RATE)
    data = write_audio(path, waveform, sample_rate=SAMPLE_RATE).read_bytes()
    frame = b"TXXX" + _synchsafe(size_bytes) + b"\0\0" + b"\3name\0"
    frame += b"x" * (size_bytes - 6)
    path.write_bytes(b"ID3\4\0\0" + _synchsafe(len(frame)) + frame + data)
    return path


def _synchsafe(number: int) -> bytes:
    return bytes(number >> shift & 0x7F for shift in (21, 14, 7, 0))


def process_of(decoder: Decoder) -> int:
    assert decoder._apart.pid is not None
    return decoder._apart.pid


def is_running(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()
    except OSError:
        return False
    return state[0] != "Z"


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


class TestDecode:
    def test_reads_what_would_be_read_here(self, shared: Decoder, tone: str):
        there, here = shared.decode(tone), read_audio(tone, sample_rate=SAMPLE_RATE)
        np.testing.assert_array_equal(there.waveform, here.waveform)
        assert (there.audio_hash, there.loudness_lufs) == (here.audio_hash, here.loudness_lufs)
        assert there.info == here.info
        assert shared.identify(tone) == identify_audio(tone)

    def test_leaves_no_file_and_no_handle_behind(self, shared: Decoder, tone: str):
        shared.decode(tone)
        before = open_files()
        for _ in range(20):
            shared.decode(tone)
        assert open_files() <= before
        assert list(shared._spool.iterdir()) == []

    def test_a_waveform_outlives_the_next_one(self, shared: Decoder, tone: str, tmp_path: Path):
        first = shared.decode(tone)
        other = write_audio(
            tmp_path / "other.wav",
            sine(880, seconds=2, sample_rate=SAMPLE_RATE),
            sample_rate=SAMPLE_RATE,
        )
        shared.decode(str(other))
        here = read_audio(tone, sample_rate=SAMPLE_RATE)
        np.testing.assert_array_equal(first.waveform, here.waveform)

    def test_a_bad_file_is_refused_for_good_and_a_missing_one_for_now(
        self, shared: Decoder, tone: str, tmp_path: Path
    ):
        (tmp_path / "text.mp3").write_text("la la la\n" * 99)
        before = process_of(shared)
        with pytest.raises(RefusedAudioError, match="is text") as bad:
            shared.decode(str(tmp_path / "text.mp3"))
        with pytest.raises(RefusedAudioError, match="no such file") as missing:
            shared.identify(str(tmp_path / "gone.mp3"))
        assert (bad.value.is_lasting, missing.value.is_lasting) == (True, False)
        shared.decode(tone)
        assert process_of(shared) == before

    def test_ctrl_c_is_not_for_the_decoder(self, shared: Decoder, tone: str):
        shared.decode(tone)
        before = process_of(shared)
        os.kill(before, signal.SIGINT)
        shared.decode(tone)
        assert process_of(shared) == before

    def test_a_spool_that_cannot_be_written_is_no_fault_of_the_file(
        self, shared: Decoder, tone: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ):
        monkeypatch.setattr(shared, "_spool", tmp_path / "gone")
        with pytest.raises(SpoolError, match="No such file"):
            shared.decode(tone)


class TestRoom:
    def test_a_full_disk_is_no_fault_of_the_file(self, shared: Decoder, tone: str, tmp_path: Path):
        mount = ["mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", str(tmp_path)]
        try:
            subprocess.run(mount, check=True, capture_output=True)  # noqa: S603  as a test may
        except (OSError, subprocess.CalledProcessError):
            pytest.skip("only root may mount a small disk")
        spool, shared._spool = shared._spool, tmp_path
        try:
            with pytest.raises(SpoolError, match=r"no room .*is whole"):
                shared.decode(tone)
            assert list(tmp_path.iterdir()) == []
        finally:
            shared._spool = spool
            subprocess.run(["umount", str(tmp_path)], check=True)  # noqa: S603, S607  as above
        assert shared.decode(tone).audio_hash


class TestMemory:
    def test_a_file_that_wants_too_much_costs_only_itself(
        self, tone: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ):
        monkeypatch.setattr(decoder_module, "GRACE_SECONDS", 1.0)
        limits = AudioLimits(timeout_seconds=5.0)  # FFmpeg may also hang when it gets no memory
        decoder = Decoder(tmp_path, sample_rate=SAMPLE_RATE, limits=limits, memory_mib=64)
        greedy = mp3_with_a_tag(tmp_path / "greedy.mp3", size_bytes=100 << 20)
        try:
            with pytest.raises(RefusedAudioError) as refused:
                decoder.decode(str(greedy))
            assert len(refused.value.reason) < 200
            assert decoder.identify(tone).audio_hash
        finally:
            decoder.close()

    def test_a_waveform_does_not_count(self, tmp_path: Path):
        """It lies in a file: four hours of it are more than a decoder may ask for."""
        samples = (8_000 * sine(440, seconds=3_500, sample_rate=SAMPLE_RATE)).astype("<i2")
        with wave.open(str(tmp_path / "long.wav"), "wb") as long:
            long.setparams((1, 2, SAMPLE_RATE, len(samples), "NONE", ""))
            long.writeframes(samples.tobytes())
        decoder = Decoder(tmp_path, sample_rate=SAMPLE_RATE, limits=AudioLimits(), memory_mib=200)
        try:
            assert decoder.decode(str(tmp_path / "long.wav")).waveform.nbytes > 200 << 20
        finally:
            decoder.close()


class TestDeath:
    def test_a_decoder_that_dies_costs_one_file(self, tone: str, tmp_path: Path):
        with new_decoder(tmp_path) as decoder:
            decoder.decode(tone)
            victim = process_of(decoder)
            os.kill(victim, signal.SIGSTOP)
            threading.Timer(0.2, os.kill, (victim, signal.SIGSEGV)).start()
            threading.Timer(0.3, os.kill, (victim, signal.SIGCONT)).start()
            with pytest.raises(RefusedAudioError, match=r"died .SIGSEGV") as refused:
                decoder.decode(tone)
            assert not refused.value.is_lasting
            assert decoder.decode(tone).audio_hash
            assert process_of(decoder) != victim

    def test_one_that_died_between_two_files_costs_none(self, tone: str, tmp_path: Path):
        with new_decoder(tmp_path) as decoder:
            decoder.identify(tone)
            os.kill(process_of(decoder), signal.SIGKILL)
            time.sleep(0.2)
            assert decoder.decode(tone).audio_hash

    def test_one_that_hangs_is_stopped_and_costs_one_file(
        self, tone: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ):
        monkeypatch.setattr(decoder_module, "GRACE_SECONDS", 0.1)
        with new_decoder(tmp_path) as decoder:
            monkeypatch.setattr(decoder_module, "GRACE_SECONDS", 20.0)  # for its start
            decoder.decode(tone)
            monkeypatch.setattr(decoder_module, "GRACE_SECONDS", 0.1)
            victim = process_of(decoder)
            os.kill(victim, signal.SIGSTOP)
            started = time.monotonic()
            with pytest.raises(RefusedAudioError, match="did not answer") as refused:
                decoder.decode(tone)
            assert time.monotonic() - started < 3
            assert not refused.value.is_lasting
            assert not is_running(victim)
            monkeypatch.setattr(decoder_module, "GRACE_SECONDS", 20.0)
            assert decoder.decode(tone).audio_hash

    def test_one_that_cannot_be_ended_holds_nobody_up(
        self, tone: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ):
        """As one that waits for a file server that has gone away."""
        with new_decoder(tmp_path) as decoder:
            decoder.identify(tone)
            process = decoder._apart._process
            assert process is not None
            assert process.pid is not None
            os.kill(process.pid, signal.SIGSTOP)  # or it would end by itself: its pipe does
            monkeypatch.setattr(apart, "ENDING_SECONDS", 0.1)
            monkeypatch.setattr(process, "kill", lambda: None)
            decoder._apart.end()
            assert process.is_alive()
            assert decoder.decode(tone).audio_hash
            monkeypatch.undo()
            process.kill()
            process.join()

    def test_one_that_is_closed_by_another_thread_stays_closed(self, tone: str, tmp_path: Path):
        with new_decoder(tmp_path) as decoder:
            decoder.identify(tone)
            os.kill(process_of(decoder), signal.SIGSTOP)
            threading.Timer(0.2, decoder.close).start()
            with pytest.raises(RefusedAudioError, match="died"):
                decoder.decode(tone)
            with pytest.raises(RefusedAudioError):
                decoder.decode(tone)
            assert decoder._apart.pid is None

    def test_no_decoder_outlives_the_process_it_belongs_to(self, tone: str, tmp_path: Path):
        script = tmp_path / "parent.py"
        script.write_text(PARENT)
        with subprocess.Popen(  # noqa: S603  our own script
            [sys.executable, str(script), str(tmp_path), tone],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(Path.cwd())},
        ) as parent:
            assert parent.stdout is not None
            child = int(parent.stdout.readline())
            assert is_running(child)
            parent.kill()
            parent.wait()
        until = time.monotonic() + ORPHAN_SECONDS
        while is_running(child) and time.monotonic() < until:
            time.sleep(0.05)
        assert not is_running(child)
