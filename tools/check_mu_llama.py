"""How far our numbers are from the original MU-LLaMA's.

    python tools/check_mu_llama.py ../shared/fixtures/mullama

Imports the fixture's checkpoint as a person would, computes every golden array with the product's
own code in float32 on the CPU, and prints the largest difference of each beside its tolerance.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
import numpy as np
import torch
from rich.console import Console
from rich.table import Table
from transformers.utils.logging import disable_progress_bar

from musiscene.adapter import Prototypes
from musiscene.audio.limits import AudioLimits
from musiscene.audio.read import read_audio
from musiscene.checkpoints.mu_llama import import_mu_llama
from musiscene.checkpoints.progress import ignore_progress
from musiscene.encoders.mert import SAMPLE_RATE, Hearing, MertEncoder
from musiscene.language_model import Sampling
from musiscene.language_model.sampling import nucleus
from musiscene.music_language_model import MusicLanguageModel
from musiscene.prompts import instruction_prompt
from musiscene.training.examples import IGNORED, encode_example, pad_examples

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from musiscene.training.examples import Example

Arrays = dict[str, Any]
LOGITS_TOLERANCE = 5e-5
TOLERANCE = 1e-5
LAST = 16
ANY_LENGTH = AudioLimits(min_seconds=0.0)

OWN_NAMES = {
    "mu_mert_agg": "adapter.layer_mix",
    "mu_mert_proj": "adapter.projection",
    "prefix_query.weight": "adapter.layer_queries",
    **{f"mu_mert_norm_{block}": f"adapter.bridge.{block - 1}.norm" for block in (1, 2, 3)},
    **{
        f"mu_mert_f{number}_{block}": f"adapter.bridge.{block - 1}.{own}"
        for block in (1, 2, 3)
        for number, own in ((1, "gate_proj"), (2, "down_proj"), (3, "up_proj"))
    },
}
OWN_PROJECTIONS = {
    "attention.wq": "self_attn.q_proj",
    "attention.wk": "self_attn.k_proj",
    "attention.wv": "self_attn.v_proj",
    "attention.wo": "self_attn.o_proj",
    "feed_forward.w1": "mlp.gate_proj",
    "feed_forward.w2": "mlp.down_proj",
    "feed_forward.w3": "mlp.up_proj",
    "attention_norm": "input_layernorm",
    "ffn_norm": "post_attention_layernorm",
}


class Fixture(NamedTuple):
    """The golden numbers and what they were computed from."""

    folder: Path
    arrays: Arrays
    notes: dict[str, Any]


class Imported(NamedTuple):
    """An imported checkpoint, ready to compute."""

    model: MusicLanguageModel
    encoder: MertEncoder


def read_fixture(folder: Path) -> Fixture:
    """Read the golden arrays and their notes."""
    with np.load(folder / "golden.npz") as arrays:
        return Fixture(folder, dict(arrays), json.loads((folder / "make_golden.json").read_text()))


def import_fixture(
    fixture: Fixture,
    out: Path,
    *,
    checkpoint: str | Path = "checkpoint.pth",
    llama: str = "llama/tiny",
    merge: bool = False,
) -> Imported:
    """Import the fixture's checkpoint into `out` and load it."""
    import_mu_llama(
        checkpoint=fixture.folder / checkpoint,
        llama=fixture.folder / llama,
        tokenizer=fixture.folder / "llama/tokenizer.model",
        mert=fixture.folder / "mert",
        out=out,
        progress=ignore_progress,
    )
    return Imported(MusicLanguageModel.load(out, merge=merge), MertEncoder.load(out / "encoder"))


def write_pretrain_checkpoint(fixture: Fixture, path: Path) -> Path:
    """What the pretrain phase would have saved: the adapter without LoRA, biases and norms."""
    full = torch.load(fixture.folder / "checkpoint.pth", weights_only=True)["model"]
    kept = {
        name: tensor
        for name, tensor in full.items()
        if name.startswith(("mu_mert", "prefix_query")) or name.endswith(".gate")
    }
    torch.save({"model": kept}, path)
    return path


