"""The published ImageNet weights of VGG19: downloaded once, checked, and kept where torch keeps such files."""

from __future__ import annotations

import hashlib
import http.client
import os
import re
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import IO

import torch
from safetensors.torch import save

from vaelab.backbone.weights import read_weights
from vaelab.errors import CheckpointError, RunError
from vaelab.runs.files import locked, replacing, telling

ADDRESS = "https://download.pytorch.org/models/vgg19-dcbb9e9d.pth"
"""torchvision's VGG19_Weights.IMAGENET1K_V1, 548 MB; the name ends with the first digits of its SHA-256."""

TIMEOUT_SECONDS = 30.0
TELL_EVERY_SECONDS = 5.0
BLOCK_BYTES = 2**20


def published_weights(tell: Callable[[str], None]) -> Path:
    """The published weights up to block5_pool as a file on this machine (80 MB), downloaded and checked at first use.

    The whole classifier is looked for where torchvision would have put it; a download that broke off goes on where it
    ended. Processes that want it at the same time wait for the first.

    Raises:
        CheckpointError: it is not here and cannot be had; says from where, to where, and what else can be done.
    """
    whole, features = places()
    if features.is_file():
        return features
    try:
        with telling("cannot keep VGG19's weights", whole.parent):
            whole.parent.mkdir(parents=True, exist_ok=True)
            with locked(whole.with_suffix(".lock")):
                if not features.is_file():
                    if not whole.is_file():
                        download(ADDRESS, whole, tell)
                    check_hash(whole)
                    with replacing(features.parent, features.name, "VGG19's weights") as file:
                        file.write(save(read_weights(whole)))
    except RunError as error:
        raise CheckpointError(str(error)) from error
    return features


def are_weights_here() -> bool:
    """Whether `published_weights` would find them without a download."""
    return any(path.is_file() for path in places())


def places() -> tuple[Path, Path]:
    """Where the whole classifier lies once it is downloaded, and where the weights that are kept of it."""
    whole = cache_dir() / ADDRESS.rsplit("/", 1)[-1]
    return whole, whole.with_suffix(".features.safetensors")


def cache_dir() -> Path:
    """torch.hub's folder of downloaded weights; TORCH_HOME moves it."""
    return Path(torch.hub.get_dir()) / "checkpoints"


def download(address: str, target: Path, tell: Callable[[str], None]) -> None:
    """Fetch `address` to `target`, which is there only once it is whole; a part of it is gone on with.

    Raises:
        CheckpointError: nobody answers, or the connection broke; what has come is kept.
    """
    partial = target.with_name(target.name + ".partial")
    have = partial.stat().st_size if partial.is_file() else 0
    request = urllib.request.Request(address, headers={"Range": f"bytes={have}-"} if have else {})
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as answer:
            if answer.status != http.HTTPStatus.PARTIAL_CONTENT:
                have = 0
            total = have + int(answer.headers.get("Content-Length", 0))
            with partial.open("r+b" if have else "wb") as file:
                file.seek(have)
                have = _copy(answer, file, have, total, tell)
        if have < total:
            raise http.client.IncompleteRead(b"", total - have)
    except urllib.error.HTTPError as error:
        if error.code != http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            raise CheckpointError(_unavailable(address, target, f"answer {error.code} {error.reason}")) from error
        # nothing is left to fetch: the check of the whole says whether it is the right thing
    except (http.client.HTTPException, urllib.error.URLError, TimeoutError, ConnectionError) as error:
        reason = str(getattr(error, "reason", error)) or type(error).__name__
        raise CheckpointError(_unavailable(address, target, reason)) from error
    partial.replace(target)


def _copy(answer: http.client.HTTPResponse, file: IO[bytes], have: int, total: int, tell: Callable[[str], None]) -> int:
    """Append what comes to the open file, and tell how far it is; returns how many bytes the file has then."""
    told = -TELL_EVERY_SECONDS
    while block := answer.read(BLOCK_BYTES):
        file.write(block)
        have += len(block)
        if time.monotonic() - told >= TELL_EVERY_SECONDS:
            told = time.monotonic()
            share = f" of {total / 1e6:,.0f}" if total else ""
            tell(f"downloading VGG19's ImageNet weights: {have / 1e6:,.0f}{share} MB")
    file.flush()
    os.fsync(file.fileno())
    return have


def check_hash(path: Path) -> None:
    """Compare a file with the digits of its SHA-256 that its name ends with; a wrong one is deleted.

    Raises:
        CheckpointError: it is another file, or damaged.
    """
    expected = re.search(r"-([0-9a-f]{8,})\.", path.name)
    assert expected is not None, "published weights carry their hash in their name"
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if not found.startswith(expected[1]):
        path.unlink()
        raise CheckpointError(
            f"{path} is not what was published: its SHA-256 begins with {found[:8]}, expected {expected[1]}; it was "
            "deleted, start again to download it anew"
        )


def _unavailable(address: str, target: Path, reason: str) -> str:
    return (
        f"VGG19's ImageNet weights are not on this machine and cannot be downloaded ({reason}). Start again to go on "
        f"where it ended; or fetch {address} elsewhere and put it at {target}; or name a file that holds them with "
        "--backbone PATH; or try things out with --random-backbone, which learned nothing"
    )
