"""The tables of networks that recognise without generating: bartissol-2017, kollias-2018 X and XI,
benroumpi-2018's figures 2.24 to 2.27.

Weights that the documents start from (ImageNet, VGG-Face, FaceValue) do not come with mien: every
network is trained from noise, all of it, unless a recipe's `start` names a file.
"""

from collections.abc import Iterator

from mien.labels.action_units import EMOTIONET_AUS, FACS
from mien.reproduction.table import Table, TableRun

SIXTY = tuple(unit for unit in range(1, 61) if unit in FACS)
"""EmotioNet's columns that FACS names: not 3, 47, 48, 49, 59 and 60."""
PRINTED = (
    ("Total Accuracy", "accuracy, pooled"),
    ("Partial Accuracy", "partial accuracy"),
    ("Recall", "recall, pooled"),
    ("Precision", "precision, pooled"),
    ("F1 Score", "F1, pooled"),
    ("AUC", "AUC of decisions"),
)
MEASURES = (
    *PRINTED,
    ("total accuracy as defined", "all right in a face"),
    ("AUC of probabilities", "AUC"),
)
"""As printed, then as the document's own words define them."""
COUNTS = (
    ("True Positives", "true positives"),
    ("False Positives", "false positives"),
    ("True Negatives", "true negatives"),
    ("False Negatives", "false negatives"),
)
ERRORS = (("MSE", "MSE on ten"), ("RMSE", "RMSE on ten"))
AFFECT = (
    ("CCC, Valence", "CCC valence"),
    ("CCC, Arousal", "CCC arousal"),
    ("MSE, Valence", "MSE valence"),
    ("MSE, Arousal", "MSE arousal"),
)
RMSPROP = (
    "optimiser=rmsprop", "rms_decay=0.9", "momentum=0.9", "weight_decay=4e-5",
    "schedule=exponential", "rate_decay=0.94", "decay_epochs=2",
)  # fmt: skip
"""bartissol-2017, sections 4.2.1, 4.3.1 and 5.1.1."""

SMALL_PICTURES = ("image_size=32", "batch_size=16")
SMALL_WORDS = "pictures of 32 px, batches of 16"
SMALL_SEQUENCES = (
    "image_size=48", "method.recogniser.body=base-48", "method.recogniser.fully_connected=0",
    "method.body=frozen", "start=mien-base",
)  # fmt: skip
SMALL_SEQUENCE_WORDS = "on the frozen body of mien-base"


def _units(units: tuple[int, ...], rate: str, batches: tuple[int, int]) -> tuple[TableRun, ...]:
    """VGG 16 and Inception V2 on these units; batches: of the two."""
    heads = (
        "heads.valence_arousal=false",
        f"heads.au={list(units)}",
        "losses={au='cross-entropy'}",
    )
    rows = (("VGG 16", "vgg-16", batches[0]), ("Inception V2", "inception-v2", batches[1]))
    return tuple(
        TableRun(
            row, recipe,
            (*heads, *RMSPROP, f"batch_size={batch}", f"method.recogniser.learning_rate={rate}"),
        )
        for row, recipe, batch in rows
    )  # fmt: skip


def _errors() -> Iterator[TableRun]:
    heads = ("heads.au=[]", "heads.valence_arousal=true", "losses={valence_arousal='mse'}")
    rows = (("Inception V2", "inception-v2", 128, "1e-3"), ("VGG 16", "vgg-16", 32, "1e-2"))
    for row, recipe, batch, rate in rows:
        settings = (f"batch_size={batch}", f"method.recogniser.learning_rate={rate}")
        yield TableRun(row, recipe, (*heads, *RMSPROP, *settings))


ATTENTION = "vggface-gru-attention"
RATES = ("1e-4", "1e-3")
VA_LOSSES = (("CCC based", "ccc"), ("MSE", "mse"))
EXPRESSION_LOSSES = (
    ("Cross Entropy", "cross-entropy"),
    ("MSE before softmax", "mse-before-softmax"),
    ("MSE after softmax", "mse-after-softmax"),
)
WEIGHTS = ((0.25, 0.75), (0.75, 0.25), (0.5, 0.5), (0.75, 0.75), (1, 1))


def weights_of(alpha: float, beta: float) -> tuple[str, ...]:
    """Settings of alpha and beta (kollias-2018, eq. 6)."""
    return (f"weights.valence_arousal={alpha:g}", f"weights.expression={beta:g}")


def losses_of(va: str, expression: str, rate: str) -> tuple[str, ...]:
    """Settings of a row of Table XI."""
    return (
        f"losses.valence_arousal={va}",
        f"losses.expression={expression}",
        f"method.recogniser.learning_rate={rate}",
    )


BEST = losses_of("ccc", "cross-entropy", "1e-3")
ONLY_VA = ("heads.expression=[]", "losses={valence_arousal='ccc'}", "weights={valence_arousal=1}")
ONLY_EXPRESSIONS = (
    "heads.valence_arousal=false", "losses={expression='cross-entropy'}", "weights={expression=1}",
)  # fmt: skip


def _alpha_beta() -> Iterator[TableRun]:
    rate = BEST[-1]
    yield TableRun("(0, 1): only expr.", ATTENTION, (*ONLY_EXPRESSIONS, rate))
    yield TableRun("(1, 0): only VA", ATTENTION, (*ONLY_VA, rate))
    for alpha, beta in WEIGHTS:
        yield TableRun(f"({alpha:g}, {beta:g})", ATTENTION, (*BEST, *weights_of(alpha, beta)))


