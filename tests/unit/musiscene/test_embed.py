import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from musiscene.checkpoints.convert import EmbedderSettings
from musiscene.embed import TextEmbedder
from musiscene.errors import ModelIntegrityError, ModelUnavailableError


class TestLoad:
    def test_missing_folder_is_named(self, tmp_path: Path):
        with pytest.raises(ModelUnavailableError, match="no such folder"):
            TextEmbedder.load(tmp_path / "absent")

    @pytest.mark.parametrize("torn", ["embedder.json", "tokenizer.json", "model.onnx"])
    def test_torn_file_is_an_integrity_error(self, tmp_path: Path, torn: str):
        settings = EmbedderSettings(dimension=4, max_tokens=8, version="made-1")
        files = {
            "embedder.json": msgspec.json.encode(settings),
            "tokenizer.json": b'{"model": {"type": "WordLevel", "vocab": {}, "unk_token": "a"}}',
            "model.onnx": b"not a network",
        }
        for name, content in files.items():
            (tmp_path / name).write_bytes(content[:5] if name == torn else content)
        with pytest.raises(ModelIntegrityError, match="cannot be loaded"):
            TextEmbedder.load(tmp_path)

    def test_imports_no_torch(self, tmp_path: Path):
        script = (
            "import sys; from pathlib import Path; from musiscene.embed import TextEmbedder\n"
            "from musiscene.errors import ModelIntegrityError\n"
            "try: TextEmbedder.load(Path(sys.argv[1]))\n"
            "except ModelIntegrityError: pass\n"
            "assert 'onnxruntime' in sys.modules\n"
            "sys.exit('torch' in sys.modules or 'transformers' in sys.modules)"
        )
        command = [sys.executable, "-c", script, str(tmp_path)]
        assert subprocess.run(command, check=False).returncode == 0  # noqa: S603
