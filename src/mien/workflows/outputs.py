"""What becomes of a raw table: smoothed, read by rule, summed up, in other people's formats.

`mien analyze` writes the raw table first; `finish` makes of it what was asked for. `convert` does
the same to a table that is there already.
"""

import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from mien import __version__, ranges
from mien.analysis.affect_table import AffectTable, read_table
from mien.analysis.baseline import Baseline, take_off_neutral
from mien.analysis.confidence import add_confidence
from mien.analysis.formats import FORMATS, format_of
from mien.analysis.rules import PROTOTYPES, read_by_rule, readable_by_rule
from mien.analysis.smoothing import smooth
from mien.analysis.summary import SUFFIXES, summarise, write_summary
from mien.atomic import write_text
from mien.errors import InputError
from mien.media.names import shown
from mien.recognition.provenance import Provenance
from mien.text import to_json


@dataclass(frozen=True)
class OutputOptions:
    """How a table is to be written.

    format: a name of `FORMATS`; None: the path's suffix says. smooth: width in seconds
    (`analysis.smoothing`). neutral: `auto` takes each person's neutral face off. rules: add the
    reading by rule. confidence: add calibrated confidence. summary: file of a row per person.
    """

    format: str | None = None
    smooth: float | None = None
    neutral: str | None = None
    rules: bool = False
    confidence: bool = False
    summary: Path | None = None

    def check(self, out: Path | None, confident: bool = True) -> None:
        """Raise InputError where options or names do not fit. confident: the model can say it."""
        if out is not None:
            format_of(out, self.format)
        if self.smooth is not None:
            ranges.SMOOTHING.check("smooth", self.smooth)
        if self.neutral not in (None, "auto"):
            raise InputError(f"neutral {self.neutral!r}: the only choice is auto")
        if self.confidence and not confident:
            raise InputError(
                "confidence: this model was calibrated on nothing, so none is given; "
                "benchmarks/calibrate.py calibrates one"
            )
        if self.summary is not None:
            if self.summary.suffix.lower() not in SUFFIXES:
                raise InputError(f"{self.summary}: its name should end in {' or '.join(SUFFIXES)}")
            if not self.summary.parent.is_dir():
                raise InputError(f"{self.summary}: the folder {self.summary.parent} does not exist")

    def check_inputs(self, out: Path, inputs: int, stills: Callable[[], bool]) -> None:
        """Raise InputError where the format cannot hold the inputs.

        stills: whether any is a photograph; asked where it matters.
        """
        name = format_of(out, self.format)
        if FORMATS[name].single and inputs > 1 and not out.is_dir():
            raise _single(out, inputs)
        if FORMATS[name].timed and stills():
            raise InputError(f"{out}: {name} is made of times, and photographs have none")

    def raw(self, out: Path) -> bool:
        """Whether the raw table as CSV is what was asked for."""
        changed = self.smooth, self.neutral, self.rules, self.confidence
        return format_of(out, self.format) == "mien" and _is_csv(out) and not any(changed)


def _is_csv(path: Path) -> bool:
    return not path.is_dir() and path.suffix.lower() == ".csv"


@dataclass
class Converted:
    """What was written. baselines: of each person, with `neutral`. unread: emotions that the rule
    cannot read, as the model lacks a unit of theirs."""

    files: list[Path]
    table: AffectTable
    baselines: list[Baseline] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)


@contextmanager
def raw_table(
    out: Path | None, options: OutputOptions, say: Callable[[str], None]
) -> Iterator[Path]:
    """Yield where the raw rows are to be written: `out` itself, or a file that goes in the end.

    What is made of them may fail, and they took long: then they are kept beside `out`, and said.
    """
    if out is None:
        with tempfile.TemporaryDirectory(prefix="mien-") as alone:
            yield Path(alone) / "table.csv"
        return
    if options.raw(out):
        yield out
        return
    folder, name = out.parent, out.name
    if out.is_dir():
        folder, name = out, "table"
    raw = folder / f".{name}.raw.csv"
    try:
        yield raw
    except BaseException:
        if raw.exists():
            kept = folder / f"{name}.raw.csv"
            raw.replace(kept)
            say(f"{shown(kept)}: the raw table, which `mien export table` reads")
        raise
    raw.unlink(missing_ok=True)


