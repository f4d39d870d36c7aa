"""How what it takes grows, and how near it is to what the machine can do."""

from __future__ import annotations

from benchmarks.growth import DRAWN, MOST_WRITTEN, VALUES
from tests.readme.figures import bench_machine, figure, kept_rows, percent, read_kept, where

GROWTH = {
    "images_per_second": "images/s",
    "memory_mb": "memory, MB",
    "resample_seconds": "resampling, s",
    "resample_share": "its share of training",
    "start_seconds": "start, s",
}
"""Columns of the growth tables; those with an exponent have one below."""


def growth_block() -> str:
    """What more pictures, latents and larger pictures cost, as `make bench` kept it."""
    rows = {by: kept_rows(f"growth by {by}: ") for by in VALUES}
    lines = [
        f"The network of `dbvae` on {bench_machine()}, a process of its own for each row. Pictures are {DRAWN:,} drawn "
        f"ones, repeated; above {MOST_WRITTEN:,} they are a hole in the file, black and read from no disk. Seconds are "
        "those one core worked; before resampling all pictures were read once. Memory is what a process needs for "
        "itself, without the pages of mapped pictures that the system lends it. An exponent of 0 does not grow, 1 "
        "grows in proportion.",
    ]
    for by, (*measured, last) in rows.items():
        lines += ["", f"| {by} | {' | '.join(GROWTH.values())} |", f"|---|{'---|' * len(GROWTH)}"]
        for row in measured:
            cells = [percent(row[name]) if name == "resample_share" else figure(row[name]) for name in GROWTH]
            lines.append(f"| {row[by]:,} | {' | '.join(cells)} |")
        powers = [f"{last['exponents'][name]:+.2f}" if name in last["exponents"] else "" for name in GROWTH]
        lines.append(f"| exponent | {' | '.join(powers)} |")
    return "\n".join(lines)


def maps_block() -> str:
    """What the last `python -m benchmarks.mapping` and `benchmarks.panning` that were kept found."""
    mapped = read_kept("mapping")
    panned = read_kept("panning")
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
    lines += [f"| {row['faces']:,} | {' | '.join(figure(row[name]) for name in names)} |" for row in mapped]
    same = all(row["same_in_two_fresh_processes"] for row in mapped)
    pans = [
        f"{row['faces']:,} points {row['frames_per_second']:.0f} frames per second, {row['page_ms_per_frame']:.1f} ms "
        f"of the page's time each ({row['page_ms_per_frame_p95']:.1f} at the 95th percentile)"
        for row in panned["results"]
    ]
    return "\n".join([
        f"{mapped[0]['latents']} latents, trustworthiness over 1,000 faces, on {where(panned['machine'])}: "
        "`python -m benchmarks.mapping --faces 5000 20000 45000 --default`.",
        "",
        *lines,
        "",
        f"The coordinates of two fresh processes are {'the same to the last bit' if same else 'NOT the same'} at every "
        f"size. Panned in headless Chromium without a graphics card, {panned['results'][0]['moves_per_second']:.0f} "
        f"moves a second: {'; '.join(pans)} (`python -m benchmarks.panning`).",
    ])  # fmt: skip


def limits_block() -> str:
    """How near the loops of all recipes come to bare steps, as `make bench` kept it."""
    lines = [
        "| recipe | our loop, images/s | bare steps, images/s | loop of bare steps, lowest and highest round | "
        "without resampling | resampling, share of training |",
        "|---|---|---|---|---|---|",
    ]
    for row in kept_rows("training "):
        if "loop_of_limit" not in row:
            continue
        uniform = percent(row["uniform_of_limit"]) if "uniform_of_limit" in row else ""
        resampling = percent(row["resample_share"]) if "resample_share" in row else ""
        low, high = row["loop_of_limit_range"]
        lines.append(
            f"| `{row['recipe']}` | {figure(row['loop_images_per_second'])} | {figure(row['limit_images_per_second'])} "
            f"| {percent(row['loop_of_limit'])} [{percent(low)}, {percent(high)}] of {row['rounds']} | {uniform} | "
            f"{resampling} |"
        )
    return "\n".join([f"On {bench_machine()}:", "", *lines])


def compiling_block() -> str:
    """Whether compiling pays, as `make bench` kept it."""
    lines = [
        "| recipe | compiled, images/s | as it is, images/s | ratio, lowest and highest round | compiling, s | "
        "from torch's cache, s | pays after images | from the cache | the recipe trains on |",
        f"|---|{'---|' * 8}",
    ]
    for row in kept_rows("compiled steps of "):
        low, high = row["compiled_over_plain_range"]
        paid = [row[name] for name in ("pays_after_images", "pays_after_images_from_cache")]
        cells = [
            f"`{row['recipe']}`",
            *(figure(row[f"{name}_images_per_second"]) for name in ("compiled", "plain")),
            f"{row['compiled_over_plain']:.2f} [{low:.2f}, {high:.2f}] of {row['rounds']}",
            *(figure(row[name]) for name in ("compile_seconds", "compile_seconds_from_cache")),
            *("never" if images is None else f"{round(images, -3):,.0f}" for images in paid),
            f"{row['num_images']:,}",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join([f"On {bench_machine()}:", "", *lines])
