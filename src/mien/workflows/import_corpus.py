"""`mien.import_corpus`: a corpus on disk into a store."""

import argparse
from pathlib import Path
from typing import Any

from mien.corpora import CORPORA
from mien.corpora.imported import ImportSummary
from mien.errors import InputError, check_name
from mien.progress import Progress, silent
from mien.store import Store


def import_corpus(
    kind: str,
    path: str | Path,
    *,
    store: str | Path,
    size: int | None = None,
    corpus: str | None = None,
    labels: str = "",
    progress: Progress = silent,
    **options: Any,
) -> ImportSummary:
    """Import a corpus, replacing what the store held of it.

    kind: a key of `mien.corpora.CORPORA`. size: of the crops of a new store in pixels. corpus: its
    name in the store; None for its folder's. labels: a word on where the labels come from. options:
    those of the kind, as `mien import KIND --help` lists them, `au_threshold` for --au-threshold.
    Raises InputError for an unknown kind or option, and for the first thing wrong in the corpus:
    then nothing of it is added.
    """
    check_name("corpus kind", kind, CORPORA)
    arguments = _arguments(kind, {"corpus_name": corpus, "labels": labels}, options)
    folder = Path(store)
    existed = (folder / "store.json").exists()
    opened = Store.open_or_create(folder, size)
    try:
        return CORPORA[kind].run(Path(path), opened, arguments, progress)
    except BaseException:
        if not existed:
            opened.discard_if_empty()
        raise


def _arguments(kind: str, common: dict[str, Any], options: dict[str, Any]) -> argparse.Namespace:
    """Defaults of the kind's own arguments, with options on top."""
    parser = argparse.ArgumentParser()
    CORPORA[kind].add_arguments(parser)
    found = vars(parser.parse_args([]))
    for name in options:
        if name not in found:
            raise InputError(f"{kind}: no option {name!r}; it has {', '.join(sorted(found))}")
    return argparse.Namespace(**{**found, **options, **common})
