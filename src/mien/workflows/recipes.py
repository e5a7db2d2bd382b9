"""`mien.list_recipes`: the recipes that come with mien."""

from mien.errors import unknown_name
from mien.training.recipe import Recipe, load_recipe, recipe_files


def list_recipes() -> dict[str, Recipe]:
    """Every recipe that comes with mien, by name."""
    return {name: load_recipe(name) for name in recipe_files()}


def recipe_text(name: str) -> str:
    """A recipe's file, with its sources and readings; InputError where there is none."""
    files = recipe_files()
    if name not in files:
        raise unknown_name("recipe", name, files)
    return files[name].read_text(encoding="utf-8")
