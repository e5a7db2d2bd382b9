"""Score a run, or anybody's table of predictions, on a whole split.

example: mien evaluate runs/first --part val --json
         mien evaluate runs/first --intervals --by person --thresholds val --report page.html
         mien evaluate --predictions openface.csv --store faces --part test --against runs/first

For every head: per-unit counts, precision, recall, F1, accuracy, AUC and their means; CCC, MSE and
RMSE of valence and arousal; expression accuracy, macro and weighted F1, confusion matrix (row =
label); and the shares of real faces called real, of generated ones called fake, and of generated
ones in which the face detector finds a face (beside how many real ones it finds). Null where
nothing is labelled. The result is kept in the run's evaluation.json.

--predictions scores the table of another tool (mien's own analysis, OpenFace 2, py-feat: columns
AU01_p, AU01_c, AU01_r, AU01, Happy or happiness, valence ...): rows are joined to faces by image,
or video and time, and box; what becomes of every row is said. --intervals draws people again and
again; --against tests two recognisers on the same faces, paired by person. --thresholds val and
--post-process val choose on val and report on the part, with and without. --sweep scores every
checkpoint that the run kept (--set keep_checkpoints=1000 while training); those of an earlier sweep
stay.
"""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mien.cli.arguments import seed
from mien.cli.output import note, print_json, print_table, progress_bar
from mien.errors import InputError

if TYPE_CHECKING:
    from mien.evaluation.details import Details


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", type=Path, nargs="?")
    parser.add_argument(
        "--predictions", type=Path, metavar="FILE", help="a table, instead of a run"
    )
    parser.add_argument("--store", type=Path, help="the run's own where not given")
    parser.add_argument(
        "--part", "--split", dest="part", default="test", metavar="PART",
        help="train, val or test; of a table also all",
    )  # fmt: skip
    parser.add_argument("--split-name", metavar="NAME", help="of the store's splits; its default")
    parser.add_argument(
        "--layers",
        type=lambda text: text.split(","),
        metavar="LAYER,...",
        help="of labels, in order of precedence; all where not given",
    )
    parser.add_argument(
        "--intervals", action="store_true", help="95 %% of every score, people drawn again"
    )
    parser.add_argument(
        "--by", action="append", default=[], choices=("person", "video"), help="a table by each"
    )
    parser.add_argument("--thresholds", metavar="PART", help="of units, the best on this part")
    parser.add_argument(
        "--post-process", metavar="PART", dest="post_process",
        help="median filter, centring, scaling and time shift, the best on this part",
    )  # fmt: skip
    parser.add_argument(
        "--against", type=Path, metavar="OTHER", help="another run or table: a paired test"
    )
    parser.add_argument("--calibration", type=Path, metavar="FILE.png", help="draw reliability")
    parser.add_argument("--report", type=Path, metavar="FILE.html", help="all of it as a page")
    parser.add_argument("--submission", type=Path, metavar="DIR", help="the ABAW challenges' files")
    parser.add_argument("--seed", type=seed, default=0, help="of generated faces, of people drawn")
    parser.add_argument(
        "--sweep",
        action="store_true",
        help="score every checkpoint; give each metric's best and its step, as the documents do",
    )
    parser.add_argument("--json", action="store_true")