def waveform(fixture: Fixture, name: str) -> NDArray[np.float32]:
    """One of its files, as the original hears it."""
    return read_audio(
        fixture.folder / name, sample_rate=SAMPLE_RATE, resampler="hann", limits=ANY_LENGTH
    ).waveform


def encode(
    encoder: MertEncoder, samples: NDArray[np.float32], hear: Hearing = "whole"
) -> torch.Tensor:
    """Features of one track as a batch of one, (1, layers, width)."""
    return torch.from_numpy(encoder.encode(samples, hear=hear).track)[None]


def examples(fixture: Fixture, model: MusicLanguageModel) -> list[Example]:
    """The rows of its dataset."""
    turns = [item["conversation"] for item in fixture.notes["dataset"]["items"]]
    return [
        encode_example(
            model.language_model,
            instruction_prompt(question["value"], style="mu-llama"),
            answer["value"],
            max_tokens=fixture.notes["dataset"]["max_words"],
        )
        for question, answer in turns
    ]


def reproduce_audio(fixture: Fixture, imported: Imported) -> Arrays:
    """Everything before the language model."""
    model, encoder = imported
    a, b = waveform(fixture, "audio.wav"), waveform(fixture, "audio2.wav")
    short = waveform(fixture, "audio_44k1.wav")
    features = {
        "a": encode(encoder, a),
        "b": encode(encoder, b),
        "silence": encode(encoder, np.zeros(SAMPLE_RATE, np.float32)),
        "tile75": encode(encoder, np.tile(a, 25), hear="first-60-seconds"),
    }
    prototypes = Prototypes(
        vectors=torch.from_numpy(fixture.arrays["knn_prototypes"]), count=5, share=0.5
    )
    with torch.inference_mode():
        return {
            "resample_44k1": short,
            "ds_audio4": short[:2000],
            "mert_layer_mean_a": features["a"][0],
            "mert_layer_mean_b": features["b"][0],
            **{
                f"encode_audio_{name}": model.adapter.mix_layers(means)[0]
                for name, means in features.items()
            },
            "forward_audio_a": model.adapter(features["a"])[:, None],
            "forward_audio_b": model.adapter(features["b"])[:, None],
            "forward_audio_w03_a": model.adapter(features["a"], weight=0.3)[:, None],
            "forward_audio_knn_a": model.adapter(features["a"], prototypes=prototypes)[
                :, None, None
            ],
        }


def reproduce_rows(fixture: Fixture, imported: Imported) -> Arrays:
    """The dataset's rows and the prompts' token ids."""
    model = imported.model
    rows = examples(fixture, model)
    token_ids, labels = pad_examples(rows, length=fixture.notes["dataset"]["max_words"])
    lengths = torch.tensor([len(row.token_ids) for row in rows])
    arrays: Arrays = {
        "ds_input": token_ids,
        "ds_labels": labels.masked_fill(labels == IGNORED, 0),
        "ds_mask": torch.arange(token_ids.shape[1])[None] < lengths[:, None],
    }
    for name, asked in fixture.notes["generate"].items():
        prompt = instruction_prompt(asked["question"], style="mu-llama")
        arrays[f"prompt_ids_{name}"] = torch.tensor(model.language_model.encode(prompt))
    return arrays


