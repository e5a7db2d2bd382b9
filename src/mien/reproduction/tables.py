"""What runs are behind each table: recipe and settings per row, metric per column.

Rows and columns bear the names of `published.csv`. Where a document says too little, the readings
are those of the recipes, and `note` says what else was decided.
"""

from collections.abc import Iterator
from dataclasses import replace

from mien.labels.action_units import DOCUMENT_AUS
from mien.reproduction.recogniser_tables import RECOGNISER_TABLES
from mien.reproduction.table import Table, TableRun

FULL_THESIS, FULL_BENROUMPI = 1_000_000, 18_000
SCORED_BENROUMPI = 60
"""Iterations from one score to the next (benroumpi-2018, section 5.6); each updates both
networks."""
EPOCH_TALK = 2 * 47
"""Steps of an epoch of the talk: about 3,000 pictures, batches of 64, both networks updated."""


MEANS = (
    ("F1 score, average on all AUs", "mean F1"),
    ("Accuracy, average on all AUs", "mean accuracy"),
    ("Mean, average on all AUs", "mean of F1 and accuracy"),
)
CALLED = ("% of real images classified as real", "real called real")
UNITS = tuple((f"AU {unit}", f"F1 AU {unit}") for unit in DOCUMENT_AUS)
AFFECT = (
    ("CCC, Valence", "CCC valence"),
    ("CCC, Arousal", "CCC arousal"),
    ("MSE, Valence", "MSE valence"),
    ("MSE, Arousal", "MSE arousal"),
    CALLED,
)
WEIGHTED = (
    "weights.valence_arousal=0.27",
    "weights.au=0.40",
    "method.fake_weight=0.33",
)
STATISTICS = ("minimum", "mean", "std deviation")


def _rates(rate: str, update: int, alpha: str = "0.9") -> tuple[str, ...]:
    """Settings of a row of au-va-thesis: the rate given is the generator's, the other's is half."""
    return (
        f"method.generator.learning_rate={rate}",
        f"method.discriminator.learning_rate={float(rate) / 2:g}",
        f"method.update_rate={update}",
        f"method.fake_labels.fake={alpha}",
    )


def _units_only() -> Iterator[TableRun]:
    for rate in ("1e-4", "1e-5"):
        for update in (2, 5, 7):
            row = f"lr {rate}, ur {update}"
            yield TableRun(row, "categorical-28-au", _rates(rate, update))


def _va_mse() -> Iterator[TableRun]:
    for update in (2, 5):
        for alpha in ("0.9", "1"):
            row = f"MSE VA + sigmoid RF, lr 1e-4, ur {update}, alpha {alpha}"
            yield TableRun(row, "categorical-28-va-mse", _rates("1e-4", update, alpha))


def _va_ccc() -> Iterator[TableRun]:
    for rate in ("1e-4", "1e-5"):
        for update in (2, 5):
            row = f"CCC VA + sigmoid RF, lr {rate}, ur {update}, alpha 0.9"
            yield TableRun(row, "categorical-28-va-ccc", _rates(rate, update))


def _joint_ccc() -> Iterator[TableRun]:
    for rate in ("1e-4", "1e-5"):
        for update in (2, 5, 7):
            row = f"lr {rate}, ur {update}"
            yield TableRun(row, "categorical-28-au-va-ccc", _rates(rate, update))
    for update in (2, 5):
        row = f"lr 1e-5, ur {update}, weighted loss"
        yield TableRun(row, "categorical-28-au-va-ccc", (*_rates("1e-5", update), *WEIGHTED))


def _joint_mse() -> Iterator[TableRun]:
    start = "MSE VA + sigmoid RF"
    for rate in ("1e-4", "1e-5"):
        for update in (2, 5):
            for alpha in ("0.9", "1"):
                row = f"{start}, lr {rate}, ur {update}, alpha {alpha}"
                yield TableRun(row, "categorical-28-au-va-mse", _rates(rate, update, alpha))
    row = f"{start}, lr 1e-4, ur 2, alpha 1, weighted loss"
    yield TableRun(row, "categorical-28-au-va-mse", (*_rates("1e-4", 2, "1"), *WEIGHTED))


