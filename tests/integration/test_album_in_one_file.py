"""An album in one file: read, heard, stored and found song by song; only the models are made up."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

import numpy as np
import pytest

from indexer.catalogue.repository import Catalogue
from indexer.engines.captions import captions_of
from indexer.engines.local import LocalEngine
from indexer.library import Library
from indexer.match import Matcher
from indexer.pipeline import scan
from indexer.progress import ScanProgress
from indexer.similar.finder import SimilarFinder
from indexer.similar.seeds import Seed
from musiscene.encoders.musicnn import MusicnnOutput
from musiscene.imagine import SceneCaption
from musiscene.listen import Listener
from musiscene.track_imaginer import ImaginedSegment
from musiscene.vocabularies import TAGS_OF
from musiscene.writer import ModelVersions
from tests.support.audio import dominant_hertz, sine, write_audio, write_chapters
from tests.support.listening import WordEmbedder, word_reader

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from indexer.catalogue.models import Track
    from indexer.catalogue.rows import NewCaption
    from indexer.engines.split_model import EngineModel
    from musiscene.embed import TextEmbedder
    from musiscene.encoders.musicnn import MusicnnTagger
    from musiscene.listen import Listening

pytestmark = pytest.mark.integration

HERTZ_OF: Final = {"flute": 880.0, "harp": 440.0, "drums": 220.0}
SONG_SECONDS: Final = 11.3
RATE: Final = 16_000
VERSIONS: Final = ModelVersions(listening="ears-1", writing="words-1")


EMBEDDER = cast("TextEmbedder", WordEmbedder())


class ToneTagger:
    """Knows which of three instruments a tone is."""

    def listen(
        self, waveform: NDArray[np.float32], *, starts_seconds: Sequence[float]
    ) -> MusicnnOutput:
        tags = {name: np.zeros((len(starts_seconds), 50), np.float32) for name in TAGS_OF}
        for row, start in enumerate(starts_seconds):
            patch = waveform[round(start * RATE) : round((start + 3) * RATE)]
            heard = dominant_hertz(patch, sample_rate=RATE)
            name = min(HERTZ_OF, key=lambda one: abs(HERTZ_OF[one] - heard))
            tags["mtt"][row, TAGS_OF["mtt"].index(name)] = 0.9
        return MusicnnOutput(
            starts_seconds=np.array(starts_seconds), tags=tags, penultimate=dict(tags)
        )


class ToneModel:
    """Hears for real, and imagines a scene that names the instrument."""

    needs_features = False
    listener = Listener(cast("MusicnnTagger", ToneTagger()))

    def imagine(
        self,
        listenings: Sequence[Listening],
        *,
        cores: int = 1,  # noqa: ARG002
    ) -> list[tuple[NewCaption, ...]]:
        imagined = [
            tuple(
                ImaginedSegment(
                    start_seconds=segment.start_seconds,
                    end_seconds=segment.end_seconds,
                    music_caption=segment.tags["mtt"][0].name,
                    scene_captions=(
                        SceneCaption(text=f"dance {segment.tags['mtt'][0].name}", origin="model"),
                    ),
                )
                for segment in heard.segments
            )
            for heard in listenings
        ]
        return captions_of(imagined, EMBEDDER)


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Library]:
    folder, data = tmp_path_factory.mktemp("music"), tmp_path_factory.mktemp("data")
    tones = [sine(hertz, seconds=SONG_SECONDS, sample_rate=RATE) for hertz in HERTZ_OF.values()]
    whole = np.concatenate(tones)
    write_audio(folder / "album.flac", whole, sample_rate=RATE, metadata={"title": "Album"})
    sheet = 'FILE "CDImage.wav" WAVE\n'
    for number, name in enumerate(HERTZ_OF):
        frames = round(number * SONG_SECONDS * 75)
        time = f"00:{frames // 75:02}:{frames % 75:02}"
        sheet += f'TRACK {number + 1:02} AUDIO\nTITLE "{name} song"\nINDEX 01 {time}\n'
    (folder / "album.cue").write_text(sheet)
    chapters = [(number * SONG_SECONDS, f"{name} part") for number, name in enumerate(HERTZ_OF)]
    write_chapters(folder / "book.m4a", whole[::-1], chapters, sample_rate=RATE)
    with Library(Catalogue.open(data / "catalogue.sqlite"), data / "vectors", EMBEDDER) as opened:
        scan(
            [folder],
            library=opened,
            engine=LocalEngine(lambda: cast("EngineModel", ToneModel()), data / "spool", cores=1),
            versions=VERSIONS,
            progress=ScanProgress(),
            stop=threading.Event(),
        )
        yield opened


def tracks(library: Library) -> dict[str, Track]:
    found = library.catalogue.tracks(list(library.catalogue.track_ids()))
    return {Path(track.path).name: track for track in found.values()}


class TestAlbumInOneFile:
    @pytest.mark.parametrize(
        ("name", "titles", "played"),
        [
            ("album.flac", [f"{name} song" for name in HERTZ_OF], list(HERTZ_OF)),
            ("book.m4a", [f"{name} part" for name in HERTZ_OF], list(HERTZ_OF)[::-1]),
        ],
    )
    def test_each_segment_is_of_one_song_and_heard_by_itself(
        self, library: Library, name: str, titles: list[str], played: list[str]
    ):
        track = tracks(library)[name]
        said = {one.segment_id: one.text for one in track.captions if one.kind == "music"}
        of_song: dict[str | None, set[str]] = {}
        for segment in track.segments:
            of_song.setdefault(segment.title, set()).add(said[segment.id])
        assert of_song == {
            title: {instrument} for title, instrument in zip(titles, played, strict=True)
        }
        starts = {round(one.start_seconds, 1) for one in track.segments}
        assert {0.0, 11.3, 22.6} <= starts
        assert track.segments[-1].end_seconds == pytest.approx(3 * SONG_SECONDS, abs=0.1)

    @pytest.mark.parametrize("instrument", list(HERTZ_OF))
    def test_a_match_names_the_song_of_its_window(self, library: Library, instrument: str):
        result = Matcher.over(library, word_reader()).match([f"dance {instrument}"])
        songs = {Path(hit.track.path).name: hit for hit in result.hits}
        hit = songs["album.flac"]
        assert hit.song == f"{instrument} song"
        first = list(HERTZ_OF).index(instrument) * SONG_SECONDS
        assert first - 0.5 <= hit.window.start_seconds
        assert hit.window.end_seconds <= first + SONG_SECONDS + 0.5

    def test_what_is_similar_names_it_too(self, library: Library):
        seed = Seed(track_id=tracks(library)["album.flac"].id, section=(23.0, 33.0))
        [hit] = SimilarFinder(library.catalogue, library.vectors()).similar([seed]).hits
        assert hit.song == "flute part"
