"""What a server draws with before torch is there: kept by weights and latent, one of each, never in an archive."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable

import numpy as np

from vaelab.runs.archive import export_zip
from vaelab.runs.decoders import keep_decoder, keep_drawn, read_decoder, read_drawn
from vaelab.runs.store import Run


def test_a_graph_is_found_by_its_weights_alone(trained: Callable[[str], Run]) -> None:
    run = trained("vae")
    assert read_decoder(run, "a" * 16) is None
    keep_decoder(run, "a" * 16, b"one")
    assert read_decoder(run, "a" * 16) == b"one"
    assert read_decoder(run, "b" * 16) is None


def test_a_face_is_found_by_its_weights_and_latent(trained: Callable[[str], Run]) -> None:
    run, z = trained("vae"), np.arange(8, dtype=np.float32)
    keep_drawn(run, "a" * 16, z, b"face")
    assert read_drawn(run, "a" * 16, z) == b"face"
    assert read_drawn(run, "b" * 16, z) is None
    assert read_drawn(run, "a" * 16, z + np.float32(0.02)) is None
    assert read_drawn(run, "a" * 16, z + np.float32(1e-6)) == b"face", "as another processor adds up"


def test_the_newer_takes_the_place_of_the_older(trained: Callable[[str], Run]) -> None:
    run, z = trained("vae"), np.zeros(8, np.float32)
    for weights in ("a" * 16, "b" * 16):
        keep_decoder(run, weights, weights.encode())
        keep_drawn(run, weights, z, weights.encode())
    assert [path.read_text() for path in run.dir.glob("decoder-*")] == ["b" * 16]
    assert [path.read_text() for path in run.dir.glob("drawn-*")] == ["b" * 16]


def test_what_cannot_be_kept_is_made_again(trained: Callable[[str], Run]) -> None:
    gone = Run(trained("vae").dir / "nowhere")
    keep_decoder(gone, "a" * 16, b"one")
    assert read_decoder(gone, "a" * 16) is None


def test_archives_leave_both_out(trained: Callable[[str], Run]) -> None:
    run = trained("vae")
    keep_decoder(run, "a" * 16, b"one")
    keep_drawn(run, "a" * 16, np.zeros(8, np.float32), b"face")
    names = zipfile.ZipFile(io.BytesIO(export_zip(run))).namelist()
    assert any(name.endswith("weights-latest.safetensors") for name in names)
    assert not any("decoder-" in name or "drawn-" in name for name in names)
