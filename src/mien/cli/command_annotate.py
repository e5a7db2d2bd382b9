"""Label videos by hand in a local web app: valence and arousal, Action Units, expressions.

example: mien annotate init PROJECT talk.mp4 walk.mp4 --annotators r1,r2,r3 --tasks va,au,expression
         mien annotate PROJECT
         mien annotate suggest PROJECT --model mien-base
         mien annotate stage PROJECT verification
         mien annotate export PROJECT labels --format elan
         mien annotate pack PROJECT r1.mienpack --annotator r1
         mien annotate unpack r1.mienpack PROJECT

`mien annotate PROJECT` serves it and prints a link for every annotator. Labels are kept the moment
they are made. `mien consensus PROJECT` turns them into a dataset.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mien.cli import arguments
from mien.cli.output import note, print_json, progress_bar


class _AnyWord(dict[str, argparse.ArgumentParser]):
    """The verbs; any other word is a project that is to be served."""

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str)


class _VerbOrProject(argparse._SubParsersAction):  # type: ignore[type-arg]
    """Sub-commands, of which the folder of a project may stand for `serve`."""

    def __call__(
        self, parser: argparse.ArgumentParser, namespace: argparse.Namespace,
        values: Any, option_string: str | None = None,
    ) -> None:  # fmt: skip
        if values[0] not in self._name_parser_map:
            values = ["serve", *values]
        super().__call__(parser, namespace, values, option_string)


def names(text: str) -> list[str]:
    """Names, parted by commas."""
    return [name.strip() for name in text.split(",") if name.strip()]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    verbs = parser.add_subparsers(
        dest="action", required=True, action=_VerbOrProject, metavar="ACTION",
        help="init, stage, suggest, export, import, pack, unpack, links; or a project's folder",
    )  # fmt: skip
    _add_init(verbs.add_parser("init"))
    serve = verbs.add_parser("serve")
    serve.add_argument("project", type=Path)
    serve.add_argument("--port", type=int, help="to listen on (one that is free)")
    serve.add_argument("--host", default="127.0.0.1", help="for other machines, with --certificate")
    serve.add_argument("--certificate", type=Path, help="of the host, for https")
    serve.add_argument("--key", type=Path, help="of the certificate")
    stage = verbs.add_parser("stage")
    stage.add_argument("project", type=Path)
    stage.add_argument("stage", help="verification, then adjudication")
    stage.add_argument("--force", action="store_true", help="though somebody has not begun")
    links = verbs.add_parser("links")
    links.add_argument("project", type=Path)
    _add_exchange(verbs)
    verbs.choices = _AnyWord(verbs.choices)


def _add_init(init: argparse.ArgumentParser) -> None:
    init.add_argument("project", type=Path)
    init.add_argument("inputs", type=Path, nargs="+", metavar="VIDEO", help="or pictures' folder")
    init.add_argument("--annotators", type=names, required=True, metavar="NAMES", help="r1,r2,r3")
    init.add_argument("--tasks", type=names, default=["va", "au", "expression"])
    init.add_argument("--units", type=names, metavar="AUS", help="1,2,4,6,12,15,20,25 by default")
    init.add_argument("--expressions", type=names, help="the seven basic ones by default")
    init.add_argument("--no-sound", action="store_true", help="videos are not heard")
    init.add_argument("--together", action="store_true", help="all units in one pass")
    init.add_argument("--control", type=float, default=0.2, metavar="SHARE",
                      help="of a model's suggestions that stay hidden (0.2)")  # fmt: skip
    init.add_argument("--fps", type=arguments.frame_rate, default=30.0, help="of the store (30)")
    init.add_argument("--seed", type=arguments.seed, help="of the orders of presentation")
    init.add_argument("--json", action="store_true")


def _add_exchange(verbs: Any) -> None:
    export = verbs.add_parser("export")
    export.add_argument("project", type=Path)
    export.add_argument("folder", type=Path)
    export.add_argument("--round", default="first", help="first, or verify: the second look")
    export.add_argument(
        "--lag-compensated", action="store_true", help="traces earlier by each annotator's lag"
    )
    export.add_argument("--spent", action="store_true", help="with the time that labels took")
    reading = verbs.add_parser("import")
    reading.add_argument("project", type=Path)
    reading.add_argument("folder", type=Path)
    for verb in (export, reading):
        verb.add_argument("--format", default="json", help="json, csv, affwild, au-text or elan")
        verb.add_argument("--annotators", type=names, metavar="NAMES")
        verb.add_argument("--json", action="store_true")
    suggesting = verbs.add_parser("suggest")
    suggesting.add_argument("project", type=Path)
    suggesting.add_argument("--model", required=True, metavar="RUN|FILE|NAME")
    suggesting.add_argument("--checkpoint", choices=("best", "last"), default="best")
    suggesting.add_argument("--threshold", type=float, default=0.5, help="of units (0.5)")
    packing = verbs.add_parser("pack")
    packing.add_argument("project", type=Path)
    packing.add_argument("file", type=Path)
    packing.add_argument("--annotator", required=True)
    packing.add_argument("--no-videos", action="store_true")
    unpacking = verbs.add_parser("unpack")
    unpacking.add_argument("file", type=Path)
    unpacking.add_argument("project", type=Path)


def run(args: argparse.Namespace) -> int:
    return _RUN[args.action](args)


def _init(args: argparse.Namespace) -> int:
    from mien.workflows.annotate import init_annotation

    optional = {"units": args.units, "expressions": args.expressions, "seed": args.seed}
    made = init_annotation(
        args.project, args.inputs, annotators=args.annotators, tasks=args.tasks,
        sound=not args.no_sound, together=args.together, control=args.control, fps=args.fps,
        progress=progress_bar, **{k: v for k, v in optional.items() if v is not None},
    )  # fmt: skip
    for name, why in made.ingested.failed.items():
        note(f"left out: {name}: {why}")
    for name in made.faceless:
        note(f"no face was found in {name}; it can be annotated, and labels no face")
    if args.json:
        print_json({"project": str(made.folder), "items": made.items})
    else:
        print(f"{made.folder}: {len(made.items)} to annotate: {', '.join(made.items)}")
        print(f"`mien annotate {made.folder}` serves it")
    return 0


def _stage(args: argparse.Namespace) -> int:
    from mien.workflows.annotate import set_annotation_stage

    print(set_annotation_stage(args.project, args.stage, force=args.force))
    return 0


def _links(args: argparse.Namespace) -> int:
    from mien.workflows.annotate import annotation_links

    for name, token in annotation_links(args.project).items():
        print(f"{name}  #token={token}")
    return 0


def _export(args: argparse.Namespace) -> int:
    from mien.workflows.annotate import export_annotation

    done = export_annotation(
        args.project, args.folder, format=args.format, annotators=args.annotators,
        round=args.round, lag_compensated=args.lag_compensated, spent=args.spent,
    )  # fmt: skip
    return _exchanged(args, done.files, done.notes, f"{len(done.files)} files in {args.folder}")


def _import(args: argparse.Namespace) -> int:
    from mien.workflows.annotate import import_annotation

    done = import_annotation(
        args.project, args.folder, format=args.format, annotators=args.annotators
    )
    told = f"{done.labels} actions from {len(done.files)} files"
    return _exchanged(args, done.files, done.notes, told)


def _exchanged(
    args: argparse.Namespace, files: Sequence[Path], notes: Sequence[str], told: str
) -> int:
    for line in notes:
        note(line)
    if args.json:
        print_json({"files": [str(path) for path in files], "notes": list(notes)})
    else:
        print(told)
    return 0


def _suggest(args: argparse.Namespace) -> int:
    from mien.workflows.annotate import suggest_annotation

    with progress_bar("looking") as bar:
        done = suggest_annotation(
            args.project, model=args.model, checkpoint=args.checkpoint, threshold=args.threshold,
            progress=bar,
        )  # fmt: skip
    for name in done.unread:
        note(f"{name}: no face in the store")
    told = ", ".join(f"{many} {task}" for task, many in done.ranges.items()) or "none"
    print(f"suggested ranges: {told}; of these {done.hidden} stay hidden, as a control")
    return 0


def _pack(args: argparse.Namespace) -> int:
    from mien.workflows.annotate import pack_annotation

    videos = not args.no_videos
    many = pack_annotation(args.project, args.file, annotator=args.annotator, videos=videos)
    print(f"{args.file}: {args.annotator}, {many} actions")
    return 0


def _unpack(args: argparse.Namespace) -> int:
    from mien.workflows.annotate import unpack_annotation

    found = unpack_annotation(args.file, args.project)
    what = "a new project" if found.created else "the project that was there"
    print(f"{args.project}: {found.actions} actions of {found.annotator} into {what}")
    return 0


def _serve(args: argparse.Namespace) -> int:
    from mien.workflows.annotate_serve import annotate

    with progress_bar("reading videos") as bar:
        annotate(
            args.project, host=args.host, port=args.port, certificate=args.certificate,
            key=args.key, say=lambda line: print(line, flush=True), progress=bar,
        )  # fmt: skip
    return 0


_RUN = {
    "init": _init,
    "stage": _stage,
    "links": _links,
    "export": _export,
    "import": _import,
    "suggest": _suggest,
    "pack": _pack,
    "unpack": _unpack,
    "serve": _serve,
}
