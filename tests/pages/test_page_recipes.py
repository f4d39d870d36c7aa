"""The recipes page: every recipe explained, data told, a start that starts, and two runs beside each other."""

from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from pages.recipebook import making
from pages.recipebook.explained import symbols
from pages.recipebook.outcome import best_of, origin_of, runs_by_recipe
from pages.recipebook.supplies import first_ready, joined, offers, supply
from pages.results.panel import score_rows, shown_kinds, why_no_pictures
from pages.results.routes import KINDS, result_address
from tests.pages.driving import Open, words
from tests.pages.tiny_runs import make_detector, make_run
from tests.pages.training_lab import DATA, TINY, prepare_data, reported_run
from vaelab import jobs
from vaelab.backbone import published
from vaelab.config import TrainConfig, replace
from vaelab.data.manifest import MANIFEST_FILE, Manifest
from vaelab.recipe_notes import RECIPE_NOTES
from vaelab.recipes import RECIPES
from vaelab.runs.store import RUNS_DIR, Run, RunStatus

PAGE = "recipes.py"


def press(app: AppTest, key: str) -> AppTest:
    return next(button for button in app.button if button.key == key).click().run()


@pytest.mark.parametrize("name", list(RECIPES))
def test_every_recipe_is_explained_with_formula_beta_and_command(open_app: Open, name: str) -> None:
    app = open_app(PAGE, recipe=name)
    assert not app.exception
    assert not app.error
    assert app.header[0].value == name
    assert RECIPE_NOTES[name].formula in app.latex[0].value
    config = RECIPES[name]
    assert ("Why a KL" in words(app)) == config.has_decoder
    assert (config.loss.effective_beta[1:] in words(app)) == config.has_decoder
    command = f"python -m vaelab train --recipe {name}"
    drawn = "" if name in ("first-minute", "face-vae-128") else " --datasets synthetic-64"
    assert command + drawn in [block.value for block in app.code]


def test_finished_runs_of_a_recipe_tell_how_long_it_takes_here(lab: Path, open_app: Open) -> None:
    assert "Nothing like it was measured" in words(open_app(PAGE, recipe="first-minute"))
    for seconds in (188.0, 141.0):
        run = Run.create(RECIPES["first-minute"], RUNS_DIR)
        run.write_status(RunStatus("done", run.config.optim.num_images, seconds))
    said = words(open_app(PAGE, recipe="first-minute"))
    assert "2 finished runs of these settings trained here for 2 min to 3 min." in said
    assert "2 finished runs of these settings trained here" in words(open_app("train.py"))
    assert "Nothing like it was measured" not in said


def test_a_wrong_link_gets_a_note(open_app: Open) -> None:
    app = open_app(PAGE, recipe="nobody")
    assert not app.exception
    assert app.info


def put_manifest(lab: Path, name: str, faces: int, others: int, *, source: str = "folder", size: int = 64) -> None:
    """A data set as the page sees it: by its manifest alone."""
    counts = {"by_is_face": {"true": faces, "false": others}, "by_split": {"train": faces + others}}
    counts["total"] = faces + others  # type: ignore[assignment]
    folder = lab / "data" / name
    folder.mkdir(parents=True)
    (folder / MANIFEST_FILE).write_text(Manifest(name, source, "whole", size, counts, "0" * 64, "own").to_json())


def offered(name: str) -> list[str]:
    return [" ".join(offer.datasets) for offer in offers(RECIPES[name])]


def default(name: str) -> tuple[str, ...]:
    found = offers(RECIPES[name])
    return found[first_ready(found)].datasets


