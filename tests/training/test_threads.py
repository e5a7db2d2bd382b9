import os

import pytest
import torch

from mien import processors
from mien.training import threads
from mien.workflows.table_runs import threads_of_each


@pytest.fixture
def counters(tmp_path, monkeypatch):
    """Say what a machine's processors did while they were watched: ticks busy and idle."""
    file = tmp_path / "stat"
    monkeypatch.setattr(processors, "_COUNTERS", file)
    monkeypatch.setattr(os, "cpu_count", lambda: 4)

    def did(busy: int, idle: int) -> None:
        file.write_text("cpu  1000 0 50 9000 0 0 0 0 0 0\ncpu0 1 2 3\n")

        def after(_: float) -> None:
            file.write_text(f"cpu  {1000 + busy} 0 50 {9000 + idle} 0 0 0 0 0 0\ncpu0 1 2 3\n")

        monkeypatch.setattr(processors.time, "sleep", after)

    return did


@pytest.mark.parametrize(
    ("busy", "idle", "free"), [(0, 120, 4), (30, 90, 3), (60, 60, 2), (118, 2, 1), (120, 0, 1)]
)
def test_processors_that_others_use_are_left_to_them(counters, busy, idle, free):
    counters(busy, idle)
    assert processors.idle_processors() == free


def test_without_counters_all_are_taken(tmp_path, monkeypatch):
    monkeypatch.setattr(processors, "_COUNTERS", tmp_path / "none")
    assert processors.idle_processors() == os.cpu_count()


def test_a_run_that_goes_on_keeps_its_threads_and_the_environment_has_the_last_word(
    counters, monkeypatch
):
    counters(120, 0)
    before, said = torch.get_num_threads(), []
    try:
        threads.choose_threads(before + 1, said.append)  # tests run with OMP_NUM_THREADS
        assert torch.get_num_threads() == before
        monkeypatch.delenv("OMP_NUM_THREADS")
        threads.choose_threads(2, said.append)
        assert torch.get_num_threads() == 2
        assert said == []
        threads.choose_threads(None, said.append)
        assert torch.get_num_threads() == 1
        assert said[0].startswith("others use this machine: 1 of 2 threads")
    finally:
        torch.set_num_threads(before)


def test_runs_at_once_share_the_idle_processors_unless_the_environment_says(counters, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert threads_of_each(2) == 3
    monkeypatch.delenv("OMP_NUM_THREADS")
    for busy, runs, each in ((0, 1, 4), (0, 2, 2), (60, 1, 2), (60, 2, 1), (120, 1, 1)):
        counters(busy, 120 - busy)
        assert threads_of_each(runs) == each
