"""The steps of the tour: what to do, on which page, why it happens, and by what sign it counts as done."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pages.atelier.bench import BENCH
from pages.counterfactual.plan import PLAN
from pages.shell.places import file_of
from pages.sidebyside.pair import PAIR
from pages.tour import signs


def _no_query() -> dict[str, str]:
    return {}


@dataclass(frozen=True)
class Step:
    """One step.

    Attributes:
        page: the page's path in the address; empty for Explore.
        task: what to do.
        why: what to look at, and why it happens.
        is_done: the sign that it was done.
        record: instead, a value of the session: done once it differs from what the page opened with. With neither,
            seeing the page is all.
        query: query parameters of the link that leads there.
    """

    key: str
    page: str
    title: str
    task: str
    why: str
    is_done: Callable[[], bool] | None = None
    record: Callable[[], Any] | None = None
    query: Callable[[], Mapping[str, str]] = _no_query

    @property
    def file(self) -> Path:
        """The page's file."""
        return file_of(self.page)


def _first_query(name: str) -> Callable[[], dict[str, str]]:
    """A link to the first run, under the page's own name for it."""

    def query() -> dict[str, str]:
        run = signs.first_run()
        return {} if run is None else {name: run.id}

    return query


def _both_query() -> dict[str, str]:
    first, second = signs.first_run(), signs.second_run()
    return {} if first is None or second is None else {"a": first.id, "b": second.id}


ALL_STEPS = (
    Step(
        "recipe",
        "recipes",
        "Start a training",
        "Choose **first-minute** and press **Train**.",
        "A VAE learns under two forces. *Reconstruction* wants each face back from a few numbers; the *KL* wants those "
        "numbers to look like plain noise. The formula on this page is their sum.",
        signs.has_started,
        query=lambda: {"recipe": signs.FIRST},
    ),
    Step(
        "data",
        "data",
        "See what it learns from",
        "While it trains, look at its faces here.",
        "They are drawn by the program, so every label is exact. What a model never saw it cannot draw, and what it "
        "saw rarely it draws badly: look at which groups are small.",
    ),
    Step(
        "curves",
        "train",
        "Watch it learn",
        "Wait for the first points of the curves.",
        "Reconstruction falls at once. The KL rises first: numbers that say nothing cost nothing, and each one that "
        "begins to tell something about the face has to pay for it. At beta 1 the sum is a bound on how likely the "
        "model finds the faces.",
        signs.has_points,
        query=_first_query("run"),
    ),
    Step(
        "slider",
        "",
        "Move a slider",
        "Drag any slider. The model can draw from half of its training on; this page fills by itself.",
        "Each number moves something, and seldom one thing alone: nothing told the model that hair and light are "
        "different matters. One that does nothing was switched off by the KL.",
        signs.has_moved,
        query=_first_query("model"),
    ),
    Step(
        "noise",
        "",
        "Draw from noise",
        "Press **Another face** a few times, or start from your photo.",
        "Every press decodes fresh noise. Some faces are odd: the encoder fills only part of the bell curve, and noise "
        "that falls into one of its *holes* is decoded into something that was never learned. A lower temperature "
        "stays near the middle, where faces are plain but safe.",
        record=signs.starting_face,
    ),
    Step(
        "store",
        "recipes",
        "Store its faces",
        "When the training is done, press **Store its faces** under the pictures.",
        "The encoder looks at held-out faces once. From where they land a better prior is fitted, and from their "
        "labels directions are learned: then sliders have names.",
        signs.has_stored_faces,
        query=lambda: {"recipe": signs.FIRST},
    ),
    Step(
        "beta",
        "train",
        "Train again, with a larger beta",
        "Press **Fill in beta 8** below, then **Train** on the page. It takes as long as the first one.",
        "Beta 8 makes the KL eight times as heavy. More numbers will fall silent and faces will blur, but what noise "
        "decodes to will be more even: fewer holes, less detail.",
        signs.has_second,
    ),
    Step(
        "walk",
        "studio",
        "Walk between faces",
        "Choose another **Way**, and drag through it.",
        "Halfway along the straight line lies a point nearer to the middle than most faces: it looks plain and smooth. "
        "The other ways keep the distance that noise has, and stay where faces are.",
        record=lambda: signs.record_of(BENCH),
    ),
    Step(
        "prior",
        "prior",
        "Find the holes",
        "Compare faces from noise with faces from the fitted prior.",
        "Training pulls each face towards the bell curve, but nothing asks all faces together to fill it. What stays "
        "empty are the holes; a prior fitted afterwards to where faces really land keeps clear of them.",
    ),
    Step(
        "map",
        "map",
        "Look at all faces at once",
        "Press a place between the points, then one where hardly any are.",
        "Every point is a face, and a face can be decoded anywhere: the support says how much data stands behind it. "
        "Neighbours are alike to the model; what lies far apart, and how large a cluster is, means next to nothing.",
    ),
    Step(
        "detector",
        "counterfactual",
        "Ask a detector",
        "Choose another direction or another face, and see where a detector stops seeing one.",
        "The same face, changed one way only: what a detector reacts to becomes visible. It needs a detector for "
        "pictures of this size; where none is here, the recipe cnn trains one.",
        record=lambda: signs.record_of(PLAN),
    ),
    Step(
        "photos",
        "detect",
        "Let it look at a photo",
        "Choose a photo with people in it, and see whom each detector marks.",
        "A detector that is right about single faces is asked thousands of times by one photo, so even rare mistakes "
        "show. Look at the squares that not every detector marks.",
    ),
    Step(
        "audit",
        "audit",
        "Ask whether it is fairer",
        "Read the verdict, then look at **Groups** and **Seeds**.",
        "A debiased detector that finds more faces may only raise more false alarms. At the same share of them, over "
        "several seeds and with intervals, most gains are no more than chance: the page says so where it is so.",
    ),
    Step(
        "compare",
        "compare",
        "Compare the two",
        "Press **Store the faces of both**, then drag both at once.",
        "The same face under beta 1 and beta 8: which one keeps glasses, hair and light, and which one smooths them "
        "away? That is the trade that beta makes.",
        lambda: signs.record_of(PAIR) is not None and signs.have_both_stored_faces(),
        query=_both_query,
    ),
    Step(
        "runs",
        "runs",
        "Put numbers to it",
        "Tick both runs in the table and look at **Curves** and **Results**.",
        "The KL is lower with beta 8, the reconstruction worse. The loss that is minimised holds beta times the KL, so "
        "compare the parts and PSNR, not the sums.",
        signs.has_compared_runs,
    ),
    Step(
        "models",
        "models",
        "Read a model's card",
        "Open any model and read what it says of itself.",
        "A number counts only with how many pictures it was measured on, and a model only with what it was trained on. "
        "That was the tour: recipes, data, a training, sliders, noise, ways, detectors, and proof.",
    ),
)


def steps() -> list[Step]:
    """The steps whose pages this version has."""
    return [step for step in ALL_STEPS if step.file.is_file()]
