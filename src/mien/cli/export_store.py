"""`mien export store`: its arguments, and what it prints."""

import argparse
from pathlib import Path

from mien.cli.output import note, print_json, progress_bar


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the arguments."""
    parser.add_argument("store", type=Path)
    parser.add_argument("--out", required=True, type=Path, metavar="FILE|DIR")
    parser.add_argument(
        "--format", required=True, metavar="NAME",
        help="folder, hdf5, huggingface, thesis, tfrecord, affwild2 or webdataset",
    )  # fmt: skip
    parser.add_argument("--part", help="train, val or test; all faces otherwise")
    parser.add_argument("--split", metavar="NAME")
    parser.add_argument("--size", type=int, help="of the crops in pixels, at most the store's")
    parser.add_argument(
        "--for", dest="purpose", choices=("research", "publication"), default="research",
        help="what everybody's consent has to cover (research)",
    )  # fmt: skip
    parser.add_argument(
        "--pseudonymous", action="store_true", help="people, videos and images named anew"
    )
    parser.add_argument("--json", action="store_true")


def run(args: argparse.Namespace) -> int:
    """Export a store."""
    from mien.workflows.export_store import export_store

    with progress_bar("export") as progress:
        done = export_store(
            args.store, args.out, format=args.format, part=args.part, split=args.split,
            size=args.size, purpose=args.purpose, pseudonymous=args.pseudonymous, say=note,
            progress=progress,
        )  # fmt: skip
    if args.json:
        print_json({"out": str(done.path), "format": done.format, "faces": done.faces,
                    "bytes": done.bytes})  # fmt: skip
    else:
        print(f"{done.path}: {done.faces} faces, {done.bytes / 1e6:.1f} MB")
    return 0