SMALL = ("train_share=0.1667",)
TWICE = ("method.update_rate=2", "method.updated_more=generator")


def _course(settings: tuple[str, ...], recipe: str = "regression-64") -> tuple[TableRun, ...]:
    return tuple(TableRun(name, recipe, settings, f", {name}") for name in STATISTICS)


LOSSES = (
    ("Generator error", "generator loss"),
    ("Discriminator error", "discriminator loss"),
)
ERRORS = (
    ("Training error (1-CCC)", "training 1-CCC"),
    ("Testing error (1-CCC)", "testing 1-CCC"),
)
TABLE_IX = (
    TableRun("only VA / CCC based", "config1-32-va", ("losses.valence_arousal=ccc",)),
    TableRun("only VA / MSE", "config1-32-va"),
    TableRun("only AU / cross entropy", "config1-32-au"),
    TableRun(
        "VA + AU / CCC based + cross entropy",
        "config1-32",
        ("heads.au=[1,2,4,6,12,15,20,25]", "heads.expression=[]", "losses.valence_arousal=ccc"),
    ),
    TableRun(
        "VA + AU / MSE + cross entropy",
        "config1-32",
        ("heads.au=[1,2,4,6,12,15,20,25]", "heads.expression=[]"),
    ),
)
A_SIXTH = (
    "The small set is a sixth of the training people, as 80,280 of 482,982 faces; the thesis's is "
    "23 of 92 people, 16.6 % of the frames, chosen for a broad range of values."
)
LOGGED = (
    "The thesis tests on 1,000 faces every 60 iterations; here the whole split is scored as often."
)
ALIKE = (
    ("distance of samples over that of real ones", "diversity"),
    ("doubles", "duplicates"),
    ("samples with a face", "fakes with a face"),
)
NO_FIGURES = "The talk shows pictures and no figures; the columns make 'collapse' a number."

