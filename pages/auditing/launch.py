"""A new audit: arms, seeds, data, planted shares, how long it takes, and the command that does the same."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import streamlit as st

from pages.auditing.plan import FPRS
from pages.datasets.biased import share_sliders
from pages.datasets.routes import open_store
from pages.datasets.shelf import trainable
from pages.launch.needs import conditions, measure_button
from pages.live.words import duration
from pages.shell.boundary import error_boundary
from vaelab.audit.beginning import begin, num_training_faces
from vaelab.audit.conductor import MEMBER_THREADS, start_audit
from vaelab.audit.experiment import KNOWN_ARMS, PRIMARY_FPR, Experiment, audit_base
from vaelab.audit.pictures import check_resampling
from vaelab.audit.store import AUDITS_DIR, list_audits
from vaelab.config import TrainConfig, options
from vaelab.data.groups import Grouping, choosable_columns
from vaelab.data.prepare import usable_cores
from vaelab.data.sources import Synthetic
from vaelab.errors import ConfigError, DataError
from vaelab.evaluation.fairness.effects import MIN_SEEDS
from vaelab.jobs.needs import PROBE_SECONDS, estimate, known
from vaelab.jobs.queue import device_of
from vaelab.runs.store import RUNS_DIR
from vaelab.settings import EMBEDDED
from vaelab.wording import rate_name

ARMS = {
    "A": "A: the detector alone",
    "B": "B: with the VAE's loss, faces drawn uniformly",
    "C": "C: the DB-VAE, rare faces drawn more often",
}
PREFERRED = ("fairface-64", "nonfaces-64")
SIZE = 64
IMAGES = (8_000, 32_000, 64_000, 128_000, 256_000, 512_000)
USUAL_IMAGES = 64_000
MOST_VALUES = 16
MOST_SEEDS = 20


@dataclass(frozen=True)
class Order:
    """What the form asks for, and the command that asks for the same."""

    experiment: Experiment
    command: str


@st.fragment
@error_boundary
def launch_form() -> None:
    """The form, what it costs, and the button."""
    order = _order()
    obstacle = _obstacle(order.experiment)
    go = st.button(
        "Start the audit", type="primary", icon=":material/play_arrow:", disabled=bool(obstacle), key="audit.go"
    )
    if go:
        start_audit(begin(order.experiment))
        st.rerun(scope="app")
    if obstacle:
        st.caption(f":orange[{obstacle}]")
    _cost(order.experiment)
    st.caption("It goes on when this page is closed, and can be stopped and resumed. The same from the command line:")
    st.code(order.command, language="bash", wrap_lines=True)


def _obstacle(experiment: Experiment) -> str:
    """Why this audit could not begin, as far as that is known before; empty where nothing is."""
    if experiment.name in {audit.name for audit in list_audits(AUDITS_DIR)}:
        return f"There is an audit {experiment.name} already; give this one another name."
    number = _num_calibration(experiment.base.data.datasets)
    if number < 10 / experiment.fpr:
        return (
            f"The data sets keep {number:,} non-faces for calibration; thresholds at {rate_name(experiment.fpr)} need "
            f"{10 / experiment.fpr:,.0f}. Choose a data set with more non-faces."
        )
    if not _is_drawn_later(experiment.base.data.datasets):
        try:
            check_resampling(experiment, num_training_faces(experiment))
        except ConfigError as error:
            return f"{str(error)[0].upper()}{str(error)[1:]}."
    return ""


def _order() -> Order:
    """What the form asks for. All of it is drawn before anything is refused, and what cannot be drawn keeps its value.

    Raises:
        ConfigError: something is not chosen yet.
        DataError: all planted shares are 0.
    """
    first, second, third, fourth = st.columns([2, 1, 1, 1])
    name = first.text_input("Name", "first-audit", max_chars=60, key="audit.new.name").strip()
    seeds = second.slider(
        "Paired seeds", 1, MOST_SEEDS, 6, key="audit.new.seeds",
        help=f"Every arm is trained with each. Fewer than {MIN_SEEDS} cannot decide; 10 are better.",
    )  # fmt: skip
    arms = st.pills(
        "Arms", list(ARMS), selection_mode="multi", default=list(ARMS), format_func=ARMS.__getitem__,
        key="audit.new.arms", help="Without B nothing can be credited to the resampling.",
    )  # fmt: skip
    names = trainable(SIZE)
    preferred = [name for name in PREFERRED if name in names]
    chosen = st.multiselect(
        "Data sets", names, default=preferred if len(preferred) == len(PREFERRED) else [EMBEDDED],
        key="audit.new.datasets", help="Faces with labels, and non-faces. Splits are theirs.",
    )  # fmt: skip
    if not chosen:
        raise ConfigError("Choose one data set at least.")
    images = third.selectbox(
        "Images per network", IMAGES, index=IMAGES.index(_usual_images(chosen)), format_func=lambda count: f"{count:,}",
        key="audit.new.images", persist_state="page", help="C draws all faces once before it first resamples.",
    )  # fmt: skip
    number = _num_calibration(chosen)
    rates = [fpr for fpr in FPRS if number >= 10 / fpr] or [max(FPRS)]
    fpr = fourth.selectbox(
        "False positives", rates, index=rates.index(max(rates[-1], PRIMARY_FPR)), format_func=rate_name,
        key=f"audit.new.fpr.{len(rates)}", persist_state="page",
        help="Verdicts are given at this rate alone: choose it now.",
    )  # fmt: skip
    how = _aggregation() if "C" in arms else {}
    columns, shares = _groups(chosen)
    if not arms:
        raise ConfigError("Choose one arm at least.")
    if not columns:
        raise ConfigError("Choose one label at least to make groups by: recall is compared between them.")
    base = audit_base(datasets=tuple(chosen), num_images=int(images), size=SIZE)
    settings = {arm: {**KNOWN_ARMS[arm], **(how if arm == "C" else {})} for arm in ARMS if arm in arms}
    experiment = Experiment(name, base, settings, tuple(range(seeds)), columns=columns, shares=shares, fpr=fpr)
    return Order(experiment, command_of(experiment))


def _usual_images(datasets: list[str]) -> int:
    """Images after which a third at least was drawn by rarity: the first pass, half of it non-faces, is uniform."""
    first_pass = 2 * sum(len(_training_labels(name)) for name in datasets)
    return next((count for count in IMAGES if count >= max(USUAL_IMAGES, 1.5 * first_pass)), IMAGES[-1])


def _aggregation() -> dict[str, object]:
    """How C makes rare faces come more often."""
    choices = next(about.choices for _, name, _, _, about in options(TrainConfig()) if name == "aggregation")
    wanted = [choice for choice in choices if choice != "none"]
    first, second = st.columns(2)
    aggregation = first.selectbox(
        "C aggregates latents by", wanted, index=wanted.index("max"), key="audit.new.aggregation", persist_state="page"
    )
    if aggregation != "tempered":
        return {"aggregation": aggregation}
    share = second.slider(
        "Share of faces kept effective", 0.05, 0.95, 0.5, 0.05, key="audit.new.share", persist_state="page"
    )
    return {"aggregation": aggregation, "effective_share": share}


def _groups(datasets: list[str]) -> tuple[tuple[str, ...], dict[str, dict[str, float]]]:
    """Labels that make the groups, none where none is chosen, and shares to plant.

    Raises:
        ConfigError: nothing to group by is there.
        DataError: all shares are 0.
    """
    for name in datasets:
        training = _training_labels(name)
        columns = [column for column in choosable_columns(training) if training[column].nunique() <= MOST_VALUES]
        if not columns:
            continue
        by = st.multiselect(
            "Groups by", columns, default=["race"] if "race" in columns else columns[:1], key=f"audit.new.by.{name}",
            persist_state="page", help="Several labels are crossed.",
        )  # fmt: skip
        if not st.toggle("Make some groups rare in training", key=f"audit.new.plant.{name}", persist_state="page"):
            return tuple(by), {}
        column = st.selectbox("By", columns, key=f"audit.new.column.{name}", persist_state="page", width=320)
        grouping = Grouping.of(training, [column])
        shares = share_sliders(grouping, f"audit.new.shares.{name}.{column}", persist_state="page")
        whole = sum(shares.values())
        wanted = {group: share / whole for group, share in shares.items()}
        own = grouping.counts / max(1, int(grouping.counts.sum()))
        is_same = np.allclose(list(wanted.values()), own, atol=1e-3)
        return tuple(by), {} if is_same else {column: {group: round(share, 6) for group, share in wanted.items()}}
    raise ConfigError(
        f"No faces of {', '.join(datasets)} have labels that make groups (words, or yes and no, with two to "
        f"{MOST_VALUES} different values), so there is nothing to compare; choose a data set of labelled faces too."
    )


def _num_calibration(datasets: Sequence[str]) -> int:
    """Non-faces that will set thresholds."""
    return sum(
        _num_drawn_later() if _is_drawn_later((name,)) else len(open_store(name).indices("calibration", is_face=False))
        for name in datasets
    )


def _training_labels(name: str) -> pd.DataFrame:
    """Labels of the training faces of a data set."""
    if _is_drawn_later((name,)):
        return _labels_to_be_drawn()
    labels = open_store(name).labels
    return labels[(labels["split"] == "train") & labels["is_face"].astype(bool)]


def _is_drawn_later(names: Sequence[str]) -> bool:
    """Whether the embedded faces are among the data sets and are not there before an audit begins."""
    return EMBEDDED in names and not (Path("data") / EMBEDDED).is_dir()


@st.cache_resource(show_spinner=False)
def _num_drawn_later() -> int:
    """How many of the embedded non-faces will be kept for calibration."""
    records = Synthetic().listing().records
    return int(((records["split"] == "calibration") & ~records["is_face"]).sum())


@st.cache_resource(show_spinner=False)
def _labels_to_be_drawn() -> pd.DataFrame:
    """Labels of all the embedded faces: they are known before the pictures are drawn."""
    records = Synthetic().listing().records
    labels = [name for name in map(str, records) if not name.startswith(("_", "split"))]
    return records.loc[records["is_face"], labels]


def _cost(experiment: Experiment) -> None:
    """How long it takes here, as far as steps like these were measured."""
    configs = [experiment.config_of(arm, experiment.seeds[0]) for arm in experiment.arms]
    number = len(configs) * len(experiment.seeds)
    try:
        needs = [need for config in configs if (need := known(config, threads=MEMBER_THREADS)) is not None]
    except DataError:
        needs = []
    side_by_side = usable_cores() if device_of(experiment.base) == "cpu" else 1
    is_known = len(needs) == len(configs)
    if is_known:
        seconds = len(experiment.seeds) * sum(need.seconds for need in needs) / side_by_side
        st.markdown(
            f":material/timer: {number} networks, about **{duration(seconds)}** "
            f"{conditions(all(need.was_alone for need in needs))}, {side_by_side} side by side."
        )
    else:
        st.markdown(f":material/timer: {number} networks; nothing like them was measured on this machine yet.")
    if measure_button(is_again=is_known, key="audit.measure.time"):
        bar = st.progress(0.0, text=f"Taking real steps for {PROBE_SECONDS * len(configs):.0f} seconds")
        for place, config in enumerate(configs):
            estimate(config, root=RUNS_DIR, threads=MEMBER_THREADS, anew=is_known)
            bar.progress((place + 1) / len(configs))
        st.rerun(scope="fragment")


def command_of(experiment: Experiment) -> str:
    """The command line that makes the same audit."""
    words = ["python", "-m", "vaelab", "audit", experiment.name, "--arms", *experiment.arms]
    words += ["--seeds", str(len(experiment.seeds))]
    changes = [
        f"{arm}.{name}={value}"
        for arm, settings in experiment.arms.items()
        for name, value in settings.items()
        if KNOWN_ARMS[arm].get(name) != value
    ]
    words += ["--set", *changes] if changes else []
    for column, shares in experiment.shares.items():
        words += ["--plant", column, *(f"{group}={share:g}" for group, share in shares.items())]
    if experiment.columns:
        words += ["--by", *experiment.columns]
    words += ["--fpr", f"{experiment.fpr:g}"] if experiment.fpr != PRIMARY_FPR else []
    words += ["--datasets", *experiment.base.data.datasets, "--num-images", str(experiment.base.optim.num_images)]
    return shlex.join(words)
