"""Check the site that Sphinx has built: python docs/check_site.py docs/_build.

Every page has a title and a heading; every link within the site leads to a page, a file or a
place in a page that is there, and every link to a project that has an inventory to a place in
that; nothing is loaded from another server. Each page of the guide has a figure, and neither it nor
"Get started" prints True or False. No page has more words than its limit. The search finds
"lambda"; and no example of the gallery took a minute.
"""

import json
import re
import sys
import zlib
from dataclasses import dataclass, field
from fnmatch import fnmatch
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit
from xml.etree import ElementTree

DOCS = Path(__file__).parent
sys.path.insert(0, str(DOCS / "_ext"))

import inventories  # noqa: E402

LINKS = {"a": "href", "img": "src", "link": "href", "script": "src", "source": "src"}
LONGEST_EXAMPLE = 60  # seconds

# the words of a page's sentences, by its name; the first that fits counts
MOST_WORDS = {
    "index": 300,
    "get_started*": 350,
    "guide/*": 700,
    "coming_from_mlpclassifier": 1800,
    "lecture_in_the_code*": 450,
    "lecture*": 300,
}
WITH_FIGURE = "guide/*"
WITHOUT_FIGURE = {"guide/index", "guide/which_setting"}  # a list, and a table
WITH_REAL_OUTPUT = ("guide/*", "get_started*")

# elements that have no end, and those whose words are not of a sentence
VOID = {"area", "base", "br", "col", "hr", "img", "input", "link", "meta", "source", "wbr"}
NOT_PROSE = {"figcaption", "headerlink", "math", "pre", "script", "style", "table"}


@dataclass
class Page(HTMLParser):
    """What a page of the site says and leads to."""

    path: Path
    title: str = ""
    n_headings: int = 0
    n_figures: int = 0
    n_words: int = 0
    output: list = field(default_factory=list)
    ids: set = field(default_factory=set)
    links: list = field(default_factory=list)
    within: list = field(default_factory=list)  # the tag and the classes of each open element

    def __post_init__(self):
        super().__init__()
        self.feed(self.path.read_text("utf-8"))

    def handle_starttag(self, tag, attributes):
        """Note what an element is called and where it leads."""
        attributes = dict(attributes)
        self.ids |= {attributes.get("id"), attributes.get("name")}
        self.n_headings += tag == "h1"
        target = attributes.get(LINKS.get(tag))
        if target:
            self.links.append((tag, target))
        self.n_figures += tag in {"img", "svg"} and self.is_within({"article"})
        if tag not in VOID:
            self.within.append((tag, {tag, *(attributes.get("class") or "").split()}))

    def handle_endtag(self, tag):
        """Close an element, and those in it that have no end."""
        while tag in {name for name, _ in self.within} and self.within.pop()[0] != tag:
            pass

    def handle_data(self, data):
        """Note the title, the words of the text and what code prints."""
        if self.is_within({"title"}) and not self.title:
            self.title = data.strip()
        if self.is_within({"go"}):
            self.output += data.splitlines()
        if self.is_within({"article"}) and not self.is_within(NOT_PROSE):
            self.n_words += len(re.findall(r"[^\W_]+", data))

    def is_within(self, kinds):
        """Return whether an open element has a tag or a class of these."""
        return any(kinds & names for _, names in self.within)


def main(site):
    """Print what is wrong, and fail if anything is."""
    pages = pages_of(site)
    known = places_by_host(DOCS / inventories.FOLDER)
    faults = [*faults_of(site, pages, known), *wrong_search(site)]
    times = seconds_of_examples(site)
    faults += [f"{name} took {t:.0f} s" for name, t in times.items() if t >= LONGEST_EXAMPLE]
    print(f"{len(pages)} pages, {sum(len(page.links) for page in pages.values())} links")
    print("seconds of the examples:", {name: round(t, 1) for name, t in times.items()})
    if faults or not times:
        sys.exit("\n".join(faults) or "No example was run.")


def pages_of(site):
    """Return the pages of a site by their paths."""
    paths = [path for path in sorted(site.rglob("*.html")) if "_static" not in path.parts]
    return {path: Page(path) for path in paths}


def faults_of(site, pages, known):
    """Yield what is wrong with each page."""
    for path, page in pages.items():
        name = path.relative_to(site).with_suffix("").as_posix()
        for fault in (
            *wrong_links_within(page, pages),
            *wrong_links_to_others(page, known),
            *wrong_text(name, page),
        ):
            yield f"{name}.html: {fault}"


def wrong_links_within(page, pages):
    """Yield the links that lead to nothing on the site, and what other servers are asked for."""
    for tag, link in page.links:
        url = urlsplit(link)
        if url.scheme or url.netloc:
            if tag != "a" and url.scheme != "data":
                yield f"it loads {link}"
            continue
        target = (page.path.parent / unquote(url.path)).resolve() if url.path else page.path
        if not target.is_file():
            yield f"it leads to {link}, which is not there"
        elif url.fragment and target in pages and unquote(url.fragment) not in pages[target].ids:
            yield f"it leads to {link}, a place that is not there"


def wrong_links_to_others(page, known):
    """Yield the links to projects with an inventory that are not in it."""
    for _, link in page.links:
        url = urlsplit(link)
        if url.path.strip("/") and url.netloc in known and link not in known[url.netloc]:
            yield f"it leads to {link}, which is not in the inventory: see {inventories.TABLE.name}"


def wrong_text(name, page):
    """Yield what is wrong with what a page says and shows."""
    if not page.title or not page.n_headings:
        yield "it has no title or no heading"
    if fnmatch(name, WITH_FIGURE) and name not in WITHOUT_FIGURE and not page.n_figures:
        yield "it has no figure"
    if any(fnmatch(name, each) for each in WITH_REAL_OUTPUT):
        answers = [line for line in page.output if line.strip() in {"True", "False"}]
        if answers:
            yield f"{len(answers)} times it prints True or False: print what a reader wants to know"
    most = next((most for each, most in MOST_WORDS.items() if fnmatch(name, each)), None)
    if most and page.n_words > most:
        yield f"it has {page.n_words} words, and should have no more than {most}"


def places_by_host(folder):
    """Return the addresses that the inventories have, by the host of the project."""
    places = {}
    for name, project in inventories.PROJECTS.items():
        *_, packed = (folder / f"{name}.inv").read_bytes().split(b"\n", 4)
        lines = zlib.decompress(packed).decode().splitlines()
        here = {project["root"]} | {project["root"] + line.split()[-2] for line in lines}
        places[urlsplit(project["root"]).netloc] = here
    return places


def wrong_search(site):
    """Yield what is wrong with the search: the page on λ must be among what it finds."""
    index = (site / "searchindex.js").read_text("utf-8")
    found = json.loads(re.fullmatch(r"Search\.setIndex\((.*)\)", index, re.DOTALL)[1])
    numbers = [found[part].get("lambda", []) for part in ("terms", "titleterms")]
    numbers = {n for each in numbers for n in (each if isinstance(each, list) else [each])}
    if "guide/lambda_and_sizes" not in {found["docnames"][n] for n in numbers}:
        yield 'searchindex.js: "lambda" does not lead to the page on it'


def seconds_of_examples(site):
    """Return how long each example of the gallery took."""
    cases = ElementTree.parse(site / "sphinx-gallery" / "junit-results.xml").iter("testcase")
    return {Path(case.get("file")).name: float(case.get("time")) for case in cases}


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