def reproduce_language(fixture: Fixture, imported: Imported) -> Arrays:
    """Logits and losses of the second phase, greedy ids and the nucleus."""
    model, encoder = imported
    a, b = waveform(fixture, "audio.wav"), waveform(fixture, "audio2.wav")
    heard_a, heard_b = encode(encoder, a), encode(encoder, b)
    silence = encode(encoder, np.zeros(SAMPLE_RATE, np.float32))
    both = torch.cat([encode(encoder, a[:48_000]), heard_b])
    rows = examples(fixture, model)
    first, first_labels = pad_examples(rows[:1])
    second, second_labels = pad_examples(rows[1:2])
    third, third_labels = pad_examples(rows[2:3])
    two, two_labels = pad_examples(rows[:2])
    padded, padded_labels = pad_examples(rows[:1], length=fixture.arrays["ds_input"].shape[1])
    zeroed = first_labels.masked_fill(first_labels == IGNORED, 0)
    zeroed[0, -3] = 0
    with torch.inference_mode():
        arrays: Arrays = {
            "logits_ft_a": model.logits(first, model.hear(heard_a))[0],
            "logits_ft_b_last16": model.logits(second, model.hear(heard_b))[0, -LAST:],
            "logits_ft_a_tokens_with_audio_b_last16": model.logits(first, model.hear(heard_b))[
                0, -LAST:
            ],
            "loss_ft_a": model.loss(first, first_labels, model.hear(heard_a)),
            "loss_ft_a_padded": model.loss(padded, padded_labels, model.hear(heard_a)),
            "loss_ft_b": model.loss(second, second_labels, model.hear(heard_b)),
            "loss_ft_textonly": model.loss(third, third_labels, model.hear(silence)),
            "loss_ft_nolabels": model.loss(
                first, torch.full_like(first, IGNORED), model.hear(heard_a)
            ),
            "loss_ft_a_one_label_zero": model.loss(first, zeroed, model.hear(heard_a), ignored=0),
            "loss_ft_batch2": model.loss(two, two_labels, model.hear(both)),
        }
    for name, heard in (("a", heard_a), ("b", heard_b)):
        asked = fixture.notes["generate"][name]
        arrays |= _reproduce_answer(model, name, asked, heard)
    for temperature, top_p in ((0.1, 0.75), (0.6, 0.8), (1.0, 0.5), (1.0, 1.0)):
        logits = torch.from_numpy(fixture.arrays["gen_logits_a"][:6])
        probabilities, token_ids = nucleus(logits, temperature, top_p)
        spread = torch.zeros_like(logits).scatter_(1, token_ids, probabilities)
        arrays[f"topp_T{temperature}_p{top_p}"] = spread
    return arrays


def _reproduce_answer(
    model: MusicLanguageModel, name: str, asked: dict[str, Any], heard: torch.Tensor
) -> Arrays:
    """Greedy ids by the decoder, and the logits that it drew them from, read all at once."""
    prompt = instruction_prompt(asked["question"], style="mu-llama")
    greedy = Sampling(max_new_tokens=asked["max_gen_len"], temperature=0.0, stop=())
    with torch.inference_mode():
        audio = model.hear(heard)
        [[answer]] = model.language_model.complete(prompt, [""], greedy, audio=audio)
        prompt_ids = model.language_model.encode(prompt)
        read = torch.tensor([[*prompt_ids, *answer.token_ids[:-1]]])
        logits = model.logits(read, audio)[0, len(prompt_ids) - 1 :]
    return {f"gen_ids_{name}": torch.tensor(answer.token_ids), f"gen_logits_{name}": logits}


def reproduce_gradients(fixture: Fixture, imported: Imported, phase: str) -> Arrays:
    """Gradients of a phase (`ft` or `pt`) under the original's names and layouts."""
    model, encoder = imported
    heard = encode(encoder, waveform(fixture, "audio.wav"))
    token_ids, labels = pad_examples(examples(fixture, model)[:1])
    model.start_phase("lora" if phase == "ft" else "adapter")
    loss = model.loss(token_ids, labels, model.hear(heard))
    loss.backward()  # type: ignore[no-untyped-call]
    gradient = _gradients(model)
    prefix = f"grad_{phase}:"
    arrays: Arrays = {
        name: gradient(name.removeprefix(prefix))
        for name in fixture.arrays
        if name.startswith(prefix)
    }
    norms = [gradient(name).norm() for name in fixture.notes[f"gradnames_{phase}"]]
    arrays[f"gradnorm_{phase}"] = torch.stack(norms)
    if phase == "pt":
        arrays["loss_pt_a"] = loss.detach()
        with torch.inference_mode():
            arrays["logits_pt_a_last16"] = model.logits(token_ids, model.hear(heard))[0, -LAST:]
    return arrays


