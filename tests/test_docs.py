import importlib.util
import re
import shlex
from pathlib import Path

import pytest

from mien.cli.main import COMMANDS

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")])


def test_the_command_page_is_what_the_commands_say():
    spec = importlib.util.spec_from_file_location("make_commands", ROOT / "docs/make_commands.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert (ROOT / "docs/commands.md").read_text(encoding="utf-8") == module.text(), "make docs"


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target


def test_the_readmes_commands_exist_with_their_options():
    import argparse
    import importlib

    text = (ROOT / "README.md").read_text(encoding="utf-8")
    lines = re.findall(r"^ {4}mien (.+?)(?:\s{2,}#.*)?$", text, re.M)
    assert len(lines) >= 8
    for line in lines:
        name, *arguments = shlex.split(line)
        assert name in COMMANDS
        parser = argparse.ArgumentParser()
        importlib.import_module(f"mien.cli.command_{name}").add_arguments(parser)
        parser.parse_args(arguments)


def test_the_readmes_make_targets_exist():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    targets = set(re.findall(r"\bmake\s+([a-z]+)", text))
    rules = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M))
    assert {"demo", "test", "check", "slow", "bench"} <= targets <= rules
