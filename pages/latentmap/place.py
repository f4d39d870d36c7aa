"""What a place on the map means: the face decoded there, how much data stands behind it, and who is near."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from pages.atelier.bench import MOST_FACES, Bench, bench
from pages.latentmap.state import Place, leave_for, put, shown
from pages.shell.faces import draw, spoken_labels
from pages.shell.pictures import png
from pages.shell.routes import stored_address
from pages.shell.sheet import face_sheet
from pages.studio.state import keep as keep_for_explore
from vaelab.editing.recipe import FaceRecipe, pack_latent
from vaelab.wording import with_minus

if TYPE_CHECKING:
    from vaelab.evaluation.facemap import FaceMap
    from vaelab.inference import FaceModel

THIN, NOBODY = 0.1, 0.01
"""Shares of faces in no denser surroundings below which a place is called thin, and empty."""
ON_A_FACE = 5e-4
"""Distance under which a press is on the face itself: the browser knows places to four digits."""


def snapped(face_map: FaceMap, place: Place) -> NDArray[np.float32]:
    """(1, dims) the place, or that of the face which was pressed."""
    row = row_at(face_map, place)
    return (np.array(place, np.float32) if row is None else face_map.places[row])[None]


def row_at(face_map: FaceMap, place: Place) -> int | None:
    """The row of the face that was pressed; None where it was a place without one."""
    apart = np.abs(face_map.places - np.array(place, np.float32)).max(axis=1)
    nearest = int(apart.argmin())
    return nearest if apart[nearest] < ON_A_FACE else None


def at_place(model: FaceModel, face_map: FaceMap) -> None:
    """The face at the place that was pressed, and where it can go."""
    from vaelab.evaluation.facemap import blend

    now = shown()
    if now.point is None:
        st.markdown("**Press anywhere on the map.** A face is drawn there, also where nobody is.")
        return
    assert model.latents is not None
    point = snapped(face_map, now.point)
    rows, weights = blend(point[0], face_map.places)
    support = float(face_map.support(point)[0])
    is_face = weights[0] == 1.0
    ids = [str(model.latents.labels["image_id"].iloc[row]) for row in rows]
    z = face_map.inverse(point, model.latents)[0]
    words = f"Stored face, {spoken_labels(model, ids[0])}" if is_face else f"Drawn at {in_words(now.point)}"
    face = FaceRecipe(model.run_id, start="stored", face=ids[0]) if is_face else as_recipe(model, z)
    left, right = st.columns([2, 3], gap="medium")
    left.image(png(draw(model, z)), width="stretch", output_format="PNG", alt=words)
    with right:
        st.markdown(f"**{words}**")
        show_support(support)
        st.button("Open in Explore", icon=":material/tune:", on_click=to_explore, args=(face,), key="map.explore")
        st.button("Take to the Studio", icon=":material/add:", on_click=to_studio, args=([face],), key="map.studio")
    st.caption(
        "The model's redrawing of the stored face." if is_face else
        f"A blend of the latents of the {len(rows)} faces nearest on the map, the nearest of which counts for "
        f"{weights[0]:.0%}. A blend is plainer than any of them."
    )  # fmt: skip
    face_sheet(
        [(stored_address(model, [int(row) for row in rows]), f"The {len(rows)} faces nearest on the map")],
        [f"Go to {spoken_labels(model, name)}" for name in ids],
        label="Nearest on the map, the nearest first",
        key="map.nearest",
        on_pick=lambda index: put(point=place_of(face_map, int(rows[index]))),
    )


def show_support(support: float) -> None:
    """A badge and a sentence for a support score."""
    if support < NOBODY:
        st.badge("Nobody is here", icon=":material/warning:", color="red")
    elif support < THIN:
        st.badge("Thinly settled", icon=":material/question_mark:", color="orange")
    else:
        st.badge("Settled", icon=":material/check:", color="green")
    share = "Fewer than 1 %" if support < 0.01 else f"{support:.0%}"
    st.markdown(f"Support {support:.2f}: {share} of the faces have their neighbours as far off, or farther.")


def as_recipe(model: FaceModel, z: NDArray[np.float32]) -> FaceRecipe:
    """A face that was calculated, as other pages take it."""
    return FaceRecipe(model.run_id, start="latent", z=pack_latent(z))


def to_explore(face: FaceRecipe) -> None:
    """Put a face on Explore's table and go there."""
    keep_for_explore(face)
    leave_for("explore.py")


def to_studio(faces: list[FaceRecipe]) -> None:
    """Lay faces into the Studio's tray, beside those of the same model while there is room, and go there."""
    lying = bench.before()
    kept = lying.faces if lying is not None and lying.model == faces[0].model and len(faces) == 1 else ()
    bench.keep(Bench(faces[0].model, (*kept[: MOST_FACES - len(faces)], *faces)))
    leave_for("paths.py")


def in_words(place: Place) -> str:
    """A place's coordinates, for people."""
    return with_minus(", ".join(f"{value:.2f}" for value in place))


def place_of(face_map: FaceMap, row: int) -> Place:
    """A face's place, as the page keeps it."""
    return tuple(round(float(value), 4) for value in face_map.places[row])
