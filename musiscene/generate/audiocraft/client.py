"""This end of audiocraft's worker process: starts it, asks it, ends it.

`worker.py` says what the lines between the two are. The worker sees the end of its standard input
when this process ends, however it ends, and then ends itself.
"""

from __future__ import annotations

import queue
import subprocess
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from musiscene.errors import GenerationError, GenerationStoppedError, GeneratorMissingError

if TYPE_CHECKING:
    from threading import Event

    from musiscene.generate.protocol import GenerationProgress

PROTOCOL: Final = 1
WORKER: Final = Path(__file__).with_name("worker.py")
GUIDE: Final = "docs/audiocraft.md has the install"
POLL_SECONDS: Final = 0.05
STDERR_CHARACTERS: Final = 2_000
"""So much of what the worker complained of last is shown."""


class Hello(msgspec.Struct, frozen=True, tag_field="kind", tag="hello"):
    """What a worker says first."""

    protocol: int
    audiocraft: str
    torch: str
    device: str


class Progress(msgspec.Struct, frozen=True, tag_field="kind", tag="progress"):
    """Frames that are done."""

    id: int
    done: int
    total: int


class Done(msgspec.Struct, frozen=True, tag_field="kind", tag="done"):
    """The sound lies in the file."""

    id: int
    channels: int
    samples: int
    sample_rate: int


class Failed(msgspec.Struct, frozen=True, tag_field="kind", tag="error"):
    """The music cannot be made; asking again would not help."""

    id: int
    message: str


class Cancelled(msgspec.Struct, frozen=True, tag_field="kind", tag="cancelled"):
    """As was asked."""

    id: int


Line = Hello | Progress | Done | Failed | Cancelled


class Patience(msgspec.Struct, frozen=True, kw_only=True):
    """How long is waited."""

    hello_seconds: float = 300.0
    """For a worker to start; audiocraft and torch take their time."""
    silence_seconds: float = 900.0
    """For the next line; a big model must be loaded within it."""
    cancel_seconds: float = 10.0
    """For a worker to stop by itself; then it is ended."""


class Sound(msgspec.Struct, frozen=True, kw_only=True):
    """What a worker made."""

    waveform: NDArray[np.float32]
    """Shape (channels, samples)."""
    sample_rate: int
    """In Hz."""
    hello: Hello
    """Of the worker."""


class WorkerLostError(GenerationError):
    """The worker died, or said what cannot be understood; another one may do better."""


