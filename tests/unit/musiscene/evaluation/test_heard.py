from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np

from musiscene.audio.read import read_audio
from musiscene.console import Console
from musiscene.encoders.features import AudioFeatures
from musiscene.evaluation.heard import SAYINGS, Asking, ask, hear_nothing, hear_passages, passage_of
from musiscene.language_model import Sampling
from musiscene.listen import Listening
from tests.support.listening import listening
from tests.support.passages import SCENES, MadeModel, write_library

QUIET = Console(quiet=True)


class TestPassageOf:
    def test_is_the_most_energetic_segment_with_all_that_is_its_own(self):
        heard = listening(segments=3)
        second = msgspec.structs.replace(heard.segments[1], energy=0.9, tags={"mtt": ()})
        features = AudioFeatures(
            track=np.zeros((2, 4), np.float32),
            segments=np.arange(24, dtype=np.float32).reshape(3, 2, 4),
        )
        heard = msgspec.structs.replace(
            heard,
            segments=(heard.segments[0], second, heard.segments[2]),
            features=features,
            energy_curve=tuple(range(30)),
        )
        passage = passage_of(heard)
        assert passage.segments == (second,)
        assert passage.tags == {"mtt": ()}
        assert passage.energy_curve == tuple(range(10, 20))
        np.testing.assert_array_equal(passage.features.track, features.segments[1])
        np.testing.assert_array_equal(passage.features.segments, features.segments[1:2])


class TestHearPassages:
    def test_leaves_out_and_counts_what_cannot_be_heard(self, tmp_path: Path):
        write_library(tmp_path, "piano", "broken")
        write_library(tmp_path / "deep", "harp")
        console = Console(quiet=True)
        passages = hear_passages(MadeModel(), tmp_path, console)
        assert [passage.name for passage in passages] == ["deep/harp.ogg", "piano.ogg"]
        assert "harp" in passages[0].measured
        assert console.failures == 1


class TestHearNothing:
    def test_gives_the_model_a_file_that_can_be_read_and_holds_almost_nothing(self):
        peaks = []

        class Reader(MadeModel):
            def listen(self, path: str | Path) -> Listening:
                peaks.append(float(np.abs(read_audio(path, sample_rate=16_000).waveform).max()))
                return super().listen(path)

        hear_nothing(Reader())
        assert 1e-4 < peaks[0] < 3e-3


class TestAsk:
    def test_asks_for_everything_in_the_order_of_the_tracks(self, tmp_path: Path):
        names = sorted(SCENES)[:3]
        model = MadeModel()
        passages = hear_passages(model, write_library(tmp_path, *names), QUIET)
        said = ask(model, passages, Asking(scenes=1), QUIET)
        assert tuple(said.texts) == SAYINGS
        assert said.texts["scenes"] == tuple(SCENES[name] for name in names)
        assert said.texts["answers"] == tuple(f"{name} can be heard." for name in names)
        assert said.texts["description"] == tuple(passage.measured for passage in passages)
        assert said.of_nothing["answers"] == "nothing can be heard."
        assert said.of_nothing["scenes"] == "A place."
        [first, *_] = said.by_track(passages)
        assert first.texts["scenes"] == SCENES[names[0]]

    def test_an_answer_may_begin_with_a_line_end(self, tmp_path: Path):
        """The default of sampling stops there, and a model with an ear answered nothing."""
        stops = []

        class Model(MadeModel):
            def answer(self, heard: Listening, question: str, sampling: Sampling) -> Iterator[str]:
                stops.append(sampling.stop)
                return super().answer(heard, question, sampling)

        model = Model()
        passages = hear_passages(model, write_library(tmp_path, "harp", "cello"), QUIET)
        ask(model, passages, Asking(sayings=("answers",)), QUIET)
        assert set(stops) == {()}

    def test_asks_only_what_is_wanted(self, tmp_path: Path):
        model = MadeModel()
        passages = hear_passages(model, write_library(tmp_path, "harp", "cello"), QUIET)
        said = ask(model, passages, Asking(sayings=("description",)), QUIET)
        assert list(said.texts) == ["description"]
