"""The embedded data set: drawn faces with known, labelled factors, and things that are not faces."""

from vaelab.data.synthetic.faces import render_faces
from vaelab.data.synthetic.factors import FACTORS, Factor, group_values, neutral_factors, with_groups
from vaelab.data.synthetic.nonfaces import OBJECT_CLASSES, render_nonfaces, sample_nonfaces
from vaelab.data.synthetic.sampling import Shares, sample_factors

__all__ = [
    "FACTORS",
    "OBJECT_CLASSES",
    "Factor",
    "Shares",
    "group_values",
    "neutral_factors",
    "render_faces",
    "render_nonfaces",
    "sample_factors",
    "sample_nonfaces",
    "with_groups",
]
