"""The tuning on a tiny BERT: it learns, it goes on where it was, its change is what it learnt."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from musiscene.checkpoints.tuned_embedder import read_delta
from musiscene.data.rows import SceneExample
from musiscene.errors import RecipeError
from musiscene.progress import ProgressReport
from musiscene.training.embedder import EmbedderResult, attach, contrastive_loss, retrieval, tune
from musiscene.training.embedder_recipe import (
    EmbedderRecipe,
    is_embedder_recipe,
    read_embedder_recipe,
)
from musiscene.training.embedder_session import CHECK_TEXTS, export_delta
from musiscene.training.run_folder import BEST_NAME, RunFolder

if TYPE_CHECKING:
    from pathlib import Path

    from sentence_transformers import SentenceTransformer

PLACES = ("club", "church", "beach", "forest", "kitchen", "stadium", "desert", "harbour")
SOUNDS = ("techno", "choir", "ukulele", "flute", "jazz", "anthem", "oud", "accordion")
RECIPE = EmbedderRecipe(
    embedder="tiny", rank=4, rows_per_batch=8, epochs=60, learning_rate=0.02, dropout=0.0
)


class StopError(Exception):
    pass


class StopAfter(ProgressReport):
    """Breaks the tuning off after some updates, as a signal would."""

    def __init__(self, update: int | None = None) -> None:
        self.update = update

    def __call__(self, step: str, done: int, total: int | None, *, note: str = "") -> None:  # noqa: ARG002
        if done == self.update:
            raise StopError


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sentence-transformers folder with a fresh BERT of two small layers."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Pooling, Transformer
    from transformers import BertConfig, BertModel, BertTokenizer

    folder = tmp_path_factory.mktemp("bert")
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", ",", *PLACES, *SOUNDS]
    (folder / "vocab.txt").write_text("\n".join(words))
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(words),
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=32,
    )
    BertModel(config).save_pretrained(folder / "network")
    BertTokenizer(str(folder / "vocab.txt")).save_pretrained(folder / "network")
    network = Transformer(str(folder / "network"), max_seq_length=32)
    SentenceTransformer(modules=[network, Pooling(16)]).save(str(folder / "base"))
    return folder / "base"


@pytest.fixture(scope="module")
def rows() -> list[SceneExample]:
    return [
        SceneExample(
            id=str(n),
            source="made",
            group=str(n),
            music={"aspects": SOUNDS[n]},
            scene=f"a {PLACES[n]}",
            annotator="ab"[n % 2],
        )
        for n in range(len(PLACES))
    ]


def load(base: Path) -> SentenceTransformer:
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(str(base), device="cpu", local_files_only=True)
    attach(model, RECIPE)
    return model


def run_tuning(
    base: Path, rows: list[SceneExample], out: Path, stop: int | None = None
) -> EmbedderResult:
    run = RunFolder(out)
    run.begin(RECIPE, [], len(rows))
    return tune(RECIPE, load(base), rows, rows, run, StopAfter(stop))


@pytest.fixture(scope="module")
def finished(
    base: Path, rows: list[SceneExample], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    out = tmp_path_factory.mktemp("runs") / "run"
    run_tuning(base, rows, out)
    return out


class TestTune:
    def test_scenes_find_their_music_afterwards(
        self, base: Path, rows: list[SceneExample], finished: Path
    ):
        before = retrieval(load(base), rows)
        looks = [line for line in RunFolder(finished).metrics() if "recall_at_1" in line]
        assert before.recall_at_1 < 0.5
        assert looks[-1]["recall_at_1"] > 0.8
        assert looks[-1]["validation_loss"] < looks[0]["validation_loss"]

    def test_a_killed_run_ends_with_the_same_weights(
        self, base: Path, rows: list[SceneExample], finished: Path, tmp_path: Path
    ):
        with pytest.raises(StopError):
            run_tuning(base, rows, tmp_path / "run", stop=7)
        run_tuning(base, rows, tmp_path / "run")
        expected, found = (load_file(run / BEST_NAME) for run in (finished, tmp_path / "run"))
        assert all(torch.equal(found[name], expected[name]) for name in expected)

    def test_word_vectors_stay(self, finished: Path):
        names = load_file(finished / BEST_NAME)
        assert names
        assert not any("embeddings" in name or "pooler" in name for name in names)


class TestExportDelta:
    def test_holds_what_was_learnt(self, base: Path, finished: Path):
        delta = read_delta(export_delta(finished, base, "tiny-1"))
        tuned = load(base)
        tuned.load_state_dict(load_file(finished / BEST_NAME), strict=False)
        vectors = tuned.eval().encode(list(CHECK_TEXTS), normalize_embeddings=True)
        np.testing.assert_allclose(delta.check_vectors, vectors, atol=5e-3)
        assert (delta.base, delta.check_texts) == ("tiny-1", CHECK_TEXTS)
        assert len(delta.products) == 2 * 6


class TestContrastiveLoss:
    def test_is_small_where_each_is_nearest_to_its_own(self):
        vectors = torch.eye(3)
        none = torch.zeros(3, 3, dtype=torch.bool)
        assert contrastive_loss(vectors, vectors, none, scale=20.0) < 1e-6
        assert contrastive_loss(vectors, vectors[[1, 2, 0]], none, scale=20.0) > 19

    def test_the_same_scene_twice_is_no_mistake(self):
        vectors = torch.eye(3)[[0, 0, 1]]
        is_same = torch.zeros(3, 3, dtype=torch.bool)
        is_same[0, 1] = is_same[1, 0] = True
        assert contrastive_loss(vectors, vectors, is_same, scale=20.0) < 1e-6


class TestRecipe:
    def test_is_told_from_the_language_models(self, tmp_path: Path):
        (tmp_path / "e.toml").write_text('embedder = "all-minilm-l6-v2"')
        (tmp_path / "l.toml").write_text('language_model = "smollm2-135m-instruct"')
        assert is_embedder_recipe(tmp_path / "e.toml")
        assert not is_embedder_recipe(tmp_path / "l.toml")

    def test_an_unknown_field_is_refused_by_name(self, tmp_path: Path):
        (tmp_path / "e.toml").write_text('embedder = "x"\nranks = 3')
        with pytest.raises(RecipeError, match="ranks"):
            read_embedder_recipe(tmp_path / "e.toml")
