"""`mien.card`: the data card of a store, what people wrote of it kept."""

from pathlib import Path

from mien.atomic import write_text
from mien.errors import InputError
from mien.store import Store


def card(
    store: str | Path,
    out: str | Path,
    *,
    split: str | None = None,
    batches: str | Path | None = None,
) -> Path:
    """Write a data card, or fill one anew: what stands outside of mien's blocks is kept.

    out: a Markdown file. split, batches: as for `mien.write_statistics`. Raises InputError for a
    store without faces, and for a file whose blocks were changed by hand.
    """
    from mien.curation.card import new_card, renewed_card
    from mien.curation.collection import Collection

    opened, target = Store.open(Path(store)), Path(out)
    if len(opened) == 0:
        raise InputError(f"{store}: holds no face")
    if target.is_dir() or not target.resolve().parent.is_dir():
        raise InputError(f"{target}: is no file that can be written; name one, as CARD.md")
    of = Collection.of(opened, split, None if batches is None else Path(batches))
    try:
        before = target.read_text(encoding="utf-8") if target.exists() else ""
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{target}: cannot be read: {error}") from error
    text = renewed_card(before, of, str(target)) if before.strip() else new_card(of)
    write_text(target, text)
    return target
