"""Take a person out of a store for good: rows, labels, splits, logs, journals, pixels in all sizes.

What is to be forgotten is noted first, in partial/; then everything is written again without the
person, store.json last; then what is left of the old is removed, and the note with it. Whatever is
interrupted goes on when the same, or any other person, is forgotten next.
"""

import json
import re
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from mien.atomic import write_text
from mien.errors import InputError, unknown_name
from mien.store.decisions import Journal, forget_decisions
from mien.store.edit import Edit
from mien.store.files import fingerprint, flush, log_file
from mien.store.names import Names
from mien.store.schema import FACES
from mien.store.segments import filtered
from mien.store.shards import mapped, rows_in, shards_in
from mien.store.subjects import remove_subjects

if TYPE_CHECKING:
    from mien.store.store import Store


@dataclass
class Forgotten:
    """Who was taken out. names: ids, and the person that they were. images: of theirs alone.

    faces: how many. crops: digests of their pixels, to look for them afterwards. digests: of videos
    that showed nobody else.
    """

    names: list[str]
    faces: int = 0
    images: list[str] = field(default_factory=list)
    crops: list[str] = field(default_factory=list)
    digests: list[str] = field(default_factory=list)


def forget(store: "Store", subject: str) -> Forgotten:
    """Take a person out; to be called under the store's lock. Unfinished forgetting is finished.

    subject: an id (corpus/name) or the person that it is by subjects.csv, with all ids of theirs.
    Raises InputError where the store knows nobody of the name.
    """
    mine: Forgotten | None = None
    with Journal(store.folder):  # raises where somebody reviews the store
        pass
    for note in sorted((store.folder / "partial").glob("forget-*.json")):
        noted = _read_note(note)
        _finish(store, noted, note)
        if subject in noted.names:
            mine = noted
    found = _whom(store, subject)
    if found is None and mine is not None:
        return mine
    if found is None:
        known = [*store.codes("subject").names, *store.subjects.stated]
        error = unknown_name("subject", subject, known)
        if compact(store):
            error = InputError(f"{error}; pixels that no face has any more were removed")
        raise error
    note = store.folder / "partial" / f"forget-{fingerprint(subject)}.json"
    note.parent.mkdir(exist_ok=True)
    write_text(note, json.dumps(vars(found)))
    flush(note)
    _finish(store, found, note)
    return found


def _read_note(note: Path) -> Forgotten:
    try:
        return Forgotten(**json.loads(note.read_text("utf-8")))
    except (ValueError, TypeError) as error:
        raise InputError(
            f"{note}: an unfinished forgetting that cannot be read ({error}); remove the file, and "
            "forget that person again"
        ) from error


def _whom(store: "Store", subject: str) -> Forgotten | None:
    """Everything that has to go with a person."""
    people = store.subjects
    person = people.person(subject)
    plain = store.table(["subject"])["subject"]
    ids = [name for name in pc.unique(plain.cast(pa.string())).to_pylist() if name is not None]
    names = {name for name in (*ids, *people.stated) if people.person(name) == person}
    if not names:
        return None
    rows = np.flatnonzero(pc.is_in(plain.cast(pa.string()), pa.array(sorted(names))).to_numpy())
    table = store.table(["image", "source"]).take(rows)
    images = {name for name in table["image"].to_pylist() if name is not None}
    sources = set(table["source"].to_pylist())
    left = np.delete(np.arange(len(store)), rows)
    others = set(store.table(["source"])["source"].take(left).to_pylist())
    entries = [store.info.sources[name] for name in sources - others]
    return Forgotten(
        sorted({*names, person}),
        len(rows),
        sorted(images),
        sorted({_digest(crop) for crop in _crops(store, rows)}),
        sorted(entry["digest"] for entry in entries if "digest" in entry),
    )


def _crops(store: "Store", rows: NDArray[np.intp]) -> Any:
    pixels = store.pixels()
    for start in range(0, len(rows), 256):
        yield from pixels.gather(rows[start : start + 256])


def _digest(crop: NDArray[np.uint8]) -> str:
    return blake2b(crop.tobytes(), digest_size=16).hexdigest()


def _finish(store: "Store", whom: Forgotten, note: Path) -> None:
    """Write everything again without them, then remove what is left of the old."""
    logs = {*store.info.sources, *_logged(store.folder)}
    edit = Edit(store.folder, store.info)
    _drop_rows(edit, whom)
    _save_compact(store, edit)
    for source in logs:
        path = log_file(store.folder, source)
        if source not in store.info.sources:
            path.unlink(missing_ok=True)
        elif path.exists():
            _scrub(path, whom)
    for digest in whom.digests:
        for path in (store.folder / "partial").glob(f"{digest}*"):
            path.unlink()
    remove_subjects(store.folder / "subjects.csv", set(whom.names))
    forget_decisions(store.folder, set(whom.names))
    note.unlink(missing_ok=True)


def compact(store: "Store") -> bool:
    """Remove what no face has any more: pixels in shards, and tables that were replaced.

    To be called under the store's lock. Returns whether there were such pixels.
    """
    edit = Edit(store.folder, store.info)
    return _save_compact(store, edit)


def _save_compact(store: "Store", edit: Edit) -> bool:
    rewritten = edit.rewrite_shards(1.0)
    store.save(edit)
    for part in store.info.segments:
        named = {segment.file for segment in store.info.segments[part]}
        for path in (store.folder / part).glob("*.parquet"):
            if path.name not in named:
                path.unlink()
    return rewritten


