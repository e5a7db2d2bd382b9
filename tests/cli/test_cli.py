import argparse
import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

from mien.cli.main import COMMANDS
from mien.corpora import CORPORA

HEAVY = ("numpy", "torch", "pyarrow", "av", "PIL", "rich", "pydantic", "onnxruntime")


def test_help_loads_nothing_heavy():
    code = (
        "import sys\nfrom mien.cli.main import main\nassert main(['--help']) == 0\n"
        f"print([m for m in {HEAVY!r} if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_the_overview_names_every_command(cli):
    shown = cli("--help")
    assert shown.code == 0
    assert all(name in shown.out for name in COMMANDS)
    assert cli().out == shown.out
    assert cli("--version").out.startswith("mien 0.")


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_with_an_example_and_loads_nothing_heavy(name):
    code = (
        "import sys\nfrom mien.cli.main import main\n"
        f"try: main([{name!r}, '--help'])\nexcept SystemExit: pass\n"
        f"print([m for m in {HEAVY!r} if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "example: mien" in done.stdout
    assert done.stdout.splitlines()[-1] == "[]"


def destinations(parser: argparse.ArgumentParser) -> set[str]:
    """Every option that a parser and the parsers of its actions put into the arguments."""
    found = set()
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for inner in action.choices.values():
                found |= destinations(inner)
        found.add(action.dest)
    return found - {"help"}


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_is_read(name):
    command = importlib.import_module(f"mien.cli.command_{name}")
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    file = Path(command.__file__)
    files = [file, *file.parent.glob(f"{name}_*.py")]
    source = "".join(path.read_text(encoding="utf-8") for path in files)
    read = set(re.findall(r"\bargs\.(\w+)", source))
    assert destinations(parser) <= read


@pytest.mark.parametrize("name", CORPORA)
def test_every_option_of_a_corpus_is_read(name):
    corpus = CORPORA[name].load()
    parser = argparse.ArgumentParser()
    corpus.add_arguments(parser)
    modules = {kind.__module__ for kind in type(corpus).__mro__ if kind.__module__[:4] == "mien"}
    files = [Path(sys.modules[module].__file__) for module in modules]
    source = "".join(path.read_text(encoding="utf-8") for path in files)
    assert destinations(parser) <= set(re.findall(r"\bargs\.(\w+)", source))


def test_an_unknown_command_names_the_nearest(cli):
    result = cli("analyse")
    assert result.code == 2
    assert result.err == "mien: error: unknown command 'analyse': did you mean 'analyze'?\n"


def test_bad_arguments_exit_with_2(cli, tmp_path):
    for arguments in (
        ["ingest"],
        ["ingest", "a.mp4", "--store", tmp_path / "s", "--size", "3"],
        ["ingest", "a.mp4", "--store", tmp_path / "s", "--fps", "0"],
        ["ingest", "a.mp4", "--store", tmp_path / "s", "--detector", "haar"],
        ["import", "affwild9", tmp_path, "--store", tmp_path / "s"],
        ["split", tmp_path, "--ratios", "0.5,0.2"],
        ["stats", tmp_path],
        ["recipes", "none"],
    ):
        result = cli(*arguments)
        assert result.code == 2, arguments
        assert result.err.startswith("mien: error: ")
        assert result.err.count("\n") == 1
    assert not (tmp_path / "s").exists()


def test_one_bad_video_does_not_stop_the_rest(clip, tmp_path, cli):
    import json

    (tmp_path / "bad.mp4").write_bytes(b"no video")
    result = cli("ingest", tmp_path / "bad.mp4", clip, "--store", tmp_path / "s", "--json")
    assert result.code == 2
    assert "bad.mp4" in result.err
    found = json.loads(result.out)
    assert [Path(entry["input"]).name for entry in found["failed"]] == ["bad.mp4"]
    assert [(v["status"], v["frames"]) for v in found["videos"]] == [("ingested", 120)]


def test_a_full_disk_is_one_clear_line_and_leaves_the_store_whole(clip, tmp_path):
    """A limit on file sizes stands in for a full disk: the same error from the same calls."""
    import resource

    from mien.store import Store

    Store.open_or_create(tmp_path / "s", 96)

    def small_files() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))

    command = [sys.executable, "-m", "mien", "ingest", str(clip), "--store", str(tmp_path / "s")]
    done = subprocess.run(command, capture_output=True, text=True, preexec_fn=small_files)
    assert done.returncode == 2, done.stderr
    assert "too large" in done.stderr
    assert "Traceback" not in done.stderr
    assert len(Store.open(tmp_path / "s")) == 0
    assert not list((tmp_path / "s").rglob("*.npy"))


def test_a_closed_pipe_is_no_error():
    done = subprocess.run(
        f"{sys.executable} -m mien recipes config1-32 | head -1",
        shell=True,
        capture_output=True,
        text=True,
    )
    assert done.stdout.startswith("# Source")
    assert done.stderr == ""
