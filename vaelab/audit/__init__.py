"""Audits: the same detectors with and without debiasing, over paired seeds, scored on the same held-out pictures."""
