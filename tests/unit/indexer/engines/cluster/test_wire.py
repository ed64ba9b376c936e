from __future__ import annotations

import msgspec
import numpy as np
import pytest

from indexer.catalogue.rows import NewCaption
from indexer.engines.cluster.wire import (
    ANSWERS,
    Did,
    Knew,
    Refused,
    Task,
    answer_of,
    job_of,
    outcome_of,
    task_of,
)
from indexer.engines.jobs import Failed, Identified, Imagined, Job, Outcome
from indexer.walk import FoundFile
from musiscene.packing import pack_listening
from tests.support.listening import listening

FILE = FoundFile("/music/ä.flac", 10, 20)
JOB = Job(file=FILE, kind="imagine", listening=listening(), fingerprint=b"f", must_hear=True)
CAPTION = NewCaption(
    segment=0, kind="scene", text="a quiet street", origin="model", rank=0, vector=b"\x00\xff"
)
OUTCOMES: list[Outcome] = [
    Identified(job=JOB, info=listening().info, audio_hash="0" * 64),
    Imagined(job=JOB, listening=listening(), captions=(CAPTION,), fingerprint=None),
    Failed(job=JOB, stage="decode", reason="it is no music", is_lasting=True),
]


def plain(value: object) -> bytes:
    """Something that can be compared: arrays cannot."""
    return msgspec.msgpack.encode(value, enc_hook=np.ndarray.tobytes)


class TestWire:
    def test_a_job_arrives_as_it_was_sent(self):
        sent = msgspec.msgpack.encode(task_of(7, JOB))
        assert plain(job_of(msgspec.msgpack.decode(sent, type=Task))) == plain(JOB)

    @pytest.mark.parametrize("outcome", OUTCOMES, ids=lambda one: type(one).__name__)
    def test_an_outcome_arrives_as_it_was_sent(self, outcome: Outcome):
        (answer,) = ANSWERS.decode(msgspec.msgpack.encode([answer_of(7, outcome)]))
        assert isinstance(answer, Knew | Did | Refused)
        assert answer.number == 7
        assert plain(outcome_of(JOB, answer)) == plain(outcome)

    def test_what_arrives_damaged_fails_and_may_be_tried_again(self):
        outcome = outcome_of(JOB, Did(number=7, heard=b"x", captions=(CAPTION,), fingerprint=None))
        assert isinstance(outcome, Failed)
        assert not outcome.is_lasting

    def test_a_track_takes_a_few_kilobytes(self):
        assert len(pack_listening(listening())) < 10_000
