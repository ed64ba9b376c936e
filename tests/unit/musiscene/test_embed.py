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
            TextEmbedder.load(tmp_path).encode(["a"])

    def test_who_only_asks_for_the_version_opens_no_network(self, tmp_path: Path):
        settings = EmbedderSettings(dimension=4, max_tokens=8, version="made-1")
        (tmp_path / "embedder.json").write_bytes(msgspec.json.encode(settings))
        embedder = TextEmbedder.load(tmp_path)
        assert (embedder.version, embedder.dimension) == ("made-1", 4)

    def test_imports_no_torch(self, tmp_path: Path):
        script = (
            "import sys; from pathlib import Path; from musiscene.embed import open_embedder\n"
            "from musiscene.errors import ModelIntegrityError\n"
            "try: open_embedder(Path(sys.argv[1]))\n"
            "except ModelIntegrityError: pass\n"
            "sys.exit('torch' in sys.modules or 'transformers' in sys.modules)"
        )
        command = [sys.executable, "-c", script, str(tmp_path)]
        assert subprocess.run(command, check=False).returncode == 0  # noqa: S603
