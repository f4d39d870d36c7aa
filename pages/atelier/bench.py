"""What lies on the Studio's bench: some faces and what is being done with them. One record, in session and link."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode

import streamlit as st

from pages.shell.kept import Kept
from pages.shell.links import is_link, link_was_read, page_query_lists
from pages.studio.state import RECIPE
from pages.studio.state import keep as keep_for_explore
from vaelab.editing.paths import PATHS
from vaelab.editing.recipe import SLIDER_KEY, FaceRecipe, fit_to_model, pack_latent, read_query

if TYPE_CHECKING:
    import numpy as np

    from vaelab.inference import FaceModel

BENCH, LINK, LEAVE = "bench.state", "bench.link", "bench.leave"
SECTIONS = {
    "path": "Interpolate",
    "sum": "Arithmetic",
    "grid": "Grid",
    "doubt": "Uncertainty",
    "near": "Neighbours",
}
ENDINGS = {"once": "Once", "back": "There and back", "loop": "Round"}
MOST_FACES = 6
FRAMES = (2, 24)
COUNTS = (3, 9)
STRENGTHS = (0.0, 2.0)


@dataclass(frozen=True)
class Bench:
    """Everything the page shows.

    Attributes:
        model: run id; all faces are drawn by it.
        faces: up to MOST_FACES of them, in order.
        section: one of SECTIONS.
        face: index of the face that grid, uncertainty and neighbours look at.
        path, frames, ending: of the interpolation: kind, steps from face to face, one of ENDINGS.
        terms, strength: of the arithmetic: wanted indices of A, B and C, and the factor on C - B.
        across, down, count: of the grid: keys of two sliders, and positions of each.
    """

    model: str
    faces: tuple[FaceRecipe, ...] = ()
    section: str = "path"
    face: int = 0
    path: str = "prior"
    frames: int = 10
    ending: str = "once"
    terms: tuple[int, int, int] = (0, 1, 2)
    strength: float = 1.0
    across: str = ""
    down: str = ""
    count: int = 7

    @property
    def summed(self) -> tuple[int, int, int]:
        """Indices of A, B and C among the faces that are there: the last one stands in for those that are not."""
        last = max(len(self.faces) - 1, 0)
        a, b, c = self.terms
        return min(a, last), min(b, last), min(c, last)


bench = Kept[Bench](BENCH)
change, sets = bench.change, bench.sets


def put(face: FaceRecipe) -> None:
    """Lay a face down at the end, or in place of the last one where there is no room."""
    change(faces=(*bench().faces[: MOST_FACES - 1], dataclasses.replace(face, model=bench().model)))


def open_in_explore(face: FaceRecipe) -> None:
    """Put a face on Explore's table; the page goes there with its next run."""
    keep_for_explore(face)
    st.session_state[LEAVE] = True


def of_latent(model: FaceModel, z: np.ndarray) -> FaceRecipe:
    """The recipe of a face that was calculated."""
    return FaceRecipe(model.run_id, start="latent", z=pack_latent(z))


def open_bench(run_ids: Sequence[str]) -> list[str]:
    """Decide what lies on the bench; returns sentences about what could not be honoured.

    A link wins over the session; without either, Explore's face lies there beside two random ones.
    """
    query = page_query_lists()
    notes: list[str] = []
    if query.keys() & {"do", "face"} and is_link(LINK):
        opened, notes = read_link(query, run_ids[0])
    else:
        opened = bench.before() or _first(run_ids)
        if "model" in query and is_link(LINK):  # a link to a model and no faces: those that lie here, drawn by it
            opened = dataclasses.replace(opened, model=query["model"][-1])
    if opened.model not in run_ids:
        notes.append(f"There is no model of the name asked for here, so this is {run_ids[0]}.")
        opened = dataclasses.replace(opened, model=run_ids[0])
    bench.keep(opened)
    link_was_read(LINK)
    return notes


