"""List the recipes that come with mien, or show one with its sources and readings.

example: mien recipes
         mien recipes config1-32
"""

import argparse

from mien.cli.output import print_json, print_table
from mien.errors import unknown_name


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", nargs="?")
    parser.add_argument("--json", action="store_true")


def run(args: argparse.Namespace) -> int:
    from mien.training.recipe import load_recipe, recipe_files

    files = recipe_files()
    if args.name is not None and args.name not in files:
        raise unknown_name("recipe", args.name, files)
    if args.name is not None and not args.json:
        print(files[args.name].read_text(encoding="utf-8"), end="")
        return 0
    names = [args.name] if args.name else list(files)
    recipes = [load_recipe(name).model_dump(mode="json") for name in names]
    if args.json:
        print_json(recipes)
    else:
        rows = [[r["name"], r["image_size"], r["title"], r["source"]] for r in recipes]
        print_table(("recipe", "px", "what", "source"), rows)
    return 0
