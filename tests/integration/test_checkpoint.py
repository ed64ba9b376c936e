"""`musiscene checkpoint`, as people run it, and the numbers of the original MU-LLaMA."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from peft import PeftModel
from safetensors.torch import load_file
from transformers import LlamaForCausalLM

from service.cli import main
from tests.support.mu_llama import (
    FIXTURE,
    FIXTURE_REASON,
    MadeMuLlama,
    Sizes,
    make_mu_llama,
    save_checkpoint,
)

pytestmark = [
    pytest.mark.integration,
    pytest.mark.filterwarnings("ignore:.*gradient_checkpointing:FutureWarning"),
]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> MadeMuLlama:
    return make_mu_llama(tmp_path_factory.mktemp("made"))


def import_arguments(made: MadeMuLlama) -> list[str]:
    return [
        "checkpoint",
        "import-mu-llama",
        *("--checkpoint", str(made.checkpoint)),
        *("--llama", str(made.llama)),
        *("--mert", str(made.mert)),
    ]


class TestCommands:
    def test_import_show_and_merge(
        self, made: MadeMuLlama, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ):
        out, merged = tmp_path / "out", tmp_path / "merged"
        assert main([*import_arguments(made), "--out", str(out), "--json"]) == 0
        output = capsys.readouterr()
        document = json.loads(output.out)
        assert document["folder"] == str(out)
        assert document["settings"]["adapter_layers"] == 2
        assert any("dropped: feature_extractor_cqt" in notice for notice in document["notices"])
        licences = output.err.index("licence CC-BY-NC-4.0, commercial use: NOT ALLOWED")
        assert licences < output.err.index("write the language model")

        assert main(["checkpoint", "merge", str(out), "--out", str(merged), "--quiet"]) == 0
        output = capsys.readouterr()
        assert output.out == f"ready in {merged}\n"
        assert output.err == ""

        assert main(["checkpoint", "show", str(merged), "--json"]) == 0
        summary = json.loads(capsys.readouterr().out)
        assert summary["settings"]["merged"] is True
        assert summary["parameters"]["lora"] == 0

        assert main(["checkpoint", "show", str(out)]) == 0
        text = capsys.readouterr().out
        assert "llama-2-7b-chat" in text
        assert "rank 2" in text

    def test_finds_its_parts_among_the_models_and_puts_the_result_there(
        self,
        made: MadeMuLlama,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ):
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
        models = tmp_path / "models"
        models.mkdir()
        (models / "mert-v1-330m").symlink_to(made.mert)
        arguments = ["checkpoint", "import-mu-llama", "--checkpoint", str(made.checkpoint)]
        arguments += ["--llama", str(made.llama)]
        assert main(["--models-dir", str(models), *arguments]) == 0
        capsys.readouterr()
        assert main(["models", "list", "--json"]) == 0
        rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)["models"]}
        assert rows["mu-llama"]["state"] == "ready"
        assert rows["mu-llama"]["folder"].startswith(str(tmp_path / "cache"))

    def test_says_what_is_missing(
        self,
        made: MadeMuLlama,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ):
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
        arguments = ["checkpoint", "import-mu-llama", "--checkpoint", str(made.checkpoint)]
        assert main(arguments) == 3
        assert "llama-2-7b-chat: not on this machine. Get it:" in capsys.readouterr().err
        bare = tmp_path / "deep" / "bare"
        bare.mkdir(parents=True)
        assert main([*arguments, "--llama", str(bare), "--mert", str(made.mert)]) == 3
        assert "Name it with --tokenizer" in capsys.readouterr().err

    def test_wrong_input_is_named_and_nothing_is_made(
        self, made: MadeMuLlama, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ):
        changed = save_checkpoint(
            tmp_path / "odd.pth", {**made.trained, "image_bind.weight": torch.zeros(1)}
        )
        arguments = [*import_arguments(made), "--checkpoint", str(changed)]
        assert main([*arguments, "--out", str(tmp_path / "out")]) == 2
        assert "odd.pth: does not fit. Tensors unknown: image_bind" in capsys.readouterr().err
        assert not (tmp_path / "out").exists()
        assert main([*import_arguments(made), "--out", str(tmp_path)]) == 2
        assert "exists already and is left alone" in capsys.readouterr().err

    def test_help_costs_no_torch(self):
        code = "import sys, service.cli; sys.exit('torch' in sys.modules)"
        finished = subprocess.run([sys.executable, "-c", code], check=False)  # noqa: S603
        assert finished.returncode == 0


@pytest.mark.golden
@pytest.mark.skipif(not FIXTURE.is_dir(), reason=FIXTURE_REASON)
class TestOriginal:
    """Logits of the original code for one row of its data set, from the folder's files alone."""

    @pytest.mark.parametrize(
        ("checkpoint", "llama"),
        [
            ("checkpoint.pth", "tiny"),
            ("checkpoint.pth", "tiny_2shards"),
            ("checkpoint_full.pth", "tiny"),
        ],
    )
    @pytest.mark.parametrize("is_merged", [False, True], ids=["lora", "merged"])
    def test_logits_are_the_originals(
        self, tmp_path: Path, checkpoint: str, llama: str, *, is_merged: bool
    ):
        folder = tmp_path / "imported"
        arguments = ["import-mu-llama", "--checkpoint", str(FIXTURE / checkpoint)]
        arguments += ["--llama", str(FIXTURE / "llama" / llama), "--mert", str(FIXTURE / "mert")]
        assert main(["checkpoint", *arguments, "--out", str(folder), "--quiet"]) == 0
        tolerance = 5e-5
        if is_merged:
            # The tiny base is of 16 bits, and so is what is merged into it.
            tolerance = 0.15
            merged = tmp_path / "merged"
            assert main(["checkpoint", "merge", str(folder), "--out", str(merged), "-q"]) == 0
            folder = merged
        golden = np.load(FIXTURE / "golden.npz")
        audio = torch.from_numpy(golden["forward_audio_a"])[0, 0]
        token_ids = torch.from_numpy(golden["ds_input"])[:1, : len(golden["logits_ft_a"])].long()
        logits = original_logits(folder, audio, token_ids)
        np.testing.assert_allclose(logits, golden["logits_ft_a"], atol=tolerance, rtol=0)


