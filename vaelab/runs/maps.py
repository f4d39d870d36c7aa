"""Maps and measures of a run's stored faces, kept in its folder by what they were made from.

map-<key>.safetensors    places of the faces, and how far they can be trusted; the key says of what and how
film-<key>.safetensors   places of the faces in frames/ at each moment of the training
faces-<key>.safetensors  a number for each face, such as how well it is redrawn
"""

from pathlib import Path

from vaelab.runs.store import Run


def map_path(run: Run, key: str) -> Path:
    """Where the map with this key is kept."""
    return run.dir / f"map-{key}.safetensors"


def film_path(run: Run, key: str) -> Path:
    """Where the map over training with this key is kept."""
    return run.dir / f"film-{key}.safetensors"


def films_of(run: Run) -> list[Path]:
    """Every map over training that is kept."""
    return sorted(run.dir.glob("film-*.safetensors"))


def values_path(run: Run, key: str) -> Path:
    """Where the numbers with this key are kept."""
    return run.dir / f"faces-{key}.safetensors"
