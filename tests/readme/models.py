"""What the models reach: those that ship, and those that a recipe made."""

from __future__ import annotations

from typing import Any

from tests.readme.figures import estimate, read_kept
from tests.readme.places import ROOT
from vaelab.runs.store import list_runs


def models_block() -> str:
    """What the models that ship reach, from the reports beside them."""
    lines = ["| run | network | held-out faces | measured on them, 95 % intervals |", "|---|---|---|---|"]
    for run in sorted((run for run in list_runs(ROOT / "checkpoints") if run.is_shipped), key=lambda run: run.id):
        report, parts = run.reports()["test"], []
        if found := report.get("reconstruction"):
            ours, linear, over = found["psnr_db"], found["pca_psnr_db"], found["psnr_over_pca_db"]
            parts.append(
                f"reconstruction from `mu` {ours['mean']:.2f} dB PSNR [{ours['low']:.2f}, {ours['high']:.2f}]; PCA "
                f"with {run.config.model.latent} components {linear['mean']:.2f} dB; difference {over['mean']:+.2f} dB "
                f"[{over['low']:.2f}, {over['high']:.2f}]"
            )
        if found := report.get("detection"):
            one = found["fpr_0.01"]
            recall, realised = one["overall"], one["realised_fpr"]
            parts.append(
                f"recall {recall['rate']:.2%} [{recall['low']:.2%}, {recall['high']:.2%}] at 1 % false positives; on "
                f"{realised['count']:,} held-out non-faces the threshold gives {realised['rate']:.2%} "
                f"[{realised['low']:.2%}, {realised['high']:.2%}]"
            )
        faces = f"{report['num_faces']:,}, {', '.join(report['data'])}"
        name = f"[`{run.id}`](checkpoints/{run.id}/README.md)"
        lines.append(f"| {name} | {run.config.model.model} | {faces} | {'; '.join(parts)} |")
    return "\n".join(lines)


def measured_block() -> str:
    """The rows of the last `python -m benchmarks.recipes` that were kept."""
    rows = read_kept("recipes")
    lines = [
        "| recipe, and what was cut | trained, minutes | faces | PSNR, dB | PSNR of PCA | SSIM | bits per value | "
        "FD-cnn: reconstructed | N(0, I) | mixture | training faces | recall at 1 % false positives (found) |",
        f"|---|{'---|' * 11}",
    ]
    eyes = []
    for recipe, row in rows.items():
        cut = " ".join(f"--{name.replace('_', '-')} {value}" for name, value in row["flags"].items())
        distances = row.get("fd_cnn", {})
        shown = [row.get(name) for name in ("psnr_db", "pca_psnr_db", "ssim", "bits_per_dim")]
        shown += [distances.get(way) for way in ("reconstruct", "prior_standard", "prior_mixture", "real_faces")]
        cells = " | ".join(estimate(value) if value else "" for value in shown)
        recall = f"{row['recall']['rate']:.2%} ({row['realised_fpr']['rate']:.2%})" if "recall" in row else ""
        data = f"{row['num_faces']:,} of {', '.join(row['data'])}, {row['split']}"
        minutes = f"{row['train_seconds'] / 60:.0f}"
        lines.append(f"| `{f'{recipe} {cut}'.strip()}` | {minutes} | {data} | {cells} | {recall} |")
        if "eyes_sentence" in row:
            eyes.append(f"- `{recipe}`: {row['eyes_sentence']}")
    return "\n".join([*lines, "", "Are the eyes clearer than the rest? At the last validation:", "", *eyes])


OBJECTIVE_WAYS = ("reconstruct", "prior_standard", "prior_fitted", "prior_mixture", "prior_second_stage")


