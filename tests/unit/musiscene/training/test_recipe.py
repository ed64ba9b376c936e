from pathlib import Path

import pytest

import musiscene
from musiscene.checkpoints.registry import MODELS
from musiscene.errors import RecipeError
from musiscene.training.recipe import read_recipe

RECIPES = sorted((Path(musiscene.__file__).parent / "recipes").glob("*.toml"))
LEAST = 'language_model = "smollm2-135m-instruct"\nprompt = "{music}"\n'


def test_there_are_recipes():
    assert {path.name for path in RECIPES} >= {"smoke.toml", "tiny.toml"}


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_a_shipped_recipe_can_be_read_and_says_how_it_is_run(path: Path):
    recipe = read_recipe(path)
    assert recipe.language_model in MODELS
    assert "{music}" in recipe.prompt
    assert path.read_text().startswith(f"# musiscene train musiscene/recipes/{path.name}")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "language_model"),
        (LEAST + "epoks = 2\n", "epoks"),
        (LEAST + "epochs = 0.0\n", "epochs"),
        (LEAST + 'precision = "float8"\n', "float8"),
        (LEAST + "[lora]\nrank = 0\n", "rank"),
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
