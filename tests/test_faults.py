"""A process that is killed while it works loses no finished file."""

import subprocess
import sys
from pathlib import Path

import pytest

from gradbook.bench import faults
from gradbook.paths import repository

KILLS = """
import random, sys
from pathlib import Path
import torch
from gradbook.bench import faults
torch.set_num_threads(1)
task = faults.QUICK[sys.argv[1]](Path(sys.argv[2]))
print(faults.kill_repeatedly(task, 2, random.Random())["kills"])
"""


@pytest.mark.parametrize("task", faults.QUICK)
def test_a_kill_loses_no_finished_file(task: str, tmp_path: Path) -> None:
    # in a process of its own, because a process with other threads should not fork
    command = [sys.executable, "-c", KILLS, task, str(tmp_path)]
    answer = subprocess.run(command, capture_output=True, text=True, cwd=repository(), check=False)
    assert answer.returncode == 0, answer.stderr[-2000:]
    assert answer.stdout.split()[-1] == "2"
