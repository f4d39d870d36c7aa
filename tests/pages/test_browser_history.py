"""What the browser's Back button meets, whichever of a page's path and its query is written first."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, Route

from pages.shell.document import BARE, document
from tests.pages.browsing import Visit, needs_chromium

pytestmark = [pytest.mark.browser, needs_chromium]
HOST = "http://lab.test"


@pytest.fixture
def page(visit: Visit) -> Page:
    """A page with the script of the document and nothing else; `visit` clears up after it."""
    script = document().split("<head>")[1].split("</script>")[0]

    def answer(route: Route) -> None:
        route.fulfill(content_type="text/html", body=f"<!DOCTYPE html><title>-</title>{script}</script><h1>-</h1>")

    visit.page.route(f"{HOST}/**", answer)
    return visit.page


def push(page: Page, *addresses: str) -> None:
    """What Streamlit's script does."""
    for address in addresses:
        page.evaluate("address => history.pushState({}, '', address)", address)


def back(page: Page) -> str:
    """Where one press of Back leads."""
    page.evaluate("new Promise(done => { addEventListener('popstate', done, {once: true}); history.back() })")
    return page.url.removeprefix(HOST)


@pytest.mark.parametrize(
    "order",
    [
        ("/prior", "/prior?model=tiny"),
        ("/recipes?model=tiny", "/prior?model=tiny"),  # the query came before the path
    ],
)
def test_one_press_leaves_a_page_for_the_one_before(page: Page, order: tuple[str, str]) -> None:
    page.goto(f"{HOST}/recipes")
    push(page, *order)
    assert page.url == f"{HOST}/prior?model=tiny"
    assert back(page) == "/recipes"


def test_a_query_that_came_before_its_path_does_not_stay_behind_the_page_that_is_left(page: Page) -> None:
    page.goto(f"{HOST}/recipes")
    push(page, "/train", "/train?run=one", "/train?model=tiny", "/prior?model=tiny")
    assert back(page) == "/train?run=one"
    assert back(page) == "/train"
    assert BARE == ("train",)
    assert back(page) == "/recipes"


def test_each_change_of_a_query_is_an_entry(page: Page) -> None:
    page.goto(f"{HOST}/")
    push(page, "/?tour=begin", "/?model=tiny&tour=begin", "/?model=tiny&d=5&tour=begin")
    assert back(page) == "/?model=tiny&tour=begin"
    page.goto(f"{HOST}/compare?with=other")
    push(page, "/compare?with=third")
    assert back(page) == "/compare?with=other"


def test_a_link_to_another_page_with_the_same_query_undoes_nothing(page: Page) -> None:
    page.goto(f"{HOST}/models?model=other")
    push(page, "/models?model=tiny")
    page.mouse.click(1, 1)
    push(page, "/prior?model=tiny")
    assert back(page) == "/models?model=tiny"
    assert back(page) == "/models?model=other"
