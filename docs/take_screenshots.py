"""Walks through a running Dagster UI (`make ui`) as a person would, and keeps a picture of each page.

`pip install -e '.[test]'`, then `python docs/take_screenshots.py FOLDER [--launch 2024-01-15]`.
"""

import argparse
import os
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("folder", type=Path)
    arguments.add_argument("--url", default="http://127.0.0.1:3000")
    arguments.add_argument("--asset", default="lead/daily_lead_backup")
    arguments.add_argument("--launch", help="materialise this partition from the UI")
    arguments.add_argument(
        "--backfill", nargs=2, metavar=("FIRST", "LAST"), help="backfill this range from the UI"
    )
    given = arguments.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=os.environ.get("CHROMIUM", "/usr/bin/chromium"), args=list(QUIET)
        )
        page = browser.new_page(viewport={"width": 1500, "height": 950})
        asset = f"{given.url}/assets/{given.asset}"
        if given.launch:
            materialise(page, asset, given.launch)
            picture(page, given.folder / "launched.png")
        if given.backfill:
            materialise(page, asset, "...".join(given.backfill))
            picture(page, given.folder / "backfill.png")
        for name, address in pages(given.url, given.asset).items():
            page.goto(address, wait_until="networkidle")
            picture(page, given.folder / f"{name}.png")
        show_plots(page, asset)
        picture(page, given.folder / "plots.png")
        show_ops(page, given.url, given.asset)
        picture(page, given.folder / "ops.png")
        browser.close()


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