def original_logits(folder: Path, audio: torch.Tensor, token_ids: torch.Tensor):
    """The adapter's equations on the folder's own tensors, independent of the product's model."""
    untyped: Any = LlamaForCausalLM
    model = untyped.from_pretrained(folder / "language_model", dtype=torch.float32)
    stored = load_file(folder / "adapter.safetensors")
    adapter = {name: value.float() for name, value in stored.items()}
    count = len(adapter["gates"])
    layers = list(model.model.layers)[-count:]
    values = [layer.self_attn.v_proj.weight for layer in layers]
    values = list(adapter.get("value_projections", values))
    if (folder / "lora").exists():
        model = PeftModel.from_pretrained(model, str(folder / "lora"))
    for number, layer in enumerate(layers):
        heard = values[number].detach() @ (audio + adapter["layer_queries"][number])
        gates = torch.tanh(adapter["gates"][number])
        added = heard * gates.repeat_interleave(len(heard) // len(gates))
        layer.self_attn.o_proj.register_forward_pre_hook(
            lambda _, inputs, added=added: (inputs[0] + added, *inputs[1:])
        )
    with torch.no_grad():
        return model.eval()(input_ids=token_ids).logits[0].numpy()


MEASURED = """
import sys
from pathlib import Path
import torch
from musiscene.checkpoints.mu_llama import import_mu_llama

torch.set_num_threads(1)

def peak_bytes():
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) * 1024

def run(folder):
    import_mu_llama(
        checkpoint=folder / "checkpoint.pth", llama=folder / "llama", mert=folder / "mert",
        tokenizer=folder / "llama/tokenizer.model", out=folder / "out", progress=lambda *_: None,
    )

run(Path(sys.argv[1]))
before = peak_bytes()
run(Path(sys.argv[2]))
print(peak_bytes() - before)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux's memory counters")
class TestMemory:
    def test_an_import_holds_less_than_its_largest_tensor(self, made: MadeMuLlama, tmp_path: Path):
        sizes = Sizes(
            width=1024,
            heads=8,
            layers=4,
            multiple_of=256,
            vocabulary=32_000,
            bridge_width=64,
            rank=16,
        )
        big = make_mu_llama(tmp_path / "big", sizes=sizes, shards=2, dtype=torch.bfloat16)
        embedding_bytes = 32_000 * 1024 * 2
        assert sum(tensor.nbytes for tensor in big.base.values()) > 3 * embedding_bytes
        arguments = [
            sys.executable,
            "-c",
            MEASURED,
            str(made.checkpoint.parent),
            str(big.llama.parent),
        ]
        growth_bytes = int(subprocess.check_output(arguments, text=True))  # noqa: S603
        assert growth_bytes < embedding_bytes
