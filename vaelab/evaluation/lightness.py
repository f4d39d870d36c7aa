"""Apparent lightness of the skin in a picture: the individual typology angle (ITA), where nobody labelled skin tone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, Int, UInt8

from vaelab.errors import DataError

Pixels = UInt8[np.ndarray, "batch size size 3"]
Colours = UInt8[np.ndarray, "*places 3"]

CAVEATS = (
    "Apparent lightness is what the picture shows, not what a person is: it moves with lamp, flash, exposure, camera "
    "and processing as much as with the skin. Read off pictures of the same people it varies strongly between cameras "
    "and places (Howard et al., 2021), and neither people nor programs rate the skin tone in uncontrolled pictures "
    "consistently (Krishnapriya et al., 2022). The thirds are cut from this data set alone, so they mean nothing in "
    "another one. It is never a skin type, a race or an ethnicity, and none of these can be computed from it."
)
"""Stands beside every figure that is grouped by it."""
HALF_WIDTH, HALF_HEIGHT = 0.25, 0.33
"""Half axes of the central ellipse as shares of the side: the face in a crop with a margin of a quarter of it."""
CB_RANGE, CR_RANGE = (77, 127), (133, 173)
"""Chroma of skin, 8-bit levels of BT.601."""
MIN_SHARE = 0.1
"""With less of the ellipse taken for skin, a picture has no angle."""
THIRDS = ("darker third", "middle third", "lighter third")

_BATCH = 256
_WHITE = np.array([0.95047, 1.0, 1.08883])
_TO_XYZ = np.array(
    [
        [0.4124564, 0.3575761, 0.1804375],
        [0.2126729, 0.7151522, 0.0721750],
        [0.0193339, 0.1191920, 0.9503041],
    ]
)
_LEVELS = np.arange(256) / 255.0
_LINEAR = np.where(_LEVELS <= 0.04045, _LEVELS / 12.92, ((_LEVELS + 0.055) / 1.055) ** 2.4)


@dataclass(frozen=True, eq=False)
class Lightness:
    """What was measured in each picture.

    Attributes:
        ita: (n,) degrees, larger is lighter, -90 to 90 for skin; NaN where too few pixels look like skin.
        num_skin: (n,) pixels that were taken for skin.
        num_pixels: of the central ellipse, the same in every picture.
    """

    ita: Float[np.ndarray, " batch"]
    num_skin: Int[np.ndarray, " batch"]
    num_pixels: int


def lightness(pixels: Pixels) -> Lightness:
    """ITA of the skin in the central ellipse: atan2(L* - 50, b*) of the medians of L* and b*, in degrees.

    Medians, so that brows, glints and the edge of a beard do not move it.

    Source: Chardon, Cretois and Hourseau, Skin colour typology and suntanning pathways, 1991 (the angle); Chai and
        Ngan, Face segmentation using skin-color map in videophone applications, 1999 (which chroma is skin).
    Differs: atan2 in place of arctan((L* - 50) / b*), the same for b* > 0 and defined elsewhere.
    """
    ellipse = _central_ellipse(pixels.shape[1])
    ita = np.full(len(pixels), np.nan, np.float64)
    num_skin = np.zeros(len(pixels), np.int64)
    for start in range(0, len(pixels), _BATCH):
        colours = np.asarray(pixels[start : start + _BATCH])[:, ellipse]
        skin = is_skin(colours)
        num_skin[start : start + _BATCH] = skin.sum(axis=1)
        enough = np.flatnonzero(skin.mean(axis=1) >= MIN_SHARE)
        if len(enough):
            lab = to_lab(colours[enough])
            light, yellow = (_medians(lab[..., channel], skin[enough]) for channel in (0, 2))
            ita[start + enough] = np.degrees(np.arctan2(light - 50.0, yellow))
    return Lightness(ita, num_skin, int(ellipse.sum()))


def to_lab(colours: Colours) -> Float[np.ndarray, "*places 3"]:
    """CIE L*, a*, b* (white point D65) of sRGB colours."""
    xyz = _LINEAR[colours] @ (_TO_XYZ / _WHITE[:, None]).T
    # The linear part below (6/29)^3 keeps the slope finite at black.
    root = np.where(xyz > (6 / 29) ** 3, np.cbrt(xyz), xyz * (29 / 6) ** 2 / 3 + 4 / 29)
    x, y, z = root[..., 0], root[..., 1], root[..., 2]
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)


def is_skin(colours: Colours) -> Bool[np.ndarray, "*places"]:
    """Which colours have the chroma of skin; lightness does not decide.

    Source: Chai and Ngan, 1999, on BT.601 levels.
    """
    red, green, blue = (colours[..., channel].astype(np.float32) / 255 for channel in range(3))
    cb = 128 - 37.797 * red - 74.203 * green + 112.0 * blue
    cr = 128 + 112.0 * red - 93.786 * green - 18.214 * blue
    return (cb >= CB_RANGE[0]) & (cb <= CB_RANGE[1]) & (cr >= CR_RANGE[0]) & (cr <= CR_RANGE[1])


def thirds(ita: Float[np.ndarray, " batch"]) -> tuple[pd.Series, tuple[float, float]]:
    """`darker third (below 12.3°)` and so on for each angle, missing where it is NaN; and the two cuts in degrees.

    Raises:
        DataError: fewer than three angles, or too many equal ones to cut.
    """
    known = ita[np.isfinite(ita)]
    if len(known) < 3:
        raise DataError(
            f"apparent lightness was found in {len(known)} of {len(ita)} pictures; three groups need at least 3"
        )
    low, high = (float(cut) for cut in np.quantile(known, (1 / 3, 2 / 3)))
    if not known.min() < low < high:
        raise DataError(f"apparent lightness cannot be cut into thirds: its cuts are {low:.1f}° and {high:.1f}°")
    ranges = (f"below {low:.1f}°", f"{low:.1f}° to {high:.1f}°", f"{high:.1f}° and above")
    names = [f"{third} ({span})" for third, span in zip(THIRDS, ranges, strict=True)]
    places = np.digitize(np.where(np.isfinite(ita), ita, low), (low, high))
    labels = pd.Series([names[place] for place in places], dtype="str")
    return labels.where(np.isfinite(ita)), (low, high)


def _medians(values: Float[np.ndarray, "batch pixels"], counted: Bool[np.ndarray, "batch pixels"]) -> np.ndarray:
    """(batch,) median of the counted values of each row; several times as fast as `nanmedian`."""
    ordered = np.sort(np.where(counted, values, np.inf), axis=1)
    count = counted.sum(axis=1)
    rows = np.arange(len(values))
    return np.asarray((ordered[rows, (count - 1) // 2] + ordered[rows, count // 2]) / 2.0)


def _central_ellipse(size: int) -> Bool[np.ndarray, "size size"]:
    """Which pixels of a square picture have their centre in the ellipse."""
    place = (np.arange(size) + 0.5) / size - 0.5
    return np.asarray((place[None, :] / HALF_WIDTH) ** 2 + (place[:, None] / HALF_HEIGHT) ** 2 <= 1.0)