def run(args: argparse.Namespace) -> int:
    if (args.run is None) == (args.predictions is None):
        raise InputError("give a run's folder, or --predictions FILE and --store STORE")
    if args.predictions is not None:
        return _run_predictions(args)
    from mien.workflows.evaluate import evaluate, sweep

    common: dict[str, Any] = {
        "store": args.store, "part": args.part, "split": args.split_name, "layers": args.layers,
        "seed": args.seed,
    }  # fmt: skip
    if not args.sweep:
        common |= {
            "details": _details(args), "against": args.against, "submission": args.submission
        }  # fmt: skip
    elif _details(args) is not None or args.against or args.submission:
        raise InputError("--sweep scores every checkpoint and goes with no other question")
    with progress_bar(f"{'sweep' if args.sweep else 'evaluate'} {args.part}") as progress:
        results = (sweep if args.sweep else evaluate)(args.run, **common, progress=progress)
    if len(results) > 1 and (args.calibration or args.report):
        raise InputError(f"{args.run}: has several stores; name one with --store for a page")
    result = next(iter(results.values()))
    _write_pages(args, result, str(args.run))
    if args.json:
        print_json(result if len(results) == 1 else results)
        return 0
    for name, found in results.items():
        (_show_sweep if args.sweep else _show)(args, name, found)
    return 0


def _run_predictions(args: argparse.Namespace) -> int:
    from mien.workflows.evaluate import evaluate_predictions

    if args.store is None:
        raise InputError("--predictions needs --store STORE, whose labels they are held against")
    if args.sweep:
        raise InputError("--sweep is of a run's checkpoints")
    with progress_bar(f"evaluate {args.part}") as progress:
        result = evaluate_predictions(
            args.predictions, store=args.store, part=args.part, split=args.split_name,
            layers=args.layers, seed=args.seed, details=_details(args), against=args.against,
            submission=args.submission, progress=progress,
        )  # fmt: skip
    for line in result["notes"]:
        note(line)
    _write_pages(args, result, str(args.predictions))
    if args.json:
        print_json(result)
        return 0
    from mien.report.evaluation_tables import score_lines

    title = (
        f"{args.predictions} on {args.part} of {args.store}: {result['predicted']} of "
        f"{result['faces']} faces; {result['definitions']}"
    )
    known = [[name, value] for name, value in score_lines(result["scores"]) if value == value]
    print_table(["", "score"], known, title)
    _show_details(result["details"])
    return 0


def _details(args: argparse.Namespace) -> "Details | None":
    """What is asked for beside the scores; None where nothing is."""
    from mien.evaluation.details import Details

    pages = args.calibration or args.report
    asked = Details(
        args.intervals, tuple(dict.fromkeys(args.by)), args.thresholds, args.post_process
    )
    return asked if asked != Details() or pages else None


def _write_pages(args: argparse.Namespace, result: dict[str, Any], name: str) -> None:
    if args.calibration:
        from mien.workflows.report import write_calibration

        write_calibration(args.calibration, result["details"])
        note(f"drew {args.calibration}")
    if args.report:
        from mien.workflows.report import write_evaluation

        write_evaluation(args.report, result, name)
        note(f"Open {args.report}")


def _show(args: argparse.Namespace, name: str, result: dict[str, Any]) -> None:
    from mien.report.evaluation_tables import score_lines

    both = {kept: result[kept] for kept in ("last", "best")}
    seen = ""
    if "real_with_a_face" in result:
        seen = f", the detector finds one in {result['real_with_a_face']:.0%} of a sample"
    title = f"{args.run} on {name}: {result['faces']} faces{seen}; {result['definitions']}"
    columns = ["", *(f"{kept} (step {scores['step']})" for kept, scores in both.items())]
    rows = zip(*(score_lines(scores) for scores in both.values()), strict=True)
    print_table(columns, [[pair[0][0], *(value for _, value in pair)] for pair in rows], title)
    if "details" in result:
        _show_details(result["details"])


def _show_details(details: dict[str, Any]) -> None:
    from mien.report.evaluation_tables import detail_tables

    for title, (columns, rows) in detail_tables(details):
        print_table(columns, rows, title)


def _show_sweep(args: argparse.Namespace, name: str, result: dict[str, Any]) -> None:
    title = f"{args.run} on {name}: best of {len(result['checkpoints'])} checkpoints"
    rows = [
        [measure, best["value"], best["step"]]
        for measure, best in result["best"].items()
        if best["step"] is not None
    ]
    print_table(["", "best", "at step"], rows, title)
