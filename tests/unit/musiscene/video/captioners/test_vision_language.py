from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest

from musiscene.errors import CaptionerError
from musiscene.video.captioners.vision_language import VisionLanguageCaptioner, _sentences
from tests.support.scenes import scene
from tests.support.vision_language import WRITERS, write_blip

if TYPE_CHECKING:
    from pathlib import Path

SCENE = scene(0, 0, 10)


def pictures(*seeds: int) -> list[np.ndarray]:
    return [
        np.random.default_rng(seed).integers(0, 255, (45, 80, 3), dtype=np.uint8) for seed in seeds
    ]


class TestModels:
    @pytest.mark.parametrize("kind", WRITERS)
    def test_looks_at_the_pictures(self, kind: str, tmp_path: Path):
        folder = WRITERS[kind](tmp_path / kind)
        (folder / "README.md").write_text("---\nlicense: apache-2.0\ntags: []\n---\n# Seer\n")
        captioner = VisionLanguageCaptioner.load(str(folder))
        said = captioner.caption(SCENE, pictures(1, 2))
        assert said
        assert len(said) <= 600
        assert said == captioner.caption(SCENE, pictures(1, 2))
        assert said != captioner.caption(SCENE, pictures(3, 4))
        assert (captioner.name, captioner.licence) == (kind, "apache-2.0")
        assert captioner.caption(SCENE, []) == ""


class TestSentences:
    def test_equal_captions_of_several_pictures_are_one(self):
        answers = ["a man on a  beach", "a man on a beach", "", "a boat."]
        assert _sentences(answers) == ["A man on a beach.", "a boat."]


class TestBadModels:
    def test_no_such_model(self):
        with pytest.raises(CaptionerError, match="neither a folder nor a name"):
            VisionLanguageCaptioner.load("/no/such/folder")

    def test_nothing_is_fetched_unasked(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setenv("HF_HOME", str(tmp_path))
        with pytest.raises(CaptionerError, match="is not on this machine"):
            VisionLanguageCaptioner.load("nobody/nothing", may_fetch=False)

    @pytest.mark.parametrize(
        ("files", "said"),
        [
            ({}, "no config.json"),
            ({"config.json": "[]"}, "names no type"),
            ({"config.json": "nonsense"}, "no config.json of a model"),
            ({"config.json": '{"model_type": "blip"}'}, "it has none"),
            (
                {"config.json": '{"model_type": "blip"}', "pytorch_model.bin": ""},
                "only pytorch_model.bin, which can run code",
            ),
            (
                {"config.json": '{"model_type": "made-up"}', "model.safetensors": ""},
                "cannot be loaded",
            ),
        ],
    )
    def test_says_what_a_folder_lacks(self, files: dict[str, str], said: str, tmp_path: Path):
        for name, content in files.items():
            (tmp_path / name).write_text(content)
        with pytest.raises(CaptionerError, match=said):
            VisionLanguageCaptioner.load(str(tmp_path))

    def test_broken_weights(self, tmp_path: Path):
        folder = write_blip(tmp_path / "blip")
        (folder / "model.safetensors").write_bytes(b"\x08\0\0\0\0\0\0\0nonsense")
        with pytest.raises(CaptionerError, match="cannot be loaded"):
            VisionLanguageCaptioner.load(str(folder))

    def test_code_of_a_folder_is_never_run(self, tmp_path: Path):
        folder = write_blip(tmp_path / "blip")
        settings = json.loads((folder / "config.json").read_text())
        settings |= {
            "model_type": "evil",
            "auto_map": {
                "AutoConfig": "evil.Evil", "AutoModelForImageTextToText": "evil.Evil",
            },
        }  # fmt: skip
        (folder / "config.json").write_text(json.dumps(settings))
        ran = tmp_path / "ran"
        (folder / "evil.py").write_text(f"open({str(ran)!r}, 'w')\n")
        with pytest.raises(CaptionerError):
            VisionLanguageCaptioner.load(str(folder))
        assert not ran.exists()
