from pathlib import Path

import pytest

import musiscene
from musiscene.architecture import HEARING_LAYERS, LORA_RANK, LORA_TARGETS
from musiscene.checkpoints.registry import MODELS
from musiscene.errors import RecipeError
from musiscene.prompts import instruction_prompt
from musiscene.training.recipe import Recipe, read_recipe
from musiscene.training.schedule import peak_learning_rate

RECIPES = sorted(
    path
    for path in (Path(musiscene.__file__).parent / "recipes").glob("*.toml")
    if path.stem != "embedder"  # of another kind, read by its own test
)
LEAST = 'language_model = "smollm2-135m-instruct"\nprompt = "{music}"\n'


def test_there_are_recipes():
    names = {"smoke.toml", "tiny.toml", "tiny-adapter.toml", "paper.toml"}
    assert {path.name for path in RECIPES} >= names | {"paper-adapter.toml", "paper-lora.toml"}


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_a_shipped_recipe_can_be_read_and_says_how_it_is_run(path: Path):
    recipe = read_recipe(path)
    assert recipe.language_model in MODELS
    assert "{music}" in recipe.prompt
    assert path.read_text().startswith(f"# musiscene train musiscene/recipes/{path.name}")


def recipe_named(name: str) -> Recipe:
    [path] = [path for path in RECIPES if path.stem == name]
    return read_recipe(path)


@pytest.mark.parametrize(
    ("name", "peak", "rows"), [("paper-adapter", 1.5625e-6, 4), ("paper-lora", 1.25e-4, 32)]
)
def test_mu_llama_s_phases_have_its_learning_rates(name: str, peak: float, rows: int):
    recipe = recipe_named(name)
    rows_per_update = recipe.rows_per_batch * recipe.accumulate
    assert rows_per_update == rows
    found = peak_learning_rate(recipe.base_learning_rate, rows_per_update=rows_per_update)
    assert found == pytest.approx(peak)
    assert recipe.max_gradient_norm == 0


def test_mu_llama_s_sizes_are_those_of_the_architecture():
    assert recipe_named("paper-adapter").adapter.layers == HEARING_LAYERS
    for name in ("paper-lora", "paper"):
        lora = recipe_named(name).lora
        assert (lora.rank, set(lora.targets)) == (LORA_RANK, set(LORA_TARGETS))


def test_scenes_are_learnt_as_a_model_with_an_ear_is_asked_for_them():
    expected = instruction_prompt("{question}", context="{music}")
    assert recipe_named("paper").prompt == expected


def test_every_value_of_the_paper_names_its_source():
    for path in RECIPES:
        if path.stem.startswith("paper"):
            values = [line for line in path.read_text().splitlines() if " = " in line]
            assert all("#" in line for line in values if '"""' not in line)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "language_model"),
        (LEAST + "epoks = 2\n", "epoks"),
        (LEAST + "epochs = 0.0\n", "epochs"),
        (LEAST + 'precision = "float8"\n', "float8"),
        (LEAST + "[lora]\nrank = 0\n", "rank"),
        (LEAST + 'frozen_weights = "nf4"\n', "precision"),
        (
            LEAST + 'frozen_weights = "nf4"\nprecision = "bfloat16"\nnorms_and_biases = true\n',
            "norms_and_biases",
        ),
        ("= =", "Invalid"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str, reason: str):
    path = tmp_path / "mine.toml"
    path.write_text(text)
    with pytest.raises(RecipeError, match=reason):
        read_recipe(path)


def test_a_missing_file_is_named(tmp_path: Path):
    with pytest.raises(RecipeError, match=r"absent\.toml: cannot be read"):
        read_recipe(tmp_path / "absent.toml")
