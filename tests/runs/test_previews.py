"""Previews: as many as can be looked at, evenly spread, first and last among them."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from vaelab.pictures import SYNTHETIC_MEDIA
from vaelab.runs.previews import forget_previews_after, preview_name, previews_in, thin_out
from vaelab.runs.store import Run


def draw(folder: Path, clocks: range) -> None:
    for clock in clocks:
        (folder / preview_name("recon", clock)).touch()
        thin_out(folder, "recon", most=10)


def test_thinning_keeps_first_and_last_and_an_even_spread(tmp_path: Path) -> None:
    draw(tmp_path, range(100, 20_100, 100))
    clocks = [clock for clock, _ in previews_in(tmp_path, "recon")]
    assert (len(clocks), clocks[0], clocks[-1]) == (10, 100, 20_000)
    gaps = np.diff(clocks)
    assert gaps.max() <= 4 * gaps.min()


def test_a_resumed_run_forgets_what_it_draws_again(tmp_path: Path) -> None:
    draw(tmp_path, range(100, 600, 100))
    (tmp_path / "recon-soup.png").touch()
    forget_previews_after(tmp_path, 300)
    assert [clock for clock, _ in previews_in(tmp_path, "recon")] == [100, 200, 300]


def test_a_training_draws_the_same_faces_at_each_validation(trained: Callable[[str], Run]) -> None:
    run = trained("residual")
    clocks = [row["images_seen"] for row in run.metrics("validation")]
    for kind in ("recon", "samples"):
        assert [clock for clock, _ in run.previews(kind)] == clocks
        first, last = (np.asarray(Image.open(run.previews(kind)[place][1])) for place in (0, -1))
        assert first.shape == last.shape == (16, 8 * 18 - 2, 3)
        assert (first != last).any(), "the model has learned something between them"
        assert SYNTHETIC_MEDIA.encode() in run.previews(kind)[0][1].read_bytes()
    originals = (run.previews_dir / "originals.png").read_bytes()
    assert SYNTHETIC_MEDIA.encode() not in originals, "photographs are not marked as generated"


def test_a_detector_draws_nothing(trained: Callable[[str], Run]) -> None:
    assert not trained("cnn").previews_dir.exists()