class AudiocraftWorker:
    """One worker process at a time, started when it is needed; threads take turns with it.

    Args:
        python: Interpreter of the environment that has audiocraft.
        worker: The file that it runs.
        patience: How long is waited.
    """

    def __init__(
        self, python: Path, *, worker: Path = WORKER, patience: Patience | None = None
    ) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._stderr: IO[bytes] | None = None
        self._command = [str(python), "-u", str(worker)]
        self._patience = patience or Patience()
        self._lines: queue.Queue[bytes | None] = queue.Queue()
        self._hello: Hello | None = None
        self._asked = 0
        self._turn = threading.Lock()

    def make(self, wanted: dict[str, Any], *, progress: GenerationProgress, stop: Event) -> Sound:
        """Make a piece of sound; a worker that dies is replaced once.

        Args:
            wanted: The request as `worker.py` has it, without kind, id and file.
            progress: Is told how it goes on.
            stop: When it is set, the worker is told to stop.

        Returns:
            The sound.

        Raises:
            GenerationStoppedError: If it was stopped.
            GeneratorMissingError: If the interpreter cannot run the worker.
            GenerationError: If the music cannot be made.
        """
        while not self._turn.acquire(timeout=POLL_SECONDS):
            if stop.is_set():
                raise GenerationStoppedError
        try:
            return self._make_or_again(wanted, progress, stop)
        finally:
            self._turn.release()

    def close(self) -> None:
        """End the worker, if there is one."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    with suppress(OSError):
                        pipe.close()
        if self._stderr is not None:
            self._stderr.close()
            self._stderr = None

    def __del__(self) -> None:
        self.close()

    def __enter__(self) -> AudiocraftWorker:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _make_or_again(
        self, wanted: dict[str, Any], progress: GenerationProgress, stop: Event
    ) -> Sound:
        try:
            return self._make_once(wanted, progress, stop)
        except WorkerLostError:
            self.close()
        try:
            return self._make_once(wanted, progress, stop)
        except WorkerLostError as error:
            self.close()
            raise GenerationError(f"{error}; so did another one that was started anew") from error

    def _make_once(
        self, wanted: dict[str, Any], progress: GenerationProgress, stop: Event
    ) -> Sound:
        hello = self._started(stop)
        with tempfile.TemporaryDirectory(prefix="musiscene-audiocraft-") as folder:
            out = Path(folder) / "sound.f32"
            self._asked += 1
            self._send({"kind": "generate", "id": self._asked, **wanted, "out": str(out)})
            done = self._answer(progress, stop)
            samples = np.fromfile(out, np.float32) if out.is_file() else np.empty(0, np.float32)
        if len(samples) != done.channels * done.samples or not np.isfinite(samples).all():
            raise self._lost("handed over broken sound")
        waveform = samples.reshape(done.channels, done.samples)
        return Sound(waveform=waveform, sample_rate=done.sample_rate, hello=hello)

    def _started(self, stop: Event) -> Hello:
        """The worker's greeting; starts one if none is there.

        Args:
            stop: When it is set, nobody waits for it any more.

        Returns:
            What it said.

        Raises:
            GeneratorMissingError: If it cannot be started, or speaks another protocol.
        """
        if self._process is not None and self._process.poll() is None and self._hello:
            return self._hello
        self.close()
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the worker
        self._lines = queue.Queue()
        try:
            self._process = subprocess.Popen(  # noqa: S603 - the interpreter that the user named
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._stderr,
                start_new_session=True,  # Ctrl-C is for us to pass on
            )
        except OSError as error:
            self.close()
            raise GeneratorMissingError(
                f"{self._command[0]}: cannot be started ({error.strerror}); {GUIDE}"
            ) from error
        reader = threading.Thread(
            target=_read, args=(self._process.stdout, self._lines), daemon=True
        )
        reader.start()
        try:
            hello = self._next(self._patience.hello_seconds, stop)
        except WorkerLostError as error:
            self.close()
            raise GeneratorMissingError(f"{error}; {GUIDE}") from error
        if not isinstance(hello, Hello) or hello.protocol != PROTOCOL:
            self.close()
            raise GeneratorMissingError(
                f"{self._command[0]}: its worker speaks another protocol than {PROTOCOL}; {GUIDE}"
            )
        self._hello = hello
        return hello

    def _answer(self, progress: GenerationProgress, stop: Event) -> Done:
        while True:
            line = self._next(self._patience.silence_seconds, stop)
            if not isinstance(line, Hello) and line.id != self._asked:
                continue  # of a request that was cancelled
            if isinstance(line, Progress):
                progress("generating", min(1.0, line.done / max(1, line.total)))
            elif isinstance(line, Done):
                return line
            elif isinstance(line, Failed):
                raise GenerationError(f"audiocraft: {line.message}")
            else:
                raise self._lost("answered what it was not asked")

    def _next(self, seconds: float, stop: Event) -> Line:
        """The worker's next line.

        Args:
            seconds: How long to wait.
            stop: When it is set, the worker is told to stop.

        Returns:
            The line.

        Raises:
            GenerationStoppedError: If it was stopped.
            GenerationError: If the worker says nothing for so long; it is ended.
        """
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if stop.is_set():
                self._cancel()
                raise GenerationStoppedError
            with suppress(queue.Empty):
                return self._read_line(self._lines.get(timeout=POLL_SECONDS))
        complaint = self._complaint()
        self.close()
        raise GenerationError(f"audiocraft's worker said nothing for {seconds:g} s{complaint}")

    def _read_line(self, line: bytes | None) -> Line:
        if line is None:
            raise self._lost("ended")
        try:
            read: Line = msgspec.json.decode(line, type=Line)
        except msgspec.DecodeError as error:
            raise self._lost(f"said {line[:80]!r}, which cannot be understood") from error
        return read

    def _cancel(self) -> None:
        """Tell the worker to stop what it does, and end it if it does not."""
        until = time.monotonic() + self._patience.cancel_seconds
        with suppress(WorkerLostError):
            self._send({"kind": "cancel", "id": self._asked})
            while self._asked and time.monotonic() < until:
                with suppress(queue.Empty):
                    line = self._read_line(self._lines.get(timeout=POLL_SECONDS))
                    if isinstance(line, (Cancelled, Done, Failed)) and line.id == self._asked:
                        return
        self.close()

    def _send(self, line: dict[str, Any]) -> None:
        process = self._process
        if process is None or process.stdin is None:
            raise self._lost("ended")
        try:
            process.stdin.write(msgspec.json.encode(line) + b"\n")
            process.stdin.flush()
        except OSError as error:
            raise self._lost("ended") from error

    def _lost(self, what: str) -> WorkerLostError:
        return WorkerLostError(f"audiocraft's worker {what}{self._complaint()}")

    def _complaint(self) -> str:
        """What the worker wrote to its standard error last."""
        if self._stderr is None:
            return ""
        with suppress(OSError, subprocess.TimeoutExpired):
            if self._process is not None:
                self._process.wait(timeout=POLL_SECONDS)
        size = self._stderr.seek(0, 2)
        self._stderr.seek(max(0, size - STDERR_CHARACTERS))
        text = self._stderr.read().decode(errors="replace").strip()
        return f": {text}" if text else ""


def _read(pipe: IO[bytes], lines: queue.Queue[bytes | None]) -> None:
    with suppress(OSError, ValueError):  # closed on our side
        for line in pipe:
            lines.put(line)
    lines.put(None)
