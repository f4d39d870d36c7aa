"""A real server and the real client: endpoints are documented, answers arrive, refusals are sentences."""

from __future__ import annotations

import base64
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hostile import encoded
from tests.pages.tiny_runs import keep_photo_threshold, make_detector, make_run
from vaelab.serving.limits import MAX_REQUEST_BYTES

START_TIMEOUT_SECONDS = 120.0


def _hear_interrupts() -> None:
    """A shell starts what goes on in its background without SIGINT, and a child would not hear it either."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """`python -m vaelab serve` on a free port, answering."""
    folder = tmp_path_factory.mktemp("served")
    make_run(folder, "tiny")
    keep_photo_threshold(make_detector(folder, "keen"), -1e6)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).resolve().parents[2])}
    command = [sys.executable, "-m", "vaelab", "serve", "--port", str(port)]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            command, cwd=folder, stdout=log, stderr=log, env=environment, preexec_fn=_hear_interrupts
        )
    deadline = time.monotonic() + START_TIMEOUT_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/config", timeout=START_TIMEOUT_SECONDS):
                break
        except OSError:
            time.sleep(0.2)
    else:
        process.kill()
        pytest.fail(f"the server did not start:\n{(folder / 'log').read_text()}")
    yield f"http://127.0.0.1:{port}"
    process.send_signal(signal.SIGINT)
    try:
        process.wait(90)
    finally:
        process.kill()
    assert "Traceback" not in (folder / "log").read_text()


@pytest.mark.filterwarnings("default")  # the client's own libraries, which are not ours to mend
def test_the_client_of_the_readme(address: str) -> None:
    from gradio_client import Client
    from gradio_client.exceptions import AppError

    client = Client(address, verbose=False, analytics_enabled=False)
    about = client.view_api(return_format="dict", print_info=False)["named_endpoints"]
    assert set(about) == {"/detect", "/reconstruct", "/edit", "/sample"}
    assert "Faces in a photo" in about["/detect"]["description"]
    photo = base64.b64encode(encoded("PNG")).decode()
    found = client.predict(photo, ["keen"], api_name="/detect")
    assert "keen sees" in found["words"]
    assert len(client.predict("tiny", 2, api_name="/sample")["pictures"]) == 2
    assert client.predict("tiny", 3, {"d5": 1.0}, api_name="/edit")["recipe"]["model"] == "tiny"
    with pytest.raises(AppError, match="there is no trained run 'gone' here"):
        client.predict(photo, ["gone"], api_name="/detect")


def test_a_request_that_is_too_large_is_refused(address: str) -> None:
    request = urllib.request.Request(f"{address}/gradio_api/queue/join", b"x", method="POST")
    request.add_unredirected_header("Content-Length", str(MAX_REQUEST_BYTES + 1))
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request, timeout=30)
    assert refused.value.code == 413
    assert "send a smaller photo" in refused.value.read().decode()


def test_it_answers_on_this_machine_alone(address: str) -> None:
    port = int(address.rsplit(":", 1)[1])
    with socket.socket() as outside:
        assert outside.connect_ex(("127.0.0.2", port)) != 0, "bound to 127.0.0.1, not to every address"
