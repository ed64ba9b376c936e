from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from indexer.catalogue.models import new_id
from indexer.catalogue.repository import Catalogue
from indexer.errors import FilterSyntaxError, SeedError, TrackNotFoundError
from indexer.similar import candidates
from indexer.similar.finder import SimilarFinder
from indexer.similar.seeds import Seed
from indexer.vectors import VectorIndex, publish
from tests.support.listening import WordEmbedder, listening, store

if TYPE_CHECKING:
    from collections.abc import Iterator

    from indexer.similar.results import SimilarResult

TRACKS = {
    "lake": ("calm piano", ("mist over a lake", "ducks asleep"), 60.0, "C:major", "Ann"),
    "pond": ("calm piano waltz", ("ducks asleep", "rain"), 120.0, "C:major", "Ann"),
    "moor": ("calm harp", ("mist over a moor", "rain"), 61.0, "A:minor", "Bob"),
    "storm": ("loud drums", ("a ship fights a storm", "thunder"), 170.0, "A:minor", None),
    "chase": ("loud brass", ("riders chase a train", "thunder"), 165.0, "D:minor", None),
}


@pytest.fixture
def catalogue(catalogue_location: str) -> Iterator[Catalogue]:
    with Catalogue.open(catalogue_location) as opened:
        for name, (music, scenes, bpm, key, artist) in TRACKS.items():
            tags = {"piano" if "calm" in music else "drums": 0.8}
            heard = listening(
                f"/m/{name}.wav", audio_hash=name, bpm=bpm, key=key, tags=tags, artist=artist
            )
            store(opened, heard, scenes=scenes, music=music)
        copy = listening("/m/copy-of-lake.wav", audio_hash="lake", bpm=60.0, artist="Ann")
        store(opened, copy, scenes=TRACKS["lake"][1], music="calm piano")
        yield opened


def finder(catalogue: Catalogue, folder: Path, **options: object) -> SimilarFinder:
    revision = catalogue.revision()
    embedder = WordEmbedder()
    publish(
        folder / "v",
        catalogue.vectors(embedder=embedder.version),
        catalogue.sounds(),
        embedder=embedder.version,
        dimension=embedder.dimension,
        revision=revision,
    )
    index = VectorIndex.open(folder / "v", embedder=embedder.version, revision=revision)
    return SimilarFinder(catalogue, index, **options)  # type: ignore[arg-type]


def names(result: SimilarResult) -> list[str]:
    return [Path(hit.track.path).stem for hit in result.hits]


def seed(catalogue: Catalogue, name: str, weight: float = 1.0, section: object = None) -> Seed:
    return Seed(track_id=catalogue.track_called(f"{name}.wav"), weight=weight, section=section)  # type: ignore[arg-type]


