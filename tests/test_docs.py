"""The documentation is built, and what a reader does with it works: search, links, formulas.

The gallery's code is left out of this build, which keeps it to half a minute. Nothing here reaches
for a network.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from filelock import FileLock

pytest.importorskip("sphinx_gallery", reason="needs sklatent[docs]")
pytest.importorskip("pydata_sphinx_theme", reason="needs sklatent[docs]")

ROOT = Path(__file__).parents[1]

# What people type, and the page that should be among the first three found.
SEARCHES = {
    "install": "guide/first_embedding",
    "csv": "guide/first_embedding",
    "PCA": "guide/first_embedding",
    "n_components": "guide/choosing",
    "beta": "guide/choosing",
    "rho": "guide/choosing",
    "likelihood": "guide/choosing",
    "counts": "guide/counts",
    "missing values": "guide/faq",
    "images": "guide/images",
    "anchors": "guide/two_labs",
    "colleague": "guide/two_labs",
    "seed": "guide/why_your_embedding_changes",
    "reproducibility": "guide/why_your_embedding_changes",
    "pickle": "guide/saving_and_sharing",
    "cite": "guide/saving_and_sharing",
    "GPU": "guide/speed",
    "dask": "guide/speed",
    "n_jobs": "guide/speed",
    "dask-ml": "guide/streams",
    "callbacks": "guide/long_runs",
    "checkpoint": "guide/long_runs",
    "crash": "guide/long_runs",
    "NaN": "guide/long_runs",
    "sparse": "guide/deploying",
    "memory": "guide/deploying",
    "UMAP": "guide/moving_over",
    "migration": "guide/moving_over",
    "FAQ": "guide/faq",
    "posterior collapse": "guide/faq",
    "batch effect": "guide/",
}

# A new user's ten tasks, and a word that the page has which two clicks lead to.
TASKS = {
    "install": "pip install",
    "embed my csv": "read_csv",
    "same space as my colleague": "RosettaPoints.load",
    "add Tuesday's data": "IncrementalMap(",
    "is this alignment any good": "alignment_report",
    "choose rho": "make_rosetta_scorer",
    "use the GPU": 'device="auto"',
    "resume after a crash": "checkpoint_dir",
    "write my own loss": "class SparseVAE(LatentModel)",
    "cite it": "CITATION.cff",
}


@pytest.fixture(scope="session")
def site(tmp_path_factory):
    """The built pages: built by the first test that asks, for the workers of a run together."""
    folder = tmp_path_factory.getbasetemp()
    folder = folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder
    with FileLock(folder / "site.lock"):
        if not (folder / "site" / "html" / "index.html").is_file():
            build(folder / "site")
    return folder / "site" / "html"


def build(source):
    """Build the pages in a copy of what they are made of; what Sphinx has to say is an error."""
    shutil.rmtree(source, ignore_errors=True)
    for name in ("docs", "tests", "sklatent"):
        ignore = shutil.ignore_patterns("_build", "api", "auto_examples", "__pycache__")
        shutil.copytree(ROOT / name, source / name, ignore=ignore)
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-b", "html"]
    command += ["-D", "sphinx_gallery_conf.plot_gallery=0", "docs", "html"]
    environment = os.environ | {"MPLBACKEND": "Agg", "PYTHONPATH": str(source)}
    result = subprocess.run(command, cwd=source, env=environment, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr


@pytest.fixture(scope="module")
def index(site):
    """What the browser searches in."""
    text = (site / "searchindex.js").read_text()
    return json.loads(re.fullmatch(r"Search\.setIndex\((.*)\)", text, re.DOTALL)[1])


class Page(HTMLParser):
    """The links, ids and images of a page, and its text."""

    def __init__(self, path):
        super().__init__()
        self.links, self.ids, self.images, self.fetched, self.text = [], set(), [], [], ""
        self.feed(path.read_text())

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.ids |= {attributes[key] for key in ("id", "name") if attributes.get(key)}
        if tag == "a" and attributes.get("href"):
            self.links.append(attributes["href"])
        if tag == "img":
            self.images.append(attributes)
        if tag in ("img", "script", "iframe") and attributes.get("src"):
            self.fetched.append(attributes["src"])
        if tag == "link" and attributes.get("rel") in ("stylesheet", "preload", "icon"):
            self.fetched.append(attributes["href"])

    def handle_data(self, data):
        self.text += data


read = cache(Page)


def pages(site):
    return sorted(site.rglob("*.html"))


def search(index, query):
    """Return the pages that the site's search finds, best first: titles, index entries, words."""
    from sphinx.search.en import SearchEnglish

    stem = SearchEnglish({}).stem
    scores = {}

    def found(page, score):
        scores[page] = max(scores.get(page, 0), score)

    lower = query.lower()
    for title, places in index["alltitles"].items():
        if lower in title.lower() and len(lower) >= len(title) / 2:
            for page, _ in places:
                found(page, 15 * len(lower) / len(title) + (index["titles"][page] == title))
    for entry, places in index["indexentries"].items():
        if lower in entry and len(lower) >= len(entry) / 2:
            for page, _, is_main in places:
                found(page, 100 * len(lower) / len(entry) if is_main else 0)
    words = [stem(word) for word in re.findall(r"\w+", lower)]
    matches = [
        dict.fromkeys(as_list(index["terms"].get(word, [])), 5)
        | dict.fromkeys(as_list(index["titleterms"].get(word, [])), 15)
        for word in words
    ]
    for page in set.intersection(*map(set, matches)):
        found(page, max(match[page] for match in matches))
    best = sorted(scores, key=lambda page: -scores[page])
    return [index["docnames"][page] for page in best]


