"""Making a finished run one that ships: half-size weights, stored latents, reports, sample sheets, a model card.

Every figure of the card is read from the run's own reports, so card and weights cannot drift apart.
"""

from __future__ import annotations

import shlex
import textwrap
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import torch

from vaelab.config import TrainConfig, flags_of, options
from vaelab.data.collection import Collection
from vaelab.data.manifest import are_drawn
from vaelab.detection.thresholds import REPORT as PHOTOS
from vaelab.errors import RunError
from vaelab.evaluation.regions import eyes_sentence
from vaelab.inference import FaceModel
from vaelab.models import count_parameters
from vaelab.pictures import contact_sheet, save_generated
from vaelab.priors import fit_priors
from vaelab.recipes import RECIPES
from vaelab.results import KINDS as SHEETS
from vaelab.results import picture_name, write_pictures
from vaelab.runs.checkpoints import read_checkpoint, write_checkpoint
from vaelab.runs.store import Run, RunStatus
from vaelab.scorecard import PARTS
from vaelab.scorecard.card import result_lines
from vaelab.scorecard.encoding import encode_faces
from vaelab.scorecard.extractors import shipped_detector
from vaelab.scorecard.report import evaluate
from vaelab.wording import alarms_per_photo

SAMPLES = (("standard", 1.0), ("fitted", 1.0), ("fitted", 0.7), ("mixture", 1.0))
NUM_KEPT = 4000

KINDS = {
    "cnn": "The MIT lab's standard CNN, a face detector",
    "dbvae": "The MIT lab's DB-VAE, detector and VAE in one",
    "vae": "A plain VAE on the MIT lab's trunk",
    "residual": "A residual VAE",
    "pyramid": "A residual VAE of half the side with a learned step to the whole",
    "convolutional": "A convolutional VAE, channels doubling while the side halves",
    "vgg19": "A VAE on frozen VGG19 features",
}

NO_ORIGINALS = (
    "The originals of the reconstructions are photographs of the data set, which are not passed on with a model: "
    "the app shows them beside these wherever the data set is prepared."
)

NO_DECODER = (
    "It has no decoder: there is nothing to reconstruct with, to sample from or to interpolate. Its results are the "
    "scores above and its curves."
)

LIMITS = """\
- Trained on crops framed as those of the data above are; other framings, profile views, hands and glasses come out
  blurred or wrong.
{use}
- What was rare in the data is drawn worse.
"""

PERCEIVED = "Labels of the data (age, gender, race) are annotators' perception of a picture, not facts about a person."
DRAWN = "The program drew the faces this model learned from; what holds among them need not hold among people."
USE = "Use no output of this model to decide anything about anybody."

DETECTOR_LIMITS = """\
- Faces and non-faces come from different collections, with other framing and other processing; part of what tells them
  apart here may be that. Expect lower recall and more false alarms on photographs.
- One seed. `report-test.json` has every group with its interval; do not read a difference between two such models as an
  effect of how they were trained.
"""


def ship(run: Run, data: Collection, tell: Callable[[str], None]) -> None:
    """Turn a finished run into one that ships, in place.

    Raises:
        RunError: the run is not done.
    """
    if run.status.state != "done":
        raise RunError(f"run {run.id} is {run.status.state}; only a finished run can ship")
    tell("weights as float16")
    _halve_weights(run)
    model = FaceModel.load(run, with_latents=False)
    if model.has_decoder:
        tell("latents of the test faces")
        encode_faces(model, run, data, "test", NUM_KEPT)
        fit_priors(FaceModel.load(run), data, tell=tell).write(run)
        model = FaceModel.load(run)
    for split in ("val", "test"):
        tell(f"report on split {split}")
        parts = PARTS if split == "test" else ("reconstruction", "detection")
        detector = shipped_detector(run.dir.parent, model.size) if split == "test" and model.has_decoder else None
        run.write_report(split, evaluate(model, data, split, 0, tell, parts, [detector] if detector else []))
    if model.has_decoder:
        tell("sample sheets")
        write_sheets(run, model)
    tell("results in pictures")
    write_pictures(run, model, data)
    status = replace(run.status, host="", pid=0)
    run.replace_status(status)
    run.write_card(card(run, model, data, status))
    run.state_path.unlink(missing_ok=True)


