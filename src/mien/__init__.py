"""mien: facial affect in the wild, from raw video to affect GANs and honest evaluation.

One function per verb of the command line, and the three things on disk that join them:

    import mien
    mien.ingest(["talk.mp4"], store="faces")
    run = mien.train("joint-32", store="faces", run="runs/first", settings=["steps=3000"])
    mien.evaluate(run.folder, part="val")

Each is loaded when it is first asked for: `import mien` itself is instant. One that needs an extra
which is not installed raises InputError, and names it.
"""

from collections.abc import Callable
from functools import cache, wraps
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mien.errors import InputError as InputError
    from mien.runs.run import Run as Run
    from mien.store import Store as Store
    from mien.workflows.analyze import analyze as analyze
    from mien.workflows.annotate import annotation_links as annotation_links
    from mien.workflows.annotate import export_annotation as export_annotation
    from mien.workflows.annotate import import_annotation as import_annotation
    from mien.workflows.annotate import init_annotation as init_annotation
    from mien.workflows.annotate import pack_annotation as pack_annotation
    from mien.workflows.annotate import set_annotation_stage as set_annotation_stage
    from mien.workflows.annotate import suggest_annotation as suggest_annotation
    from mien.workflows.annotate import unpack_annotation as unpack_annotation
    from mien.workflows.annotate_serve import annotate as annotate
    from mien.workflows.baseline import baseline as baseline
    from mien.workflows.card import card as card
    from mien.workflows.check import check as check
    from mien.workflows.compare import compare as compare
    from mien.workflows.consensus import consensus as consensus
    from mien.workflows.demo import demo as demo
    from mien.workflows.download import download_images as download_images
    from mien.workflows.download import download_videos as download_videos
    from mien.workflows.evaluate import evaluate as evaluate
    from mien.workflows.evaluate import evaluate_predictions as evaluate_predictions
    from mien.workflows.evaluate import sweep as sweep
    from mien.workflows.export_store import export_store as export_store
    from mien.workflows.film import film as film
    from mien.workflows.forget import forget as forget
    from mien.workflows.import_corpus import import_corpus as import_corpus
    from mien.workflows.ingest import ingest as ingest
    from mien.workflows.labels import add_labels as add_labels
    from mien.workflows.labels import list_layers as list_layers
    from mien.workflows.labels import order_layers as order_layers
    from mien.workflows.live import live as live
    from mien.workflows.models import export_model as export_model
    from mien.workflows.models import list_models as list_models
    from mien.workflows.models import load_recogniser as load_recogniser
    from mien.workflows.outputs import convert as convert
    from mien.workflows.people import people as people
    from mien.workflows.prepare import probe as probe
    from mien.workflows.prepare import standardise as standardise
    from mien.workflows.prepare import trim as trim
    from mien.workflows.recipes import list_recipes as list_recipes
    from mien.workflows.recipes import recipe_text as recipe_text
    from mien.workflows.report import write_report as write_report
    from mien.workflows.reproduce import reproduce as reproduce
    from mien.workflows.review import apply_review as apply_review
    from mien.workflows.review import review as review
    from mien.workflows.review import review_report as review_report
    from mien.workflows.sample import sample as sample
    from mien.workflows.search import search as search
    from mien.workflows.selftest import selftest as selftest
    from mien.workflows.split import check_split as check_split
    from mien.workflows.split import split as split
    from mien.workflows.split import split_folds as split_folds
    from mien.workflows.stats import stats as stats
    from mien.workflows.stats import write_statistics as write_statistics
    from mien.workflows.stores import merge_stores as merge_stores
    from mien.workflows.stores import select_store as select_store
    from mien.workflows.stream import stream as stream
    from mien.workflows.toys import toys as toys
    from mien.workflows.train import train as train


__version__ = "0.1.0"

_OFFERED = {
    "InputError": "mien.errors",
    "Run": "mien.runs.run",
    "Store": "mien.store",
    "add_labels": "mien.workflows.labels",
    "apply_review": "mien.workflows.review",
    "analyze": "mien.workflows.analyze",
    "card": "mien.workflows.card",
    "check": "mien.workflows.check",
    "baseline": "mien.workflows.baseline",
    "check_split": "mien.workflows.split",
    "compare": "mien.workflows.compare",
    "convert": "mien.workflows.outputs",
    "annotate": "mien.workflows.annotate_serve",
    "annotation_links": "mien.workflows.annotate",
    "consensus": "mien.workflows.consensus",
    "demo": "mien.workflows.demo",
    "download_images": "mien.workflows.download",
    "download_videos": "mien.workflows.download",
    "evaluate": "mien.workflows.evaluate",
    "export_store": "mien.workflows.export_store",
    "evaluate_predictions": "mien.workflows.evaluate",
    "export_annotation": "mien.workflows.annotate",
    "export_model": "mien.workflows.models",
    "film": "mien.workflows.film",
    "forget": "mien.workflows.forget",
    "import_annotation": "mien.workflows.annotate",
    "import_corpus": "mien.workflows.import_corpus",
    "init_annotation": "mien.workflows.annotate",
    "ingest": "mien.workflows.ingest",
    "list_layers": "mien.workflows.labels",
    "merge_stores": "mien.workflows.stores",
    "select_store": "mien.workflows.stores",
    "order_layers": "mien.workflows.labels",
    "pack_annotation": "mien.workflows.annotate",
    "recipe_text": "mien.workflows.recipes",
    "list_models": "mien.workflows.models",
    "list_recipes": "mien.workflows.recipes",
    "live": "mien.workflows.live",
    "load_recogniser": "mien.workflows.models",
    "people": "mien.workflows.people",
    "probe": "mien.workflows.prepare",
    "reproduce": "mien.workflows.reproduce",
    "review": "mien.workflows.review",
    "review_report": "mien.workflows.review",
    "sample": "mien.workflows.sample",
    "search": "mien.workflows.search",
    "set_annotation_stage": "mien.workflows.annotate",
    "selftest": "mien.workflows.selftest",
    "split": "mien.workflows.split",
    "standardise": "mien.workflows.prepare",
    "split_folds": "mien.workflows.split",
    "stats": "mien.workflows.stats",
    "stream": "mien.workflows.stream",
    "sweep": "mien.workflows.evaluate",
    "toys": "mien.workflows.toys",
    "train": "mien.workflows.train",
    "trim": "mien.workflows.prepare",
    "suggest_annotation": "mien.workflows.annotate",
    "unpack_annotation": "mien.workflows.annotate",
    "write_statistics": "mien.workflows.stats",
    "write_report": "mien.workflows.report",
}
"""Name to the module that has it."""

__all__ = ["__version__", *sorted(_OFFERED)]


def __getattr__(name: str) -> Any:
    if name not in _OFFERED:
        raise AttributeError(f"module 'mien' has no attribute {name!r}")
    found = getattr(import_module(_OFFERED[name]), name)
    return found if isinstance(found, type) else _explaining(name, found)


@cache
def _explaining(name: str, verb: Callable[..., Any]) -> Callable[..., Any]:
    """A verb that says which extra it needs where that is not installed."""

    @wraps(verb)
    def call(*args: Any, **kwargs: Any) -> Any:
        from mien.extras import explained

        with explained(f"mien.{name}"):
            return verb(*args, **kwargs)

    return call


def __dir__() -> list[str]:
    return sorted(__all__)