def fit_bench(now: Bench, model: FaceModel) -> tuple[Bench, list[str]]:
    """The bench with what `model` can draw, and a sentence for everything that it cannot."""
    notes: list[str] = []
    faces = []
    for face in now.faces:
        fitted, more = fit_to_model(dataclasses.replace(face, model=model.run_id), model)
        faces.append(fitted)
        notes += more
    changes: dict[str, Any] = {"faces": tuple(faces), "face": min(now.face, max(len(faces) - 1, 0))}
    if model.latents is None and now.path == "prior":
        changes["path"] = "spherical"
    return dataclasses.replace(now, **changes), list(dict.fromkeys(notes))


def to_link(now: Bench) -> dict[str, list[str]]:
    """Query parameters that `read_link` turns back into `now`; each face is its own link, packed into one word."""
    packed = []
    for face in now.faces:
        query = face.to_query()
        query.pop("model")
        packed.append(urlencode(query))
    words: dict[str, Any] = {"do": now.section, "model": now.model, "face": packed}
    if now.section == "path":
        words |= {"way": now.path, "frames": now.frames, "end": now.ending}
    elif now.section == "sum":
        words |= {"terms": "~".join(map(str, now.terms)), "w": f"{now.strength:g}"}
    else:
        words["of"] = now.face
    if now.section == "grid" and now.across:
        words |= {"x": now.across, "y": now.down, "n": now.count}
    return {name: value if isinstance(value, list) else [str(value)] for name, value in words.items()}


def read_link(query: dict[str, list[str]], default_model: str) -> tuple[Bench, list[str]]:
    """The bench in a link, and one sentence for everything in it that could not be used."""
    notes: list[str] = []
    words = {name: values[0] for name, values in query.items() if values}
    model = words.get("model", "") or default_model
    faces = []
    for packed in query.get("face", [])[:MOST_FACES]:
        face, more = read_query(dict(parse_qsl(packed[:10_000])), FaceRecipe(model))
        faces.append(dataclasses.replace(face, model=model))
        notes += more
    now = Bench(model, tuple(faces))
    terms = tuple(_whole(term, (0, MOST_FACES - 1), 0) for term in words.get("terms", "0~1~2").split("~"))
    try:
        strength = min(max(round(float(words.get("w", "1")), 2), STRENGTHS[0]), STRENGTHS[1])
    except ValueError:
        strength = now.strength
    sliders = {name: words.get(name, "") for name in ("x", "y")}
    return dataclasses.replace(
        now,
        section=_one_of(words.get("do", ""), SECTIONS, now.section),
        face=_whole(words.get("of", ""), (0, MOST_FACES - 1), now.face),
        path=_one_of(words.get("way", ""), PATHS, now.path),
        frames=_whole(words.get("frames", ""), FRAMES, now.frames),
        ending=_one_of(words.get("end", ""), ENDINGS, now.ending),
        terms=terms if len(terms) == 3 else now.terms,
        strength=strength if strength == strength else now.strength,
        across=sliders["x"] if SLIDER_KEY.fullmatch(sliders["x"]) else "",
        down=sliders["y"] if SLIDER_KEY.fullmatch(sliders["y"]) else "",
        count=_whole(words.get("n", ""), COUNTS, now.count),
    ), notes


def _first(run_ids: Sequence[str]) -> Bench:
    explored: FaceRecipe | None = st.session_state.get(RECIPE)
    if explored is None or explored.model not in run_ids:
        explored = FaceRecipe(run_ids[0])
    others = [FaceRecipe(explored.model, seed=seed) for seed in (8, 9)]
    return Bench(explored.model, (explored, *others))


def _one_of(word: str, known: dict[str, str], otherwise: str) -> str:
    return word if word in known else otherwise


def _whole(text: str, bounds: tuple[int, int], otherwise: int) -> int:
    is_number = text.isascii() and text.isdigit() and len(text) < 6
    return min(max(int(text), bounds[0]), bounds[1]) if is_number else otherwise