def write_sheets(run: Run, model: FaceModel) -> None:
    """48 faces from each prior that the card shows."""
    for prior, temperature in SAMPLES:
        z = model.sample_latents(48, seed=0, prior=prior, temperature=temperature)
        about = {"seed": 0, "prior": prior, "temperature": temperature, **model.about()}
        save_generated(contact_sheet(model.decode(z), 12), run.dir / sheet_name(prior, temperature), about)


def sheet_name(prior: str, temperature: float) -> str:
    """File name of a sample sheet."""
    return f"samples-{prior}.png" if temperature == 1 else f"samples-{prior}-{temperature:g}.png"


def card(run: Run, model: FaceModel, data: Collection, status: RunStatus) -> str:
    """The model card, Markdown; every number from the run's files."""
    config, report = run.config, run.reports()["test"]
    warnings = [f"**{warning}**" for warning in config.warnings]
    sections = [f"# {run.id}", *warnings, _introduction(config, model, status)]
    sections += ["## Results", "\n".join(result_lines(report)), *_eyes(run), *_photos(run)]
    sections += ["## In pictures", *_pictures(run, model)]
    if model.has_decoder:
        sheets = [
            f"![48 faces sampled from the {p} prior at temperature {t:g}]({sheet_name(p, t)})" for p, t in SAMPLES
        ]
        sections += ["## New faces", "From N(0, I); from the Gaussian fitted to the stored posteriors; from it at "
                     "temperature 0.7; from a mixture of Gaussians. None shows a real person.", *sheets]  # fmt: skip
        sections += [_priors(model)]
        sections += ["## What is stored", _stored(run, model)]
    sections += ["## Data", _data_lines(data), "## Training", _training(config, run), "## Limits"]
    drawn = are_drawn(config.data.datasets, Path(config.data.data_dir))
    use = textwrap.fill(f"- {DRAWN if drawn else PERCEIVED} {USE}", 120, subsequent_indent="  ")
    sections += [LIMITS.format(use=use) + (DETECTOR_LIMITS if model.has_detector else "")]
    return "\n\n".join(filter(None, sections)).strip() + "\n"


def _pictures(run: Run, model: FaceModel) -> list[str]:
    """The panel that every card and result page has, as far as the run's folder holds it."""
    shown = SHEETS | {"curves": "The loss and its parts over the training"}
    lines = [] if model.has_decoder else [NO_DECODER]
    if model.has_decoder and not (run.dir / picture_name("originals")).is_file():
        lines = [NO_ORIGINALS]
    return lines + [
        f"![{words}]({picture_name(kind)})" for kind, words in shown.items() if (run.dir / picture_name(kind)).is_file()
    ]


def _introduction(config: TrainConfig, model: FaceModel, status: RunStatus) -> str:
    beta = f" {config.loss.effective_beta[0].upper()}{config.loss.effective_beta[1:]}." if config.has_decoder else ""
    latent = f", {config.model.latent} latents" if config.has_decoder else ""
    return (
        f"{KINDS[config.model.model]}: {config.data.size}x{config.data.size} pixels{latent}, "
        f"{count_parameters(model.network):,} trained parameters, weights kept as float16. Saw {status.images_seen:,} "
        f"images in {status.train_seconds / 60:.0f} minutes of training steps.{beta}"
    )


