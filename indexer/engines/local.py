"""All stages on this machine: decoder processes, listening threads, one language model.

    next_job -> decode (processes) -> listen (threads) -> imagine, embed (batches) -> outcomes

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
from typing import TYPE_CHECKING, Final

import msgspec

from indexer.catalogue.rows import NewCaption
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
    from musiscene.audio.read import Recording
    from musiscene.embed import TextEmbedder
    from musiscene.listen import Listening
    from musiscene.model import ImaginedSegment, MusiScene

logger = logging.getLogger(__name__)

SAMPLE_RATE: Final = 16_000
BATCH_SEGMENTS: Final = 64
"""From so many segments on, the tracks at hand are imagined together."""
DEFAULT_LIMITS = AudioLimits()


@dataclass(frozen=True, kw_only=True)
class Heard:
    """A file that was heard, on its way to be imagined."""

    job: Job
    listening: Listening
    fingerprint: bytes | None


class LocalEngine:
    """Does jobs with the models and cores of this machine.

    Args:
        load_model: Loads what listens and imagines; called when the first job needs it.
        embedder: Makes the vectors of captions.
        spool: A folder for decoded tracks on their way; what lies there is deleted.
        cores: How many to use; None for all.
        limits: On the files.
    """

    def __init__(
        self,
        load_model: Callable[[], MusiScene],
        embedder: TextEmbedder,
        spool: Path,
        *,
        cores: int | None = None,
        limits: AudioLimits = DEFAULT_LIMITS,
    ) -> None:
        self._load_model = load_model
        self._loading = threading.Lock()
        self._embedder = embedder
        self._spool = spool
        self._cores = cores or os.cpu_count() or 1
        self._limits = limits
        self._settled: Collection[str] = ()
        self._decoders: LifoQueue[Decoder] = LifoQueue()  # the one that is warm comes first
        self._ears = threading.Semaphore(self._cores)

    @cached_property
    def _loaded(self) -> MusiScene:
        return self._load_model()

    @property
    def _model(self) -> MusiScene:
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
        decoders = max(2, self._cores // 2)  # two, so that one that hangs holds nobody up
        pending: set[Future[Outcome | Heard]] = set()
        heard: deque[Heard] = deque()
        threads = decoders + self._cores
        with self._decoding(decoders), _threads(threads) as pool:
            while True:
                # What is heard weighs little: those who listen must not wait for the other model.
                while len(pending) + len(heard) < 4 * threads and (job := next_job()):
                    before = self._heard_before(job)
                    if before is None:
                        pending.add(pool.submit(self._read, job))
                    else:
                        heard.append(before)
                if pending and _count_segments(heard) < BATCH_SEGMENTS:
                    done, pending = wait(pending, return_when=FIRST_COMPLETED)
                    for result in (future.result() for future in done):
                        if isinstance(result, Heard):
                            heard.append(result)
                        else:
                            yield result
                elif heard:
                    # Beside those who listen, the language model has half of the cores.
                    _use_cores(self._cores // 2 if pending else self._cores)
                    yield from self._imagine(_take_batch(heard))
                else:
                    return

    @contextmanager
    def _decoding(self, count: int) -> Iterator[None]:
        shutil.rmtree(self._spool, ignore_errors=True)  # what a killed process left
        try:
            self._spool.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise SpoolError(
                f"{self._spool}: a folder for decoded tracks cannot be made ({error.strerror}); "
                "nothing is lost, run `musiscene index` again when it can"
            ) from error
        decoders = [
            Decoder(self._spool, sample_rate=SAMPLE_RATE, limits=self._limits) for _ in range(count)
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

    def _read(self, job: Job) -> Outcome | Heard:
        """Do what comes before the language model, in a thread.

        Args:
            job: To identify or to hear.

        Returns:
            What is heard, or the outcome where that is all.

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
                    return Identified(job=job, info=identity.info, audio_hash=identity.audio_hash)
                recording = decoder.decode(job.file.path)
            finally:
                self._decoders.put(decoder)
            is_wanted = job.must_hear or job.kind == "imagine"
            if recording.audio_hash in self._settled and not is_wanted:
                return Identified(job=job, info=recording.info, audio_hash=recording.audio_hash)
            stage = "listen"
            with self._ears:
                return self._hear(job, recording)
        except RefusedAudioError as error:
            return Failed(job=job, stage=stage, reason=error.reason, is_lasting=error.is_lasting)
        except (SpoolError, ModelError):
            raise
        except Exception as error:
            logger.exception("unexpected error in %s", job.file.path)
            reason = f"{type(error).__name__}: {error}"
            return Failed(job=job, stage=stage, reason=reason, is_lasting=False)

    def _hear(self, job: Job, recording: Recording) -> Heard:
        info = with_songs(recording.info, job.file.cue)
        recording = msgspec.structs.replace(recording, info=info)
        return Heard(
            job=job,
            listening=self._model.listener.hear(recording),
            fingerprint=fingerprint(recording.waveform, sample_rate=recording.sample_rate),
        )

    def _imagine(self, batch: Sequence[Heard]) -> Iterator[Outcome]:
        """Scenes and vectors of a batch; where it breaks, of each track by itself."""
        try:
            imagined = self._model.imagine([heard.listening for heard in batch])
            captions = self._captions(imagined)
        except Exception as error:
            logger.exception("unexpected error in a batch of %d", len(batch))
            if len(batch) > 1:
                for heard in batch:
                    yield from self._imagine([heard])
                return
            reason = f"{type(error).__name__}: {error}"
            yield Failed(job=batch[0].job, stage="imagine", reason=reason, is_lasting=False)
            return
        for heard, of_track in zip(batch, captions, strict=True):
            yield Imagined(
                job=heard.job,
                listening=heard.listening,
                captions=of_track,
                fingerprint=heard.fingerprint,
            )

    def _captions(
        self, imagined: Sequence[Sequence[ImaginedSegment]]
    ) -> list[tuple[NewCaption, ...]]:
        """The captions of each track, with their vectors."""
        captions = [
            NewCaption(segment=number, kind=kind, text=text, origin=origin, rank=rank, vector=b"")
            for segments in imagined
            for number, segment in enumerate(segments)
            for kind, text, origin, rank in _texts(segment)
        ]
        vectors = self._embedder.encode([caption.text for caption in captions]).astype("<f2")
        whole = iter(
            msgspec.structs.replace(caption, vector=vector.tobytes())
            for caption, vector in zip(captions, vectors, strict=True)
        )
        return [
            tuple(next(whole) for segment in segments for _ in _texts(segment))
            for segments in imagined
        ]


