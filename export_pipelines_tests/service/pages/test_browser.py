"""The page in a browser: the story of a person who has never seen a terminal, for eyes, screen readers, small screens, and
without JavaScript."""

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from export_pipelines_servers.chromium import chromium
from export_pipelines_tests.service.serving import Served

RUN_MS = 180_000  # the first run waits for Dagster's daemon to come up
PAGES = ("/ui", "/ui/new", "/ui/requests", "/ui/exports/daily", "/ui/exports/nowhere/diagnosis")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


def visit(
    browser: Browser, served: Served, width: int = 1280, script: bool = True, dark: bool = False
) -> Page:
    """Somebody who has signed in; whatever the page's policy or script complains of is kept in `page.faults`."""
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


@pytest.mark.parametrize("script", [True, False])
def test_a_person_builds_sees_runs_and_downloads(
    browser: Browser, paged: Served, tmp_path: Path, script: bool
) -> None:
    page = visit(browser, paged, script=script)
    page.get_by_role("link", name="New export").first.click()
    page.get_by_role("button", name="delivered leads").click()
    page.get_by_role("button", name="in a state").click()
    page.get_by_label("Value").last.fill("TX")
    expect(page.get_by_label("Everything except personal data")).to_be_checked()
    expect(page.get_by_label("How many")).to_have_value("7")
    page.get_by_role("button", name="Preview").click()
    table = page.get_by_role("region", name="First rows")
    expect(table).to_contain_text("TX")
    headings = table.locator("th").all_inner_texts()
    assert not {"email", "first_name", "phone_1", "ip_address"} & set(headings)
    estimated = re.search(r"(\d+) rows", page.locator(".estimate").inner_text())
    assert estimated
    page.get_by_role("button", name="Run now").click()
    link = page.get_by_role("link", name="Download")
    expect(link).to_be_visible(timeout=RUN_MS)
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
    assert data.splitlines()[0].decode().split(",") == headings
    with paged.project.store.open(request.artifact, part.name) as stored:
        assert stored.read() == data
    page.context.close()


def test_the_preview_follows_the_form_and_fields_are_found(browser: Browser, paged: Served) -> None:
    page = visit(browser, paged)
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
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


@pytest.mark.parametrize(("width", "dark"), [(1280, False), (1280, True), (360, False)])
def test_nothing_serious_keeps_anybody_out(browser: Browser, paged: Served, width: int, dark: bool) -> None:
    page = visit(browser, paged, width, dark=dark)
    for path in PAGES:
        page.goto(paged.url + path)
        if path == "/ui/new":
            expect(page.locator(".estimate")).to_be_visible()
            page.get_by_label("Only the fields that I choose").check()
        found = Axe().run(page).response["violations"]
        serious = {
            fault["id"]: [node["target"] for node in fault["nodes"]][:3]
            for fault in found
            if fault["impact"] in ("serious", "critical")
        }
        assert serious == {}, path
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
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