class TestSimilar:
    def test_the_like_come_first_without_the_seed_and_its_copies(
        self, catalogue: Catalogue, tmp_path: Path
    ):
        result = finder(catalogue, tmp_path).similar([seed(catalogue, "lake")])
        assert names(result) == ["pond", "moor", "storm", "chase"] or names(result) == [
            "pond",
            "moor",
            "chase",
            "storm",
        ]
        assert result.seeds[0].track.path == "/m/lake.wav"
        assert result.notice is None

    def test_the_score_is_the_sum_of_its_reasons(self, catalogue: Catalogue, tmp_path: Path):
        found = finder(catalogue, tmp_path).similar([seed(catalogue, "lake")])
        for hit in found.hits:
            assert sum(reason.points for reason in hit.reasons) == pytest.approx(
                hit.score, abs=5e-4
            )
            assert sum(reason.share for reason in hit.reasons) == pytest.approx(1, abs=5e-3)
            assert 0 <= hit.score <= 1
        why = found.hits[0].why
        assert why.startswith("Like lake in this: ")
        assert "both are tagged piano" in why or "calm piano waltz" in why

    def test_a_part_can_be_worked_out_by_hand(self, catalogue: Catalogue, tmp_path: Path):
        only = finder(catalogue, tmp_path, weights={"music": 1.0})
        hit = only.similar([seed(catalogue, "lake")]).hits[0]
        one, other = WordEmbedder().encode(["calm piano", "calm piano waltz"])
        assert hit.track.path == "/m/pond.wav"
        assert hit.score == pytest.approx(float(one @ other), abs=2e-3)

    def test_a_section_asks_for_that_part_alone(self, catalogue: Catalogue, tmp_path: Path):
        scenes = finder(catalogue, tmp_path, weights={"scene": 1.0})
        first = scenes.similar([seed(catalogue, "lake", section=1)])
        second = scenes.similar([seed(catalogue, "lake", section=(15.0, 30.0))])
        assert names(first)[0] == "moor"
        assert names(second)[0] == "pond"
        assert (second.seeds[0].start_seconds, second.seeds[0].end_seconds) == (15.0, 30.0)
        assert second.hits[0].window.start_seconds == 0.0  # where ducks sleep in the pond

    def test_a_negative_weight_pushes_away(self, catalogue: Catalogue, tmp_path: Path):
        found = finder(catalogue, tmp_path).similar(
            [seed(catalogue, "moor"), seed(catalogue, "lake", -1.0)]
        )
        assert names(found)[-1] == "pond"
        assert "lake" not in names(found)

    def test_weights_decide_between_seeds(self, catalogue: Catalogue, tmp_path: Path):
        search = finder(catalogue, tmp_path)
        for calm, wild, first in ((5.0, 1.0, "pond"), (1.0, 5.0, "chase")):
            seeds = [seed(catalogue, "lake", calm), seed(catalogue, "storm", wild)]
            assert names(search.similar(seeds))[0] == first

    def test_filters_hold_and_the_empty_answer_says_why(self, catalogue: Catalogue, tmp_path: Path):
        search = finder(catalogue, tmp_path)
        lake = [seed(catalogue, "lake")]
        assert set(names(search.similar(lake, filter_expression="bpm>150"))) == {"storm", "chase"}
        none = search.similar(lake, filter_expression="bpm>900")
        assert none.hits == ()
        assert "bpm>900 leaves 0" in str(none.notice)
        with pytest.raises(FilterSyntaxError):
            search.similar(lake, filter_expression="bpm>")

    def test_artists_are_spread_and_diversity_mixes(self, catalogue: Catalogue, tmp_path: Path):
        for number in range(60):
            heard = listening(f"/m/a{number}.wav", audio_hash=f"a{number}", bpm=60, artist="Ann")
            store(catalogue, heard, scenes=["mist over a lake"], music="calm piano")
        search = finder(catalogue, tmp_path)
        lake = [seed(catalogue, "lake")]
        spread = search.similar(lake, per_artist=1, top_k=4)
        assert [hit.track.artist for hit in spread.hits].count("Ann") == 1
        assert len(spread.hits) == 4  # deeper than the sixty that are nearer
        assert {hit.track.artist for hit in search.similar(lake, top_k=4).hits} == {"Ann"}
        mixed = search.similar(lake, top_k=4, diversity=0.7)
        assert not {"storm", "chase"}.isdisjoint(names(mixed))

    def test_a_large_library_is_searched_by_captions(
        self, catalogue: Catalogue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ):
        search = finder(catalogue, tmp_path)
        lake = [seed(catalogue, "lake")]
        whole = names(search.similar(lake, top_k=2))
        monkeypatch.setattr(candidates, "ALL_LOOKED_AT", 2)
        assert names(search.similar(lake, top_k=2)) == whole
        assert names(search.similar(lake, filter_expression="bpm>168")) == ["storm"]


class TestRefusals:
    @pytest.mark.parametrize(
        ("weights", "section", "said"),
        [
            pytest.param([], None, "1 to 20 tracks", id="none"),
            pytest.param([-1.0], None, "what should it be like", id="only negative"),
            pytest.param([0.0], None, "other than 0", id="weightless"),
            pytest.param([1.0, 2.0], None, "given twice", id="twice"),
            pytest.param([1.0], 3, "2 is 0:15-0:30", id="no such section"),
            pytest.param([1.0], (40.0, 50.0), "between 0:00 and 0:30", id="outside"),
            pytest.param([1.0], (20.0, 10.0), "begins before it ends", id="turned round"),
        ],
    )
    def test_say_what_would_be_right(
        self, catalogue: Catalogue, tmp_path: Path, weights: list[float], section: object, said: str
    ):
        seeds = [seed(catalogue, "pond", weight, section) for weight in weights]
        with pytest.raises(SeedError, match=said):
            finder(catalogue, tmp_path).similar(seeds)

    def test_diversity_is_a_share(self, catalogue: Catalogue, tmp_path: Path):
        with pytest.raises(SeedError, match="between 0 and 1"):
            finder(catalogue, tmp_path).similar([seed(catalogue, "pond")], diversity=1.5)

    def test_an_unknown_track(self, catalogue: Catalogue, tmp_path: Path):
        with pytest.raises(TrackNotFoundError):
            finder(catalogue, tmp_path).similar([Seed(track_id=new_id())])

    def test_a_track_whose_file_is_missing(self, catalogue: Catalogue, tmp_path: Path):
        lost = seed(catalogue, "lake")
        catalogue.set_status([lost.track_id], "missing")
        with pytest.raises(SeedError, match="musiscene index"):
            finder(catalogue, tmp_path).similar([lost])
