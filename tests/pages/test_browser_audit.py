"""An audit's life as a visitor meets it: launched from the form, watched, stopped, resumed, read and taken away."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.drawn import draw
from tests.pages.browsing import PATIENCE_MS, Server, Visit, needs_chromium, start_server, stop_server
from vaelab.audit.conductor import stop_audit
from vaelab.audit.store import AUDITS_DIR, find_audit, list_audits

pytestmark = [pytest.mark.browser, pytest.mark.thorough, needs_chromium]
TRAINED_MS = 10 * PATIENCE_MS
"""Two networks are trained on 32,000 pictures each: long enough to be stopped in between."""


@pytest.fixture(scope="module")
def lab_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with a small data set, whose audits end with it."""
    folder = tmp_path_factory.mktemp("lab")
    draw(folder / "data" / "synthetic-64", 1_600, 1_400, 64)
    running = start_server(folder)
    yield running
    stop_server(running)
    audits = list_audits(folder / AUDITS_DIR)
    for audit in audits:
        if audit.status.is_alive:
            stop_audit(audit)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and any(audit.status.is_alive for audit in audits):
        time.sleep(0.1)
    assert "Traceback" not in (folder / "server.log").read_text()


def test_an_audits_life(lab_server: Server, visit: Visit) -> None:
    page = visit.page
    page.goto(f"{lab_server.address}/audit")
    page.get_by_role("button", name="Set up the first audit").click()
    name = page.get_by_role("textbox", name="Name", exact=True)
    name.fill("small")
    name.press("Enter")
    page.get_by_role("slider", name="Paired seeds").press("Home")
    page.get_by_text("C: the DB-VAE, rare faces drawn more often").click()
    page.locator("[data-testid=stMain] [data-testid=stSelectbox]").first.click()
    page.get_by_role("option", name="32,000", exact=True).click()
    command = "python -m vaelab audit small --arms A B --seeds 1 --by"
    expect(page.get_by_test_id("stCode").first).to_contain_text(command)
    expect(page.get_by_test_id("stCode").first).to_contain_text("--num-images 32000")
    page.get_by_role("button", name="Start the audit").click()

    progress = page.get_by_text(re.compile(r"0 of 2 networks trained and scored"))
    expect(progress).to_be_visible()
    expect(page.get_by_text(re.compile(r"now A-0|now B-0"))).to_be_visible()
    page.get_by_role("button", name="Stop").click()
    resume = page.get_by_role("button", name="Resume")
    expect(resume).to_be_visible(timeout=2 * PATIENCE_MS)
    audit = find_audit("small", lab_server.folder / AUDITS_DIR)
    assert audit.status.state == "stopped"
    assert audit.missing("test")
    page.reload()
    expect(page.get_by_text("stopped on request; resume goes on with what is left").first).to_be_visible()
    resume.click()

    expect(page.get_by_text("1 of 1 paired seeds")).to_be_visible(timeout=TRAINED_MS)
    expect(resume).to_have_count(0)
    assert not audit.missing("test")
    expect(page.get_by_text("One seed: intervals are about these networks").first).to_be_visible()
    page.get_by_text("Report", exact=True).click()
    page.get_by_role("button", name="Make the report").click()
    with page.expect_download(timeout=PATIENCE_MS) as download:
        page.get_by_role("button", name="Report (HTML)").click()
    report = download.value.path().read_text(encoding="utf-8")
    assert "Audit small: is it fairer?" in report
    assert "1 paired seed, split test" in report
    expect(page.get_by_role("button", name="Make the report")).to_have_count(0)
