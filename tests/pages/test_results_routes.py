"""Sheets of results over HTTP: what is asked for is drawn, kept under its own address, and refused with a reason."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from starlette.applications import Starlette
from starlette.testclient import TestClient

from pages.results.routes import ROUTES, result_address
from tests.pages.tiny_runs import make_detector, make_run
from vaelab.inference import FaceModel
from vaelab.results import results


@pytest.fixture
def client(lab: Path) -> TestClient:
    return TestClient(Starlette(routes=ROUTES))


def test_a_sheet_is_the_models(lab: Path, client: TestClient) -> None:
    run = make_run(lab, "tiny")
    answer = client.get(result_address(run, "interpolations"))
    assert answer.status_code == 200
    assert "immutable" in answer.headers["cache-control"]
    shown = np.asarray(Image.open(io.BytesIO(answer.content)))
    np.testing.assert_array_equal(shown, results(FaceModel.load(run), None).sheet("interpolations"))


def test_an_outdated_address_is_not_kept(lab: Path, client: TestClient) -> None:
    make_run(lab, "tiny")
    answer = client.get("/results/sheet?run=tiny&kind=samples&v=old")
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("query", "code", "reason"),
    [
        ("run=tiny&kind=secrets", 400, "kind must be"),
        ("run=../tiny&kind=samples", 404, "gone"),
        ("run=judge&kind=samples", 404, "no decoder"),
        ("run=tiny&kind=originals", 404, "not on this machine"),
    ],
)
def test_what_cannot_be_drawn_is_refused(lab: Path, client: TestClient, query: str, code: int, reason: str) -> None:
    make_run(lab, "tiny")
    make_detector(lab, "judge")
    answer = client.get(f"/results/sheet?{query}")
    assert answer.status_code == code
    assert reason in answer.json()["error"]