def _logged(folder: Path) -> set[str]:
    found = set()
    for path in (folder / "log").glob("*.json"):
        try:
            found.add(str(json.loads(path.read_text("utf-8"))["source"]))
        except (OSError, ValueError, LookupError):
            continue
    return found


def _drop_rows(edit: Edit, whom: Forgotten) -> None:
    """Take their faces out of every part, and count again."""
    gone: list[NDArray[np.int64]] = []
    names = pa.array(whom.names)

    def without(table: pa.Table) -> pa.Table:
        theirs = pc.is_in(table["subject"].cast(pa.string()), names)
        if not pc.any(theirs).as_py():
            return table
        gone.append(table.filter(theirs)["face_id"].to_numpy())
        return filtered(table, pc.invert(theirs))

    everything = (0, edit.next_face)
    edit.change(FACES, everything, without)
    if not gone:
        return
    ids = np.concatenate(gone)
    for part in edit.segments:
        if part != FACES:
            edit.drop(part, ids)
    for name, entry in list(edit.sources.items()):
        first, end = entry["ids"]
        fewer = int(((ids >= first) & (ids < end)).sum())
        if fewer:
            edit.sources[name] = {**entry, "faces": entry["faces"] - fewer}
            if entry["faces"] == fewer:
                del edit.sources[name]


def _scrub(path: Path, whom: Forgotten) -> None:
    """Leave out of a log what names them: ids, ids without the corpus, their images.

    A bare number names nobody within a sentence (`1 of 30 rows`), only within a name.
    """
    named = [*whom.names, *whom.images, *map(_local, (*whom.names, *whom.images))]
    found = _naming(named, r"[^\W_]")

    def says(value: Any) -> bool:
        if not isinstance(value, str):
            return False
        return any(
            " " not in value or not match[0].isdecimal() or _is_in_a_name(match)
            for match in found.finditer(value)
        )

    def clean(value: Any, depth: int = 0) -> Any:
        if isinstance(value, list):
            return [clean(v, depth + 1) for v in value if not says(v)]
        if isinstance(value, dict):  # the log's own keys are words of mien, those within are files
            kept = {k: v for k, v in value.items() if not (says(v) or (depth > 1 and says(k)))}
            return {k: clean(v, depth + 1) for k, v in kept.items()}
        return value

    try:
        content = json.loads(path.read_text("utf-8"))
    except ValueError:
        path.unlink()
        return
    head = {name: content[name] for name in ("source", "kind", "corpus", "path") if name in content}
    write_text(path, json.dumps({**clean(content), **head}, indent=2) + "\n")


def _is_in_a_name(match: re.Match[str]) -> bool:
    """Whether a number that was found is part of a path or a file's name."""
    before, behind = match.string[: match.start()], match.string[match.end() :]
    return before.endswith(("/", "_", "#", "-")) or bool(re.match(r"[/_#-]|\.\w", behind))


def _local(name: str) -> str:
    """A name without its corpus."""
    return name.partition("/")[2] or name


def _naming(names: list[str], boundary: str) -> re.Pattern[str]:
    """Find any of these names where no character of `boundary` goes on with it."""
    words = "|".join(map(re.escape, sorted(set(names), key=len, reverse=True)))
    return re.compile(f"(?<!{boundary})(?:{words})(?!{boundary})")


def traces(store: "Store", whom: Forgotten) -> list[str]:
    """Where anything of them is left: files that hold a crop of theirs, or one of their names.

    Pixels that no face has may be anybody's, and count as well.
    """
    size, crops = store.info.size, set(whom.crops)
    found = _loose_pixels(store)
    files = [path for wide, _, path in shards_in(store.folder) if wide == size]
    for path in [*files, *sorted((store.folder / "partial").glob(".crops.*.tmp"))]:
        rows = rows_in(path, size)
        same = sum(_digest(crop) in crops for crop in mapped(path, size, rows)) if rows else 0
        if same:
            found.append(f"{path}: {same} crops with the pixels of theirs")
    names = _naming([*whom.names, *whom.images], r"[\w.#/-]")
    for path in sorted(store.folder.rglob("*")):
        pixels = path.suffix == ".npy" or path.name.startswith(".crops.")
        if path.is_file() and not pixels and names.search(_text(path)):
            found.append(f"{path}: names them")
    return found


def _loose_pixels(store: "Store") -> list[str]:
    """Shards that the store does not count, and rows in them that no face has."""
    found = []
    shard, row = store.column("shard"), store.column("row")
    for size, number, path in shards_in(store.folder):
        if number not in store.info.shards:
            what = "derived from a shard that is gone" if size != store.info.size else "is loose"
            found.append(f"{path}: {what}")
            continue
        rows = rows_in(path, size)
        held = np.unique(row[shard == number])
        if size == store.info.size and len(held) < rows:
            found.append(f"{path}: {rows - len(held)} crops that no face has")
    return found


def _text(path: Path) -> str:
    """All names that a file holds."""
    if path.suffix == ".parquet":
        table = pq.read_table(path, partitioning=None)
        kinds = (pa.types.is_dictionary, pa.types.is_string)
        named = [c for c in table.columns if any(is_kind(c.type) for is_kind in kinds)]
        return "\n".join(name for column in named for name in Names.of_arrow(column).names)
    text = path.read_text("utf-8", errors="replace")
    if path.suffix == ".json":  # which may write letters as escapes
        with suppress(ValueError):
            return json.dumps(json.loads(text), ensure_ascii=False)
    return text
