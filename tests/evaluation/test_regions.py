"""Error by region of the face: boxes apart, shares that mean what they say, a verdict that needs evidence."""

from pathlib import Path

import numpy as np
import pytest

from vaelab.data.manifest import MANIFEST_FILE, Manifest
from vaelab.evaluation.regions import BOXES, RegionErrors, are_boxes_fitting, eyes_sentence, region_masks
from vaelab.rng import numpy_generator

SIZE = 32


@pytest.fixture
def images() -> np.ndarray:
    """Noise instead of faces: every pixel differs as much as any other."""
    return numpy_generator(0, "faces").random((120, 3, SIZE, SIZE), np.float32)


def measured(images: np.ndarray, recon: np.ndarray, batches: int = 3) -> dict:
    errors = RegionErrors(images.mean(axis=0), len(images))
    for part, drawn in zip(np.array_split(images, batches), np.array_split(recon, batches), strict=True):
        errors.add(part, drawn)
    return errors.result()


@pytest.mark.parametrize("size", [32, 48, 64, 128])
def test_regions_do_not_overlap_and_lie_as_on_a_face(size: int) -> None:
    masks = region_masks(size)
    assert np.sum(list(masks.values()), axis=0).max() == 1
    assert all(mask.any() for mask in masks.values())
    assert all(np.array_equal(mask, mask[:, ::-1]) for name, mask in masks.items() if name in ("forehead", "nose"))
    height = {name: np.flatnonzero(mask.any(axis=1)).mean() for name, mask in masks.items()}
    assert height["forehead"] < height["eyes"] < height["nose"] < height["mouth"]


def test_a_perfect_picture_explains_all_and_the_mean_face_nothing(images: np.ndarray) -> None:
    assert set(measured(images, images)["explained"].values()) == {1.0}
    mean = np.broadcast_to(images.mean(axis=0), images.shape)
    assert all(abs(value) < 1e-4 for value in measured(images, mean)["explained"].values())


def test_the_share_is_that_of_a_loop_over_faces_and_pixels(images: np.ndarray) -> None:
    recon = np.clip(images + 0.2 * numpy_generator(1, "error").standard_normal(images.shape), 0, 1).astype(np.float32)
    found = measured(images, recon)
    mean = images.mean(axis=0)
    for name, mask in region_masks(SIZE).items():
        error = sum(float(np.square(x - y)[:, mask].sum()) for x, y in zip(images, recon, strict=True))
        spread = sum(float(np.square(x - mean)[:, mask].sum()) for x in images)
        assert found["explained"][name] == pytest.approx(1 - error / spread, abs=1e-4)
    assert found["n"] == len(images)


def test_a_region_that_differs_more_is_not_called_clearer(images: np.ndarray) -> None:
    """The same relative error everywhere, on faces that differ three times as much about the eyes."""
    scale = np.where(region_masks(SIZE)["eyes"], 1.0, 1 / 3).astype(np.float32)
    faces = 0.5 + (images - 0.5) * scale
    recon = 0.5 + (faces - 0.5) * 0.7
    found = measured(faces, recon)
    assert abs(found["eyes_lead"]["mean"]) < 0.02


@pytest.mark.parametrize(("eyes", "rest", "words"), [(0.9, 0.5, "eyes come out clearer"), (0.5, 0.9, "less clear")])
def test_the_verdict_follows_the_interval(images: np.ndarray, eyes: float, rest: float, words: str) -> None:
    gain = np.where(region_masks(SIZE)["eyes"], eyes, rest)
    mean = images.mean(axis=0)
    found = measured(images, (mean + gain * (images - mean)).astype(np.float32))
    lead = found["eyes_lead"]
    assert lead["low"] <= lead["mean"] <= lead["high"]
    assert lead["mean"] == pytest.approx((1 - rest) ** 2 - (1 - eyes) ** 2, abs=0.01)
    assert words in eyes_sentence(found)


def test_without_evidence_there_is_no_verdict(images: np.ndarray) -> None:
    """Each face has its eyes or the rest drawn well, by a coin: no lead on the whole."""
    coin = numpy_generator(2, "coin").random(len(images)) < 0.5
    is_eyes = region_masks(SIZE)["eyes"]
    gain = np.where(coin[:, None, None] == is_eyes, 0.9, 0.5)[:, None]
    mean = images.mean(axis=0)
    assert "neither" in eyes_sentence(measured(images, (mean + gain * (images - mean)).astype(np.float32)))


def test_too_few_faces_and_flat_pictures_say_nothing(images: np.ndarray) -> None:
    assert measured(images[:10], images[:10]) == {}
    flat = np.full_like(images, 0.5)
    assert measured(flat, flat) == {}
    assert RegionErrors(images.mean(axis=0), len(images)).result() == {}


def test_every_region_has_a_box_inside_the_picture() -> None:
    for boxes in BOXES.values():
        for left, top, right, bottom in boxes:
            assert 0 <= left < right <= 1
            assert 0 <= top < bottom <= 1


def stored(source: str, crop: str, root: Path | str = "") -> Manifest:
    return Manifest("some", source, crop, 64, {}, "0" * 64, "own", settings={"root": str(root)})


def test_only_faces_that_are_cut_as_fairfaces_have_regions(tmp_path: Path) -> None:
    assert are_boxes_fitting(stored("fairface", "whole"))
    assert are_boxes_fitting(stored("ppb", "face"))
    for source, crop in (("fairface", "margin:0.1"), ("synthetic", "whole"), ("folder", "centre-square")):
        assert not are_boxes_fitting(stored(source, crop))
    for source in ("fairface", "synthetic"):
        (tmp_path / MANIFEST_FILE).write_text(stored(source, "whole").to_json())
        assert are_boxes_fitting(stored("subset", "whole", tmp_path)) == (source == "fairface")
    assert not are_boxes_fitting(stored("subset", "whole", tmp_path / "gone"))
