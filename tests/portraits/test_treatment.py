"""Faces framed in two ways, or negatives looked at otherwise than faces, are refused in words."""

from __future__ import annotations

import pytest

from vaelab.data.manifest import Manifest, Rejected
from vaelab.errors import ConfigError, DataError
from vaelab.portraits.treatment import check_same_treatment, treatment_sentence


def manifest(name: str, crop: str, size: int = 64, faces: int = 10, rejected: tuple[Rejected, ...] = ()) -> Manifest:
    counts = {"by_is_face": {"true": faces, "false": 10}}
    return Manifest(name, "folder", crop, size, counts, "f", "terms", rejected)


def test_published_faces_stand_beside_those_of_the_detector() -> None:
    stores = [manifest("fairface-64", "whole"), manifest("ppb-64", "face"), manifest("nonfaces-64", "fit", faces=0)]
    check_same_treatment(stores, "as prepared")


@pytest.mark.parametrize("crop", ["fit", "centre-square", "margin:0.2"])
def test_whole_portraits_beside_faces_are_refused(crop: str) -> None:
    stores = [manifest("fairface-64", "whole"), manifest("ppb-64", crop)]
    with pytest.raises(DataError, match=rf"not framed alike: .*ppb-64 \(crop {crop}, 64 pixels\).*--crop face"):
        check_same_treatment(stores, "as prepared")
    check_same_treatment([stores[1], manifest("more", crop)], "as prepared")


def test_windows_need_whole_pictures_alike() -> None:
    portraits, negatives = manifest("ppb-256", "fit", 256), manifest("things-256", "fit", 256, faces=0)
    check_same_treatment([portraits, negatives], "windows")
    for other in (manifest("n", "fit", 128, faces=0), manifest("n", "centre-square", 256, faces=0)):
        with pytest.raises(DataError, match="equally many and equally large"):
            check_same_treatment([portraits, other], "windows")
    with pytest.raises(DataError, match=r"cut to the face: n \(crop face"):
        check_same_treatment([portraits, manifest("n", "face", 256)], "windows")


def test_a_treatment_that_there_is_not() -> None:
    with pytest.raises(ConfigError, match="choose one of: as prepared, windows"):
        check_same_treatment([], "mixed")


def test_the_record_says_what_was_done() -> None:
    whole = [manifest("ppb-256", "fit", 256), manifest("things-256", "fit", 256, faces=0)]
    assert "the largest logit over 58 windows of 50% to 100% of the side" in treatment_sentence(whole, "windows")
    lost = (Rejected("a", "no face was found"), Rejected("b", "damaged: cut"))
    sentence = treatment_sentence([manifest("ppb-64", "face", rejected=lost)], "as prepared")
    assert "ppb-64 (crop face, 64 pixels)" in sentence
    assert "no face were left out: 1 of ppb-64" in sentence
    with pytest.raises(DataError):
        treatment_sentence([manifest("a", "fit"), manifest("b", "face")], "as prepared")