def objectives_block() -> str:
    """The rows of the last `python -m benchmarks.objectives` that were kept."""
    kept = read_kept("objectives")
    extractor = kept["extractor"]
    rows = kept["rows"]
    between = estimate(next(iter(rows.values()))["fd_cnn"]["real_faces"])
    lines = [
        f"The VAE on the lab's trunk, 64 latents, {kept['num_images']:,} images of {', '.join(kept['data'])}, one "
        f"seed; {kept['test_faces']:,} test faces, 95 % intervals. FD-cnn is the Frechet distance on features of "
        f"`{extractor['name']}` (not FID) of as many new faces to the test faces; training faces in their place reach "
        f"{between}. A two-stage VAE is the column of the second stage.",
        "",
        "| objective | what holds the latents | PSNR, dB | SSIM | active latents | KL, nats | FD-cnn: reconstructed | "
        "N(0, I) | fitted Gaussian | mixture | second stage |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for name, row in rows.items():
        distances = " | ".join(estimate(row["fd_cnn"][way]) for way in OBJECTIVE_WAYS)
        kl = estimate(row["kl_nats"]) if row["kl_nats"] else "none"
        lines.append(
            f"| {name} | {row['held_by']} | {estimate(row['psnr_db'])} | {estimate(row['ssim'])} | "
            f"{estimate(row['active_units'])} | {kl} | {distances} |"
        )
    return "\n".join(lines)


def priors_block() -> str:
    """The result of the last `python -m benchmarks.fitted_priors` that was kept."""
    kept = read_kept("fitted_priors")
    test, chosen, on = kept["test"], kept["chosen"], kept["chosen_on"]
    heats = [row["temperature"] for row in on["table"]]
    return (
        f"Does a fitted prior draw better faces than N(0, I)? Of the priors of `{kept['model']['model']}` and "
        f"temperatures {min(heats):g} to {max(heats):g}, {on['n']:,} training faces chose the {chosen['prior']} at "
        f"temperature {chosen['temperature']:g}. On {test['n']:,} test faces, on which nothing was chosen, its FD-cnn "
        f"is {estimate(test['fitted'])} against {estimate(test['standard'])} of N(0, I): "
        f"{estimate(test['improvement'])} less, of which {estimate(test['improvement_over_heated'])} remain against "
        f"N(0, I) at the same temperature (`python -m benchmarks.fitted_priors`; features of "
        f"{kept['extractor']['name']}, weights `{kept['extractor']['weights']}`; 95 % intervals from half-samples). "
        "Warmer than 1 because a decoder's average faces vary less than faces do."
    )


def detecting_block() -> str:
    """What the last `python -m benchmarks.detecting` that was kept found."""
    kept = read_kept("detecting")
    marked = kept["found_marked"]
    lines = [
        f"{kept['faces']} held-out FairFace crops laid into {kept['scenes']} photos"
        + (f", and {marked['faces']} real faces marked by eye in {marked['photos']} photos" if marked else "")
        + "; average precision, then recall and false alarms per photo at the threshold that was set for one false "
        "alarm on other photos, with 95 % intervals over photos. Seconds are for 1024x768 pixels on this machine.",
        "",
        "| detector | laid in: average precision | recall | false alarms | marked: average precision | recall "
        "| false alarms | seconds | times as fast as one by one |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for name in kept["found"]:
        cells = [cell for part in (kept["found"], marked or {}) for cell in _found_cells(part.get(name))]
        seconds, times = kept["seconds"].get(name, {}), ""
        if seconds:
            middle, low, high = seconds["times_as_fast_as_one_by_one"]
            times = f"{middle:.0f} [{low:.0f}, {high:.0f}]"
        shown = seconds.get("dense", next(iter(kept["seconds"].values())).get(name))
        lines.append(f"| {name} | {' | '.join(cells)} | {shown:.3f} | {times} |")
    large = kept["large_photo"]
    return "\n".join([
        *lines,
        "",
        f"A photo of {large['megapixels']:.0f} megapixels, not made smaller: {large['seconds']:.1f} seconds, "
        f"{large['cpu_seconds']:.1f} of processor, {large['memory_mb']:.0f} MB.",
    ])  # fmt: skip


def _found_cells(found: dict[str, Any] | None) -> list[str]:
    """Average precision, recall and false alarms of one detector on one set of photos."""
    if found is None:
        return ["", "", ""]
    at = found["at_false_alarms_set"]
    one = at.get("1") or at.get("as_it_comes")
    values = [found["average_precision"], *((one["recall"], one["false_alarms_per_photo"]) if one else ())]
    return [estimate(value) for value in values] + [""] * (3 - len(values))