def as_list(value):
    return value if isinstance(value, list) else [value]


@pytest.mark.parametrize("word", SEARCHES)
def test_search_leads_there(index, word):
    first = search(index, word)[:3]
    assert any(page.startswith(SEARCHES[word]) for page in first), first


@pytest.mark.parametrize("task", TASKS)
def test_two_clicks_from_the_landing_page(site, task):
    first = linked_pages(site, site / "index.html")
    second = {page for one in first for page in linked_pages(site, one)}
    guide = [page for page in first | second if "auto_examples" not in str(page)]
    assert any(TASKS[task] in read(page).text for page in [site / "index.html", *guide])


def linked_pages(site, page):
    targets = {
        (page.parent / unquote(urlsplit(link).path)).resolve()
        for link in read(page).links
        if not urlsplit(link).scheme and urlsplit(link).path.endswith(".html")
    }
    return {target for target in targets if target.is_relative_to(site.resolve())}


def test_links_within_the_site_lead_somewhere(site):
    broken = []
    for page in pages(site):
        for link in read(page).links:
            parts = urlsplit(link)
            if parts.scheme or link == "#":
                continue
            target = (page.parent / unquote(parts.path)).resolve() if parts.path else page
            if not target.is_file():
                broken.append((page.name, link))
            elif target.suffix == ".html" and parts.fragment:
                known = unquote(parts.fragment) in read(target).ids
                broken += [] if known else [(page.name, link)]
    assert not broken


def test_nothing_is_fetched_from_elsewhere(site):
    outside = {src for page in pages(site) for src in read(page).fetched if urlsplit(src).netloc}
    assert not outside


def test_formulas_are_drawn_without_a_script(site):
    page = (site / "guide" / "rosetta.html").read_text()
    assert "<math" in page
    assert "\\frac" not in page
    assert not list(site.rglob("*MathJax*"))


def test_pictures_say_what_they_show(site):
    silent = {
        (page.name, image["src"])
        for page in pages(site)
        for image in read(page).images
        # A thumbnail stands beside its example's title, and is left out when read aloud.
        if not (image.get("alt") or "").strip() and not image["src"].endswith("_thumb.png")
    }
    assert not silent


def test_pages_are_light(site):
    for page in pages(site):
        pictures = {page.parent / src for src in read(page).fetched if not urlsplit(src).netloc}
        pictures = [path for path in pictures if path.suffix in (".png", ".jpg", ".svg")]
        size = page.stat().st_size + sum(path.stat().st_size for path in pictures)
        assert size < 1_000_000, page


