"""All stages on this machine: decoder processes, listening threads, one language model.

    next_job -> decode (processes) -> listen (threads) -> imagine (a process, batches) -> outcomes

Every stage is bounded, so memory is too: so many files are in flight, each decoded one lies in a
file of its own, and each heard one weighs a few kilobytes.
"""

from __future__ import annotations

import logging
import os
import shutil
import threading
from collections import deque
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from queue import LifoQueue
from typing import TYPE_CHECKING, Final, TypeAlias

import msgspec

from indexer.cues import with_songs
from indexer.engines.decoder import Decoder, RefusedAudioError
from indexer.engines.jobs import Failed, Identified, Imagined
from indexer.errors import SpoolError
from musiscene.audio.fingerprint import fingerprint
from musiscene.audio.limits import AudioLimits
from musiscene.errors import ModelError
from musiscene.packing import has_features

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
    from concurrent.futures import Future
    from pathlib import Path

    from indexer.engines.jobs import Job, Outcome, Stage
    from indexer.engines.split_model import EngineModel
    from musiscene.audio.read import Recording
    from musiscene.listen import Listening

logger = logging.getLogger(__name__)

SAMPLE_RATE: Final = 16_000
BATCH_SEGMENTS: Final = 24
"""From so many segments on, the tracks at hand are imagined together."""
DEFAULT_LIMITS = AudioLimits()


@dataclass(frozen=True, kw_only=True)
class Heard:
    """A file that was heard, on its way to be imagined."""

    job: Job
    listening: Listening
    fingerprint: bytes | None


class Cores:
    """Lends a machine's cores: what runs beside as many as there are makes all of it slower.

    Args:
        count: How many there are.
    """

    def __init__(self, count: int) -> None:
        self._free = count
        self._claimed = 0
        self._changed = threading.Condition()

    @contextmanager
    def lent(self, count: int, *, comes_first: bool = False) -> Iterator[None]:
        """Hold some cores, waiting until they are free.

        Args:
            count: How many.
            comes_first: Before all who wait without it.

        Yields:
            While they are held.
        """
        with self._changed:
            claim = count if comes_first else 0
            self._claimed += claim
            self._changed.wait_for(lambda: self._free >= count + self._claimed - claim)
            self._claimed -= claim
            self._free -= count
        try:
            yield
        finally:
            with self._changed:
                self._free += count
                self._changed.notify_all()


Doing: TypeAlias = "Future[Sequence[Outcome | Heard]]"
"""Work of a thread."""


