"""The parts of the README that follow from the code; `make readme` writes them, `test_readme.py` holds them to it."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from vaelab.config import TrainConfig, options
from vaelab.recipes import RECIPES
from vaelab.runs.store import list_runs

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / "README.md"


def tree_block() -> str:
    """Every source file with the first sentence of its docstring."""
    lines = [f"{'app.py':33}{_summary(ROOT / 'app.py')}", "pages/"]
    lines += _folder(ROOT / "pages", "  ")
    for name in ("vaelab", "benchmarks"):
        lines += [f"{name + '/':33}{_summary(ROOT / name / '__init__.py')}", *_folder(ROOT / name, "  ")]
    return "```\n" + "\n".join(line.rstrip() for line in lines) + "\n```"


def settings_block() -> str:
    """Every setting of a training: flag, default, meaning."""
    lines = ["| flag | default | meaning |", "|---|---|---|"]
    for _, name, _, value, about in options(TrainConfig()):
        shown = (
            " ".join(value) if isinstance(value, tuple) else str(value).lower() if isinstance(value, bool) else value
        )
        unit = f" [{about.unit}]" if about.unit else ""
        lines.append(f"| `--{name.replace('_', '-')}` | {shown} | {about.help}{unit} |")
    return "\n".join(lines)


def recipes_block() -> str:
    """Every recipe: network, what it minimises, how long."""
    lines = ["| recipe | network | loss | images seen |", "|---|---|---|---|"]
    for name, config in RECIPES.items():
        loss = f"{config.loss.likelihood}, {config.loss.effective_beta}" if config.has_decoder else "cross-entropy"
        if config.debias.aggregation != "none":
            loss += f", faces re-drawn by `{config.debias.aggregation}`"
        latent = f", {config.model.latent} latents" if config.has_decoder else ""
        lines.append(f"| `{name}` | {config.model.model}{latent} | {loss} | {config.optim.num_images:,} |")
    return "\n".join(lines)


def models_block() -> str:
    """What the models that ship reach, from the reports beside them."""
    lines = ["| run | network | FairFace val (5,000 faces), 95 % intervals |", "|---|---|---|"]
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
                f"{realised['count']:,} pictures of held-out object classes the threshold gives {realised['rate']:.2%} "
                f"[{realised['low']:.2%}, {realised['high']:.2%}]"
            )
        lines.append(
            f"| [`{run.id}`](checkpoints/{run.id}/README.md) | {run.config.model.model} | {'; '.join(parts)} |"
        )
    return "\n".join(lines)


def speed_block() -> str:
    """The figures of the last `make bench` that was kept."""
    kept = json.loads((ROOT / "benchmarks" / "results.json").read_text(encoding="utf-8"))
    lines = [f"`make bench` on {_where(kept['machine'])}:", ""]
    for result in kept["results"]:
        figures = "; ".join(
            f"{name.replace('_', ' ')} {_figure(value)}" for name, value in result.items() if name != "what"
        )
        lines.append(f"- **{result['what']}**: {figures}")
    return "\n".join(lines)


GROWTH = {
    "images_per_second": "images/s",
    "memory_mb": "memory, MB",
    "resample_seconds": "resampling, s",
    "resample_share": "its share of training",
    "start_seconds": "start, s",
}
"""Columns of the growth tables; those with an exponent have one below."""


def growth_block() -> str:
    """The tables of the last `python -m benchmarks.growth` that were kept."""
    path = ROOT / "benchmarks" / "growth.json"
    if not path.is_file():
        return "Not measured yet: `python -m benchmarks.growth` makes the tables."
    kept = json.loads(path.read_text(encoding="utf-8"))
    written = max(row["written"] for found in kept["growth"] for row in found["rows"])
    lines = [
        f"The network of `dbvae` on {_where(kept['machine'])}, a process of its own for each row "
        f"(`python -m benchmarks.growth`). Pictures are {kept['drawn']:,} drawn ones, repeated; above {written:,} they "
        "are a hole in the file, black and read from no disk. Seconds are those one core worked. Memory is "
        "what a process needs for itself, without the "
        "pages of mapped pictures that the system lends it. An exponent of 0 does not grow, 1 grows in proportion.",
    ]
    for found in kept["growth"]:
        by, rows, exponents = found["by"], found["rows"], found["exponents"]
        lines += ["", f"| {by} | {' | '.join(GROWTH.values())} |", f"|---|{'---|' * len(GROWTH)}"]
        for row in rows:
            cells = [_percent(row[name]) if name == "resample_share" else _figure(row[name]) for name in GROWTH]
            lines.append(f"| {row[by]:,} | {' | '.join(cells)} |")
        powers = [f"{exponents[name]:+.2f}" if name in exponents else "" for name in GROWTH]
        lines.append(f"| exponent | {' | '.join(powers)} |")
    return "\n".join(lines)


def maps_block() -> str:
    """What the last `python -m benchmarks.mapping` and `benchmarks.panning` that were kept found."""
    mapped = json.loads((ROOT / "benchmarks" / "mapping.json").read_text(encoding="utf-8"))
    panned = json.loads((ROOT / "benchmarks" / "panning.json").read_text(encoding="utf-8"))
    names = {
        "pca_seconds": "principal components, s",
        "umap_seconds_cold": "UMAP in a fresh process, s",
        "umap_seconds_warm": "UMAP again, s",
        "place_one_milliseconds": "placing a photo, ms",
        "trustworthiness": "trustworthiness",
        "trustworthiness_umap_learn": "umap-learn as it comes",
        "trustworthiness_pca": "principal components",
    }
    lines = [f"| drawn faces | {' | '.join(names.values())} |", f"|---|{'---|' * len(names)}"]
    lines += [f"| {row['faces']:,} | {' | '.join(_figure(row[name]) for name in names)} |" for row in mapped]
    same = all(row["same_in_two_fresh_processes"] for row in mapped)
    pans = [
        f"{row['faces']:,} points {row['frames_per_second']:.0f} frames per second, {row['page_ms_per_frame']:.1f} ms "
        f"of the page's time each ({row['page_ms_per_frame_p95']:.1f} at the 95th percentile)"
        for row in panned["results"]
    ]
    return "\n".join([
        f"{mapped[0]['latents']} latents, trustworthiness over 1,000 faces, on {_where(panned['machine'])}: "
        "`python -m benchmarks.mapping --faces 5000 20000 45000 --default`.",
        "",
        *lines,
        "",
        f"The coordinates of two fresh processes are {'the same to the last bit' if same else 'NOT the same'} at every "
        f"size. Panned in headless Chromium without a graphics card, {panned['results'][0]['moves_per_second']:.0f} "
        f"moves a second: {'; '.join(pans)} (`python -m benchmarks.panning`).",
    ])  # fmt: skip


def _where(machine: dict[str, Any]) -> str:
    name = machine["gpu"] or f"{machine['processor']}, {machine['threads']} threads"
    return f"{name} (torch {machine['torch']})"


OBJECTIVE_WAYS = ("reconstruct", "prior_standard", "prior_fitted", "prior_mixture", "prior_second_stage")


def objectives_block() -> str:
    """The rows of the last `python -m benchmarks.objectives` that were kept."""
    path = ROOT / "benchmarks" / "objectives.json"
    if not path.is_file():
        return "Not measured yet: `python -m benchmarks.objectives` makes the table."
    kept = json.loads(path.read_text(encoding="utf-8"))
    extractor = kept["extractor"]
    rows = kept["rows"]
    between = _estimate(next(iter(rows.values()))["fd_cnn"]["real_faces"])
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
        distances = " | ".join(_estimate(row["fd_cnn"][way]) for way in OBJECTIVE_WAYS)
        kl = _estimate(row["kl_nats"]) if row["kl_nats"] else "none"
        lines.append(
            f"| {name} | {row['held_by']} | {_estimate(row['psnr_db'])} | {_estimate(row['ssim'])} | "
            f"{_estimate(row['active_units'])} | {kl} | {distances} |"
        )
    return "\n".join(lines)


def measured_block() -> str:
    """The rows of the last `python -m benchmarks.recipes` that were kept."""
    path = ROOT / "benchmarks" / "recipes.json"
    if not path.is_file():
        return "Not measured yet: `python -m benchmarks.recipes` makes the table."
    rows = json.loads(path.read_text(encoding="utf-8"))
    lines = [
        "| recipe, and what was cut | faces | PSNR, dB | PSNR of PCA | SSIM | bits per value | FD-cnn: reconstructed | "
        "N(0, I) | mixture | training faces | recall at 1 % false positives (found) |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    eyes = []
    for recipe, row in rows.items():
        cut = " ".join(f"--{name.replace('_', '-')} {value}" for name, value in row["flags"].items())
        distances = row.get("fd_cnn", {})
        shown = [row.get(name) for name in ("psnr_db", "pca_psnr_db", "ssim", "bits_per_dim")]
        shown += [distances.get(way) for way in ("reconstruct", "prior_standard", "prior_mixture", "real_faces")]
        cells = " | ".join(_estimate(value) if value else "" for value in shown)
        recall = f"{row['recall']['rate']:.2%} ({row['realised_fpr']['rate']:.2%})" if "recall" in row else ""
        data = f"{row['num_faces']:,} of {', '.join(row['data'])}, {row['split']}"
        lines.append(f"| `{recipe} {cut}` | {data} | {cells} | {recall} |")
        if "eyes_sentence" in row:
            eyes.append(f"- `{recipe}`: {row['eyes_sentence']}")
    return "\n".join([*lines, "", "Eyes first? At the last validation:", "", *eyes])


def priors_block() -> str:
    """The result of the last `python -m benchmarks.fitted_priors` that was kept."""
    path = ROOT / "benchmarks" / "fitted_priors.json"
    if not path.is_file():
        return "Not measured yet: `python -m benchmarks.fitted_priors` says whether a fitted prior draws better faces."
    kept = json.loads(path.read_text(encoding="utf-8"))
    test, chosen, on = kept["test"], kept["chosen"], kept["chosen_on"]
    heats = [row["temperature"] for row in on["table"]]
    return (
        f"Does a fitted prior draw better faces than N(0, I)? Of the priors of `{kept['model']['model']}` and "
        f"temperatures {min(heats):g} to {max(heats):g}, {on['n']:,} training faces chose the {chosen['prior']} at "
        f"temperature {chosen['temperature']:g}. On {test['n']:,} test faces, on which nothing was chosen, its FD-cnn "
        f"is {_estimate(test['fitted'])} against {_estimate(test['standard'])} of N(0, I): "
        f"{_estimate(test['improvement'])} less, of which {_estimate(test['improvement_over_heated'])} remain against "
        f"N(0, I) at the same temperature (`python -m benchmarks.fitted_priors`; features of "
        f"{kept['extractor']['name']}, weights `{kept['extractor']['weights']}`; 95 % intervals from half-samples). "
        "Warmer than 1 because a decoder's average faces vary less than faces do."
    )


def coverage_block() -> str:
    """What the last `python -m benchmarks.coverage` that was kept found."""
    path = ROOT / "benchmarks" / "coverage.json"
    if not path.is_file():
        return "Not measured yet: `python -m benchmarks.coverage` makes the table."
    kept = json.loads(path.read_text(encoding="utf-8"))
    worlds: dict[str, dict[str, Any]] = kept["worlds"]
    rows = list(dict.fromkeys(name for world in worlds.values() for name in world["found"]))
    lines = [
        f"Simulated experiments with known truth, {kept['resamples']} resamples each: how often an interval of 95 % "
        "held it, and, in the rows of verdict and permutation, how often a difference was claimed. Wilson's interval "
        "of one network: " + "; ".join(f"{name}: {_percent(share)}" for name, share in kept["wilson"].items()) + ".",
        "",
        f"| | {' | '.join(worlds)} |",
        f"|---|{'---|' * len(worlds)}",
        "| simulations | " + " | ".join(str(world["simulations"]) for world in worlds.values()) + " |",
    ]
    for name in rows:
        shares = [world["found"].get(name) for world in worlds.values()]
        lines.append(f"| {name} | " + " | ".join("–" if share is None else _percent(share) for share in shares) + " |")
    return "\n".join(lines)


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def audits_block() -> str:
    """What the audits that ship found: on validation faces, which chose, and on test faces, which report."""
    folder = ROOT / "checkpoints" / "audits"
    shipped = [path for path in sorted(folder.glob("*/report*.json")) if _is_tracked(path)]
    chosen = [_chosen(path) for path in shipped if path.stem == "report-val"]
    return "\n\n".join([*chosen, *(_audited(path) for path in shipped if path.stem == "report")])


def _chosen(path: Path) -> str:
    """A search on validation faces, in one paragraph."""
    report = json.loads(path.read_text(encoding="utf-8"))
    found, arms = report["findings"], report["experiment"]["arms"]
    words = [
        f"{summary['arm']} ({_settings(arms[summary['arm']])}) {_share(summary['worst_group'])}"
        for summary in found["summaries"]
    ]
    return (
        f"**Chosen on validation** (`{path.parent.name}`: {len(found['seeds'])} seeds, {found['num_faces']:,} faces) "
        f"by worst-group recall at {100 * found['fpr']:.3g} % false positives: {'; '.join(words)}."
    )


def _audited(path: Path) -> str:
    """An audit on test faces: what was compared, a table of its arms, and the verdicts."""
    report = json.loads(path.read_text(encoding="utf-8"))
    experiment, found = report["experiment"], report["findings"]
    planted = "; ".join(
        f"training faces by {column}: " + ", ".join(f"{group} {100 * share:.3g} %" for group, share in shares.items())
        for column, shares in experiment["shares"].items()
    )
    lines = [
        f"**[`{path.parent.name}`](checkpoints/audits/{path.parent.name}/report.html)**: {planted or 'all faces'}; "
        f"{experiment['base']['optim']['num_images']:,} images per network, {len(found['seeds'])} paired seeds, "
        f"{found['num_faces']:,} test faces by {', '.join(found['columns'])}, {found['num_negatives']:,} non-faces "
        f"of held-out classes, thresholds from {found['num_calibration']:,} others.",
        "",
        f"| arm | worst-group recall at {100 * found['fpr']:.3g} % false positives | all faces | gap, points | "
        "false positives found |",
        "|---|---|---|---|---|",
    ]
    for summary, alarms in zip(found["summaries"], found["false_positives"], strict=True):
        rate = sum(one["rate"] for one in alarms["realised"]) / len(alarms["realised"])
        lines.append(
            f"| {summary['arm']}: {_settings(experiment['arms'][summary['arm']])} | {_share(summary['worst_group'])} | "
            f"{_share(summary['overall'])} | {100 * summary['gap']:.2f} | {100 * rate:.2f} % |"
        )
    return "\n".join([*lines, "", *(f"- {verdict['sentence']}" for verdict in found["verdicts"])])


def detecting_block() -> str:
    """What the last `python -m benchmarks.detecting` that was kept found."""
    path = ROOT / "benchmarks" / "detecting.json"
    if not path.is_file():
        return "Not measured yet: `python -m benchmarks.detecting` makes the table."
    kept = json.loads(path.read_text(encoding="utf-8"))
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
    return [_estimate(value) for value in values] + [""] * (3 - len(values))


def _settings(changes: dict[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in changes.items())


def _is_tracked(path: Path) -> bool:
    """Whether the project's own rules let the folder into git: other audits stay on the machine."""
    return f"!/checkpoints/audits/{path.parent.name}/" in (ROOT / ".gitignore").read_text(encoding="utf-8")


