"""What the documents conclude of recognisers: checked by `claims.check_claims`."""

from mien.reproduction.asked import AskedRun
from mien.reproduction.comparison import Comparison, Side, has
from mien.reproduction.recogniser_tables import (
    ATTENTION,
    BEST,
    ONLY_EXPRESSIONS,
    ONLY_VA,
    weights_of,
)


def _plain(*names: str) -> Side:
    """Runs of these recipes with their own heads (benroumpi-2018's figures)."""
    return lambda run: run.recipe in names and not any(s.startswith("heads.") for s in run.settings)


SEQUENCES = _plain("cnn-rnn-gru", "cnn-rnn-lstm")
ALONE = _plain("vgg-face", "vgg-16", "resnet-50")
AXES = ("valence", "arousal")
EVEN = weights_of(0.5, 0.5)
OF_EXPRESSIONS = ("expression accuracy", "expression weighted F1", "expression macro F1")


def _units(run: AskedRun, recipe: str, many: bool) -> bool:
    """Runs on Action Units; many: on all of EmotioNet's columns, not the annotated ones."""
    units = next((s for s in run.settings if s.startswith("heads.au=[1,")), "")
    return run.recipe == recipe and bool(units) and (units.count(",") > 20) == many


def _on_units(recipe: str, many: bool) -> Side:
    return lambda run: _units(run, recipe, many)


def _affect(recipe: str) -> Side:
    return lambda run: run.recipe == recipe and "heads.valence_arousal=true" in run.settings


def _uneven(run: AskedRun) -> bool:
    """Runs of Table X with both tasks and other weights than 0.5."""
    weighed = any(s.startswith("weights.valence_arousal=") for s in run.settings)
    return run.recipe == ATTENTION and weighed and not set(EVEN) <= set(run.settings)


def _other_losses(run: AskedRun) -> bool:
    """Runs of Table XI with other losses than its best."""
    losses = set(BEST[:2])
    even = set(EVEN) <= set(run.settings)
    return run.recipe == ATTENTION and even and not losses <= set(run.settings)


RECOGNISER_COMPARISONS = (
    Comparison(
        "11 units: Inception V2 is better than VGG 16",
        "bartissol-2017, Table 5: 0.521, 0.407",
        "F1, pooled",
        _on_units("inception-v2", many=False),
        _on_units("vgg-16", many=False),
        last=True,
    ),
    Comparison(
        "11 units: Inception V2 is more accurate than VGG 16",
        "bartissol-2017, Table 5: 0.889, 0.864",
        "accuracy, pooled",
        _on_units("inception-v2", many=False),
        _on_units("vgg-16", many=False),
        last=True,
    ),
    Comparison(
        "Valence and arousal: VGG 16 errs less than Inception V2",
        "bartissol-2017, equations 23 and 25: 3.708, 3.957",
        "RMSE on ten",
        _affect("vgg-16"),
        _affect("inception-v2"),
        last=True,
    ),
    *(
        Comparison(
            f"{axis.capitalize()}: sequences (CNN-RNN) are better than single faces (CNN)",
            "benroumpi-2018, Figure 2.26",
            f"CCC {axis}",
            SEQUENCES,
            ALONE,
        )
        for axis in AXES
    ),
    *(
        Comparison(
            f"{axis.capitalize()}: GRU is better than LSTM",
            "benroumpi-2018, Figure 2.25",
            f"CCC {axis}",
            _plain("cnn-rnn-gru"),
            _plain("cnn-rnn-lstm"),
        )
        for axis in AXES
    ),
    *(
        Comparison(
            f"{axis.capitalize()}: {better} is better than {worse}",
            "benroumpi-2018, Figure 2.24",
            f"CCC {axis}",
            _plain(better),
            _plain(worse),
        )
        for better, worse in (("vgg-face", "vgg-16"), ("vgg-16", "resnet-50"))
        for axis in AXES
    ),
    *(
        Comparison(
            f"{measure}: alpha = beta = 0.5 is better than other weights",
            "kollias-2018, Table X",
            measure,
            has(ATTENTION, *EVEN, *BEST),
            _uneven,
        )
        for measure in (*(f"CCC {axis}" for axis in AXES), *OF_EXPRESSIONS)
    ),
    *(
        Comparison(
            f"CCC {axis}: both tasks together are better than one alone",
            "kollias-2018, Table X",
            f"CCC {axis}",
            has(ATTENTION, *EVEN, *BEST),
            has(ATTENTION, *ONLY_VA),
        )
        for axis in AXES
    ),
    *(
        Comparison(
            f"{measure}: both tasks together are better than one alone",
            "kollias-2018, Table X",
            measure,
            has(ATTENTION, *EVEN, *BEST),
            has(ATTENTION, *ONLY_EXPRESSIONS),
        )
        for measure in OF_EXPRESSIONS
    ),
    *(
        Comparison(
            f"{measure}: 1 - CCC with cross-entropy is better than other losses",
            "kollias-2018, Table XI",
            measure,
            has(ATTENTION, *EVEN, *BEST[:2]),
            _other_losses,
        )
        for measure in ("CCC valence", "expression accuracy", "expression weighted F1")
    ),
)
