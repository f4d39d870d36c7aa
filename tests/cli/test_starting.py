"""What every command pays before it does anything."""

import subprocess
import sys
from pathlib import Path

SLOW = ("torch", "sklearn", "scipy.stats", "matplotlib", "streamlit", "umap", "plotly")
ROOT = Path(__file__).parents[2]


def test_the_command_line_imports_nothing_that_most_commands_do_not_need() -> None:
    code = f"import sys, vaelab.cli; print([name for name in {SLOW} if name in sys.modules])"
    said = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    assert said.strip() == "[]"