class LocalEngine:
    """Does jobs with the models and cores of this machine.

    Args:
        load_model: Loads what listens and imagines; called when the first job needs it.
        spool: A folder for decoded tracks on their way; what lies there is deleted.
        cores: How many to use; None for all.
        limits: On the files.
    """

    def __init__(
        self,
        load_model: Callable[[], EngineModel],
        spool: Path,
        *,
        cores: int | None = None,
        limits: AudioLimits = DEFAULT_LIMITS,
    ) -> None:
        self._load_model = load_model
        self._loading = threading.Lock()
        self._spool = spool
        self._cores = cores or os.cpu_count() or 1
        self._limits = limits
        self._decoder_count = max(2, self._cores // 2)  # two: one that hangs holds nobody up
        self._threads = self._decoder_count + self._cores
        self._settled: Collection[str] = ()
        self._decoders: LifoQueue[Decoder] = LifoQueue()  # the one that is warm comes first
        self._free_cores = Cores(self._cores)

    @cached_property
    def _loaded(self) -> EngineModel:
        return self._load_model()

    @property
    def _model(self) -> EngineModel:
        with self._loading:  # by the first of several threads
            return self._loaded

    def run(
        self, next_job: Callable[[], Job | None], settled: Collection[str]
    ) -> Iterator[Outcome]:
        """Do jobs until there are none; see `Engine.run`.

        Args:
            next_job: Gives a job, or None where there is none at present.
            settled: Hashes of audio that need not be heard again; may grow.

        Yields:
            One outcome for each job, in the order they are done.
        """
        self._settled = settled
        pending: set[Doing] = set()
        heard: deque[Heard] = deque()
        batch: Doing | None = None
        with (
            self._decoding(),
            _threads(self._threads, "listen") as listening,
            _threads(1, "imagine") as imagining,
        ):
            while True:
                self._begin(next_job, listening, pending, heard)
                if batch is None and heard and (_is_batch(heard) or not pending):
                    taken = _take_batch(heard)
                    self._begin(next_job, listening, pending, heard)
                    # Beside those who listen, the language model has half of the cores.
                    cores = max(1, self._cores // 2) if pending else self._cores
                    batch = imagining.submit(self._imagine, taken, cores=cores)
                if not pending and batch is None:
                    return
                running = pending if batch is None else {*pending, batch}
                for done in wait(running, return_when=FIRST_COMPLETED).done:
                    pending.discard(done)
                    batch = None if done is batch else batch
                    for result in done.result():
                        if isinstance(result, Heard):
                            heard.append(result)
                        else:
                            yield result

    def _begin(
        self,
        next_job: Callable[[], Job | None],
        listening: ThreadPoolExecutor,
        pending: set[Doing],
        heard: deque[Heard],
    ) -> None:
        """Take jobs while few are on their way, and the next batch is not heard yet."""
        at_most = 2 * self._threads
        while len(pending) < at_most and not _is_batch(heard) and (job := next_job()):
            before = self._heard_before(job)
            if before is None:
                pending.add(listening.submit(self._read, job))
            else:
                heard.append(before)

    @contextmanager
    def _decoding(self) -> Iterator[None]:
        shutil.rmtree(self._spool, ignore_errors=True)  # what a killed process left
        try:
            self._spool.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise SpoolError(
                f"{self._spool}: a folder for decoded tracks cannot be made ({error.strerror}); "
                "nothing is lost, run `musiscene index` again when it can"
            ) from error
        decoders = [
            Decoder(self._spool, sample_rate=SAMPLE_RATE, limits=self._limits)
            for _ in range(self._decoder_count)
        ]
        for decoder in decoders:
            self._decoders.put(decoder)
        try:
            yield
        finally:
            for decoder in decoders:
                decoder.close()
            self._decoders = LifoQueue()
            shutil.rmtree(self._spool, ignore_errors=True)

    def _heard_before(self, job: Job) -> Heard | None:
        """What is to be imagined from, without the file; None where it must be heard."""
        if job.kind != "imagine" or job.listening is None:
            return None
        if self._model.needs_features and not has_features(job.listening):
            return None
        return Heard(job=job, listening=job.listening, fingerprint=job.fingerprint)

    def _read(self, job: Job) -> Sequence[Outcome | Heard]:
        """Do what comes before the language model, in a thread.

        Args:
            job: To identify or to hear.

        Returns:
            What is heard, or the outcome where that is all; one thing.

        Raises:
            SpoolError: If there is no room for a decoded track.
            ModelError: If the models cannot be loaded.
        """
        stage: Stage = "decode"
        try:
            decoder = self._decoders.get()
            try:
                if job.kind == "identify":
                    identity = decoder.identify(job.file.path)
                    return [Identified(job=job, info=identity.info, audio_hash=identity.audio_hash)]
                recording = decoder.decode(job.file.path)
            finally:
                self._decoders.put(decoder)
            is_wanted = job.must_hear or job.kind == "imagine"
            if recording.audio_hash in self._settled and not is_wanted:
                return [Identified(job=job, info=recording.info, audio_hash=recording.audio_hash)]
            stage = "listen"
            with self._free_cores.lent(1):
                return [self._hear(job, recording)]
        except RefusedAudioError as error:
            return [Failed(job=job, stage=stage, reason=error.reason, is_lasting=error.is_lasting)]
        except (SpoolError, ModelError):
            raise
        except Exception as error:
            logger.exception("unexpected error in %s", job.file.path)
            reason = f"{type(error).__name__}: {error}"
            return [Failed(job=job, stage=stage, reason=reason, is_lasting=False)]

    def _hear(self, job: Job, recording: Recording) -> Heard:
        info = with_songs(recording.info, job.file.cue)
        recording = msgspec.structs.replace(recording, info=info)
        return Heard(
            job=job,
            listening=self._model.listener.hear(recording),
            fingerprint=fingerprint(recording.waveform, sample_rate=recording.sample_rate),
        )

    def _imagine(self, batch: Sequence[Heard], *, cores: int) -> list[Outcome]:
        """Scenes and vectors of a batch; where it breaks, of each track by itself.

        Args:
            batch: Tracks that were heard.
            cores: How many to use.

        Returns:
            One outcome for each track, in order.

        Raises:
            ModelError: If the language model cannot be loaded.
        """
        try:
            with self._free_cores.lent(cores, comes_first=True):
                captions = self._model.imagine([heard.listening for heard in batch], cores=cores)
        except ModelError:
            raise
        except Exception as error:
            logger.exception("unexpected error in a batch of %d", len(batch))
            if len(batch) > 1:
                return [one for heard in batch for one in self._imagine([heard], cores=cores)]
            reason = f"{type(error).__name__}: {error}"
            return [Failed(job=batch[0].job, stage="imagine", reason=reason, is_lasting=False)]
        return [
            Imagined(
                job=heard.job,
                listening=heard.listening,
                captions=of_track,
                fingerprint=heard.fingerprint,
            )
            for heard, of_track in zip(batch, captions, strict=True)
        ]


def _is_batch(heard: Iterable[Heard]) -> bool:
    return sum(len(one.listening.segments) for one in heard) >= BATCH_SEGMENTS


def _take_batch(heard: deque[Heard]) -> list[Heard]:
    """The first tracks, which have `BATCH_SEGMENTS` together or are all there are."""
    batch = [heard.popleft()]
    while heard and not _is_batch(batch):
        batch.append(heard.popleft())
    return batch


@contextmanager
def _threads(count: int, name: str) -> Iterator[ThreadPoolExecutor]:
    """Threads that are waited for, unless what uses them broke off."""
    pool = ThreadPoolExecutor(count, thread_name_prefix=name, initializer=_use_one_core)
    try:
        yield pool
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        raise
    pool.shutdown()


def _use_one_core() -> None:
    """Compute on one core in this thread: more threads than cores only wait for each other."""
    import torch

    torch.set_num_threads(1)
