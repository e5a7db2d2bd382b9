"""store.json, the only file that says what is in a store, and the columns of its faces."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, TypedDict

import pyarrow as pa

from mien.atomic import replacing
from mien.errors import InputError
from mien.labels.heads import Head, describe_columns, head_from_dict, head_to_dict
from mien.store.files import flush

SCHEMA_VERSION = 2

NAME = pa.dictionary(pa.int32(), pa.string())

LANDMARKS = tuple(f"lm{i}{axis}" for i in range(5) for axis in "xy")
"""Columns of the five landmarks, x and y of each in turn."""

FACE_COLUMNS: dict[str, tuple[pa.DataType, str]] = {
    "face_id": (pa.int64(), "unique in the store, ascending, never reused"),
    "corpus": (NAME, "corpus the face is from; subject, video and image begin with its name"),
    "source": (NAME, "key in store.json's sources: the import that owns the row"),
    "video": (NAME, "corpus/video the face is from; null for photographs"),
    "image": (NAME, "corpus/image file the face is from; null for video"),
    "frame": (pa.int32(), "frame on the store's frame-rate grid, from 0; null for photographs"),
    "time_s": (pa.float64(), "exact presentation time of the decoded frame, from the first"),
    "track": (pa.int32(), "person within the video, by tracking"),
    "subject": (NAME, "corpus/person; null where unknown; subjects.csv says more of them"),
    **{c: (pa.float32(), "face box in source pixels") for c in ("x0", "y0", "x1", "y1")},
    "confidence": (pa.float32(), "of the detector, 0 to 1; null where none ran"),
    **{c: (pa.float32(), "landmark in source pixels; null where unknown") for c in LANDMARKS},
    "quality": (pa.float32(), "of the crop, 0 to 1; null where it was not judged"),
    "shard": (pa.int32(), "pixels/<size>/<shard, six digits>.npy"),
    "row": (pa.int32(), "row of that array"),
}

FACE_SCHEMA = pa.schema([(name, kind) for name, (kind, _) in FACE_COLUMNS.items()])

IN_CORPUS = ("subject", "video", "image")
"""Columns whose names are a corpus's own and are stored as `corpus/name`."""

FACES = "faces"
EXCLUDED = "excluded"
"""Part with the face_ids that a review left out: they stay, and are in no split."""
_FIT_NAME = re.compile(r"\w[\w .()+@-]{0,99}")


def labels_part(layer: str) -> str:
    """Folder of a label layer, which is its key in store.json's segments too."""
    return f"labels/{layer}"


def split_part(name: str) -> str:
    """Folder of a split, which is its key in store.json's segments too."""
    return f"splits/{name}"


def check_part_name(kind: str, name: str) -> None:
    """Raise InputError for a name of a corpus, layer or split that is not fit for a folder."""
    if not _FIT_NAME.fullmatch(name):
        raise InputError(
            f"{kind} {name!r}: give a name of letters, digits, spaces and . _ - + ( ) @, at most "
            "100, that begins with a letter or digit"
        )


class Segment(NamedTuple):
    """One Parquet file of a part. first, last: least and greatest face_id in it."""

    file: str
    rows: int
    first: int
    last: int


class Source(TypedDict, total=False):
    """What store.json says of an import; log/<source>.json says the rest.

    faces: how many the store holds. ids: its face_ids lie in [ids[0], ids[1]). path: of a corpus.
    digest: of a video file. settings: fingerprint of what decided the result. margin: that crops
    were cut with, as a share of the box; left out where somebody else cut them.
    """

    kind: str
    corpus: str
    faces: int
    ids: list[int]
    added: str
    path: str
    digest: str
    settings: str
    margin: float


@dataclass(frozen=True)
class StoreInfo:
    """The content of store.json.

    size: side in pixels of the crops as imported. heads: what the layers label, all outputs that
    any names. layers: in order of precedence. segments: files by part (`faces`, `labels/LAYER`,
    `splits/NAME`). shards: rows that count of each; what lies beyond was never committed.
    next_face, next_shard, next_segment: numbers that were never used.
    """

    size: int
    heads: tuple[Head, ...] = ()
    layers: tuple[str, ...] = ()
    segments: Mapping[str, tuple[Segment, ...]] = field(default_factory=dict)
    shards: Mapping[int, int] = field(default_factory=dict)
    next_face: int = 0
    next_shard: int = 0
    next_segment: int = 0
    sources: Mapping[str, Source] = field(default_factory=dict)

    @property
    def faces(self) -> int:
        """Number of faces."""
        return sum(segment.rows for segment in self.segments.get(FACES, ()))

    @property
    def splits(self) -> tuple[str, ...]:
        """Names of the splits, sorted."""
        begin = split_part("")
        return tuple(sorted(p.removeprefix(begin) for p in self.segments if p.startswith(begin)))

    def write(self, path: Path) -> None:
        """Write store.json whole, and to the disk: with it a change becomes true."""
        with replacing(path) as temporary:
            temporary.write_text(self._text(), encoding="utf-8")
            flush(temporary)

    def _text(self) -> str:
        """A line for every source, segment and column: small to read and to compare."""
        plain = json.JSONEncoder(ensure_ascii=False).encode
        columns = {name: text for name, (_, text) in FACE_COLUMNS.items()}
        segments = {
            part: [segment._asdict() for segment in found] for part, found in self.segments.items()
        }
        parts = {
            "schema": plain(SCHEMA_VERSION),
            "size": plain(self.size),
            "heads": _lines("[]", map(plain, map(head_to_dict, self.heads))),
            "layers": plain(self.layers),
            "next": plain(
                {"face": self.next_face, "shard": self.next_shard, "segment": self.next_segment}
            ),
            "shards": plain(self.shards),
            "segments": _lines("{}", (f"{plain(k)}: {plain(v)}" for k, v in segments.items())),
            "columns": _lines("{}", (f"{plain(k)}: {plain(v)}" for k, v in columns.items())),
            "label_columns": plain(describe_columns(self.heads)),
            "sources": _lines("{}", (f"{plain(k)}: {plain(v)}" for k, v in self.sources.items())),
        }
        return "{\n" + ",\n".join(f"{plain(k)}: {v}" for k, v in parts.items()) + "\n}\n"

    @classmethod
    def read(cls, path: Path) -> "StoreInfo":
        """Read store.json; raises InputError where it is broken or of another schema version."""
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            version = content["schema"]
            if version != SCHEMA_VERSION:
                raise InputError(
                    f"{path}: store schema {version}, this mien reads schema {SCHEMA_VERSION}; "
                    "use the mien that wrote it, or import again into a new store"
                )
            return cls(
                int(content["size"]),
                tuple(head_from_dict(head) for head in content["heads"]),
                tuple(content["layers"]),
                {part: _segments(found) for part, found in content["segments"].items()},
                {int(number): int(rows) for number, rows in content["shards"].items()},
                int(content["next"]["face"]),
                int(content["next"]["shard"]),
                int(content["next"]["segment"]),
                content["sources"],
            )
        except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
            raise InputError(f"{path}: cannot be read as a store: {error!r}") from error


def _lines(brackets: str, items: Iterable[str]) -> str:
    body = ",\n  ".join(items)
    return f"{brackets[0]}\n  {body}\n{brackets[1]}" if body else brackets


def _segments(found: Iterable[Mapping[str, Any]]) -> tuple[Segment, ...]:
    return tuple(Segment(s["file"], s["rows"], s["first"], s["last"]) for s in found)
