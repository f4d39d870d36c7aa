"""What of `make bench` one asks for first, beside what was aimed at."""

from __future__ import annotations

from typing import Any

from tests.readme.figures import bench_machine, figure, kept_rows, percent, table


def headline_block() -> str:
    """A line for each aim, as `make bench` kept it."""
    rows = {row["what"]: row for row in kept_rows()}
    lines = [*_trainings(rows), *_growing(rows), *_waiting(rows)]
    return "\n".join([f"On {bench_machine()}:", "", *table(["what", "measured", "aim"], lines)])


def _ratio(row: dict[str, Any], name: str) -> str:
    low, high = row[f"{name}_range"]
    return f"{row[name]:.2f} times as fast [{low:.2f}, {high:.2f}]"


def _trainings(rows: dict[str, Any]) -> list[list[str]]:
    lab, pythae = rows["training mit-dbvae: our loop and lab's"], rows["training mit-vae: our loop and pythae's"]
    loops = {row["recipe"]: row["loop_of_limit"] for row in rows.values() if "loop_of_limit" in row}
    dbvae = loops.pop("dbvae")
    low, high = rows["training dbvae: our loop against a tensor in memory"]["loop_of_limit_range"]
    return [
        ["`mit-dbvae` beside MIT 6.S191's own loop", _ratio(lab, "ours_over_lab"), "1.4"],
        ["the same, compiled", _ratio(lab, "compiled_over_lab"), ""],
        ["`mit-vae` beside pythae's trainer", _ratio(pythae, "ours_over_pythae"), "1"],
        [
            "`dbvae` beside bare steps on a tensor in memory",
            f"{dbvae:.2f} of their speed [{low:.2f}, {high:.2f}]",
            "0.95",
        ],
        [
            f"the {len(loops)} other recipes beside theirs",
            f"{min(loops.values()):.2f} to {max(loops.values()):.2f}",
            "0.9",
        ],
    ]


def _growing(rows: dict[str, Any]) -> list[list[str]]:
    (faces, drawn), *_ = (
        (what.removeprefix("resampling "), row) for what, row in rows.items() if what.startswith("resampling ")
    )
    face, *_ = (row for what, row in rows.items() if what.startswith("a face of "))
    few, *_, many, _ = kept_rows("growth by pictures: ")  # the last one has the exponents
    return [
        [
            f"resampling {faces.replace('dbvae', '`dbvae`')}",
            f"{percent(drawn['share_of_training'])} of training",
            "3 %",
        ],
        [
            "resampling a face of 400,000 beside one of 40,000",
            f"{face['many_over_few']:.2f} times as long",
            "no longer",
        ],
        [
            f"memory of a training on {few['pictures']:,} and on {many['pictures']:,} pictures",
            f"{few['memory_mb']:.0f} and {many['memory_mb']:.0f} MB",
            "the same",
        ],
    ]


def _waiting(rows: dict[str, Any]) -> list[list[str]]:
    drag = rows["dragging face-vae, drawn by the browser, idle"]
    photo = rows["a drawn photo of 1024x768 to boxes by detector"]
    mapped, *_ = (row for what, row in rows.items() if what.startswith("a map of "))
    reruns = rows["Python's part of a rerun"]
    beside = rows["training and watching beside each other"]
    return [
        [
            "from starting the app to the first face",
            f"{figure(rows['from starting the app to the first face']['first_face_seconds'])} s",
            "3 s",
        ],
        [
            "Python's part of a rerun of Explore",
            f"{figure(reruns['explore_ms'])} ms",
            "40 ms",
        ],
        [
            "a drag, from move to picture, drawn by the browser",
            f"{figure(drag['move_to_picture_ms'])} ms, {figure(drag['pictures_per_second'])} pictures a second",
            "",
        ],
        [
            "a photo of 1024x768 to boxes",
            f"{figure(photo['dense_seconds'])} s, window by window {figure(photo['one_by_one_seconds'])} s",
            "",
        ],
        [
            f"a map of {mapped['faces']:,} faces",
            f"{figure(mapped['umap_seconds_cold'])} s by UMAP, {figure(1000 * mapped['pca_seconds'])} ms by principal "
            "components",
            "",
        ],
        ["a training watched by two browsers", f"keeps {beside['watched_of_alone']:.2f} of its speed", ""],
    ]
