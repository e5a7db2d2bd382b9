"""Public corpora of facial affect, importable here or not.

Figures of those in au-va-thesis's Tables 2.1 and 2.2 are what the tables print; `kind` is the
importer's name, None where there is none.
"""

from typing import NamedTuple


class Known(NamedTuple):
    """A corpus. labels: va, au, expression. table: of au-va-thesis, empty for others."""

    name: str
    labels: str
    subjects: str
    amount: str
    environment: str
    year: int | None
    table: str = ""
    kind: str | None = None


CATALOGUE = (
    Known("SEMAINE", "va", "150", "959 conversations of 5 minutes", "controlled", 2007, "2.1"),
    Known("RECOLA", "va", "46", "9.5 hours", "controlled", 2013, "2.1"),
    Known("AVEC 2013", "va", "292", "340 clips, 240 hours", "in the wild", 2013, "2.1"),
    Known("AVEC 2014", "va", "84", "300 videos of 6 s to 3 min 50 s", "in the wild", 2014, "2.1"),
    Known("Aff-Wild", "va", "200", "298 videos, 1,180,000 frames", "in the wild", 2016, "2.1",
          "affwild"),
    Known("AFEW-VA", "va", "240", "600 videos, 30,000 frames", "in the wild", 2016, "2.1",
          "afew-va"),
    Known("MMI", "au", "75", "2,900 videos, 31 units", "controlled", 2002, "2.2"),
    Known("CK+", "au, expression", "123", "593 sequences, 30 units", "controlled", 2010, "2.2",
          "ck+"),
    Known("GEMEP", "au", "10", "1,260 portrayals, 40 units", "controlled", 2007, "2.2"),
    Known("DISFA", "au", "27", "130,000 frames, 12 units", "controlled", 2013, "2.2", "disfa"),
    Known("RU-FACS", "au", "100", "2.5 minutes each, 20 units", "controlled", 2004, "2.2"),
    Known("UNBC-McMaster", "au", "129", "48,398 frames, 44 units", "controlled", 2011, "2.2"),
    Known("AM-FED", "au", "242", "168,359 frames, 14 units", "in the wild", 2013, "2.2"),
    Known("Aff-Wild FAU", "au", "2,000", "10,000 pictures, 16 units", "in the wild", 2016, "2.2"),
    Known("DISFA+", "au", "9", "posed trials, 12 units", "controlled", 2016, "", "disfaplus"),
    Known("Aff-Wild2", "va, au, expression", "", "videos of the ABAW challenges", "in the wild",
          2019, "", "affwild2"),
    Known("s-Aff-Wild2", "va, au, expression", "", "frames of Aff-Wild2", "in the wild", 2022, "",
          "s-affwild2"),
    Known("AffectNet", "va, expression", "", "photographs", "in the wild", 2017, "", "affectnet"),
    Known("EmotioNet", "au", "", "photographs by URL, 60 columns of units", "in the wild", 2016, "",
          "emotionet"),
    Known("RAF-DB", "expression", "", "photographs", "in the wild", 2017, "", "raf-db"),
    Known("FER2013", "expression", "", "35,887 photographs of 48 px", "in the wild", 2013, "",
          "fer2013"),
    Known("FER+", "expression", "", "FER2013 with votes of ten raters", "in the wild", 2016, "",
          "ferplus"),
)  # fmt: skip
"""Subjects of Aff-Wild: 130 male and 70 female in the table."""