_GANS = (
    Table("au-va-thesis/table-3.15", "Best mean scores, Action Units", tuple(_units_only()),
          (*MEANS, CALLED), FULL_THESIS),
    Table("au-va-thesis/table-3.16", "Best F1 of each unit, Action Units",
          tuple(_units_only()), UNITS,
          FULL_THESIS),
    Table("au-va-thesis/table-3.19", "Best scores, valence-arousal, MSE", tuple(_va_mse()), AFFECT,
          FULL_THESIS),
    Table("au-va-thesis/table-3.20", "Best scores, valence-arousal, 1 - CCC",
          tuple(_va_ccc()), AFFECT,
          FULL_THESIS),
    Table("au-va-thesis/table-3.21", "Best VA scores, joint, 1 - CCC", tuple(_joint_ccc()), AFFECT,
          FULL_THESIS),
    Table("au-va-thesis/table-3.22", "Best mean AU scores, joint, 1 - CCC",
          tuple(_joint_ccc()), MEANS,
          FULL_THESIS),
    Table("au-va-thesis/table-3.23", "Best F1 of each unit, joint, 1 - CCC",
          tuple(_joint_ccc()), UNITS,
          FULL_THESIS),
    Table("au-va-thesis/table-3.24", "Best VA scores, joint, MSE",
          tuple(_joint_mse()), AFFECT, FULL_THESIS,
          "Rows are as printed: at 1e-4 and update rate 5 alpha 0.9 has the better CCC; the "
          "document analyses them so, with Figures 3.49 and 3.50."),
    Table("au-va-thesis/table-3.25", "Best mean AU scores, joint, MSE", tuple(_joint_mse()), MEANS,
          FULL_THESIS),
    Table("au-va-thesis/table-3.26", "Best F1 of each unit, joint, MSE", tuple(_joint_mse()), UNITS,
          FULL_THESIS),
    Table("benroumpi-2018/table-6.1", "CNN-M, 1 - CCC over the run",
          _course(SMALL, "cnn-m-64"), ERRORS,
          FULL_BENROUMPI, "No GAN: the recogniser it is compared with, as long as the GAN: its "
          f"length is not printed. {A_SIXTH} {LOGGED}", SCORED_BENROUMPI),
    Table("benroumpi-2018/table-6.2", "Regression GAN, small set, losses", _course(SMALL), LOSSES,
          2 * FULL_BENROUMPI, f"{A_SIXTH} {LOGGED}", 2 * SCORED_BENROUMPI),
    Table("benroumpi-2018/table-6.3", "Regression GAN, small set, 1 - CCC", _course(SMALL), ERRORS,
          2 * FULL_BENROUMPI, f"{A_SIXTH} {LOGGED}", 2 * SCORED_BENROUMPI),
    Table("benroumpi-2018/table-6.4", "Regression GAN, small set, real or fake", (
        TableRun("Real images", "regression-64", SMALL, " of real"),
        TableRun("Fake images", "regression-64", SMALL, " of fake"),
    ), (("Discriminator accuracy", "accuracy real/fake"),), 2 * FULL_BENROUMPI,
          f"{A_SIXTH} Ours: all faces of the split scored and 512 generated ones; the thesis: all "
          "of the small set and 12,000.", 2 * SCORED_BENROUMPI),
    Table("benroumpi-2018/table-6.5", "Regression GAN, big set, losses", _course(TWICE), LOSSES,
          3 * FULL_BENROUMPI, LOGGED, every=3 * SCORED_BENROUMPI),
    Table("benroumpi-2018/table-6.6", "Regression GAN, big set, 1 - CCC", _course(TWICE), ERRORS,
          3 * FULL_BENROUMPI, LOGGED, every=3 * SCORED_BENROUMPI),
    Table("benroumpi-2018/table-6.7", "Regression GAN, CCC on the test set", (
        TableRun("Small dataset", "regression-64", SMALL, steps=2 * FULL_BENROUMPI,
                 every=2 * SCORED_BENROUMPI),
        TableRun("Big dataset", "regression-64", TWICE),
    ), (("Max CCC", "max CCC"), ("Mean CCC", "mean CCC")), 3 * FULL_BENROUMPI, A_SIXTH,
          3 * SCORED_BENROUMPI),
    Table("kollias-2018/table-IX", "Regressor only, classifier only, or both",
    TABLE_IX, (
        ("CCC-V", "CCC valence"), ("CCC-A", "CCC arousal"), ("F1 Score: weighted", "weighted F1"),
        ("F1 Score: macro", "macro F1"), ("Total Accuracy", "total accuracy"),
    ), 0, "Which configuration the table is of is not said: configuration 1 here."),
    Table("kolbenschlag-2020/stage-1", "Random faces",
          (TableRun("gan", "gan"),), ALIKE, 100 * EPOCH_TALK,
          f"{NO_FIGURES} 100 epochs of about 3,000 faces; it shows grids after 10, 50 and 100.",
          10 * EPOCH_TALK),
    Table("kolbenschlag-2020/stage-2", "Specific emotions, and the collapse", (
        TableRun("cgan", "cgan"),
        TableRun("wgan, conditional on the emotion", "cwgan"),
        TableRun("wgan", "wgan"),
        TableRun("cgan on weather landscapes", "cgan", pictures="landscapes"),
        TableRun("wgan, conditional on the weather, on landscapes", "cwgan", pictures="landscapes"),
    ), ALIKE, 0, f"{NO_FIGURES} Which of its models drew the landscapes is not said: both here."),
    Table("kolbenschlag-2020/stage-3", "Final results",
          (TableRun("acwgan", "acwgan"),), ALIKE, 0, NO_FIGURES),
)  # fmt: skip


def _logged(table: Table) -> Table:
    """benroumpi-2018 writes the losses of every iteration (section 5.5): minima are of all."""
    return replace(table, log_every=1) if table.name.startswith("benroumpi-2018") else table


TABLES = {table.name: table for table in (*map(_logged, _GANS), *RECOGNISER_TABLES)}
