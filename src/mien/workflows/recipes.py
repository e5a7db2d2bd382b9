"""`mien.list_recipes`: the recipes that come with mien."""

from typing import TYPE_CHECKING

from mien.errors import check_name

if TYPE_CHECKING:
    from mien.training.recipe import Recipe


def list_recipes() -> "dict[str, Recipe]":
    """Every recipe that comes with mien, by name."""
    from mien.training.recipe import load_recipe, recipe_files

    return {name: load_recipe(name) for name in recipe_files()}


def recipe_text(name: str) -> str:
    """A recipe's file, with its sources and readings; InputError where there is none."""
    from mien.training.recipe import recipe_files

    files = recipe_files()
    check_name("recipe", name, files)
    return files[name].read_text(encoding="utf-8")
