"""A narrowed VGG19: the layout of the published one, a thousandth of its size."""

from __future__ import annotations

import ast
import functools
import http.server
import importlib.util
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import torch
from torch import Tensor

from vaelab.config import TrainConfig, replace
from vaelab.models import vgg

NARROW = tuple(channels and channels // 64 + 2 for channels in vgg.PLAN)


@pytest.fixture(autouse=True)
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every VGG19 that a test builds is narrow."""
    monkeypatch.setattr(vgg, "PLAN", NARROW)


@pytest.fixture(scope="session")
def torchvisions() -> ast.Module:
    """The source of torchvision's VGG; importing torchvision takes many seconds."""
    found = importlib.util.find_spec("torchvision")
    if found is None or found.origin is None:
        pytest.skip("torchvision is not installed")
    return ast.parse((Path(found.origin).parent / "models" / "vgg.py").read_text(encoding="utf-8"))


@pytest.fixture
def config() -> TrainConfig:
    """A network on 32-pixel pictures, with whatever backbone `replace` names."""
    return replace(TrainConfig(), model="vgg19", size=32, latent=4, width=2)


@pytest.fixture
def published() -> dict[str, Tensor]:
    """A state dict of the published layout, numbers drawn: features and a classifier that nobody needs."""
    draw = functools.partial(torch.randn, generator=torch.Generator().manual_seed(1))
    state = {f"features.{name}": draw(tensor.shape) for name, tensor in vgg.vgg19_features().state_dict().items()}
    return {**state, "classifier.0.weight": draw(7, 7), "classifier.0.bias": draw(7)}


@dataclass
class Site:
    """A web server on this machine that hands out one file, as one is told to.

    Attributes:
        breaks_after: bytes after which it closes the next connection; 0 keeps it open.
        ranges: the Range headers that came, in order.
    """

    content: bytes = b""
    breaks_after: int = 0
    knows_ranges: bool = True
    status: int = 0
    ranges: list[str | None] = field(default_factory=list)
    address: str = ""


@pytest.fixture
def site() -> Iterator[Site]:
    """A running `Site`."""
    served = Site()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = self.headers.get("Range")
            served.ranges.append(asked)
            if served.status:
                self.send_error(served.status)
                return
            start = int(asked.removeprefix("bytes=").rstrip("-")) if asked and served.knows_ranges else 0
            if start and start >= len(served.content):
                self.send_error(416)
                return
            self.send_response(206 if start else 200)
            rest = served.content[start:]
            self.send_header("Content-Length", str(len(rest)))
            self.end_headers()
            if served.breaks_after:
                rest, served.breaks_after = rest[: served.breaks_after], 0
            self.wfile.write(rest)

        def log_message(self, *_: object) -> None:
            """Silence."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        served.address = f"http://127.0.0.1:{server.server_address[1]}"
        yield served
        server.shutdown()


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """torch.hub's folder of weights, empty."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    return tmp_path / "torch" / "hub" / "checkpoints"


Saved = Callable[[dict[str, Tensor], str], Path]


@pytest.fixture
def saved(tmp_path: Path) -> Saved:
    """Writes a state dict as torch.save does."""

    def save(state: dict[str, Tensor], name: str = "vgg19.pth") -> Path:
        torch.save(state, tmp_path / name)
        return tmp_path / name

    return save
