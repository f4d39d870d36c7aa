"""What `evaluate` finds out about a model: each number with its n, its interval, and what it was measured with."""

from vaelab.scorecard.encoding import encode_faces
from vaelab.scorecard.extractors import Extractor, detector_features, inception_features
from vaelab.scorecard.report import PARTS, Amounts, evaluate, merged

__all__ = [
    "PARTS",
    "Amounts",
    "Extractor",
    "detector_features",
    "encode_faces",
    "evaluate",
    "inception_features",
    "merged",
]
