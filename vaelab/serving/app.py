"""The Gradio app around the endpoints: documented, one call to a model at a time, for this machine alone."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vaelab.errors import ConfigError, VaelabError
from vaelab.serving.endpoints import Endpoints
from vaelab.serving.limits import BodyLimit

# Gradio takes seconds to import, and reads the annotations below as they are: no `from __future__ import annotations`.
if TYPE_CHECKING:
    import gradio

HOST, PORT = "127.0.0.1", 7860
MAX_WAITING = 16
"""Calls that may wait for their turn; further ones are told that the queue is full."""
DETECTORS: list[str] = ["cnn", "dbvae"]
NO_MOVES: dict[str, float] = {}
NOTHING: list[str] = []
DESCRIPTION = """
# vaelab for programs

Detection, reconstruction, editing and sampling, for `gradio_client` or any program that speaks HTTP; the link
*Use via API* below has every argument. Pictures come and go as base64 text, and nothing is written to disk.

```python
import base64, pathlib
from gradio_client import Client
photo = base64.b64encode(pathlib.Path("group.jpg").read_bytes()).decode()
found = Client("http://127.0.0.1:7860").predict(photo, ["cnn", "dbvae"], api_name="/detect")
print(found["words"])
```
"""


Endpoint = Callable[..., dict[str, Any]]


def build_app(root: Path, device: str = "cpu") -> "gradio.Blocks":
    """The app over the runs in `root`; models are loaded when they are first asked for."""
    import gradio

    lab = Endpoints(root, device)

    with gradio.Blocks(title="vaelab", analytics_enabled=False) as app:
        gradio.Markdown(DESCRIPTION)
        for endpoint in (*_of_photos(lab), *_of_models(lab)):
            gradio.api(endpoint, api_name=endpoint.__name__, concurrency_limit=1, concurrency_id="model")
    app.queue(max_size=MAX_WAITING, api_open=False)
    return app


def _of_photos(lab: Endpoints) -> list[Endpoint]:
    """The endpoints that take a photo; their docstrings are what `gradio_client` shows."""

    def detect(
        photo: str,
        runs: list[str] = DETECTORS,
        false_alarms: float = 1.0,
        smallest: float = 48.0,
    ) -> dict[str, Any]:
        """Faces in a photo, by up to three detectors, each at its threshold for this many false alarms per photo.

        Args:
            photo: base64 of a JPEG, PNG or WebP file of at most 20 MB.
            runs: names of runs that detect.
            false_alarms: per photo: 3, 1, 0.3 or 0.1.
            smallest: side of the smallest square looked at, pixels, from 24.
        """
        return _answered(lab.detect, photo, runs, false_alarms, smallest)

    def reconstruct(photo: str, run: str = "face-vae") -> dict[str, Any]:
        """The most prominent face of a photo, cut out and drawn again by a model.

        Args:
            photo: base64 of a JPEG, PNG or WebP file of at most 20 MB.
            run: name of a run with a decoder.
        """
        return _answered(lab.reconstruct, photo, run)

    return [detect, reconstruct]


def _of_models(lab: Endpoints) -> list[Endpoint]:
    """The endpoints that take numbers alone."""

    def edit(
        run: str = "face-vae", seed: int = 7, moves: dict[str, float] = NO_MOVES, hold: list[str] = NOTHING
    ) -> dict[str, Any]:
        """A face from a seed with sliders moved, in steps of a standard deviation.

        Args:
            run: name of a run with a decoder.
            seed: which face.
            moves: steps by slider, as {"a.age": 2, "p0": -1, "d17": 0.5}.
            hold: attributes that the moves must not change, as ["gender-male"].
        """
        return _answered(lab.edit, run, seed, moves, hold)

    def sample(
        run: str = "face-vae", count: int = 8, seed: int = 0, prior: str = "", temperature: float = 1.0
    ) -> dict[str, Any]:
        """New faces, the same ones for the same arguments.

        Args:
            run: name of a run with a decoder.
            count: how many, 1 to 64.
            seed: which ones.
            prior: standard, fitted, mixture or second-stage; empty for the model's best.
            temperature: factor on the deviations, 0.1 to 1.5; below 1 faces are more typical.
        """
        return _answered(lab.sample, run, count, seed, prior, temperature)

    return [edit, sample]


def serve(root: Path, device: str, port: int, should_block: bool = True) -> "gradio.Blocks":
    """Answer on this machine alone; returns when stopped by Ctrl-C, or at once where it should not block.

    Raises:
        ConfigError: the port is taken.
    """
    from starlette.middleware import Middleware

    app = build_app(root, device)
    try:
        app.launch(
            server_name=HOST, server_port=port, share=False, quiet=True, max_threads=4, max_file_size=1,
            prevent_thread_lock=not should_block, ssr_mode=False, enable_monitoring=False,
            app_kwargs={"middleware": [Middleware(BodyLimit)]},
        )  # fmt: skip
    except OSError as error:
        raise ConfigError(f"cannot answer on port {port}: {error}; choose another one with --port") from error
    return app


def _answered(endpoint: Any, *arguments: Any) -> dict[str, Any]:
    """The endpoint's answer; what it refuses reaches the caller as the sentence that it is."""
    import gradio

    try:
        answer: dict[str, Any] = endpoint(*arguments)
    except VaelabError as error:
        raise gradio.Error(str(error), print_exception=False) from error
    return answer
