"""What a figure has to say of where it was measured."""

import os
import platform
import subprocess
import time
from pathlib import Path


def describe() -> str:
    """One line: date, commit, processor, Python."""
    here = Path(__file__).resolve().parent
    command = ["git", "-C", str(here), "describe", "--always", "--dirty"]
    commit = subprocess.run(command, capture_output=True, text=True).stdout.strip() or "?"
    model = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        names = [line for line in info.read_text().splitlines() if line.startswith("model name")]
        model = names[0].partition(":")[2].strip() if names else model
    day = time.strftime("%Y-%m-%d")
    return f"{day}, commit {commit}, {os.cpu_count()} x {model}, Python {platform.python_version()}"
