"""The page in a browser: the story of a person who has never seen a terminal, for eyes, screen readers, small screens, and
without JavaScript. CELLS=all in the environment tries all eight ways to see it; else four, in which each two of small, dark
and without JavaScript meet, each page in two of them, and two ways for the whole story."""

import csv
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import product
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from export_pipelines_servers.chromium import chromium
from export_pipelines_tests.cells import ALL_CELLS
from export_pipelines_tests.service.serving import Served

RUN_MS = 180_000  # the first run waits for Dagster's daemon to come up
PAGES = (
    "/ui",
    "/ui?find=nothing",
    "/ui/requests",
    "/ui/exports/daily",
    "/ui/exports/broken",
    "/ui/exports/absent",
    "/ui/exports/nowhere/diagnosis",
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


def visit(
    browser: Browser, served: Served, width: int = 1280, script: bool = True, dark: bool = False
) -> Page:
    """Somebody who has signed in."""
    context = browser.new_context(
        viewport={"width": width, "height": 800},
        java_script_enabled=script,
        color_scheme="dark" if dark else "light",
        accept_downloads=True,
    )
    page = context.new_page()
    page.set_default_timeout(30_000)
    page.goto(f"{served.url}/")
    page.get_by_label("API key").fill(served.keys["boss"])
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Exports")).to_be_visible()
    return page


@dataclass(frozen=True)
class Eyes:
    """How somebody sees the page."""

    width: int
    dark: bool
    script: bool

    def __str__(self) -> str:
        return f"{self.width}-{'dark' if self.dark else 'light'}-{'script' if self.script else 'plain'}"


EYES = [
    eyes
    for eyes in (Eyes(*each) for each in product((1280, 360), (False, True), (True, False)))
    if ALL_CELLS or ((eyes.width == 360) + eyes.dark + eyes.script) % 2
]


def pages_for(eyes: Eyes) -> list[str]:
    """Of the four ways to see them, the pages take the two with JavaScript and the two without it in turn, so that each is
    seen small and wide, dark and light."""
    return [path for number, path in enumerate(PAGES) if ALL_CELLS or number % 2 != eyes.script]


# each value of each, once
STORY = EYES if ALL_CELLS else [Eyes(1280, dark=False, script=True), Eyes(360, dark=True, script=False)]


def serious_faults(page: Page, eyes: Eyes) -> dict[str, object]:
    """What axe-core finds serious, and a page that is wider than the screen."""
    wide = page.evaluate("document.documentElement.scrollWidth")
    violations = Axe().run(readable_by_axe(page, eyes)).response["violations"]
    faults: dict[str, object] = {
        fault["id"]: [node["target"] for node in fault["nodes"]][:3]
        for fault in violations
        if fault["impact"] in ("serious", "critical")
    }
    return faults | ({"wide": wide} if wide > eyes.width else {})


def readable_by_axe(page: Page, eyes: Eyes) -> Page:
    """The page; without JavaScript, in which axe-core never ends, the same document where only the page's own script is
    left out."""
    browser = page.context.browser
    if eyes.script or browser is None:
        return page
    copy = copy_of(browser, eyes, re.sub(r"/ui.*", "/ui/sign-in", page.url))
    copy.set_content(page.content())
    return copy


@cache
def copy_of(browser: Browser, eyes: Eyes, url: str) -> Page:
    """A page of the same service, open as long as the browser is."""
    context = browser.new_context(
        viewport={"width": eyes.width, "height": 800}, color_scheme="dark" if eyes.dark else "light"
    )
    context.route("**/page.js", lambda route: route.abort())
    copy = context.new_page()
    copy.goto(url)
    return copy


@pytest.mark.parametrize("eyes", STORY, ids=str)
def test_a_person_builds_sees_runs_and_downloads(
    browser: Browser, paged: Served, tmp_path: Path, eyes: Eyes
) -> None:
    """Delivered leads of Texas, of the last 7 days, without personal data, as CSV."""
    page = visit(browser, paged, eyes.width, eyes.script, eyes.dark)
    page.get_by_role("link", name="New export").first.click()
    page.get_by_role("button", name="delivered leads").click()
    expect(page.get_by_label("Field", exact=True)).to_have_value("delivered_at")
    page.get_by_role("button", name="in a state").click()
    expect(page.get_by_label("Field", exact=True).last).to_have_value("state")
    page.get_by_label("Value").last.fill("TX")
    expect(page.get_by_label("Everything except personal data")).to_be_checked()
    expect(page.get_by_label("How many")).to_have_value("7")
    expect(page.get_by_label("Format")).to_have_value("csv")
    page.get_by_role("button", name="Preview").click()
    table = page.get_by_role("region", name="First rows")
    expect(table.locator("tbody tr").first).to_contain_text("TX")
    headings = table.locator("th").all_inner_texts()
    assert not {"email", "first_name", "phone_1", "ip_address"} & set(headings)
    estimated = re.search(r"(\d+) rows?", page.locator(".estimate").inner_text())
    assert estimated
    assert serious_faults(page, eyes) == {}
    page.get_by_role("button", name="Run now").click()
    page.wait_for_url("**/ui/requests/*")
    if eyes.script:  # without it, the page makes itself anew while it is looked at
        assert serious_faults(page, eyes) == {}
    link = page.get_by_role("link", name="Download")
    expect(link).to_be_visible(timeout=RUN_MS)
    assert serious_faults(page, eyes) == {}
    with page.expect_download() as download:
        link.click()
    download.value.save_as(tmp_path / "file.csv")
    data = (tmp_path / "file.csv").read_bytes()
    id = page.url.partition("?")[0].rpartition("/")[2]
    request = paged.project.export_requests.named(id)
    assert request
    assert request.artifact
    manifest = paged.project.store.manifest(request.artifact)
    (part,) = manifest.parts
    assert hashlib.sha256(data).hexdigest() == part.sha256
    assert manifest.rows == int(estimated[1]) > 0
    lines = list(csv.reader(data.decode().splitlines()))
    assert lines[0] == headings
    assert {line[headings.index("state")] for line in lines[1:]} == {"TX"}
    assert all(line[headings.index("delivered_at")] for line in lines[1:])
    with paged.project.store.open(request.artifact, part.name) as stored:
        assert stored.read() == data
    page.context.close()


@pytest.mark.parametrize("eyes", EYES, ids=str)
def test_nothing_serious_keeps_anybody_out(browser: Browser, paged: Served, eyes: Eyes) -> None:
    page = visit(browser, paged, eyes.width, eyes.script, eyes.dark)
    for path in pages_for(eyes):
        page.goto(paged.url + path)
        assert serious_faults(page, eyes) == {}, path
    page.goto(f"{paged.url}/ui/new")
    page.get_by_label("Only the fields that I choose").check()
    if not eyes.script:
        page.locator("#picker > summary").click()
    expect(page.get_by_role("checkbox", name="Email", exact=True)).to_be_visible()
    page.get_by_role("checkbox", name="Lead ID", exact=True).check()
    page.get_by_role("button", name="Preview").click()
    expect(page.locator(".estimate")).to_be_visible()
    assert serious_faults(page, eyes) == {}
    page.get_by_label("How many").fill("many")
    page.get_by_role("button", name="Preview").click()
    expect(page.get_by_role("alert")).to_contain_text("whole number")
    assert serious_faults(page, eyes) == {}
    page.context.clear_cookies()
    page.goto(f"{paged.url}/ui")
    expect(page.get_by_label("API key")).to_be_visible()
    assert serious_faults(page, eyes) == {}
    page.context.close()


@pytest.mark.parametrize("script", [True, False])
def test_a_person_builds_a_report(browser: Browser, paged: Served, script: bool) -> None:
    eyes = Eyes(360, dark=False, script=script)
    page = visit(browser, paged, 360, script)
    complaints = complaints_of(page)
    page.goto(f"{paged.url}/ui/new")
    page.get_by_label("A report").check()
    if not script:
        page.get_by_role("button", name="Show what it has").first.click()
    expect(page.get_by_text("Leads, Cost, Revenue, Margin")).to_be_visible()
    page.get_by_label("Group 1").select_option(label="State")
    page.locator("#picker > summary").click()
    page.get_by_label("Margin", exact=True).uncheck()
    page.get_by_role("button", name="Preview").click()
    expect(page.locator(".scroll th")).to_have_text(["state", "is_total", "leads", "cost", "revenue"])
    expect(page.locator(".scroll tbody tr").last).to_contain_text("true")
    assert serious_faults(page, eyes) == {}
    if script:
        expect(page.get_by_label("A report")).to_be_checked()
        page.get_by_label("leads only").check()
        expect(page.get_by_label("A step counts")).to_have_count(0)
        expect(page.get_by_label("leads only")).to_be_focused()
    assert complaints == []
    page.context.close()


def complaints_of(page: Page) -> list[str]:
    """What the page's policy or script complains of, from now on."""
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    return complaints


def test_the_preview_follows_the_form_and_fields_are_found(browser: Browser, paged: Served) -> None:
    page = visit(browser, paged)
    complaints = complaints_of(page)
    page.goto(f"{paged.url}/ui/new")
    expect(page.locator(".estimate")).to_be_visible()  # without a press of any button
    page.get_by_label("Only the fields that I choose").check()
    page.get_by_label("Find a field").fill("mail direct")
    expect(page.locator("#found")).to_have_text("2 found")
    page.get_by_role("checkbox", name="Email", exact=True).check()
    page.get_by_label("How Email is shown").select_option("mask")
    expect(page.locator(".scroll th")).to_have_text(["email mask"])
    expect(page.locator("#yaml")).to_contain_text("email: mask")
    page.get_by_label("How many").fill("many")
    expect(page.get_by_role("alert")).to_contain_text("whole number")
    assert complaints == []
    page.context.close()


def test_conditions_come_and_go_without_a_new_page(browser: Browser, paged: Served) -> None:
    page = visit(browser, paged)
    page.goto(f"{paged.url}/ui/new")
    page.evaluate("document.body.dataset.same = 'yes'")
    page.get_by_role("button", name="in a state").click()
    expect(page.get_by_label("Value")).to_be_focused()
    page.keyboard.type("TX")
    page.get_by_role("button", name="another condition").click()
    expect(page.get_by_label("Field", exact=True).last).to_be_focused()
    expect(page.get_by_label("Value").first).to_have_value("TX")
    page.get_by_role("button", name="Remove this condition").last.click()
    expect(page.get_by_label("Value")).to_have_count(1)
    expect(page.locator("#yaml")).to_contain_text("rhv: TX")
    page.get_by_label("Events").check()
    expect(page.locator("[name=field][value=wait_ms]")).to_have_count(1)
    assert page.evaluate("document.body.dataset.same") == "yes"
    page.context.close()


def test_the_page_is_used_by_keyboard_alone(browser: Browser, paged: Served) -> None:
    page = visit(browser, paged)
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="New export").last).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="New export")).to_be_visible()
    page.get_by_label("Value").first.focus()
    page.keyboard.press("Enter")  # previews; it runs and removes nothing
    expect(page.get_by_role("heading", name="Preview")).to_be_visible()
    expect(page.get_by_label("Value")).to_have_count(1)
    page.context.close()
