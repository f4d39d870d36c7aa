"""How the pictures of an evaluation were framed: alike for all that are compared, or refused."""

from __future__ import annotations

from collections.abc import Sequence

from vaelab.data.manifest import Manifest
from vaelab.errors import ConfigError, DataError
from vaelab.portraits.crops import FACE_CROP
from vaelab.portraits.windows import PUBLISHED, Windows, num_windows

PORTRAITS = ("as prepared", "windows")
"""`as prepared`: one logit per stored picture. `windows`: the largest over the windows of a whole picture."""

CUT_TO_FACES = (FACE_CROP, "whole", "celeba")
"""Crops that leave the face of a picture, found by our detector or framed by whoever published it."""


def check_same_treatment(manifests: Sequence[Manifest], portraits: str) -> None:
    """Refuses data sets that were not framed alike.

    As prepared, all that hold faces must be cut to the face, or all by one other crop: negatives have no face, so
    theirs does not matter. By windows, all must hold whole pictures of one size, negatives too: the threshold that
    they set is that of a largest value over equally many windows.

    Args:
        portraits: one of PORTRAITS.

    Raises:
        DataError: they differ; names each data set with its crop and size.
        ConfigError: there is no such treatment.
    """
    if portraits not in PORTRAITS:
        raise ConfigError(f"portraits are {portraits!r}; choose one of: {', '.join(PORTRAITS)}")
    if portraits == "windows":
        _check_windows(manifests)
        return
    with_faces = [manifest for manifest in manifests if manifest.counts["by_is_face"]["true"]]
    if len({_framing(manifest) for manifest in with_faces}) > 1:
        raise DataError(
            f"these faces are not framed alike: {_told(with_faces)}; a gap between groups would be one between crops. "
            "Prepare portraits with --crop face; --crop whole keeps pictures that were published as faces"
        )


def treatment_sentence(manifests: Sequence[Manifest], portraits: str, windows: Windows = PUBLISHED) -> str:
    """What was done with the pictures, for the record of an evaluation.

    Raises:
        DataError: they were not framed alike.
        ConfigError: there is no such treatment.
    """
    check_same_treatment(manifests, portraits)
    if portraits == "windows":
        side = manifests[0].size
        return (
            f"Whole pictures of {side} pixels, faces and negatives alike: the largest logit over "
            f"{num_windows(side, windows)} windows of {windows.smallest:.0%} to {windows.largest:.0%} of the side."
        )
    left_out = [
        f"{sum(item.reason.startswith(('no face', 'the face')) for item in manifest.rejected):,} of {manifest.name}"
        for manifest in manifests
        if manifest.crop == FACE_CROP
    ]
    lost = f" Pictures in which the detector found no face were left out: {', '.join(left_out)}." if left_out else ""
    return f"One logit per picture as prepared: {_told(manifests)}.{lost}"


def _check_windows(manifests: Sequence[Manifest]) -> None:
    cut = [manifest for manifest in manifests if manifest.crop == FACE_CROP]
    if cut:
        raise DataError(
            f"windows are looked for in whole pictures, and some were cut to the face: {_told(cut)}; prepare them with "
            "--crop fit"
        )
    if len({(manifest.crop, manifest.size) for manifest in manifests}) > 1:
        raise DataError(
            f"faces and negatives need windows equally many and equally large: {_told(manifests)}; prepare all with "
            "one --crop and one --size"
        )


def _framing(manifest: Manifest) -> str:
    return FACE_CROP if manifest.crop in CUT_TO_FACES else manifest.crop


def _told(manifests: Sequence[Manifest]) -> str:
    return ", ".join(f"{item.name} (crop {item.crop}, {item.size} pixels)" for item in manifests)
