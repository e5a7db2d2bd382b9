"""Files that other programs read and write, and mien's own."""

from mien.annotation.formats.affwild import AffWild
from mien.annotation.formats.au_text import AuText
from mien.annotation.formats.base import Format
from mien.annotation.formats.csv_tables import CsvTables
from mien.annotation.formats.elan import Elan
from mien.annotation.formats.json_items import JsonItems

FORMATS: dict[str, Format] = {
    "json": JsonItems(),
    "csv": CsvTables(),
    "affwild": AffWild(),
    "au-text": AuText(),
    "elan": Elan(),
}
"""To add one: a file here and a line."""
