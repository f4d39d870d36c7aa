"""Maps and measures of a run's stored faces, kept in its folder by what they were made from.

map-<key>.safetensors    places of the faces, and how far they can be trusted; the key says of what and how
faces-<key>.safetensors  a number for each face, such as how well it is redrawn
"""

from pathlib import Path

from vaelab.runs.store import Run


def map_path(run: Run, key: str) -> Path:
    """Where the map with this key is kept."""
    return run.dir / f"map-{key}.safetensors"


def values_path(run: Run, key: str) -> Path:
    """Where the numbers with this key are kept."""
    return run.dir / f"faces-{key}.safetensors"