def _priors(model: FaceModel) -> str:
    """How likely each prior holds held-out faces; empty where none were fitted."""
    if (fitted := model.fitted_priors) is None:
        return ""
    lines = [
        f"`priors.safetensors`, from `python -m vaelab priors`: how much likelier each prior holds the latents of "
        f"held-out faces (split {fitted.held_out}) than N(0, I) does, nats per face; of the second stage, at least.",
        "",
        "| prior | nats over N(0, I) | n |",
        "|---|---|---|",
    ]
    for name, found in fitted.likelihoods.items():
        gain = found.over_standard
        if name != "standard":
            lines.append(f"| {name} | {gain.mean:+.1f} [{gain.low:+.1f}, {gain.high:+.1f}] | {gain.n:,} |")
    return "\n".join(lines)


def _eyes(run: Run) -> list[str]:
    """What the last validation found about the regions of the face."""
    found = next((row["regions"] for row in reversed(run.metrics("validation")) if row.get("regions")), None)
    if found is None:
        return []
    shares = ", ".join(f"{name} {value:.0%}" for name, value in found["explained"].items())
    return [f"{eyes_sentence(found)} By region: {shares}. Measured at the last validation of the training."]


def _photos(run: Run) -> list[str]:
    """The thresholds at which a detector is believed in whole photos, where they were measured."""
    report = run.reports().get(PHOTOS)
    if report is None:
        return []
    told = [
        f"{alarms_per_photo(float(rate))} above log-odds {found['threshold']:.2f}"
        for rate, found in report["false_alarms_per_photo"].items()
        if "threshold" in found
    ]
    return [
        f"In whole photos: {'; '.join(told)} (`report-photos.json`, from `python -m vaelab calibrate`, on "
        f"{report['num_photos']} photos without a face of {report['mean_megapixels']:.2f} megapixels each)."
    ]


def _data_lines(data: Collection) -> str:
    lines = []
    for store in data.stores:
        manifest, splits = store.manifest, store.labels["split"].value_counts()
        counts = ", ".join(
            f"{split} {splits[split]:,}" for split in ("train", "val", "calibration", "test") if split in splits
        )
        lines.append(
            f"- **{manifest.name}** ({counts}; crop {manifest.crop}; fingerprint `{store.fingerprint[:16]}`): "
            f"{manifest.licence}"
        )
    return "\n".join(lines)


def _stored(run: Run, model: FaceModel) -> str:
    assert model.latents is not None
    familiarity = (
        " `familiarity.json`: how far other held-out faces are from what the model knows; a photo is ranked among them."
        if run.familiarity_path.is_file()
        else ""
    )
    return (
        f"`latents.safetensors` and `latents.parquet`: posterior means of {len(model.latents.mu):,} test faces with "
        f"their labels, and statistics over {model.latents.num_encoded:,}: KL per dimension, mean posterior variance, "
        "the fitted Gaussian prior. Labels and image numbers are the data set's and keep its licence, and so do the "
        f"held-out pictures shown above, the only ones that are stored.{familiarity}"
    )


def _training(config: TrainConfig, run: Run) -> str:
    reference = RECIPES.get(config.recipe, TrainConfig())
    known = {name: value for _, name, _, value, _ in options(reference)}
    changes = {name: value for _, name, _, value, _ in options(config) if known[name] != value}
    command = shlex.join(["python", "-m", "vaelab", "train", "--recipe", config.recipe, *flags_of(changes)])
    default = {name: value for _, name, _, value, _ in options(TrainConfig())}
    settings = ", ".join(f"{n} {v}" for _, n, _, v, _ in options(config) if default[n] != v and n != "datasets")
    return (
        f"`{command}` (vaelab {run.about['vaelab']}, seed {config.run.seed}), "
        f"then `python -m vaelab ship {run.id}`. Settings other than the defaults: {settings}. "
        "All of them are in `config.json`, the curves in `metrics.jsonl`."
    )


def _halve_weights(run: Run) -> None:
    stored = read_checkpoint(run.weights_path)
    tensors = {n: t.half() if t.dtype == torch.float32 else t for n, t in stored.tensors.items()}
    write_checkpoint(run, run.weights_path, tensors, stored.record)
