"""Where the README and what it tells of lie."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "README.md"
MEASURED = ROOT / "benchmarks" / "README.md"
"""All that was measured; the README says the most important of it."""
