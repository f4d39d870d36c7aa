"""The tables of the last `make bench` that was kept."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from tests.readme.figures import bench_machine, figure, kept_rows, percent, table

Row = Mapping[str, Any]

AGAINST: Mapping[str, Mapping[tuple[str, str], tuple[str, str]]] = {
    "training dbvae: our loop against a tensor in memory": {
        ("loop", "limit"): ("`dbvae`", "bare steps on a tensor in memory"),
        ("uniform", "limit"): ("`dbvae` without resampling", "the same bare steps"),
    },
    "training mit-dbvae: our loop and lab's": {
        ("ours", "lab"): ("`mit-dbvae`", "MIT 6.S191's own loop"),
        ("ours", "limit"): ("`mit-dbvae`", "bare steps"),
        ("compiled", "lab"): ("`mit-dbvae`, compiled", "MIT 6.S191's own loop"),
        ("compiled", "compiled_limit"): ("`mit-dbvae`, compiled", "bare steps, compiled"),
    },
    "training mit-vae: our loop and pythae's": {
        ("ours", "pythae"): ("`mit-vae`", "pythae's trainer"),
        ("ours", "limit"): ("`mit-vae`", "bare steps"),
    },
    "training dbvae in 2 processes as one, gloo": {
        ("processes", "one"): ("`dbvae`, two processes of a thread", "one process, one thread"),
        ("threads", "one"): ("`dbvae`, one process, two threads", "one process, one thread"),
    },
}
"""Of each row of trainings, what is compared with what: the beginnings of its entries, and what they are called."""

STARTING = {
    "server_answers_seconds": "the server answers",
    "first_face_seconds": "the first face is on the screen",
    "first_face_of_the_first_start_seconds": "the same at the very first start on a machine",
    "visitor_of_a_warm_server_seconds": "a new browser's first face, on a server that is warm",
    "runs_seconds": "`python -m vaelab runs` is understood",
    "train_seconds": "`python -m vaelab train` is understood",
    "seconds": "`python -m vaelab --help` is understood",
}
MEMORY = {
    "at_rest_mb": "the server, nobody there",
    "one_visitor_on_ten_pages_mb": "after a visitor of ten pages",
    "watched_by_five_browsers_mb": "while five browsers watch a training",
    "the_training_itself_mb": "that training (`first-minute`)",
}
ELSEWHERE = re.compile(r"training \S+: our loop against a tensor|compiled steps of |growth by |batches of ")
"""Rows that have blocks of their own."""
BESIDE = {"slider": "a slider's release", "page_change": "another page"}


def speed_block() -> str:
    """All of it, by what one would ask for; what no table takes comes as it is at the end."""
    rows = {row["what"]: row for row in kept_rows() if row["what"] in AGAINST or not ELSEWHERE.match(row["what"])}
    lines = [f"`make bench` on {bench_machine()}."]
    for part in (_trainings, _kept_memory, _starts, _memory, _reruns, _drags, _decoders, _photos, _beside, _rest):
        if made := part(rows):
            lines += ["", *made]
    for what, row in rows.items():
        figures = "; ".join(
            f"{name.replace('_', ' ')} {figure(value)}" for name, value in row.items() if name != "what"
        )
        lines += ["", f"**{what}**: {figures}"]
    return "\n".join(lines)


def _taken(rows: dict[str, Row], beginning: str) -> Iterator[tuple[str, Row]]:
    """The rows whose name begins so, with the rest of it; they leave `rows`."""
    for what in [name for name in rows if name.startswith(beginning)]:
        yield what.removeprefix(beginning), rows.pop(what)


def _trainings(rows: dict[str, Row]) -> list[str]:
    made = []
    said = []
    for what, pairs in AGAINST.items():
        row = rows.pop(what, {})
        for (ours, theirs), names in pairs.items():
            if f"{ours}_over_{theirs}" not in row and f"{ours}_of_{theirs}" not in row:
                continue
            word = "of" if f"{ours}_of_{theirs}" in row else "over"
            low, high = row[f"{ours}_{word}_{theirs}_range"]
            speeds = [figure(row[f"{side}_images_per_second"]) for side in (ours, theirs)]
            ratio = f"{row[f'{ours}_{word}_{theirs}']:.2f} [{low:.2f}, {high:.2f}] of {row['rounds']}"
            made.append([names[0], names[1], *speeds, ratio])
        if "validating_share" in row:
            said.append(f"Validating and saving would take {percent(row['validating_share'])} of `dbvae`'s time.")
    for name, row in _taken(rows, "resampling "):
        said.append(
            f"Resampling {name.replace('dbvae', '`dbvae`')} takes {figure(row['seconds'])} s "
            f"[{', '.join(figure(end) for end in row['seconds_range'])}], "
            f"{percent(row['share_of_training'])} of the training."
        )
    for name, row in _taken(rows, "a face of "):
        low, high = row["many_over_few_range"]
        said.append(
            f"A face of {name.removesuffix(', resampling')} takes {row['many_over_few']:.2f} times as long to resample "
            f"[{low:.2f}, {high:.2f}], {figure(row['microseconds_many'])} microseconds."
        )
    headings = ["training", "beside", "images/s", "beside it, images/s", "ratio, lowest and highest round"]
    return [*table(headings, made), "", " ".join(said)]


def _kept_memory(rows: dict[str, Row]) -> list[str]:
    made = []
    for name, row in _taken(rows, "steps of "):
        low, high = row["kept_over_given_back_range"]
        ways = ("kept", "given_back")
        made.append(
            [
                f"`{name.removesuffix(' with freed memory kept')}`",
                *(figure(row[f"{way}_images_per_second"]) for way in ways),
                f"{row['kept_over_given_back']:.2f} [{low:.2f}, {high:.2f}] of {row['rounds']}",
                *(figure(row[f"{way}_page_faults_per_step"]) for way in ways),
            ]
        )
    headings = [
        "bare steps of", "freed memory kept, images/s", "given back, images/s", "ratio, lowest and highest round",
        "page faults a step, kept", "given back",
    ]  # fmt: skip
    return table(headings, made)


def _starts(rows: dict[str, Row]) -> list[str]:
    made = []
    for what in ("from starting the app to the first face", "importing the command line"):
        row = rows.pop(what, {})
        made += [[words, figure(row[name])] for name, words in STARTING.items() if name in row]
    return table(["from the command", "seconds"], made)


def _reruns(rows: dict[str, Row]) -> list[str]:
    row = rows.pop("Python's part of a rerun")
    pages = [name.removesuffix("_p95_ms") for name in row if name.endswith("_p95_ms")]
    made = [[page.replace("_", " "), figure(row[f"{page}_ms"]), figure(row[f"{page}_p95_ms"])] for page in pages]
    return table(["Python's part of a rerun of", f"ms, median of {row['reruns']}", "95th percentile"], made)


def _drags(rows: dict[str, Row]) -> list[str]:
    made = []
    for name, row in _taken(rows, "dragging "):
        model, drawn, beside = name.split(", ")
        times = [figure(row[measure]) for measure in ("move_to_picture_ms", "move_to_picture_p95_ms")]
        made.append([f"`{model}`, {drawn}, {beside}", figure(row["pictures_per_second"]), *times])
    return table(["dragging", "pictures/s", "move to picture, ms", "95th percentile"], made)


def _decoders(rows: dict[str, Row]) -> list[str]:
    made = [
        [f"`{model}`", *(figure(row[name]) for name in ("one_latent_ms", "hundred_latents_ms", "mflop_per_picture"))]
        for model, row in _taken(rows, "decoding with ")
    ]
    return table(["decoding by the server", "one latent, ms", "a hundred, ms", "MFLOP a picture"], made)


def _beside(rows: dict[str, Row]) -> list[str]:
    row = rows.pop("training and watching beside each other")
    made = [
        [
            words,
            *(figure(row[f"{name}_{state}_p95_ms"]) for state in ("idle", "training")),
            f"{row[f'{name}_ratio']:.2f}",
        ]
        for name, words in BESIDE.items()
    ]
    headings = ["response, 95th percentile", "idle, ms", "beside a training, ms", "ratio"]
    return [
        *table(headings, made),
        "",
        f"Watched by two browsers, a training keeps {row['watched_of_alone']:.2f} of its speed.",
    ]


def _rest(rows: dict[str, Row]) -> list[str]:
    said = []
    for name, row in _taken(rows, "epochs 2 to 5 of "):
        low, high = row["seen_over_kept_range"]
        said.append(
            f"Epochs of {name}: {figure(row['seen_over_kept'])} times as fast with them [{low:.1f}, {high:.1f}] "
            f"({row['faces']} faces, {row['precision']}, a backbone with {row['backbone']} weights)."
        )
    for name, row in _taken(rows, "drawing "):
        said.append(f"Drawing {name}: {figure(row['pictures_per_second'])} a second on {row['processes']} processes.")
    for name, row in _taken(rows, "preparing "):
        low, high = row["ours_over_pillow_range"]
        said.append(
            f"Preparing {name}: {figure(row['ours_pictures_per_second'])} a second on {row['processes']} processes, "
            f"{figure(row['one_process_pictures_per_second'])} on one; a Pillow loop that crops and resizes them "
            f"does {figure(row['pillow_pictures_per_second'])} (ratio {row['ours_over_pillow']:.2f} [{low:.2f}, "
            f"{high:.2f}])."
        )
    for name, row in _taken(rows, "a map of "):
        same = "the same" if row["same_in_two_fresh_processes"] else "NOT the same"
        said.append(
            f"A map of {name}: {figure(row['umap_seconds_cold'])} s by UMAP in a fresh process, "
            f"{figure(row['pca_seconds'])} s by principal components, {figure(row['place_one_milliseconds'])} ms to "
            f"place a photo; {same} coordinates in two processes."
        )
    return [" ".join(said)]


def _memory(rows: dict[str, Row]) -> list[str]:
    row = rows.pop("memory of the app", {})
    return table(["memory", "MB"], [[words, figure(row[name])] for name, words in MEMORY.items()]) if row else []


def _photos(rows: dict[str, Row]) -> list[str]:
    made = []
    for what, row in _taken(rows, "a drawn photo of "):
        size, detector = what.split(" to boxes by ")
        low, high = row["dense_over_one_by_one_range"]
        made.append(
            [
                f"`{detector}`, {size}",
                *(figure(row[f"{way}_seconds"]) for way in ("dense", "one_by_one")),
                f"{row['dense_over_one_by_one']:.0f} [{low:.0f}, {high:.0f}] of {row['rounds']}",
            ]
        )
    return table(["photo to boxes", "seconds", "window by window, seconds", "ratio"], made) if made else []


def reading_block() -> str:
    """Random pictures out of a file, as `make bench` kept it."""
    made = [
        [
            row["what"].removeprefix("batches of "),
            figure(row["wanted_mb"]),
            *(
                f"{figure(row[f'{way}_cold_ms'])} ms, {figure(row[f'{way}_cold_mb'])} MB; "
                f"{figure(row[f'{way}_warm_ms'])} ms"
                for way in ("mapped", "by_itself")
            ),
        ]
        for row in kept_rows("batches of ")
    ]
    headings = ["a batch of", "needs, MB", "through the map: cold; in memory", "each by itself: cold; in memory"]
    return "\n".join([f"On {bench_machine()}:", "", *table(headings, made)])
