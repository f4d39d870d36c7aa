"""A report as rows for people: what was measured, its value, its interval, on how many pictures, what it means.

Reads reports of every version: a part or figure that an older one lacks is left out, and a bare number has no interval.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Report = Mapping[str, Any]

WAYS = {
    "reconstruct": "reconstruction",
    "prior_standard": "N(0, I)",
    "prior_fitted": "fitted Gaussian",
    "prior_mixture": "fitted mixture",
    "prior_second_stage": "second-stage VAE",
    "interpolate": "interpolation",
    "real_faces": "real faces instead",
}
ENCODERS = {
    "model": "this model",
    "principal_components": "principal components",
    "untrained_encoder": "untrained encoder",
}


@dataclass(frozen=True)
class Row:
    """One figure of a scorecard.

    Attributes:
        part: of the report; `measure` and `subject`: what was measured, and on which of several things.
        low, high: 95 % interval, None where the report has none; `n` likewise.
        digits: decimals worth showing; `percent` shows a share of 1 as per cent.
        meaning: in one line, for somebody who meets the measure for the first time.
    """

    part: str
    measure: str
    subject: str
    value: float
    low: float | None
    high: float | None
    n: int | None
    digits: int
    meaning: str
    percent: bool = False

    @property
    def shown(self) -> str:
        """The value in words."""
        return self._number(self.value)

    @property
    def interval(self) -> str:
        """`24.1 to 24.3`; empty where there is none."""
        return "" if self.low is None or self.high is None else f"{self._number(self.low)} to {self._number(self.high)}"

    def _number(self, value: float) -> str:
        return f"{value:.2%}" if self.percent else f"{value:,.{self.digits}f}"


@dataclass(frozen=True)
class _Measure:
    key: str
    name: str
    digits: int
    meaning: str


RECONSTRUCTION = (
    _Measure("psnr_db", "PSNR, dB", 2, "Nearness to the original; 3 dB more is half the squared error."),
    _Measure("pca_psnr_db", "PSNR of PCA, dB", 2, "The best linear model with as many numbers per face."),
    _Measure("psnr_over_pca_db", "PSNR above PCA, dB", 2, "What being non-linear gained; below 0 nothing."),
    _Measure("ssim", "SSIM", 3, "Likeness of local structure, 1 for equal pictures."),
    _Measure("sharpness_ratio_median", "Sharpness", 2, "Fine detail as a share of the original's; below 1 is blur."),
    _Measure("kl_nats", "KL, nats", 1, "How much of a face passes through the latents."),
    _Measure("active_units", "Active latents", 0, "Latents whose mean moves with the face (variance above 0.01)."),
)
GENERATION = (
    _Measure("fd_cnn", "FD-cnn", 2, "Frechet distance on features of vaelab's cnn (not FID); lower is nearer."),
    _Measure("fid", "FID", 1, "Frechet distance on Inception's features, as papers report it; lower is nearer."),
    _Measure("precision", "Precision", 3, "Share of these faces that lie among real ones: plausible."),
    _Measure("recall", "Recall", 3, "Share of real faces that lie among these: nothing left out."),
    _Measure("density", "Density", 3, "How thickly real faces surround these; about 1 for real ones."),
    _Measure("coverage", "Coverage", 3, "Share of real faces with one of these nearby."),
    _Measure("sharpness_ratio", "Sharpness", 2, "Fine detail as a share of real faces'; below 1 is blur."),
)
LIKELIHOOD = (
    _Measure("bits_per_dim", "Bits per pixel value", 3, "At most so many bits code a face; 8 is no model at all."),
    _Measure("importance_bound_nats", "log P, nats", 0, "Importance-weighted lower bound on a face's log probability."),
    _Measure("elbo_nats", "ELBO, nats", 0, "The looser bound that training maximises, at this noise."),
)
DISENTANGLEMENT = (
    _Measure("mig", "MIG", 3, "How much more one latent knows of a label than the next; 1 is a latent per label."),
    _Measure("sap", "SAP", 3, "The same in accuracy of predictors that see one latent."),
    _Measure("disentanglement", "DCI disentanglement", 3, "Whether each latent serves one label only."),
    _Measure("completeness", "DCI completeness", 3, "Whether each label sits in one latent only."),
    _Measure("informativeness", "DCI informativeness", 3, "How well all latents together predict the labels."),
)


def rows_of(report: Report) -> list[Row]:
    """Every headline figure of a report, part by part."""
    return [*_reconstruction(report), *_generation(report), *_likelihood(report), *_disentanglement(report),
            *_detection(report)]  # fmt: skip


def refusals_of(report: Report) -> list[str]:
    """What was not measured, and why."""
    found = [
        f"{part}: {section['refused']}"
        for part, section in report.items()
        if isinstance(section, Mapping) and "refused" in section
    ]
    for part in ("generation", "likelihood"):
        missing: Report = report.get(part, {}).get("not_measured", {})
        found += [f"{name.replace('_', ' ')}: {reason}" for name, reason in missing.items()]
    for key, at in report.get("detection", {}).items():
        if isinstance(at, Mapping) and "refused" in at:
            found.append(f"recall at {float(key.removeprefix('fpr_')):.1%} false positives: {at['refused']}")
    return found


def result_lines(report: Report) -> list[str]:
    """The report as lines of Markdown: where it comes from, and a table of every headline figure."""
    lines = [
        f"`report-{report['split']}.json`, from `python -m vaelab evaluate`, on {report['num_faces']:,} faces that "
        "were not trained on. Brackets are 95 % intervals.",
        *_extractor_lines(report),
        "",
        "| measure | value | n |",
        "|---|---|---|",
    ]
    for row in rows_of(report):
        subject = f", {row.subject}" if row.subject else ""
        interval = f" [{row.interval.replace(' to ', ', ')}]" if row.interval else ""
        lines.append(f"| {row.measure}{subject} | {row.shown}{interval} | {f'{row.n:,}' if row.n else ''} |")
    return lines + [f"| not measured: {reason} | | |" for reason in refusals_of(report)]


def _extractor_lines(report: Report) -> list[str]:
    return [
        f"Drawn faces are compared on features of {about['name']}, weights `{about['weights']}`, {about['layer']}"
        + (f"; pictures {about['pictures']}." if "pictures" in about else ".")
        for about in report.get("generation", {}).get("extractors", [])
    ]


def _row(part: str, measure: _Measure, subject: str, found: Any, n: int | None) -> Row:
    """A figure as a report keeps it: with its interval, or bare in an old one."""
    if isinstance(found, Mapping):
        value = found["mean"] if "mean" in found else found["value"]
        return Row(part, measure.name, subject, value, found["low"], found["high"], found["n"], measure.digits,
                   measure.meaning)  # fmt: skip
    return Row(part, measure.name, subject, float(found), None, None, n, measure.digits, measure.meaning)


def _reconstruction(report: Report) -> Iterator[Row]:
    found, n = report.get("reconstruction", {}), report.get("num_faces")
    yield from (_row("reconstruction", measure, "", found[measure.key], n)
                for measure in RECONSTRUCTION if measure.key in found)  # fmt: skip


def _generation(report: Report) -> Iterator[Row]:
    found: Report = report.get("generation", {}).get("ways", {})
    for measure in GENERATION:
        for name, way in found.items():
            if measure.key in way:
                yield _row("generation", measure, WAYS.get(name, name.replace("_", " ")), way[measure.key], None)


def _likelihood(report: Report) -> Iterator[Row]:
    for name, noise in report.get("likelihood", {}).items():
        if isinstance(noise, Mapping) and "bits_per_dim" in noise:
            subject = f"{name.replace('_', ' ')} noise, K = {report['likelihood']['num_samples']}"
            yield from (_row("likelihood", measure, subject, noise[measure.key], None) for measure in LIKELIHOOD)


def _disentanglement(report: Report) -> Iterator[Row]:
    found: Report = report.get("disentanglement", {})
    for measure in DISENTANGLEMENT:
        for name, words in ENCODERS.items():
            if name in found:
                yield _row("disentanglement", measure, words, found[name][measure.key], None)


def _detection(report: Report) -> Iterator[Row]:
    for key, at in report.get("detection", {}).items():
        if not key.startswith("fpr_") or "overall" not in at:
            continue
        wanted = f"at {at['fpr']:.1%} false positives"
        yield _rate(f"Recall {wanted}", "", at["overall"], "Share of faces that are found.")
        on = f"False-positive rate on {report.get('split', 'held-out')} images (threshold set for {at['fpr']:.1%})"
        yield _rate(on, "", at["realised_fpr"], "What the threshold gives on object classes it was not set on.")
        for column, group in at["worst_group"].items():
            gap = f"{at['gap'][column] * 100:.1f} points between its best and worst group."
            yield _rate(f"Lowest recall by {column}", f"{group}, {wanted}", at["by_group"][column][group], gap)


def _rate(measure: str, subject: str, found: Report, meaning: str) -> Row:
    return Row("detection", measure, subject, found["rate"], found["low"], found["high"], found["count"], 2, meaning,
               percent=True)  # fmt: skip
