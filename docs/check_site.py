"""Check the site that Sphinx has built: python docs/check_site.py docs/_build.

Every page has a title and a heading; every link within the site leads to a page, a file or a
place in a page that is there; nothing is loaded from another server; the search finds "lambda";
and no example of the gallery took a minute.
"""

import json
import re
import sys
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit
from xml.etree import ElementTree

LINKS = {"a": "href", "img": "src", "link": "href", "script": "src", "source": "src"}
LONGEST_EXAMPLE = 60  # seconds


@dataclass
class Page(HTMLParser):
    """What a page of the site says and leads to."""

    path: Path
    title: str = ""
    n_headings: int = 0
    ids: set = field(default_factory=set)
    links: list = field(default_factory=list)

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

    def handle_data(self, data):
        """Note the title."""
        if self.lasttag == "title" and not self.title:
            self.title = data.strip()


def main(site):
    """Print what is wrong, and fail if anything is."""
    paths = [path for path in sorted(site.rglob("*.html")) if "_static" not in path.parts]
    pages = {path: Page(path) for path in paths}
    faults = [f"{p.relative_to(site)}: {fault}" for p in pages for fault in wrong(p, pages)]
    faults += wrong_search(site)
    times = seconds_of_examples(site)
    faults += [f"{name} took {t:.0f} s" for name, t in times.items() if t >= LONGEST_EXAMPLE]
    print(f"{len(pages)} pages, {sum(len(page.links) for page in pages.values())} links")
    print("seconds of the examples:", {name: round(t, 1) for name, t in times.items()})
    if faults or not times:
        sys.exit("\n".join(faults) or "No example was run.")


def wrong(path, pages):
    """Yield what is wrong with a page."""
    page = pages[path]
    if not page.title or not page.n_headings:
        yield "it has no title or no heading"
    for tag, link in page.links:
        url = urlsplit(link)
        if url.scheme or url.netloc:
            if tag != "a" and url.scheme != "data":
                yield f"it loads {link}"
            continue
        target = (path.parent / unquote(url.path)).resolve() if url.path else path
        if not target.is_file():
            yield f"it leads to {link}, which is not there"
        elif url.fragment and target in pages and unquote(url.fragment) not in pages[target].ids:
            yield f"it leads to {link}, a place that is not there"


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
