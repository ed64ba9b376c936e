"""The three embedded models, really pulled: equal to what they were made from."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from musiscene.checkpoints.convert import EMBEDDER_SETTINGS, EmbedderSettings
from musiscene.checkpoints.progress import ignore_progress
from musiscene.checkpoints.registry import EMBEDDED, find_model
from musiscene.checkpoints.sources import fetch_embedded
from musiscene.checkpoints.store import ModelStore
from musiscene.embed import TextEmbedder
from musiscene.errors import ModelUnavailableError

pytestmark = pytest.mark.integration

TEXTS = [
    "",
    "a",
    "A toddler blows out birthday candles and everybody laughs.",
    "Überraschung! Café, naïve, 東京の夜, музыка, 🎵🎂",
    "rain\non\ta window",
    "soft piano, slow strings, a long farewell at the station " * 3,
    "words beyond the longest input " * 200,
]


def ready(name: str) -> Path:
    try:
        return ModelStore().pull(name)
    except ModelUnavailableError as error:
        pytest.skip(f"no source of the model can be reached: {error}")


def raw_files(name: str, folder: Path) -> Path:
    """The pinned files that a converter reads."""
    ready(name)
    target = folder / "raw"
    target.mkdir()
    try:
        fetch_embedded(find_model(name), target, folders=(), progress=ignore_progress)
    except ModelUnavailableError as error:
        pytest.skip(f"no source of the model can be reached: {error}")
    return target


@pytest.fixture(scope="module")
def embedder() -> TextEmbedder:
    return TextEmbedder.load(ready("all-minilm-l6-v2"), threads=1)


class TestTextEmbedder:
    def test_agrees_with_sentence_transformers(self, embedder: TextEmbedder, tmp_path: Path):
        from sentence_transformers import SentenceTransformer

        original = SentenceTransformer(
            str(raw_files("all-minilm-l6-v2", tmp_path)), device="cpu", local_files_only=True
        )
        expected = original.encode(TEXTS, normalize_embeddings=True)
        np.testing.assert_allclose(embedder.encode(TEXTS), expected, atol=1e-5, rtol=0)

    def test_gives_unit_vectors(self, embedder: TextEmbedder):
        vectors = embedder.encode(TEXTS)
        assert vectors.shape == (len(TEXTS), 384)
        assert vectors.dtype == np.float32
        np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)

    def test_nothing_gives_no_rows(self, embedder: TextEmbedder):
        assert embedder.encode([]).shape == (0, 384)

    def test_batching_changes_no_vector(self, embedder: TextEmbedder):
        texts = [f"{'word ' * (index % 23)}{index}" for index in range(150)]
        alone = np.concatenate([embedder.encode([text]) for text in texts])
        np.testing.assert_allclose(embedder.encode(texts), alone, atol=1e-5, rtol=0)

    def test_threads_may_share_it(self, embedder: TextEmbedder):
        expected = embedder.encode(TEXTS[:6])
        with ThreadPoolExecutor(4) as executor:
            for vectors in executor.map(lambda _: embedder.encode(TEXTS[:6]), range(16)):
                np.testing.assert_allclose(vectors, expected, atol=1e-6, rtol=0)

    def test_version_names_the_weights(self, embedder: TextEmbedder):
        assert embedder.version == "all-minilm-l6-v2-0d14ae96ea49"

    def test_settings_hold_what_sentence_transformers_uses(self):
        path = ready("all-minilm-l6-v2") / EMBEDDER_SETTINGS
        settings = msgspec.json.decode(path.read_bytes(), type=EmbedderSettings)
        assert (settings.dimension, settings.max_tokens) == (384, 256)


class TestLanguageModel:
    @pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")
    def test_equals_the_gguf_file_bit_for_bit(self, tmp_path: Path):
        import torch
        from transformers import AutoModelForCausalLM, AutoTokenizer

        folder = ready("smollm2-135m-instruct")
        raw = raw_files("smollm2-135m-instruct", tmp_path)
        original: Any = AutoModelForCausalLM.from_pretrained(raw, gguf_file="model.gguf")
        converted: Any = AutoModelForCausalLM.from_pretrained(folder)
        expected = original.state_dict()
        weights = converted.state_dict()
        assert weights.keys() == expected.keys()
        assert all(torch.equal(weights[name], expected[name]) for name in expected)
        assert converted.lm_head.weight is converted.model.embed_tokens.weight

        tokenizer: Any = AutoTokenizer.from_pretrained(folder)
        inputs = tokenizer.apply_chat_template(
            [{"role": "user", "content": "Imagine a scene that suits calm piano music."}],
            add_generation_prompt=True,
            return_tensors="pt",
            return_dict=True,
        )
        greedy = {"do_sample": False, "max_new_tokens": 12}
        answer = converted.generate(**inputs, **greedy)
        assert torch.equal(answer, original.generate(**inputs, **greedy))
        text = tokenizer.decode(answer[0][inputs["input_ids"].shape[1] :])
        assert text.startswith("The soft hum of the piano filled the air")


class TestMusicnn:
    def test_holds_both_networks_with_tensorflows_names(self):
        from safetensors.numpy import load_file

        for vocabulary in ("mtt", "msd"):
            weights = load_file(ready("musicnn") / f"{vocabulary}.safetensors")
            (kernel,) = (weights[name] for name in weights if name.endswith("dense_1/kernel"))
            assert kernel.shape == (200, 50)
            assert not any("Adam" in name for name in weights)


class TestStoreOnThisMachine:
    def test_verifies(self):
        for model in EMBEDDED:
            ready(model.name)
        states = {one.name: one.state for one in ModelStore().status(verify=True)}
        assert {states[model.name] for model in EMBEDDED} == {"ready"}
