"""The paper profile at its true size with random weights, on a machine that can hold it."""

from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoTokenizer

from musiscene.architecture import build_paper
from musiscene.encoders.mert import SAMPLE_RATE
from musiscene.language_model import Sampling
from tests.support.language_model import write_tiny_language_model

NEEDED_BYTES = 24 << 30


@pytest.mark.gpu
@pytest.mark.skipif(
    not torch.cuda.is_available()
    or torch.cuda.get_device_properties(0).total_memory < NEEDED_BYTES,
    reason="needs a GPU of 24 GiB",
)
def test_hears_and_writes_at_full_size(tmp_path: Path):
    tokenizer = AutoTokenizer.from_pretrained(write_tiny_language_model(tmp_path / "tiny"))
    encoder, model = build_paper(tokenizer, device="cuda", with_lora=False)
    noise = np.random.default_rng(0).normal(0, 0.1, 10 * SAMPLE_RATE).astype(np.float32)
    features = encoder.encode(noise, spans_seconds=[(0.0, 5.0), (5.0, 10.0)])
    assert features.segments.shape == (2, 25, 1024)
    with torch.inference_mode():
        model.adapter.gates.normal_(0.0, 0.1)
        audio = model.hear(torch.from_numpy(features.segments))
    sampling = Sampling(max_new_tokens=8, temperature=0.0, stop=())
    rows = model.language_model.complete("", ["ab", "abc"], sampling, audio=audio)
    assert all(len(row[0].token_ids) == 8 for row in rows)
    assert torch.cuda.max_memory_allocated() < NEEDED_BYTES