def _losses() -> Iterator[TableRun]:
    for va_words, va in VA_LOSSES:
        for words, expression in EXPRESSION_LOSSES:
            for rate in RATES:
                settings = (*losses_of(va, expression, rate), *weights_of(0.5, 0.5))
                yield TableRun(f"{va_words}, {words}, lr {rate}", ATTENTION, settings)


FROM_NOISE = "Networks are trained from noise; the document's began with weights of other pictures."
EMOTIONET = (
    f"{FROM_NOISE} It trained the last layers alone. Its total accuracy is printed pooled and "
    "defined as all units of a face right, its AUC is of decisions: both readings are given."
)
UNDEFINED = (
    "Undefined units count as absent, as in the document: `mien import emotionet --undefined "
    "absent`. Six of the 60 columns are no units of FACS and are left out."
)
LENGTH = "How long these two were trained is not said: 20,000 steps, the longest it shows."

RECOGNISER_TABLES = (
    Table("bartissol-2017/table-3", "60 Action Units", _units(SIXTY, "1e-2", (32, 32)), MEASURES,
          5000, f"{EMOTIONET} {UNDEFINED}", 500, True,
          small=SMALL_PICTURES, small_words=SMALL_WORDS),
    Table("bartissol-2017/table-4", "60 Action Units, counts", _units(SIXTY, "1e-2", (32, 32)),
          COUNTS, 5000, f"{FROM_NOISE} {UNDEFINED}", 500, True,
          small=SMALL_PICTURES, small_words=SMALL_WORDS),
    Table("bartissol-2017/table-5", "11 Action Units", _units(EMOTIONET_AUS, "1e-3", (32, 128)),
          MEASURES, 20_000, f"{EMOTIONET} {LENGTH}", 1000, True,
          small=SMALL_PICTURES, small_words=SMALL_WORDS),
    Table("bartissol-2017/table-6", "11 Action Units, counts",
          _units(EMOTIONET_AUS, "1e-3", (32, 128)), COUNTS, 20_000, f"{FROM_NOISE} {LENGTH}", 1000,
          True, small=SMALL_PICTURES, small_words=SMALL_WORDS),
    Table("bartissol-2017/equations-22-25", "Valence and arousal, errors on [-10, 10]",
          tuple(_errors()), ERRORS, 1500, f"{FROM_NOISE} Its 1,000 pictures are 800 to train "
          "on, 200 to test.", 100, True, small=SMALL_PICTURES, small_words=SMALL_WORDS),
    Table("kollias-2018/table-X", "Alpha and beta", tuple(_alpha_beta()), (
        ("CCC: V", "CCC valence"), ("CCC: A", "CCC arousal"),
        ("Total Accuracy", "expression accuracy"), ("F1: Weighted", "expression weighted F1"),
        ("F1: Unweighted", "expression macro F1"),
    ), 0, f"{FROM_NOISE} Losses and rate are those of Table XI's best.",
          small=SMALL_SEQUENCES, small_words=SMALL_SEQUENCE_WORDS),
    Table("kollias-2018/table-XI", "Loss functions and learning rates", tuple(_losses()), (
        ("CCC Valence", "CCC valence"), ("CCC Arousal", "CCC arousal"),
        ("Accuracy", "expression accuracy"), ("F1 Unweighted", "expression macro F1"),
        ("F1 Weighted", "expression weighted F1"),
    ), 0, f"{FROM_NOISE} Tables X and XI head the same two F1 differently: one is swapped.",
          small=SMALL_SEQUENCES, small_words=SMALL_SEQUENCE_WORDS),
    Table("benroumpi-2018/figure-2.24", "VGG-Face, VGG-16 and ResNet-50", (
        TableRun("VGG Face", "vgg-face"), TableRun("VGG-16", "vgg-16"),
        TableRun("ResNet-50", "resnet-50"),
    ), AFFECT, 0, f"{FROM_NOISE} Without them VGG-Face is VGG-16 with one layer more.",
          small=SMALL_PICTURES, small_words=SMALL_WORDS),
    Table("benroumpi-2018/figure-2.25", "CNN-RNN with GRU and LSTM cells", (
        TableRun("CNN-GRU", "cnn-rnn-gru"), TableRun("CNN-LSTM", "cnn-rnn-lstm"),
    ), AFFECT, 0, FROM_NOISE, small=SMALL_SEQUENCES, small_words=SMALL_SEQUENCE_WORDS),
    Table("benroumpi-2018/figure-2.26", "Best of CNN and CNN-RNN", (
        TableRun("CNN", "vgg-face", small=SMALL_PICTURES), TableRun("CNN-RNN", "cnn-rnn-gru"),
    ), AFFECT, 0, f"{FROM_NOISE} The bests of Figures 2.24 and 2.25, run again.",
          small=SMALL_SEQUENCES, small_words=f"{SMALL_WORDS}; {SMALL_SEQUENCE_WORDS}"),
    Table("benroumpi-2018/figure-2.27", "The modified CNN-M",
          (TableRun("CNN M", "cnn-m"),), AFFECT, 0, FROM_NOISE,
          small=SMALL_PICTURES, small_words=SMALL_WORDS),
)  # fmt: skip
