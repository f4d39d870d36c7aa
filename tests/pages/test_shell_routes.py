"""Pictures over HTTP: right faces, honest caching, and no request that asks for too much."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from starlette.applications import Starlette
from starlette.testclient import TestClient

from pages.shell.faces import WALK_STEPS, walk
from pages.shell.loaders import load_model
from pages.shell.routes import MOST_FACES, ROUTES, samples_address, stored_address, walk_addresses
from tests.pages.tiny_runs import make_run, write_priors, write_weights
from vaelab.editing.recipe import FaceRecipe
from vaelab.evaluation.directions import Directions
from vaelab.inference import FaceModel
from vaelab.runs.store import Run


@pytest.fixture
def client(lab: Path) -> TestClient:
    return TestClient(Starlette(routes=ROUTES))


def test_a_strip_is_the_walk_of_its_slider(lab: Path, client: TestClient) -> None:
    model = load_model(make_run(lab, "finished"))
    recipe = FaceRecipe(model="finished", seed=5).edited("d1", 2.0)
    answer = client.get(walk_addresses(model, recipe, ["d5"])[0])
    assert answer.status_code == 200
    assert "immutable" in answer.headers["cache-control"]
    shown = np.asarray(Image.open(io.BytesIO(answer.content)), dtype=float)
    faces = walk(model, recipe.started(), "d5")
    assert shown.shape == (32, 32 * WALK_STEPS, 3)
    assert (
        np.abs(shown - np.concatenate(list(faces), axis=1)).mean() < 8
    )  # random weights draw noise, the worst there is for JPEG


def test_rows_of_samples_and_of_stored_faces(lab: Path, client: TestClient) -> None:
    model = load_model(make_run(lab, "finished"))
    for address in (samples_address(model, "fitted", [1, 2, 3], 1.0), stored_address(model, [0, 7, 39])):
        answer = client.get(address)
        assert answer.status_code == 200
        assert Image.open(io.BytesIO(answer.content)).size == (96, 32)


def test_an_address_of_older_weights_is_not_kept_by_the_browser(lab: Path, client: TestClient) -> None:
    run = make_run(lab, "growing", latents=False)
    address = samples_address(load_model(run), "prior", [1], 1.0)
    write_weights(run, seed=99)
    answer = client.get(address)
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"


def relearn(run: Run, model: FaceModel) -> None:
    assert model.latents is not None
    Directions.fit(model.latents.mu[:200], model.latents.labels[:200], model.weights_fingerprint).write(run)


def encode_again(run: Run, model: FaceModel) -> None:
    assert model.latents is not None
    replace(model.latents, mu=model.latents.mu[::-1]).write(run)


def fit_priors(run: Run, model: FaceModel) -> None:
    write_priors(run)


@pytest.mark.parametrize("change", [relearn, encode_again, fit_priors])
def test_what_is_made_anew_for_the_same_weights_has_another_address(
    lab: Path, client: TestClient, change: Callable[[Run, FaceModel], None]
) -> None:
    run = make_run(lab, "finished")

    def addresses() -> list[str]:
        model = load_model(run)
        rows = stored_address(model, [3]), samples_address(model, "prior", [1], 1.0)
        return [*rows, *walk_addresses(model, FaceRecipe(model="finished", seed=5), ["p0"])]

    def caching(address: str) -> str:
        return client.get(address).headers["cache-control"]

    old, model = addresses(), load_model(run)
    change(run, model)
    assert load_model(run).weights_fingerprint == model.weights_fingerprint
    assert not set(old) & set(addresses())
    assert {caching(address) for address in old} == {"no-store"}
    assert all("immutable" in caching(address) for address in addresses())


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("/faces/walk?model=nobody&slider=d1", 404),
        ("/faces/walk?model=../finished&slider=d1", 404),
        ("/faces/walk?model=finished", 404),
        ("/faces/walk?model=finished&slider=d8", 404),
        ("/faces/walk?model=finished&slider=d1~d2", 404),
        ("/faces/walk?model=finished&slider=d1&seed=x", 400),
        ("/faces/walk?model=finished&from=stored&face=nobody&slider=d1", 400),
        ("/faces/samples?model=finished&from=stored&seeds=1", 400),
        ("/faces/samples?model=finished&from=prior&seeds=", 400),
        ("/faces/samples?model=finished&from=prior&seeds=1~-2", 400),
        (f"/faces/samples?model=finished&from=prior&seeds={'~'.join(['1'] * (MOST_FACES + 1))}", 400),
        ("/faces/stored?model=finished&rows=240", 400),
    ],
)
def test_what_cannot_be_drawn_is_refused(lab: Path, client: TestClient, address: str, status: int) -> None:
    make_run(lab, "finished")
    answer = client.get(address)
    assert answer.status_code == status
    assert answer.json()["error"]
