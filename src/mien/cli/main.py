"""Entry point: finds the command, runs it, and turns errors into one clear line."""

import argparse
import errno
import importlib
import os
import sys
from collections.abc import Sequence
from typing import NoReturn, Protocol

from mien import __version__
from mien.errors import InputError, unknown_name
from mien.extras import explained

COMMANDS = {
    "demo": "the whole way on people who do not exist, with a report at the end",
    "download": "videos by their links, pictures by their URLs",
    "probe": "what videos hold: frame rate, duration, size, sound",
    "standardise": "videos at one frame rate, with the time map kept",
    "trim": "cut videos by a list, split them by person or scene",
    "ingest": "videos into a store: decode, resample, detect, track, crop",
    "corpora": "list public corpora and which of them can be imported",
    "import": "a public or private corpus into a store",
    "actors": "film people who do not exist, with exact ground truth",
    "toys": "draw digits or landscapes that any GAN should manage",
    "stats": "count what a store holds",
    "card": "the data card of a store, with what people wrote of it kept",
    "check": "what makes results wrong: leaks, near-duplicates, impossible labels",
    "selftest": "can a small network learn a few faces of a store by heart?",
    "review": "check faces and tracks by eye: drop, merge, name; losses per video",
    "people": "who is in a store; which of them may be one person",
    "split": "make a subject-independent split",
    "annotate": "label videos by hand in a local web app; export, import, pack",
    "consensus": "several annotators' labels into one layer, and how far they agree",
    "labels": "add labels to faces that a store holds; list the layers",
    "forget": "take a person out of a store for good",
    "store": "merge stores, or take a part of one",
    "recipes": "list the recipes, or show one",
    "train": "train a recipe on a store",
    "search": "train a recipe with several settings; say which does best",
    "evaluate": "score a run's last and best checkpoint on a split",
    "baseline": "LDA, SVM or LSTM per Action Unit on the features of a frozen network",
    "reproduce": "rerun a table of the documents, beside the figures it printed",
    "report": "the page of a run: curves, warnings, samples over time",
    "sample": "generate faces, with what the discriminator says of each",
    "analyze": "per-frame affect from videos, images and folders",
    "live": "what the camera shows, while it runs, on a page of this machine",
    "compare": "two tables: two people, two models, or a model and an annotation",
    "models": "list the recognisers that are at hand, with what taught them",
    "export": "a recogniser as ONNX, which needs no torch; a table in other people's formats",
}
"""Name to one line of help; the code of `NAME` is in `mien.cli.command_NAME`."""

BAD_INPUT, INTERRUPTED = 2, 130

_DISK_ERRORS = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk quota is used up",
    errno.EFBIG: "the file would be too large",
    errno.EACCES: "no permission",
    errno.EROFS: "the file system is read-only",
}


class Command(Protocol):
    """What a module of this package offers."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Describe the command's arguments."""

    def run(self, args: argparse.Namespace) -> int:
        """Do it and return the exit code."""


class Parser(argparse.ArgumentParser):
    """One that says what is wrong in one line, without the usage."""

    def error(self, message: str) -> NoReturn:
        """Raise InputError."""
        raise InputError(f"{message} (`{self.prog} --help` lists what there is)")


def overview() -> str:
    """Text of `mien --help`."""
    width = max(map(len, COMMANDS))
    lines = [f"  {name:<{width}}  {text}" for name, text in COMMANDS.items()]
    return "\n".join(
        [
            "usage: mien COMMAND ...",
            "",
            "Facial affect in the wild: from raw video to affect GANs and honest evaluation.",
            "",
            *lines,
            "",
            "`mien COMMAND --help` describes each, with an example.",
            "Results go to stdout, everything else to stderr.",
            "Exit code 0: done; 2: bad input; 130: interrupted.",
        ]
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; never raises for bad input, a full disk or Ctrl-C."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        return _dispatch(arguments)
    except InputError as error:
        print(f"mien: error: {error}", file=sys.stderr)
        return BAD_INPUT
    except KeyboardInterrupt:
        print("mien: interrupted", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        if error.errno is None:
            raise
        where = f"{error.filename}: " if error.filename else ""
        what = _DISK_ERRORS.get(error.errno, "cannot be used")
        print(f"mien: error: {where}{what} ({os.strerror(error.errno)})", file=sys.stderr)
        return BAD_INPUT


def _dispatch(arguments: list[str]) -> int:
    if not arguments or arguments[0] in ("-h", "--help"):
        print(overview())
        return 0
    if arguments[0] == "--version":
        print(f"mien {__version__}")
        return 0
    name = arguments[0]
    if name not in COMMANDS:
        raise unknown_name("command", name, COMMANDS)
    with explained(f"mien {name}"):
        command: Command = importlib.import_module(f"mien.cli.command_{name}")
        parser = Parser(
            prog=f"mien {name}",
            description=command.__doc__,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        command.add_arguments(parser)
        return command.run(parser.parse_args(arguments[1:]))
