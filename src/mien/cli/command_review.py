"""Check faces and tracks by eye, on a page in the browser, on this machine alone.

example: mien review faces
         mien review faces --apply
         mien review faces --report losses.html

Open the link that is printed: a contact sheet per track. Drop wrong faces and tracks, say that two
tracks are one person, name people, set sex and notes; undo as far back as you like. Decisions are
kept in the store as they are made (review.jsonl), and count when they are applied: dropped faces
stay in the store, but no split has them.

--report and --json: frames before and after detection, and the sizes of faces, per video, without
a page being served. Ctrl-C stops the server.
"""

import argparse
from pathlib import Path

from mien.cli.output import note, print_json, progress_bar


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("store", type=Path)
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--apply", action="store_true", help="apply what was decided")
    what.add_argument("--report", type=Path, metavar="PAGE.html", help="losses and face sizes")
    what.add_argument("--json", action="store_true", help="the same, on stdout")
    parser.add_argument("--port", type=int, help="to listen on (one that is free)")


def run(args: argparse.Namespace) -> int:
    from mien.workflows.review import apply_review, review, review_report

    if args.apply:
        print(f"{args.store}: {apply_review(args.store)} faces are left out")
    elif args.report or args.json:
        with progress_bar("review") as progress:
            found = review_report(args.store, args.report, progress=progress)
        if args.json:
            print_json(found)
        else:
            note(f"wrote {args.report}")
    else:
        review(args.store, port=args.port, say=lambda line: print(line, flush=True))
    return 0
