"""Walks through a running `make ui` as a person would, and keeps a picture of each page: of Dagster's UI, and with the option
`--service` of the page for people who never see a terminal.

`pip install -e '.[test]'`, then `python -m docs.take_screenshots FOLDER [--launch 2024-01-15]`, or with an API key in
EXPORT_PIPELINES_API_KEY `python -m docs.take_screenshots FOLDER --service http://127.0.0.1:3080`.
"""

import argparse
import os
from pathlib import Path

from playwright.sync_api import Browser, Page

from export_pipelines_servers.chromium import chromium


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("folder", type=Path)
    arguments.add_argument("--url", default="http://127.0.0.1:3000")
    arguments.add_argument("--asset", default="lead/daily_lead_backup")
    arguments.add_argument("--launch", help="materialise this partition from the UI")
    arguments.add_argument(
        "--backfill", nargs=2, metavar=("FIRST", "LAST"), help="backfill this range from the UI"
    )
    arguments.add_argument("--service", metavar="URL", help="take pictures of the service's page instead")
    arguments.add_argument("--export", default="daily_lead_backup", help="whose history is shown")
    options = arguments.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    with chromium() as browser:
        if options.service:
            show_service(browser, options)
        else:
            show_dagster(browser, options)


def show_dagster(browser: Browser, options: argparse.Namespace) -> None:
    page = browser.new_page(viewport={"width": 1500, "height": 950})
    asset = f"{options.url}/assets/{options.asset}"
    if options.launch:
        materialise(page, asset, options.launch)
        picture(page, options.folder / "launched.png")
    if options.backfill:
        materialise(page, asset, "...".join(options.backfill))
        picture(page, options.folder / "backfill.png")
    for name, address in pages(options.url, options.asset).items():
        page.goto(address, wait_until="networkidle")
        picture(page, options.folder / f"{name}.png")
    show_plots(page, asset)
    picture(page, options.folder / "plots.png")
    show_ops(page, options.url, options.asset)
    picture(page, options.folder / "ops.png")


def show_service(browser: Browser, options: argparse.Namespace) -> None:
    """The builder with delivered leads of Texas and their preview, and the history of an export."""
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.goto(options.service)
    page.get_by_label("API key").fill(os.environ["EXPORT_PIPELINES_API_KEY"])
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("link", name="New export").first.click()
    for preset in ("delivered leads", "in a state"):
        page.get_by_role("button", name=preset).click()
        page.wait_for_timeout(1000)
    page.get_by_label("Value").last.fill("TX")
    page.get_by_label("First day").fill("2024-01-15")
    page.get_by_label("Last day").fill("2024-01-21")
    page.locator(".estimate").wait_for()
    page.get_by_text("As YAML").click()
    picture(page, options.folder / "builder.png")
    page.goto(f"{options.service}/ui/exports/{options.export}")
    picture(page, options.folder / "history.png")


def pages(url: str, asset: str) -> dict[str, str]:
    """The pages worth a look, by the picture's name."""
    return {
        "assets": f"{url}/asset-groups",
        "overview": f"{url}/assets/{asset}?view=overview",
        "partitions": f"{url}/assets/{asset}?view=partitions",
        "checks": f"{url}/assets/{asset}?view=checks",
        "runs": f"{url}/runs",
        "backfills": f"{url}/runs?view=backfills",
    }


def materialise(page: Page, asset: str, partitions: str) -> None:
    """Press Materialize, type the partitions, and launch."""
    page.goto(f"{asset}?view=partitions", wait_until="networkidle")
    page.get_by_role("button", name="Materialize").first.click()
    page.wait_for_timeout(1500)
    older = page.get_by_text("Show all partitions")
    if older.count():
        older.click()
    box = page.locator("input[type=text]").last
    box.fill(f"[{partitions}]" if "..." in partitions else partitions)
    box.press("Tab")
    page.wait_for_timeout(1000)
    page.get_by_role("button", name="Launch").last.click()
    page.wait_for_timeout(3000)


def show_plots(page: Page, asset: str) -> None:
    """The numbers of every materialization, plotted on the asset's page."""
    page.goto(f"{asset}?view=overview", wait_until="networkidle")
    page.get_by_text("Plots", exact=True).click()
    page.get_by_text("Events", exact=True).last.click()
    page.get_by_text("rows", exact=True).last.scroll_into_view_if_needed()


def show_ops(page: Page, url: str, asset: str) -> None:
    """The graph of ops behind the asset."""
    job = asset.rsplit("/", 1)[-1]
    page.goto(f"{url}/locations/export_pipelines.definitions/jobs/{job}", wait_until="networkidle")
    page.get_by_text("View as Asset Graph").click()
    page.get_by_text(asset.replace("/", "__"), exact=True).first.click()
    page.get_by_text("Expand graph").click()


def picture(page: Page, path: Path) -> None:
    page.wait_for_timeout(2500)
    page.screenshot(path=path)
    print(path)


if __name__ == "__main__":
    main()
