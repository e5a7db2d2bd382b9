"""What a table of a document is: rows that are trainings, columns that are measures."""

from dataclasses import dataclass


@dataclass(frozen=True)
class TableRun:
    """A row: the training behind it. suffix: added to the column's metric, where rows differ so.

    pictures: a drawn corpus instead of the store given (`mien toys`). steps: where the document
    trained this row otherwise than the table's others; every: where it scored it so. small: the
    row's own settings for small machines, instead of the table's.
    """

    row: str
    recipe: str
    settings: tuple[str, ...] = ()
    suffix: str = ""
    pictures: str = ""
    steps: int = 0
    every: int = 0
    small: tuple[str, ...] = ()


@dataclass(frozen=True)
class Table:
    """A table of a document.

    columns: label and metric. steps: the document's; 0: not stated. every: steps from one score to
    the next at full length. last: scores are of the end of the training, not the best of it.
    log_every: steps from one logged line to the next, at most. small: settings on top of every
    row's, by which it runs where end to end takes days, and what they are in words.
    """

    name: str
    title: str
    rows: tuple[TableRun, ...]
    columns: tuple[tuple[str, str], ...]
    steps: int
    note: str = ""
    every: int = 1000
    last: bool = False
    log_every: int = 50
    small: tuple[str, ...] = ()
    small_words: str = ""