@pytest.mark.parametrize("name", ["mit-vae", "mit-cnn", "mit-dbvae", "face-producer", "vgg19-transfer", "anime"])
def test_without_its_data_each_of_the_five_projects_starts_on_drawn_faces(
    open_app: Open, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    started = catch_starts(monkeypatch)
    app = open_app(PAGE, recipe=name)
    assert making.DRAWN in words(app)
    assert f"This stands in until {RECIPES[name].data.datasets[0]} " in words(app)
    assert "missing" in app.selectbox(f"recipes.learn.{name}").options[0]
    app = press(app, "recipes.train")
    assert not app.exception
    assert started == [replace(RECIPES[name], datasets=("synthetic-64",))]


def test_data_that_can_only_be_had_elsewhere_is_told_with_home_terms_and_command(open_app: Open) -> None:
    app = open_app(PAGE, recipe="mit-dbvae")
    commands = "\n".join(block.value for block in app.code)
    for source in ("fairface", "class-folders", "celeba", "h5"):
        assert f"data prepare {source}" in commands
    for told in ("https://github.com/joojs/fairface", "CC BY 4.0", "tiny-imagenet", "CelebA", "introtodeeplearning"):
        assert told in words(app)


def test_nothing_can_be_started_where_nothing_of_the_right_size_is_ready(open_app: Open) -> None:
    app = open_app(PAGE, recipe="face-vae-128")
    assert next(button for button in app.button if button.key == "recipes.train").disabled
    assert "once fairface-128 is on this machine" in words(app)


def test_a_choice_of_data_goes_into_the_command_and_the_settings(lab: Path, open_app: Open) -> None:
    put_manifest(lab, "mine-64", 500, 0)
    app = open_app(PAGE, recipe="mit-vae")
    app.selectbox("recipes.learn.mit-vae").select("mine-64").run()
    assert "python -m vaelab train --recipe mit-vae --datasets mine-64" in [block.value for block in app.code]
    assert making.DRAWN not in words(app)
    app = press(app, "recipes.change")
    assert app.title[0].value == "Train"
    assert "python -m vaelab train --recipe mit-vae --datasets mine-64" in [block.value for block in app.code]


def test_what_is_ready_is_offered_in_the_order_of_the_published_project(lab: Path) -> None:
    put_manifest(lab, "mine-64", 500, 0)
    put_manifest(lab, "celeba-64", 500, 0, source="celeba")
    put_manifest(lab, "imagenet-64", 0, 500, source="class-folders")
    put_manifest(lab, "large-128", 500, 0, size=128)
    put_manifest(lab, "cuts-64", 500, 500, source="cuts")
    assert default("mit-dbvae") == ("celeba-64", "imagenet-64")
    assert offered("mit-vae") == ["fairface-64", "celeba-64", "mine-64", "synthetic-64"]
    put_manifest(lab, "h5-64", 500, 500, source="h5")
    assert offered("mit-dbvae") == [
        "fairface-64 nonfaces-64", "h5-64", "celeba-64 imagenet-64", "mine-64 imagenet-64", "synthetic-64",
    ]  # fmt: skip
    assert default("mit-vae") == ("h5-64",)
    assert offered("face-vae-128") == ["fairface-128", "large-128"]
    put_manifest(lab, "fairface-64", 500, 0, source="fairface")
    put_manifest(lab, "nonfaces-64", 0, 500, source="class-folders")
    assert default("mit-dbvae") == RECIPES["mit-dbvae"].data.datasets
    assert offered("first-minute")[0] == "synthetic-64"
    assert offered("anime")[:2] == ["anime-64", "celeba-64"]


def test_a_drawing_that_broke_off_is_gone_on_with(lab: Path) -> None:
    (lab / "data" / "synthetic-64.partial").mkdir(parents=True)
    assert default("mit-cnn") == ("synthetic-64",)


def test_a_download_is_told_before_the_click(
    lab: Path, open_app: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(published, "cache_dir", lambda: tmp_path)
    assert "548 MB are downloaded once" in words(open_app(PAGE, recipe="vgg19-transfer"))
    assert "548 MB" not in words(open_app(PAGE, recipe="mit-vae"))
    published.places()[0].write_bytes(b"")
    assert "548 MB" not in words(open_app(PAGE, recipe="vgg19-transfer"))


def test_names_are_joined_as_one_says_them() -> None:
    assert [joined(names) for names in (["a"], ["a", "b"], ["a", "b", "c"])] == ["a", "a and b", "a, b and c"]


def catch_starts(monkeypatch: pytest.MonkeyPatch) -> list[TrainConfig]:
    """The configs of trainings that are asked for; none is begun."""
    started: list[TrainConfig] = []

    def start(config: TrainConfig, *, name: str | None, root: Path) -> Run:
        started.append(config)
        return Run.create(config, root, "begun")

    monkeypatch.setattr(jobs, "start", start)
    return started


def test_a_click_starts_the_recipe(open_app: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    started = catch_starts(monkeypatch)
    app = press(open_app(PAGE, recipe="first-minute"), "recipes.train")
    assert not app.exception
    assert started == [RECIPES["first-minute"]]
    assert app.title[0].value == "Train", "it leads to the live view"


def test_a_supply_says_what_is_wrong_with_it(lab: Path) -> None:
    prepare_data(lab, num_faces=40)
    assert supply(DATA, 16, lab / "data").is_ready
    assert "16 pixels, 64 are needed" in supply(DATA, 64, lab / "data").words
    assert not supply("fairface-64", 64, lab / "data").is_ready
    assert supply("synthetic-64", 64, lab / "data").is_ready


def recipe_run(name: str, state: str = "done", **changes: object) -> Run:
    return reported_run(Path(), name, state, **changes)


def tiny_runs() -> list[Run]:
    return runs_by_recipe().get("tiny", [])


def test_the_newest_finished_run_is_shown_first(lab: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(RECIPES, "tiny", replace(TrainConfig(recipe="tiny"), **TINY))
    assert best_of(tiny_runs()) is None
    assert origin_of(tiny_runs()) == "not trained yet"
    recipe_run("a-done")
    recipe_run("b-failed", "failed")
    assert origin_of(tiny_runs()) == "trained here"
    best = best_of(tiny_runs())
    assert best is not None
    assert best.id == "a-done"
    (recipe_run("c-broken").dir / "status.json").write_text("{", encoding="utf-8")
    assert [run.id for run in tiny_runs()] == ["b-failed", "a-done"]


def test_results_and_two_runs_beside_each_other(lab: Path, open_app: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(RECIPES, "tiny", replace(TrainConfig(recipe="tiny"), **TINY))
    monkeypatch.setitem(RECIPE_NOTES, "tiny", RECIPE_NOTES["first-minute"])
    make_run(lab, "drawing")
    make_detector(lab, "judging")
    app = open_app(PAGE, recipe="tiny")
    assert not app.exception
    assert not app.error
    pictures = "\n".join(str(element.proto.body) for element in app.get("html"))
    assert "/results/sheet?run=drawing&amp;kind=samples" in pictures
    assert "kind=originals" not in pictures, "its data set is not here"
    assert "detector without a decoder" in words(app), "beside it stands one that draws nothing"
    assert [tab.label for tab in app.tabs][:2] == ["Results", "Curves"]


def test_what_a_run_can_show_follows_from_what_is_here(lab: Path) -> None:
    stored, bare = make_run(lab, "stored"), make_run(lab, "bare", latents=False)
    assert shown_kinds(stored) == ["reconstructions", "samples", "interpolations"]
    assert shown_kinds(bare) == ["samples", "interpolations"]
    assert why_no_pictures(stored) == ""
    assert "no weights" in why_no_pictures(make_run(lab, "young", weights=False))
    assert "detector" in why_no_pictures(make_detector(lab, "judge"))
    assert len({result_address(stored, kind) for kind in KINDS}) == len(KINDS)


def test_an_address_changes_when_faces_are_stored(lab: Path) -> None:
    from tests.pages.tiny_runs import write_latents

    run = make_run(lab, "growing", latents=False)
    before = result_address(run, "samples")
    write_latents(run)
    assert result_address(run, "samples") != before


def test_scores_are_recall_beside_the_false_positives_that_come() -> None:
    rate = {"rate": 0.5, "low": 0.25, "high": 0.75, "count": 10}
    table = score_rows(
        {"fpr_0.01": {"fpr": 0.01, "overall": rate, "realised_fpr": rate}, "fpr_0.001": {"refused": "few"}}
    )
    assert table.to_numpy().tolist() == [["1 %", *["50.00% (25.00% to 75.00%), n = 10"] * 2]]


def test_only_symbols_that_stand_in_a_formula_are_explained() -> None:
    assert "encoder" not in symbols(RECIPE_NOTES["cnn"].formula)
    assert "detector" in symbols(RECIPE_NOTES["dbvae"].formula)