def _texts(segment: ImaginedSegment) -> list[tuple[str, str, str, int]]:
    """Kind, text, origin and rank of each caption of a segment."""
    scenes = [
        ("scene", caption.text, caption.origin, rank)
        for rank, caption in enumerate(segment.scene_captions)
    ]
    return [("music", segment.music_caption, "facts", 0), *scenes]


def _count_segments(heard: Iterable[Heard]) -> int:
    return sum(len(one.listening.segments) for one in heard)


def _take_batch(heard: deque[Heard]) -> list[Heard]:
    """The first tracks, which have `BATCH_SEGMENTS` together or are all there are."""
    batch = [heard.popleft()]
    while heard and _count_segments(batch) < BATCH_SEGMENTS:
        batch.append(heard.popleft())
    return batch


@contextmanager
def _threads(count: int) -> Iterator[ThreadPoolExecutor]:
    """Threads that are waited for, unless what uses them broke off."""
    pool = ThreadPoolExecutor(
        count, thread_name_prefix="listen", initializer=_use_cores, initargs=(1,)
    )
    try:
        yield pool
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        raise
    pool.shutdown()


def _use_cores(count: int) -> None:
    """Compute on so many cores in this thread: more than there are only wait for each other."""
    import torch

    torch.set_num_threads(max(1, count))
