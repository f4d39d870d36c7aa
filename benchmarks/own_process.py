"""Measurements that want a process in which nothing else has happened yet."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

from benchmarks.browsing import ROOT


def answer_of(module: str, *words: object, **variables: str) -> Any:
    """What `python -m MODULE WORDS` prints as JSON in its last line.

    Args:
        variables: of the process's environment, beside those of this one.
    """
    command = [sys.executable, "-m", module, *map(str, words)]
    done = subprocess.run(
        command, cwd=ROOT, env=os.environ | variables, check=True, stdout=subprocess.PIPE, text=True
    )  # fmt: skip
    return json.loads(done.stdout.splitlines()[-1])
