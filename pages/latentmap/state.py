"""What the map shows: one record, in the session and in the link."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import streamlit as st

from pages.shell.kept import Kept
from pages.shell.links import is_link, link_was_read, page_query

STATE, LINK, REVISION, LEAVE = "map.state", "map.link", "map.revision", "map.leave"
METHODS = {"umap": "UMAP", "pca": "Principal components"}
Place = tuple[float, ...]
"""Two coordinates, or three on a map of three axes."""
BESIDE = "beside"
"""The second map, as the one that an area is on."""
FILM = "film"
VIEWS = {"": "The model now", FILM: "Over training"}
AXES = {2: "2-D", 3: "3-D"}
FARTHEST = 50.0
"""No place on a map is nearly so far out; a link that says so is garbage."""
MOST_PLACES, MOST_CORNERS = 6, 80
STEPS = (4, 24)
PAGES = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Shown:
    """Everything the page shows.

    Attributes:
        model: run id.
        method: one of METHODS.
        colour: what points are coloured by: a label's column or a quantity; empty for the first there is.
        point: the place that was pressed.
        area: corners of the selection.
        way: places that the path visits; `steps` from each to the next.
        dims: axes of the map, one of AXES; on three there is neither area nor path nor second map.
        beside: run id of the model whose map lies beside; empty for none.
        area_on: BESIDE where the area is on the second map, else empty.
        view: one of VIEWS; FILM shows the training's way instead of the model now.
        face: image id of the face whose way is shown.
        clock: images seen by the training in the frame that is shown; 0 for the last.
    """

    model: str
    method: str = "umap"
    colour: str = ""
    point: Place | None = None
    area: tuple[Place, ...] = ()
    way: tuple[Place, ...] = ()
    steps: int = 10
    dims: int = 2
    beside: str = ""
    area_on: str = ""
    view: str = ""
    face: str = ""
    clock: int = 0

    @property
    def second(self) -> str:
        """The model whose map is shown beside; empty on three axes, where there is no room for one."""
        return self.beside if self.dims == 2 else ""


shown = Kept[Shown](STATE)


def keep(**changes: Any) -> None:
    """Take over what the map in the browser shows already, or what only the page around it shows."""
    shown.change(**changes)


def put(**changes: Any) -> None:
    """Change what the map shows; it takes it from here."""
    keep(**changes)
    st.session_state[REVISION] = revision() + 1


def revision() -> int:
    """A number that grows whenever something else than the map changes what it shows."""
    count: int = st.session_state.get(REVISION, 0)
    return count


NOWHERE: dict[str, Any] = {"point": None, "area": (), "way": (), "area_on": ""}
"""What is left of places where there is another map."""


def sets(field: str, key: str) -> Callable[[], None]:
    """A callback that puts a widget's value into `field`; another map has other places."""

    def changed() -> None:
        is_other = field in ("model", "method", "dims") or (field == "beside" and bool(shown().area_on))
        put(**{**(NOWHERE if is_other else {}), field: st.session_state[key]})
        if shown().beside == shown().model:
            put(beside="", **(NOWHERE if shown().area_on else {}))

    return changed


def leave_for(page: str) -> None:
    """Go to another page with the next run."""
    st.session_state[LEAVE] = str(PAGES / page)


def open_map(run_ids: Sequence[str]) -> list[str]:
    """Decide what is shown, a link before the session; returns sentences about what could not be honoured."""
    notes: list[str] = []
    if shown.before() is None:
        shown.keep(Shown(run_ids[0]))
    if is_link(LINK):
        opened, notes = read_link(page_query(), run_ids[0])
        put(**{field.name: getattr(opened, field.name) for field in dataclasses.fields(opened)})
    if shown().model not in run_ids:
        notes.append(f"There is no model of the name asked for here, so this is {run_ids[0]}.")
        put(**NOWHERE, model=run_ids[0])
    if (beside := shown().beside) and (beside not in run_ids or beside == shown().model):
        notes.append(f"There is no other model {beside} here to lay beside.")
        put(beside="", **(NOWHERE if shown().area_on else {}))
    link_was_read(LINK)
    return notes


def to_link(now: Shown) -> dict[str, str]:
    """Query parameters that `read_link` turns back into `now`."""
    words = {"model": now.model, "map": now.method, "by": now.colour, "beside": now.beside, "on": now.area_on}
    words["at"] = "" if now.point is None else _packed([now.point])
    words |= {"area": _packed(now.area), "way": _packed(now.way), "dims": "" if now.dims == 2 else str(now.dims)}
    words |= {"view": now.view, "face": now.face, "seen": str(now.clock) if now.clock else ""}
    return words | ({"steps": str(now.steps)} if now.way else {})


def read_link(query: Mapping[str, str], default_model: str) -> tuple[Shown, list[str]]:
    """What a link shows, and one sentence for everything in it that could not be used."""
    notes = []
    dims = 3 if query.get("dims", "") == "3" else 2
    found: dict[str, tuple[Place, ...]] = {}
    for name, most, what in (("at", 1, "place"), ("area", MOST_CORNERS, "area"), ("way", MOST_PLACES, "path")):
        axes = dims if name == "at" else 2
        places = read_places(_numbers(query.get(name, ""), axes), most, axes)
        if places is None:
            notes.append(f"The link's {what} is no list of up to {most} places on the map, and was left out.")
        found[name] = (places or ()) if axes == dims else ()
    steps, clock = query.get("steps", ""), query.get("seen", "")
    method = query.get("map", "")
    beside = query.get("beside", "")[:200]
    return Shown(
        query.get("model", "") or default_model,
        method if method in METHODS else "umap",
        query.get("by", "")[:200],
        found["at"][0] if found["at"] else None,
        found["area"] if len(found["area"]) > 2 else (),
        found["way"],
        min(max(int(steps), STEPS[0]), STEPS[1]) if steps.isascii() and steps.isdigit() and len(steps) < 4 else 10,
        dims,
        beside,
        BESIDE if beside and query.get("on", "") == BESIDE else "",
        FILM if query.get("view", "") == FILM else "",
        query.get("face", "")[:200],
        int(clock) if clock.isascii() and clock.isdigit() and len(clock) <= 12 else 0,
    ), notes


def read_places(value: Any, most: int, axes: int = 2) -> tuple[Place, ...] | None:
    """Places in what a browser or a link says; None where it says anything else."""
    if not isinstance(value, list) or len(value) > most:
        return None
    places = []
    for place in value:
        is_place = isinstance(place, list) and len(place) == axes
        if not is_place or not all(isinstance(part, (int, float)) and abs(part) <= FARTHEST for part in place):
            return None
        places.append(tuple(round(float(part), 4) + 0.0 for part in place))
    return tuple(places)


def _packed(places: Sequence[Place]) -> str:
    return "~".join(f"{value:g}" for place in places for value in place)


def _numbers(text: str, axes: int) -> Any:
    """Places in `0.1~-0.25~...`, each of so many numbers, else None."""
    if not text:
        return []
    try:
        values = [float(piece) for piece in text[:4000].split("~")]
    except ValueError:
        return None
    is_whole = len(values) % axes == 0 and all(math.isfinite(value) for value in values)
    return [values[start : start + axes] for start in range(0, len(values), axes)] if is_whole else None
