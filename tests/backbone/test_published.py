"""The download: whole or not there, checked, continued, and clear about what to do where it cannot be had."""

from __future__ import annotations

import ast
import hashlib
import io
import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch
from torch import Tensor

from tests.backbone.conftest import Site
from vaelab.backbone import published as module
from vaelab.backbone.published import ADDRESS, published_weights
from vaelab.backbone.weights import read_weights
from vaelab.errors import CheckpointError


@pytest.fixture
def offered(site: Site, published: dict[str, Tensor], monkeypatch: pytest.MonkeyPatch) -> str:
    """The file's name; the site has it, under its hash."""
    file = io.BytesIO()
    torch.save(published, file)
    site.content = file.getvalue()
    name = f"vgg19-{hashlib.sha256(site.content).hexdigest()[:8]}.pth"
    monkeypatch.setattr(module, "ADDRESS", f"{site.address}/{name}")
    return name


def test_the_address_is_torchvisions(torchvisions: ast.Module) -> None:
    texts = {node.value for node in ast.walk(torchvisions) if isinstance(node, ast.Constant)}
    assert ADDRESS in texts


def test_it_is_downloaded_once_and_kept_as_features(
    site: Site, offered: str, hub: Path, published: dict[str, Tensor]
) -> None:
    told: list[str] = []
    path = published_weights(told.append)
    assert path.parent == hub
    assert "downloading" in told[0]
    assert torch.equal(read_weights(path)["0.weight"], published["features.0.weight"])
    assert published_weights(told.append) == path
    assert site.ranges == [None], "the second time nobody is asked"
    assert (hub / offered).read_bytes() == site.content, "where torchvision finds it too"
    assert not list(hub.glob("*.partial"))


def test_what_torchvision_fetched_is_not_fetched_again(site: Site, offered: str, hub: Path) -> None:
    hub.mkdir(parents=True)
    (hub / offered).write_bytes(site.content)
    read_weights(published_weights(lambda text: None))
    assert not site.ranges


@pytest.mark.parametrize("knows_ranges", [True, False])
def test_a_broken_download_is_gone_on_with(site: Site, offered: str, hub: Path, knows_ranges: bool) -> None:
    site.breaks_after, site.knows_ranges = 1000, knows_ranges
    with pytest.raises(CheckpointError, match="go on where it ended"):
        published_weights(lambda text: None)
    assert (hub / f"{offered}.partial").stat().st_size == 1000
    assert not (hub / offered).exists()
    read_weights(published_weights(lambda text: None))
    assert site.ranges == [None, "bytes=1000-"]


def test_a_part_that_is_all_there_needs_no_more(site: Site, offered: str, hub: Path) -> None:
    hub.mkdir(parents=True)
    (hub / f"{offered}.partial").write_bytes(site.content)
    read_weights(published_weights(lambda text: None))


def test_another_file_is_refused_and_deleted(site: Site, offered: str, hub: Path) -> None:
    good, site.content = site.content, site.content[:-1] + b"x"
    with pytest.raises(CheckpointError, match="not what was published"):
        published_weights(lambda text: None)
    assert {path.suffix for path in hub.iterdir()} == {".lock"}
    site.content = good
    read_weights(published_weights(lambda text: None))


def test_without_a_network_it_says_what_can_be_done(hub: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as free:  # bound, never listening: whoever comes is refused
        free.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{free.getsockname()[1]}/vgg19-dcbb9e9d.pth"
        monkeypatch.setattr(module, "ADDRESS", address)
        with pytest.raises(CheckpointError) as caught:
            published_weights(lambda text: None)
    for part in (address, str(hub / "vgg19-dcbb9e9d.pth"), "--backbone PATH", "--random-backbone"):
        assert part in str(caught.value)


def test_an_answer_that_is_an_error_is_told(site: Site, offered: str, hub: Path) -> None:
    site.status = 503
    with pytest.raises(CheckpointError, match="answer 503"):
        published_weights(lambda text: None)


def test_several_who_want_it_at_once_fetch_it_once(site: Site, offered: str, hub: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        paths = set(pool.map(published_weights, [lambda text: None] * 4))
    assert len(paths) == 1
    assert len(site.ranges) == 1
