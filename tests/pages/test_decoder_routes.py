"""Decoding over HTTP: exact pixels, honest caching, bounded bodies, and a runtime that is what its README says."""

from __future__ import annotations

import gzip
import hashlib
import re
import threading
from pathlib import Path

import numpy as np
import onnx
import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from pages.shell.decoder.routes import MOST_BODY_BYTES, MOST_LATENTS, ROUTES
from pages.shell.decoder.runtime import FOLDER, RUNTIME, RUNTIME_VERSION, decoder_script_address
from pages.shell.loaders import load_model
from pages.shell.routes import ROUTES as PICTURES
from pages.shell.routes import _one_at_a_time
from tests.pages.tiny_runs import LATENT, make_run, write_weights
from vaelab.inference import FaceModel

WASM = "ort-wasm-simd-threaded.wasm"


@pytest.fixture
def client(lab: Path) -> TestClient:
    return TestClient(Starlette(routes=[*ROUTES, *PICTURES]))


@pytest.fixture
def model(lab: Path) -> FaceModel:
    return load_model(make_run(lab, "finished"))


def latents(count: int) -> np.ndarray:
    return np.random.default_rng(5).standard_normal((count, LATENT)).astype("<f4")


def pixels_address(model: FaceModel) -> str:
    return f"/decoder/pixels?model={model.run_id}&v={model.weights_fingerprint}"


@pytest.mark.parametrize("count", [1, MOST_LATENTS])
def test_pixels_are_those_of_the_model_bit_for_bit(client: TestClient, model: FaceModel, count: int) -> None:
    z = latents(count)
    answer = client.post(pixels_address(model), content=z.tobytes())
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["cache-control"] == "no-store"
    rgba = np.frombuffer(answer.content, np.uint8).reshape(count, 32, 32, 4)
    assert np.array_equal(rgba[..., :3], model.decode(z))
    assert (rgba[..., 3] == 255).all()


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "body has 0 bytes"),
        (latents(1).tobytes()[:-1], f"{4 * LATENT - 1} bytes"),
        (latents(MOST_LATENTS + 1).tobytes(), f"1 to {MOST_LATENTS} latents"),
        (np.full(LATENT, np.nan, "<f4").tobytes(), "finite"),
        (np.full(LATENT, np.inf, "<f4").tobytes(), "finite"),
        (bytes(MOST_BODY_BYTES + 1), f"more than {MOST_BODY_BYTES} bytes"),
    ],
    ids=["nothing", "one byte short", "too many", "nan", "infinite", "too long"],
)
def test_a_body_that_holds_no_latents_is_refused(client: TestClient, model: FaceModel, body: bytes, said: str) -> None:
    answer = client.post(pixels_address(model), content=body)
    assert answer.status_code == 400
    assert said in answer.json()["error"]


def test_a_body_of_unannounced_length_is_bounded_too(client: TestClient, model: FaceModel) -> None:
    in_pieces = client.post(pixels_address(model), content=iter([bytes(MOST_BODY_BYTES), bytes(1)]))
    assert in_pieces.status_code == 400
    assert "more than" in in_pieces.json()["error"]
    strange = client.post(pixels_address(model), content=b"", headers={"Content-Length": "1e9"})
    assert strange.status_code == 400


def test_a_page_with_older_weights_is_told_so(lab: Path, client: TestClient) -> None:
    run = make_run(lab, "growing", latents=False)
    address = pixels_address(load_model(run))
    write_weights(run, seed=99)
    answer = client.post(address, content=latents(1).tobytes())
    assert answer.status_code == 409
    assert "reload" in answer.json()["error"]


def test_a_slider_does_not_wait_behind_thumbnails(client: TestClient, model: FaceModel) -> None:
    with _one_at_a_time:  # as a page full of them would
        strips = [
            threading.Thread(target=client.get, args=(f"/faces/walk?model=finished&from=prior&dim={dim}",))
            for dim in range(4)
        ]
        for strip in strips:
            strip.start()
        assert client.post(pixels_address(model), content=latents(1).tobytes()).status_code == 200
        assert all(strip.is_alive() for strip in strips)
    for strip in strips:
        strip.join(30)


