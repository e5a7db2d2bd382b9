"""Train every recipe a few steps in two checkouts, and compare the losses that they log.

run: python benchmarks/compare_losses.py OLD NEW --corpus CORPUS [--recipes NAME ...] [--out FILE]
     [--old-set NAME key=value ...] [--new-set NAME key=value ...]

OLD and NEW are checkouts of this repository; CORPUS is a folder that `mien import folder` takes, of
crops of 96 px and more. Each checkout imports and splits it by itself, then trains every recipe for
20 steps in float32 on one thread, with the same seed. Printed: the largest relative difference over
the logged numbers of step 1 and of step 20.
"""

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

STEPS = 20
LEFT_OUT = ("speed/", "monitor/", "val/", "step", "warning")


def mien(checkout: Path, *words: object) -> None:
    environment = {
        **os.environ,
        "PYTHONPATH": str(checkout / "src"),
        "OMP_NUM_THREADS": "1",
    }
    command = [sys.executable, "-m", "mien", *map(str, words)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{checkout}: mien {words[0]} {words[1]}: {done.stderr.strip()[-300:]}")


def losses(
    checkout: Path, store: Path, run: Path, recipe: str, settings: list[str]
) -> dict[int, Any]:
    words = [f"steps={STEPS}", "log_every=1", "checkpoint_every=1000", "seed=3", *settings]
    sets = [word for setting in words for word in ("--set", setting)]
    mien(checkout, "train", recipe, "--store", store, "--run", run, *sets)
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text("utf-8").splitlines()]
    logged: dict[int, Any] = {}
    for line in lines:
        numbers = {k: v for k, v in line.items() if not k.startswith(LEFT_OUT)}
        logged.setdefault(line["step"], {}).update(numbers)
    return logged


def difference(old: dict[str, float], new: dict[str, float]) -> tuple[float, str]:
    """Largest relative difference over the names that both have, and of which."""
    shared = sorted(old.keys() & new.keys())
    if not shared:
        return math.nan, ""
    apart = {name: abs(old[name] - new[name]) / max(abs(old[name]), 1e-3) for name in shared}
    worst = max(apart, key=apart.__getitem__)
    return apart[worst], worst


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("old", type=Path)
    parser.add_argument("new", type=Path)
    parser.add_argument("--corpus", type=Path, required=True)
    parser.add_argument("--recipes", nargs="*")
    parser.add_argument("--old-set", nargs="*", action="append", default=[])
    parser.add_argument("--new-set", nargs="*", action="append", default=[])
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    names = args.recipes or sorted(p.stem for p in (args.new / "src/mien/recipes").glob("*.toml"))
    extra = [{words[0]: words[1:] for words in given} for given in (args.old_set, args.new_set)]
    lines = ["| recipe | step 1 | step 20 | largest at step 20 |", "| --- | --- | --- | --- |"]
    print(*lines, sep="\n", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        sides = []
        for side, checkout in (("old", args.old), ("new", args.new)):
            store = work / f"{side}-store"
            mien(checkout, "import", "folder", args.corpus, "--store", store, "--size", 96)
            mien(checkout, "split", store, "--ratios", "0.7,0.15,0.15")
            sides.append((checkout, store))
        for name in names:
            found = [
                losses(checkout, store, work / f"{name}-{i}", name, extra[i].get(name, []))
                for i, (checkout, store) in enumerate(sides)
            ]
            first, _ = difference(found[0].get(1, {}), found[1].get(1, {}))
            last, worst = difference(found[0].get(STEPS, {}), found[1].get(STEPS, {}))
            lines.append(f"| {name} | {first:.1e} | {last:.1e} | {worst} |")
            print(lines[-1], flush=True)
    if args.out:
        args.out.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
