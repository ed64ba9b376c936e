import re

import pytest

from musiscene.checkpoints.registry import EMBEDDED, HUB, MODELS, TUNED, Model, find_model
from musiscene.errors import UnknownModelError


class TestEmbeddedModels:
    @pytest.mark.parametrize("model", EMBEDDED, ids=lambda model: model.name)
    def test_every_byte_is_pinned(self, model: Model):
        assert model.wheel is not None
        assert model.files
        for digest in (model.wheel.sha256, *(file.sha256 for file in model.files)):
            assert re.fullmatch("[0-9a-f]{64}", digest)
        assert model.download_bytes == model.wheel.size_bytes

    @pytest.mark.parametrize("model", EMBEDDED, ids=lambda model: model.name)
    def test_no_file_leaves_the_folder_or_hits_another(self, model: Model):
        names = [file.name for file in model.files]
        assert len(set(names)) == len(names)
        assert not any(name.startswith("/") or ".." in name for name in names)

    def test_all_may_be_used_commercially(self):
        assert {model.commercial_use for model in EMBEDDED} == {"yes"}


class TestTunedModels:
    def test_each_is_made_from_an_embedded_one(self):
        assert {model.base for model in TUNED} <= {model.name for model in EMBEDDED}
        assert all(model.is_embedded for model in TUNED)


class TestHubModels:
    def test_each_says_how_to_get_it(self):
        assert all(model.how_to_get for model in HUB)

    def test_non_commercial_licences_are_flagged(self):
        flagged = {model.name for model in HUB if model.commercial_use == "no"}
        assert flagged == {model.name for model in HUB if "-NC-" in model.licence}


class TestFindModel:
    def test_suggests_the_nearest_name(self):
        with pytest.raises(UnknownModelError, match=r"did you mean smollm2-135m-instruct\?"):
            find_model("SmolLM2-135M")

    def test_lists_the_names_when_none_is_near(self):
        with pytest.raises(UnknownModelError, match=r"known: .*musicnn"):
            find_model("zzz")

    def test_finds_every_model_by_its_name(self):
        assert all(find_model(name).name == name for name in MODELS)