def _share(value: dict[str, float]) -> str:
    return f"{100 * value['value']:.2f} % [{100 * value['low']:.2f}, {100 * value['high']:.2f}]"


def _estimate(value: dict[str, float]) -> str:
    middle = value["mean"] if "mean" in value else value["value"]
    return f"{middle:.4g} [{value['low']:.4g}, {value['high']:.4g}]"


def _figure(value: object) -> str:
    if isinstance(value, list):
        return "–".join(_figure(item) for item in value)
    if isinstance(value, float):
        return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
    return str(value)


BLOCKS = {
    "tree": tree_block,
    "settings": settings_block,
    "recipes": recipes_block,
    "models": models_block,
    "speed": speed_block,
    "growth": growth_block,
    "objectives": objectives_block,
    "coverage": coverage_block,
    "measured": measured_block,
    "audits": audits_block,
    "maps": maps_block,
    "detecting": detecting_block,
    "priors": priors_block,
}


def with_blocks(text: str) -> str:
    """`text` with every marked block as the code has it now."""
    for name, block in BLOCKS.items():
        pattern = re.compile(rf"(<!-- {name} -->\n).*?(\n<!-- end {name} -->)", re.DOTALL)
        if len(pattern.findall(text)) != 1:
            raise ValueError(f"README.md needs the markers <!-- {name} --> and <!-- end {name} --> exactly once")
        made = block()
        text = pattern.sub(lambda found, made=made: str(found.group(1) + made + found.group(2)), text)
    return text


def _folder(folder: Path, indent: str) -> Iterator[str]:
    for path in sorted(folder.glob("*.py")):
        if path.name != "__init__.py":
            yield f"{indent + path.name:33}{_summary(path)}"
    for inner in sorted(path.parent for path in folder.glob("*/__init__.py")):
        yield f"{indent + inner.name + '/':33}{_summary(inner / '__init__.py')}"
        yield from _folder(inner, indent + "  ")


def _summary(path: Path) -> str:
    docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    if not docstring:
        raise ValueError(f"{path.relative_to(ROOT)} has no docstring; its first sentence is its line in the README")
    sentence = " ".join(docstring.split("\n\n")[0].split())
    return re.split(r"(?<=[^.])\.\s", sentence)[0].removesuffix(".")


if __name__ == "__main__":
    README.write_text(with_blocks(README.read_text(encoding="utf-8")), encoding="utf-8")
