"""kill -9 at any moment: a command that is called again ends with the store of one that was not."""

import pytest

from conftest import write_corpus
from killing import killed, same, undisturbed

PLACES = ("carphone_pristine.mp4", "carphone_distorted.mp4")


def ingesting(clip, store, jobs):
    videos = [clip.with_name(name) for name in PLACES]
    return ("ingest", *videos, "--store", store, "--size", 32, "--fps", 3, "--jobs", jobs)


@pytest.mark.parametrize(
    ("kills", "jobs"),
    [(3, 2), *(pytest.param(20, n, marks=pytest.mark.slow) for n in (1, 2))],
)
def test_an_ingest_that_is_killed_ends_with_the_same_store(clip, tmp_path, kills, jobs):
    seconds = undisturbed(*ingesting(clip, tmp_path / "whole", 1))
    killed(kills, seconds, 7, *ingesting(clip, tmp_path / "killed", jobs))
    same(tmp_path / "killed", tmp_path / "whole")


@pytest.mark.parametrize("kills", [3, pytest.param(20, marks=pytest.mark.slow)])
def test_an_import_that_is_killed_ends_with_the_same_store(tmp_path, kills):
    corpus = write_corpus(tmp_path / "corpus", people=30, each=20)

    def importing(store):
        return ("import", "folder", corpus, "--store", store, "--size", 32)

    seconds = undisturbed(*importing(tmp_path / "whole"))
    killed(kills, seconds, 11, *importing(tmp_path / "killed"))
    same(tmp_path / "killed", tmp_path / "whole")
