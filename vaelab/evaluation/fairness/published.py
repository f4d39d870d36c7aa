"""What others published about the same question, to be read beside our own numbers and their false-positive rates."""

from __future__ import annotations

from dataclasses import dataclass

PAPER = "Amini et al., Uncovering and Mitigating Algorithmic Bias through Learned Latent Structure, AIES 2019"
REPLICATION = "JMitnik/FacialDebiasing, a replication; means of 5 runs computed from its published results file"
BENCHMARK = "PPB, Buolamwini and Gebru, FAT* 2018: 1,270 portraits"

GROUPS = {"DM": "darker male", "DF": "darker female", "LM": "lighter male", "LF": "lighter female"}
"""Groups of PPB, as the replication names them."""
GROUP_SIZES = {"DM": 318, "DF": 271, "LM": 386, "LF": 295}


@dataclass(frozen=True)
class Published:
    """A row of a published table, all on PPB and at each model's own threshold of 0.5.

    Attributes:
        average: E[A] in percent; the paper calls it accuracy, but PPB has no negatives: it is recall.
        variance: Var[A] in squared percentage points, with its standard deviation over runs in `variance_spread`.
        by_group: recall in percent.
        false_positives, precision, accuracy: in percent; None where they were not published.
    """

    source: str
    model: str
    runs: int | None
    average: float
    variance: float
    variance_spread: float | None = None
    by_group: dict[str, float] | None = None
    false_positives: float | None = None
    precision: float | None = None
    accuracy: float | None = None


PUBLISHED = (
    Published(PAPER, "no debiasing", None, 95.13, 28.84),
    Published(PAPER, "DB-VAE, alpha 0.1", None, 95.84, 25.43),
    Published(PAPER, "DB-VAE, alpha 0.05", None, 96.47, 18.08),
    Published(PAPER, "DB-VAE, alpha 0.01", None, 97.13, 9.49),
    Published(PAPER, "DB-VAE, alpha 0.001", None, 97.36, 9.43),
    Published(
        REPLICATION, "CNN", 5, 93.4, 33.3, 9.2, {"DM": 85.0, "DF": 95.3, "LM": 96.1, "LF": 97.2}, 16.8, 84.8, 88.3
    ),
    Published(
        REPLICATION, "DB-VAE, max, alpha 0.001", 5, 96.4, 17.1, 6.4,
        {"DM": 90.5, "DF": 96.8, "LM": 98.6, "LF": 99.6}, 23.4, 80.5, 86.5,
    ),
)  # fmt: skip

READING = (
    "No false-positive rate was published with the paper's table, and PPB has no negatives. In the replication the "
    "debiased model finds more faces of every group and raises more false alarms, 23.4 % instead of 16.8 %; a lower "
    "threshold alone does most of that. Groups of the sizes of PPB whose true recall is 95 % have a variance of 1.5 "
    "on average by chance alone; with five pictures a group, as in the lab this grew from, of 95."
)
"""What to keep in mind while reading the tables."""
