"""Write docs/commands.md from the commands' own help: `make docs`; a test keeps it up to date."""

import argparse
import importlib
from pathlib import Path

from mien.cli.command_import import parser_of
from mien.cli.main import COMMANDS, overview
from mien.corpora import CORPORA

TARGET = Path(__file__).with_name("commands.md")


def text() -> str:
    """Return the page."""
    parts = ["# Commands", "", "```", overview(), "```", ""]
    for name in COMMANDS:
        command = importlib.import_module(f"mien.cli.command_{name}")
        parser = argparse.ArgumentParser(
            prog=f"mien {name}",
            description=command.__doc__,
            formatter_class=lambda prog: argparse.RawDescriptionHelpFormatter(prog, width=100),
        )
        command.add_arguments(parser)
        parts += [f"## mien {name}", "", "```", parser.format_help().rstrip(), "```", ""]
        if name == "import":
            for kind in CORPORA:
                shown = parser_of(kind).format_help().rstrip()
                parts += [f"### mien import {kind}", "", "```", shown, "```", ""]
    return "\n".join(parts)


if __name__ == "__main__":
    TARGET.write_text(text(), encoding="utf-8")
