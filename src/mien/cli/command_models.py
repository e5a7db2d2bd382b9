"""List the recognisers at hand: those that come with mien, and those of a folder of one's own.

example: mien models
         mien models my-models --json

DIR, or the folder that MIEN_MODELS names, may hold .onnx and .safetensors files and runs; those of
MIEN_MODELS go by their name wherever a model is named. `--model NAME@SHA256` refuses another
content (eight digits are enough). Loading executes no code from any file. `taught with` says what
labels taught a head: votes, people, silver, derived, actors, mixed; unvalidated where the file does
not say. --json has it per unit.
"""

import argparse
from dataclasses import asdict
from pathlib import Path

from mien.cli.output import note, print_json, print_table


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", nargs="?", type=Path, metavar="DIR")
    parser.add_argument("--json", action="store_true")


def run(args: argparse.Namespace) -> int:
    from mien.workflows.models import list_models

    found = list_models(args.folder)
    if args.json:
        print_json([asdict(entry) | {"path": str(entry.path)} for entry in found])
        return 0
    rows = []
    for entry in found:
        if entry.error is not None:
            note(f"{entry.name}: {entry.error}")
        taught = {h: ", ".join(dict.fromkeys(of.values())) for h, of in entry.sources.items()}
        heads = "; ".join(f"{head} ({len(names)})" for head, names in entry.heads.items())
        said = "; ".join(f"{head}: {sources}" for head, sources in taught.items())
        rows.append((entry.name, f"{entry.bytes / 1e6:.1f}", entry.sha256[:12], heads, said))
    print_table(("name", "MB", "SHA-256", "heads (outputs)", "taught with"), rows)
    return 0