def test_every_name_has_a_page_and_a_line(site):
    from tests.discovery import public_objects

    listed = read(site / "api" / "index.html").text
    for name in public_objects():
        assert name.removeprefix("sklatent.") in listed
        assert (site / "api" / "generated" / f"{name}.html").is_file()


# Every text that can be seen, with too little contrast to what lies behind it.
FAINT_TEXT = """() => {
  const numbers = color => color.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map(v => v / 255)
    .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const over = (front, back) => {
    const alpha = front.length > 3 ? front[3] : 1;
    return [0, 1, 2].map(i => alpha * front[i] + (1 - alpha) * back[i]);
  };
  const behind = element => {
    if (!element) return [255, 255, 255];
    const own = numbers(getComputedStyle(element).backgroundColor);
    return own.length > 3 && own[3] < 1 ? over(own, behind(element.parentElement)) : own;
  };
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    const seen = element.checkVisibility({checkOpacity: true, checkVisibilityCSS: true});
    if (!walker.currentNode.data.trim() || !seen) continue;
    const back = behind(element);
    const [a, b] = [over(numbers(getComputedStyle(element).color), back), back].map(light);
    const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (contrast < 4.5) found.push([walker.currentNode.data.trim().slice(0, 40), contrast]);
  }
  return found;
}"""
# Text that reaches past the edge, but for what scrolls in its own box and breadcrumbs, which end in
# dots.
CUT_TEXT = """() => {
  const found = [];
  const root = document.querySelector("main") || document.body;
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    const seen = element.checkVisibility({checkOpacity: true, checkVisibilityCSS: true});
    if (!walker.currentNode.data.trim() || !seen) continue;
    if (element.closest("pre, table, div.math, .bd-breadcrumbs")) continue;
    const range = document.createRange();
    range.selectNodeContents(walker.currentNode);
    const right = range.getBoundingClientRect().right;
    if (right > innerWidth + 1) found.push([walker.currentNode.data.trim().slice(0, 40), right]);
  }
  return found;
}"""
LOOKED_AT = {
    "landing": "index",
    "guide": "guide/first_embedding",
    "formulas": "guide/rosetta",
    "class": "api/generated/sklatent.RosettaVAE",
    "long name": "api/generated/sklatent.metrics.make_separated_attribute_predictability_scorer",
    "names": "api/index",
    "gallery": "auto_examples/index",
    "example": "auto_examples/plot_table",
}


@pytest.fixture(scope="module")
def browser():
    """Headless Chromium, the system's."""
    playwright = pytest.importorskip("playwright.sync_api", reason="needs sklatent[browser]")
    names = ("chromium", "chromium-browser", "google-chrome")
    chromium = next(filter(None, map(shutil.which, names)), None)
    if chromium is None:
        pytest.skip("pages are looked at in Chromium, the system's package, which is not there")
    with playwright.sync_playwright() as running:
        browser = running.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
class TestInABrowser:
    @pytest.fixture
    def tab(self, browser, width, scheme):
        context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
        yield context.new_page()
        context.close()

    @pytest.mark.parametrize("name", LOOKED_AT)
    def test_page(self, site, tab, width, name):
        requests = []
        tab.on("request", lambda request: requests.append(request.url))
        tab.goto((site / f"{LOOKED_AT[name]}.html").as_uri())
        assert tab.evaluate("document.documentElement.scrollWidth") <= width
        assert tab.evaluate(CUT_TEXT) == []
        assert tab.evaluate(FAINT_TEXT) == []
        assert all(url.startswith(("file:", "data:")) for url in requests)

    def test_search_by_keyboard(self, site, tab):
        tab.goto((site / "index.html").as_uri())
        tab.keyboard.press("Control+k")
        tab.keyboard.type("checkpoint")
        tab.keyboard.press("Enter")
        tab.wait_for_selector("#search-results li a")
        first = tab.locator("#search-results li a").first
        assert "guide/long_runs" in first.get_attribute("href")
