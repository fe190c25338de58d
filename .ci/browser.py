"""Opens report pages in headless Chromium, as people and as a printer would.

    python .ci/browser.py PAGE...

Each page must open without a message on the console and without asking for
anything but itself, show the text of every section with scripts off, fit the
width of a phone and of a desktop, be light and dark as the system is, lead from
the heat map to the rows of a cell, sort a table, hand out the keys of suspects,
and print on pages of paper.
"""

import pathlib
import re
import shutil
import sys

from playwright.sync_api import sync_playwright

SECTIONS = ["Queries", "Whole set", "Suspects", "Heat map", "Card"]
WIDTHS = [390, 1280]
LEAST_CONTRAST = 4.5  # WCAG 2.2, level AA

# The lowest ratio of a text's colour to what lies behind it.
CONTRAST = """() => {
  const canvas = Object.assign(document.createElement('canvas'), {width: 1, height: 1});
  const brush = canvas.getContext('2d', {willReadFrequently: true});
  const rgba = colour => {
    brush.clearRect(0, 0, 1, 1); brush.fillStyle = colour; brush.fillRect(0, 0, 1, 1);
    return brush.getImageData(0, 0, 1, 1).data;
  };
  const light = colour => {
    const [r, g, b] = Array.from(rgba(colour)).map(v => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = e => {
    for (; e; e = e.parentElement) {
      const colour = getComputedStyle(e).backgroundColor;
      if (rgba(colour)[3] === 255) return colour;
    }
    return 'white';
  };
  let lowest = [99, ''];
  const texts = document.createTreeWalker(document.querySelector('main'), NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const e = texts.currentNode.parentElement, text = texts.currentNode.textContent.trim();
    if (!text || e.tagName === 'title') continue;
    const a = light(getComputedStyle(e).color), b = light(behind(e));
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < lowest[0]) lowest = [ratio, text.slice(0, 60)];
  }
  return lowest;
}"""


class Failed(Exception):
    """What is wrong with a page."""


def want(good, what):
    if not good:
        raise Failed(what)


class Browser:
    def __init__(self, chromium):
        self.chromium = chromium

    def open(self, page, **options):
        """Opens a page in a context of its own; whatever it says or asks for fails."""
        options.setdefault("viewport", {"width": 1280, "height": 900})
        tab = self.chromium.new_context(**options).new_page()
        tab.said = []
        tab.on("console", lambda m: tab.said.append(f"console: {m.text}"))
        tab.on("pageerror", lambda e: tab.said.append(f"error: {e}"))
        tab.on("request", lambda r: r.url.split("#")[0] == page.as_uri() or tab.said.append(f"request: {r.url}"))
        tab.goto(page.as_uri())
        return tab


def close(tab):
    want(not tab.said, f"the page was not quiet: {tab.said}")
    tab.context.close()


def check_text(browser, page):
    tab = browser.open(page, java_script_enabled=False)
    found = tab.locator("h2").all_text_contents()
    for section in SECTIONS:
        want(section in found, f"without scripts there is no section {section!r}")
    want(tab.locator("section", has_text="score > 0").first.is_visible(), "without scripts there is no verdict")
    runs = tab.locator("article")
    for i in range(runs.count()):
        for link in runs.nth(i).locator("nav a").all():
            want(tab.locator(link.get_attribute("href")).count() == 1, f"{link.text_content()} leads nowhere")
    for row in tab.locator("tbody th").all()[:50]:
        want(row.get_attribute("scope"), "the head of a row has no scope")
    close(tab)


def check_widths(browser, page):
    for width in WIDTHS:
        tab = browser.open(page, viewport={"width": width, "height": 900})
        tab.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true })")
        wide = tab.evaluate("document.documentElement.scrollWidth")
        want(wide <= width, f"the page is {wide} pixels wide at {width}")
        close(tab)


def check_colours(browser, page):
    lights = {}
    for scheme in ["light", "dark"]:
        tab = browser.open(page, color_scheme=scheme)
        tab.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true })")
        paper = tab.evaluate("getComputedStyle(document.body).backgroundColor")
        lights[scheme] = sum(int(v) for v in paper.strip("rgba()").split(",")[:3])
        ratio, text = tab.evaluate(CONTRAST)
        want(ratio >= LEAST_CONTRAST, f"{scheme}: contrast of {text!r} is {ratio:.2f}, below {LEAST_CONTRAST}")
        close(tab)
    want(lights["light"] > 600 and lights["dark"] < 200, f"light and dark paper are {lights}")


def check_cells(browser, page):
    tab = browser.open(page, java_script_enabled=False)
    link = tab.locator(".heat td a").first
    want(link.count() == 1, "no cell of the heat map leads anywhere")
    rows = tab.locator(link.get_attribute("href"))
    want(not rows.is_visible(), "the rows of a cell are open before it is clicked")
    link.click()
    want(rows.is_visible() and rows.locator("tr").count() > 1, "a cell of the heat map does not lead to its rows")
    close(tab)


def check_sorting(browser, page):
    tab = browser.open(page)
    head = tab.locator(".index th", has_text="loss")
    losses = "Array.from(document.querySelectorAll('.index')[0].tBodies[0].rows, r => +r.querySelector('[data-v]').dataset.v)"
    before = tab.evaluate(losses)
    head.first.click()
    head.first.click()
    want(tab.evaluate(losses) == sorted(before), "a click on loss does not sort the queries")
    close(tab)


def check_keys(browser, page):
    tab = browser.open(page)
    link = tab.locator("#run1-suspects a[download]").first
    with tab.expect_download() as download:
        link.click()
    lines = pathlib.Path(download.value.path()).read_text().splitlines()
    want(len(lines) > 1 and "train_key" in lines[0], f"the keys of suspects begin with {lines[:1]}")
    want(download.value.suggested_filename == link.get_attribute("download"), "the file of keys has another name")
    tab.said = [said for said in tab.said if not said.startswith("request: data:text/csv")]
    close(tab)


def check_paper(browser, page):
    tab = browser.open(page)
    paper = tab.pdf(format="A4")
    pages = len(re.findall(rb"/Type\s*/Page\b", paper))
    want(paper.startswith(b"%PDF") and pages >= 2, f"printed on {pages} pages")
    close(tab)


CHECKS = [check_text, check_widths, check_colours, check_cells, check_sorting, check_keys, check_paper]


def main(pages):
    failures = 0
    path = shutil.which("chromium")
    if path is None:
        print("FAIL there is no chromium on the PATH")
        return 1
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-dev-shm-usage"])
        for page in pages:
            for check in CHECKS:
                try:
                    check(Browser(chromium), pathlib.Path(page).resolve())
                    print(f"ok   {check.__name__} {page}")
                except Failed as problem:
                    print(f"FAIL {check.__name__} {page}: {problem}")
                    failures += 1
        chromium.close()
    return failures


if __name__ == "__main__":
    sys.exit(1 if len(sys.argv) < 2 or main(sys.argv[1:]) else 0)