def _gradients(model: MusicLanguageModel) -> Callable[[str], torch.Tensor]:
    parameters = dict(model.named_parameters())
    heads = model.adapter.shape.heads

    def gradient(name: str) -> torch.Tensor:
        if name.endswith(".gate"):
            layer = int(name.split(".")[2]) - model.first_hearing_layer
            gates = parameters["adapter.gates"].grad
            assert gates is not None  # noqa: S101 - a wrong name must not pass for a small gradient
            return gates[layer].reshape(1, heads, 1, 1)
        found = parameters[own_name(name)].grad
        assert found is not None, name  # noqa: S101
        is_rotated = "wq" in name or "wk" in name
        return _interleaved(found, heads) if is_rotated and "_l1" not in name else found

    return gradient


def own_name(name: str) -> str:
    """A parameter's name in our model from its name in the original's."""
    for original, own in OWN_NAMES.items():
        if name.startswith(original):
            return own + name.removeprefix(original)
    own = name.replace("llama.", "backbone.model.", 1)
    for original, projection in OWN_PROJECTIONS.items():
        block, _, matrix = original.rpartition(".")
        own = own.replace(f"{block}.lora_{matrix}_l1", f"{projection}.lora_A.default")
        own = own.replace(f"{block}.lora_{matrix}_l2", f"{projection}.lora_B.default")
        own = own.replace(f"{original}.bias", f"{projection}.base_layer.bias")
        own = own.replace(f"{original}.weight", f"{projection}.weight")
    return own


def _interleaved(rows: torch.Tensor, heads: int) -> torch.Tensor:
    """Half-split rotary rows back to the original's neighbouring pairs."""
    width = rows.shape[0] // heads
    split = rows.view(heads, 2, width // 2, *rows.shape[1:])
    return split.transpose(1, 2).reshape(rows.shape)


def reproduce(fixture: Fixture, work: Path) -> Arrays:
    """Every golden array, computed by the product's code."""
    finetuned = import_fixture(fixture, work / "finetuned")
    pretrained = import_fixture(
        fixture,
        work / "pretrained",
        checkpoint=write_pretrain_checkpoint(fixture, work / "pretrained.pth"),
    )
    return {
        "knn_prototypes": fixture.arrays["knn_prototypes"],
        **reproduce_audio(fixture, finetuned),
        **reproduce_rows(fixture, finetuned),
        **reproduce_language(fixture, finetuned),
        **reproduce_gradients(fixture, finetuned, "ft"),
        **reproduce_gradients(fixture, pretrained, "pt"),
    }


def tolerance(name: str, golden: NDArray[np.generic]) -> float:
    """As the fixture's notes suggest: ids and rows exactly, logits and all else closely."""
    if golden.dtype.kind in "iub" or name == "ds_mask":
        return 0.0
    return LOGITS_TOLERANCE if "logits" in name else TOLERANCE


def differences(golden: Arrays, own: Arrays) -> Iterator[tuple[str, float, float]]:
    """Compare all arrays; one of a wrong shape is infinitely far.

    Args:
        golden: The original's.
        own: Ours.

    Yields:
        Name, largest difference and tolerance of each golden array, in their order.
    """
    for name, expected in golden.items():
        found = np.asarray(own[name])
        far = np.inf
        if found.shape == expected.shape:
            far = float(np.abs(found.astype(np.float64) - expected).max(initial=0.0))
        yield name, far, tolerance(name, expected)


def main() -> int:
    """Print the table.

    Returns:
        The exit code: 1 if a difference is above its tolerance.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("fixture", type=Path)
    parser.add_argument("--json", action="store_true", help="one JSON object instead of the table")
    arguments = parser.parse_args()
    fixture = read_fixture(arguments.fixture)
    torch.set_num_threads(1)
    disable_progress_bar()  # type: ignore[no-untyped-call]
    with tempfile.TemporaryDirectory() as work:
        rows = list(differences(fixture.arrays, reproduce(fixture, Path(work))))
    if arguments.json:
        print(msgspec.json.encode({name: far for name, far, _ in rows}).decode())
    else:
        table = Table("array", "shape", "largest difference", "tolerance", box=None)
        for name, far, allowed in rows:
            shape = "x".join(map(str, fixture.arrays[name].shape)) or "scalar"
            table.add_row(name, shape, f"{far:.1e}", f"{allowed:g}")
        Console().print(table)
    return int(any(far > allowed for _, far, allowed in rows))


if __name__ == "__main__":
    sys.exit(main())