def finish(
    raw: Path,
    out: Path | None,
    options: OutputOptions,
    *,
    about: Mapping[str, Any] | None = None,
    provenance: Provenance | None = None,
) -> Converted:
    """Write `out`, the summary and the JSON beside each table, from a raw table.

    raw: CSV or Parquet; `out` itself where `options.raw(out)`. out: a file, or a folder that gets a
    file per input; None: the table is made in memory alone. about: what else the JSON says, as
    inputs and what was skipped. provenance: of the model. Raises InputError where the format cannot
    hold the table.
    """
    done = Converted([], read_table(raw))
    if options.neutral:
        done.table, done.baselines = take_off_neutral(done.table)
    if options.smooth is not None:
        done.table = smooth(done.table, options.smooth)
    if options.rules:
        known = readable_by_rule(done.table)
        done.unread = [emotion for emotion in PROTOTYPES if emotion not in known]
        done.table = read_by_rule(done.table)
    if options.confidence and provenance is not None:
        done.table = add_confidence(done.table, provenance)
    if out is not None:
        done.files = (
            [out] if raw == out else _write(out, options.format, done.table, [raw, options.summary])
        )
    described = _described(options, done, provenance) | dict(about or {})
    for file in done.files:
        write_text(beside(file), to_json({"table": file.name, **described}))
    if options.summary is not None:
        write_summary(options.summary, summarise(done.table))
    return done


def convert(
    table: str | Path,
    out: str | Path,
    *,
    format: str | None = None,
    smooth: float | None = None,
    neutral: str | None = None,
    rules: bool = False,
    summary: str | Path | None = None,
) -> Converted:
    """Write a table that `mien analyze` wrote in another format, smoothed, or summed up.

    out: a file, or a folder that gets a file per input. format: None: the suffix of `out` says.
    Raises InputError where the table is none, or cannot be held by the format.
    """
    source, target = Path(table), Path(out)
    options = OutputOptions(format, smooth, neutral, rules, False, _path(summary))
    options.check(target)
    if not target.is_dir() and not target.parent.is_dir():
        raise InputError(f"{target}: the folder {target.parent} does not exist")
    check_apart([source], target, options.summary)
    return finish(source, target, options, about={"source": shown(source)})


def check_apart(inputs: Iterable[Path], table: Path | None, *others: Path | None) -> None:
    """Raise InputError where two outputs, or an output and an input, are one file.

    table: the JSON beside it counts too, where it is a file.
    """
    taken = {path.resolve(): "is an input, and would be overwritten" for path in inputs}
    ours = [table, *others] if table is None or table.is_dir() else [table, beside(table), *others]
    for path in ours:
        if path is None or path.is_dir():
            continue
        if why := taken.get(path.resolve()):
            raise InputError(f"{path}: {why}")
        taken[path.resolve()] = "is asked for twice; give each output a name of its own"


def beside(table: Path) -> Path:
    """The JSON that lies beside a table: `talk.csv.json`."""
    return table.with_name(f"{table.name}.json")


def model_facts(model: str | Path | None, recogniser: Any) -> dict[str, Any]:
    """Name of the model as given, SHA-256 of its content, heads and what taught them."""
    if recogniser is None:
        return {"model": None}
    return {
        "model": {
            "name": None if model is None else str(model),
            "sha256": getattr(recogniser, "sha256", None),
            "heads": {head.name: list(head.outputs) for head in recogniser.heads},
            "labels": recogniser.provenance.to_dict(),
        }
    }


def _path(given: str | Path | None) -> Path | None:
    return None if given is None else Path(given)


def _described(
    options: OutputOptions, done: Converted, provenance: Provenance | None
) -> dict[str, Any]:
    values = {k: str(v) if isinstance(v, Path) else v for k, v in asdict(options).items()}
    found: dict[str, Any] = {
        "mien": __version__,
        "output": values,
        "rows": done.table.table.num_rows,
    }
    if options.neutral:
        found["neutral"] = [asdict(entry) for entry in done.baselines]
    if options.rules:
        found["rules"] = {"source": "bartissol-2017, Table 2", "unread": done.unread}
    if options.confidence and provenance is not None:
        found["calibrated"] = {name: c.on for name, c in provenance.calibrations.items()}
    return found


def _write(
    out: Path, name: str | None, table: AffectTable, kept: Iterable[Path | None]
) -> list[Path]:
    """Write the table; kept: files that no file of a folder may replace."""
    form = FORMATS[format_of(out, name)]
    if not out.is_dir():
        if form.single and len(table.inputs) > 1:
            raise _single(out, len(table.inputs))
        form.write(out, table)
        return [out]
    files = _names(out, table.inputs, form.suffixes[0])
    check_apart((path for path in kept if path is not None), None, *files.values())
    for input_, path in files.items():
        form.write(path, table.of(input_))
    return list(files.values())


def _single(out: Path, inputs: int) -> InputError:
    return InputError(
        f"{out}: this format holds one input, and there are {inputs}: name a folder, which gets a "
        "file for each"
    )


def _names(folder: Path, inputs: Iterable[str], suffix: str) -> dict[str, Path]:
    """A file of the folder for each input, named as it is; of one name, numbered."""
    found: dict[str, Path] = {}
    for name in inputs:
        stem = Path(name).stem or "input"
        path, number = folder / f"{stem}{suffix}", 1
        while path in found.values():
            number += 1
            path = folder / f"{stem}-{number}{suffix}"
        found[name] = path
    return found
