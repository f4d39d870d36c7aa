"""What `evaluate` finds out about a model: each number with its n, its interval, and what it was measured with."""

PARTS = ("reconstruction", "generation", "likelihood", "disentanglement", "detection")
"""The parts of a report, in its order."""
DETECTOR = "cnn"
"""The run whose features the Frechet distance is on unless another is named: the detector that ships."""