def test_the_graph_is_kept_as_long_as_its_weights(lab: Path, client: TestClient) -> None:
    run = make_run(lab, "growing", latents=False)
    fingerprint = load_model(run).weights_fingerprint
    address = f"/decoder/model?model=growing&v={fingerprint}"
    first = client.get(address)
    assert first.status_code == 200
    assert "immutable" in first.headers["cache-control"]
    assert first.headers["x-weights"] == fingerprint
    onnx.checker.check_model(onnx.load_from_string(first.content))
    assert client.get(address).content == first.content
    write_weights(run, seed=99)
    second = client.get(address)
    assert second.headers["cache-control"] == "no-store"
    assert second.headers["x-weights"] != fingerprint
    assert second.content != first.content


@pytest.mark.parametrize("run_id", ["nobody", "../finished", ""])
def test_an_unknown_model_is_not_found(client: TestClient, model: FaceModel, run_id: str) -> None:
    for answer in (
        client.get("/decoder/model", params={"model": run_id}),
        client.post("/decoder/pixels", params={"model": run_id, "v": "0"}, content=latents(1).tobytes()),
    ):
        assert answer.status_code == 404
        assert answer.json()["error"]


@pytest.mark.parametrize("name", ["nothing.js", "..%2Froutes.py", "%2Fetc%2Fhostname", "README.md", f"{WASM}.gz"])
def test_only_listed_files_are_served(client: TestClient, name: str) -> None:
    assert client.get(f"/decoder/runtime/{name}").status_code == 404


@pytest.mark.parametrize(
    ("name", "media_type"),
    [
        ("decoder.js", "text/javascript"),
        ("decoder-worker.js", "text/javascript"),
        ("ort.wasm.bundle.min.mjs", "text/javascript"),
        (WASM, "application/wasm"),
    ],
)
def test_files_have_the_type_that_a_browser_insists_on(client: TestClient, name: str, media_type: str) -> None:
    answer = client.get(f"/decoder/runtime/{name}")
    assert answer.headers["content-type"].startswith(media_type)
    assert answer.headers["cache-control"] == "no-cache"


def test_addresses_with_a_version_are_kept(client: TestClient) -> None:
    for address in (decoder_script_address(), f"/decoder/runtime/{WASM}?v={RUNTIME_VERSION}"):
        assert "immutable" in client.get(address).headers["cache-control"]


def test_the_webassembly_is_sent_as_it_lies_to_whoever_takes_that(client: TestClient) -> None:
    address = f"/decoder/runtime/{WASM}"
    packed = client.get(address, headers={"Accept-Encoding": "br, gzip"})
    assert packed.headers["content-encoding"] == "gzip"
    assert int(packed.headers["content-length"]) == (RUNTIME / f"{WASM}.gz").stat().st_size
    plain = client.get(address, headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert plain.content == packed.content == gzip.decompress((RUNTIME / f"{WASM}.gz").read_bytes())
    assert plain.content.startswith(b"\0asm")


def test_the_vendored_runtime_is_what_its_readme_says() -> None:
    said = dict(
        re.findall(r"^\| `([^`]+)`.* \| `([0-9a-f]{64})` \|$", (RUNTIME / "README.md").read_text(), re.MULTILINE)
    )
    found = {path.name: path.read_bytes() for path in RUNTIME.iterdir() if path.name != "README.md"}
    found[WASM] = gzip.decompress(found[f"{WASM}.gz"])
    assert said == {name: hashlib.sha256(content).hexdigest() for name, content in found.items()}


def test_script_and_server_speak_of_one_runtime() -> None:
    assert f'RUNTIME_VERSION = "{RUNTIME_VERSION}"' in (FOLDER / "decoder.js").read_text()
    assert f"ONNX Runtime Web v{RUNTIME_VERSION}" in (RUNTIME / "ort.wasm.bundle.min.mjs").read_text()[:200]
