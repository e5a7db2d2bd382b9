"""List the recipes that come with mien, or show one with its sources and readings.

example: mien recipes
         mien recipes config1-32
"""

import argparse

from mien.cli.output import print_json, print_table


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", nargs="?")
    parser.add_argument("--json", action="store_true")


def run(args: argparse.Namespace) -> int:
    from mien.workflows.recipes import list_recipes, recipe_text

    if args.name is not None:
        text = recipe_text(args.name)
        if not args.json:
            print(text, end="")
            return 0
    chosen = [r for name, r in list_recipes().items() if args.name in (None, name)]
    if args.json:
        print_json([recipe.model_dump(mode="json") for recipe in chosen])
    else:
        rows = [[r.name, r.image_size, r.method.name, r.title, r.source] for r in chosen]
        print_table(("recipe", "px", "method", "what", "source"), rows)
    return 0
