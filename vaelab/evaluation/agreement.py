"""How far two models agree about some faces: whether those that lie together on one's map do so on the other's."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from vaelab.errors import DataError
from vaelab.evaluation.intervals import MeanWithInterval, mean_with_interval

Places = Float[np.ndarray, "faces dims"]
OtherPlaces = Float[np.ndarray, "same_faces other_dims"]
Rows = Int[np.ndarray, " selected"]


@dataclass(frozen=True)
class Agreement:
    """Neighbourhoods of selected faces on two maps of the same faces; means over the selected.

    Attributes:
        together_here, together_there: share of a face's nearest ones, on either map, that are selected as well.
        kept: share of a face's nearest ones here that are also its nearest there.
        chance: what `together_there` would be if the other map were shuffled: the share selected of all others.
        chance_kept: the same of `kept`.
        neighbours: faces that make a neighbourhood.
    """

    together_here: MeanWithInterval
    together_there: MeanWithInterval
    kept: MeanWithInterval
    chance: float
    chance_kept: float
    neighbours: int


def agreement(here: Places, there: OtherPlaces, selected: Rows, neighbours: int) -> Agreement:
    """Of the faces `selected`, rows of both `here` and `there`.

    Raises:
        DataError: the maps are not of the same faces, fewer than two are selected, or there are too few for
            neighbourhoods of this size.
    """
    if len(here) != len(there):
        raise DataError(f"two maps of {len(here)} and {len(there)} faces; expected places of the same faces")
    if len(selected) < 2 or len(here) <= neighbours + 1:
        raise DataError(
            f"{len(selected)} of {len(here)} faces in neighbourhoods of {neighbours}; select two at least, among more "
            "than make a neighbourhood"
        )
    is_selected = np.zeros(len(here), bool)
    is_selected[selected] = True
    near_here, near_there = (_nearest(places, selected, neighbours) for places in (here, there))
    kept = (near_here[:, :, None] == near_there[:, None, :]).any(axis=2).mean(axis=1)
    return Agreement(
        mean_with_interval(is_selected[near_here].mean(axis=1)),
        mean_with_interval(is_selected[near_there].mean(axis=1)),
        mean_with_interval(kept),
        (len(selected) - 1) / (len(here) - 1),
        neighbours / (len(here) - 1),
        neighbours,
    )


def _nearest(places: Places, selected: Rows, neighbours: int) -> Int[np.ndarray, "selected neighbours"]:
    """The nearest others of each selected face."""
    from scipy.spatial import cKDTree  # a second of importing

    found = cKDTree(places).query(places[selected], neighbours + 1)[1]
    is_itself = found == selected[:, None]
    is_itself[~is_itself.any(axis=1), -1] = True  # as many others lie on the very same place
    return np.asarray(found[~is_itself].reshape(len(selected), neighbours))
