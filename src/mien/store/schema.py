"""store.json and the columns of faces.parquet."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from mien.atomic import write_text
from mien.errors import InputError
from mien.labels.action_units import FACS, column

SCHEMA_VERSION = 1

_NAME = pa.dictionary(pa.int32(), pa.string())

FACE_COLUMNS: dict[str, tuple[pa.DataType, str]] = {
    "face_id": (pa.int64(), "unique in the store, never reused"),
    "source": (_NAME, "key in store.json's sources: the import that owns the row"),
    "video": (_NAME, "video the face is from; null for photographs"),
    "image": (pa.string(), "image file the face is from; null for video"),
    "frame": (pa.int32(), "frame on the store's frame-rate grid, from 0; null for photographs"),
    "time_s": (pa.float64(), "exact presentation time of the decoded frame, from the first"),
    "track": (pa.int32(), "person within the video, by tracking"),
    "subject": (_NAME, "person across the store; null where unknown"),
    "split": (_NAME, "train, val, test or null"),
    "x0": (pa.float32(), "face box in source pixels"),
    "y0": (pa.float32(), "face box in source pixels"),
    "x1": (pa.float32(), "face box in source pixels"),
    "y1": (pa.float32(), "face box in source pixels"),
    "confidence": (pa.float32(), "of the detector, 0 to 1; null where none ran"),
    "valence": (pa.float32(), "-1 to 1; null where unlabelled"),
    "arousal": (pa.float32(), "-1 to 1; null where unlabelled"),
    "expression": (_NAME, "one of store.json's expressions; null where unlabelled"),
    "shard": (pa.int32(), "pixels/<size>/<shard, six digits>.npy"),
    "row": (pa.int32(), "row of that array"),
}


def face_schema(aus: Iterable[int]) -> pa.Schema:
    """Columns of a face table with these Action Units (presence `AU01`, intensity `AU01_r`)."""
    fields = [pa.field(name, kind) for name, (kind, _) in FACE_COLUMNS.items()]
    for au in aus:
        fields += [pa.field(column(au), pa.int8()), pa.field(f"{column(au)}_r", pa.float32())]
    return pa.schema(fields)


def describe_columns(aus: Iterable[int]) -> dict[str, str]:
    """What every column means, for store.json."""
    described = {name: text for name, (_, text) in FACE_COLUMNS.items()}
    for au in aus:
        described[column(au)] = f"{FACS[au]}: 1 present, 0 absent, null unlabelled"
        described[f"{column(au)}_r"] = f"{FACS[au]}: intensity 0 to 5, null where unknown"
    return described


@dataclass(frozen=True)
class StoreInfo:
    """The content of store.json.

    size: side in pixels of the crops as imported. aus, expressions: what the store's labels may
    name, in order. sources: one entry per imported video or corpus; an entry means complete.
    next_shard: number of the next shard; numbers are never used twice.
    """

    size: int
    next_shard: int = 0
    aus: tuple[int, ...] = ()
    expressions: tuple[str, ...] = ()
    sources: Mapping[str, dict[str, Any]] = field(default_factory=dict)

    def write(self, path: Path) -> None:
        """Write store.json whole."""
        content = {"schema": SCHEMA_VERSION, **asdict(self), "columns": describe_columns(self.aus)}
        write_text(path, json.dumps(content, indent=2) + "\n")

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
                int(content["next_shard"]),
                tuple(content["aus"]),
                tuple(content["expressions"]),
                content["sources"],
            )
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(f"{path}: cannot be read as a store: {error!r}") from error
