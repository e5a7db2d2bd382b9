"""Add videos to a store: decode with exact times, resample, detect, track, crop.

example: mien ingest talk.mp4 interview.mov --store faces

What the store already holds is skipped; what was interrupted is resumed. Frames without a face are
counted, not lost. One bad file does not stop the rest: it is listed, and the exit code is 2.
Several processes may ingest into one store. In the store the videos are `videos/talk.mp4`, or
`NAME/talk.mp4` with --corpus NAME.
"""

import argparse
from dataclasses import asdict
from pathlib import Path

from mien.cli.arguments import frame_rate, margin, pixel_size
from mien.cli.output import note, print_json, print_table, progress_bar
from mien.errors import InputError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("videos", nargs="+", type=Path, metavar="VIDEO")
    parser.add_argument("--store", required=True, type=Path, help="made where it does not exist")
    parser.add_argument("--corpus", default="videos", metavar="NAME", help="of the videos (videos)")
    parser.add_argument("--size", type=pixel_size, help="side of the crops in pixels (96)")
    parser.add_argument("--fps", type=frame_rate, default=30.0, help="frame-rate grid (30)")
    parser.add_argument("--margin", type=margin, help="room around a face's box, as a share (0.05)")
    parser.add_argument("--detector", default="centerface")
    parser.add_argument(
        "--tracker", default="iou", help="iou or nearest-centre (au-va-thesis's rule)"
    )
    parser.add_argument("--json", action="store_true", help="print the summary as JSON")


def run(args: argparse.Namespace) -> int:
    from mien.cli.arguments import check_name
    from mien.faces import DETECTORS, TRACKERS
    from mien.faces.crop import MARGIN
    from mien.faces.ingest import Ingester, IngestSettings, VideoSummary
    from mien.store import Store
    from mien.store.schema import check_part_name

    check_name("detector", args.detector, DETECTORS)
    check_name("tracker", args.tracker, TRACKERS)
    check_part_name("corpus", args.corpus)
    chosen = MARGIN if args.margin is None else args.margin
    settings = IngestSettings(args.fps, args.detector, args.tracker, chosen)
    existed = (args.store / "store.json").exists()
    store = Store.open_or_create(args.store, args.size)
    summaries: list[dict[str, object]] = []
    failures = 0
    ingester = Ingester(store, settings, args.corpus)
    for path in args.videos:
        try:
            with progress_bar(path.name) as progress:
                summaries.append(asdict(ingester.ingest(path, progress)))
        except InputError as error:
            failures += 1
            note(f"error: {error}")
            failed = asdict(VideoSummary(str(path), path.name, status="failed"))
            summaries.append({**failed, "error": str(error)})
    if not existed and failures == len(summaries):
        store.discard_if_empty()
    if args.json:
        print_json({"store": str(args.store), "videos": summaries, "failed": failures})
    else:
        shown = ("input", "status", "frames", "frames_with_face", "faces", "tracks", "loss")
        print_table(shown, [[row[name] for name in shown] for row in summaries])
    return 2 if failures else 0
