"""The two pages of the lecture in the code show the same, and what they include is there.

The English and the Chinese page put each formula of the slides beside lines of the sources, which
Sphinx includes by markers, and beside a worked example, which is a doctest. Only the prose may
differ between the pages. A marker must be unambiguous, because Sphinx takes the first one it finds.
"""

import ast
import re
from collections import Counter
from dataclasses import dataclass
from doctest import DocTestParser
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"
ENGLISH = DOCS / "lecture_in_the_code.md"
CHINESE = DOCS / "lecture_in_the_code_zh.md"

FRONT_MATTER = re.compile(r"\A---\n.*?^---\n", re.DOTALL | re.MULTILINE)
BLOCK = re.compile(
    r"^```(?P<info>.*)\n(?P<body>(?s:.*?))^```$"
    r"|^\$\$\n(?P<formula>(?s:.*?))^\$\$$"
    r"|^(?P<level>#+) (?P<title>.+)$",
    re.MULTILINE,
)
INCLUDE_OPTIONS = {"caption", "language", "pyobject", "start-at", "end-at", "end-before", "dedent"}


@dataclass(frozen=True)
class Include:
    """A literalinclude: the lines of an object from one marker to another."""

    path: str
    options: dict[str, str]

    def __str__(self):
        return f"{Path(self.path).name}:{self.options.get('pyobject')}"

    @property
    def object_lines(self):
        """The lines of the object that holds the excerpt."""
        source = (DOCS / self.path).read_text("utf-8")
        node = ast.parse(source)
        for name in self.options["pyobject"].split("."):
            named = [child for child in node.body if getattr(child, "name", None) == name]
            assert named, f"{self.path} has no {self.options['pyobject']}: name another pyobject."
            (node,) = named
        return source.splitlines()[node.lineno - 1 : node.end_lineno]

    @property
    def excerpt(self):
        """The lines that Sphinx shows, if each marker stands in one line only."""
        lines = self.object_lines
        if "start-at" in self.options:
            lines = lines[self._only_line_with("start-at", lines) :]
        if "end-at" in self.options:
            lines = lines[: self._only_line_with("end-at", lines) + 1]
        if "end-before" in self.options:
            lines = lines[: self._only_line_with("end-before", lines)]
        return lines

    def _only_line_with(self, option, lines):
        marker = self.options[option]
        found = [number for number, line in enumerate(lines) if marker in line]
        assert len(found) == 1, (
            f"{self}: :{option}: {marker!r} stands in {len(found)} lines where it must stand in "
            "one. Change the marker, in both pages, so that it names the line again."
        )
        return found[0]


class Section:
    """What stands under one heading of a page, before the next heading."""

    def __init__(self, page, level, title):
        self.page, self.level, self.title = page, level, title
        self.formulas = []
        self.includes = []
        self.examples = []
        self.prose = ""

    def __str__(self):
        return f"{self.page.name}: {self.title}"

    def add(self, block):
        """Take note of a fenced block or a formula."""
        if block["formula"] is not None:
            self.formulas.append(squeeze(block["formula"]))
        elif block["info"].startswith("{literalinclude} "):
            options = re.findall(r"^:([a-z-]+):(.*)$", block["body"], re.MULTILINE)
            stripped = {name: value.strip() for name, value in options}
            self.includes.append(Include(block["info"].split()[1], stripped))
        else:
            examples = DocTestParser().get_examples(block["body"])
            self.examples += [(example.source, example.want) for example in examples]

    @property
    def inline_formulas(self):
        """How often each formula stands in the prose, whose order of words may differ."""
        return Counter(map(squeeze, re.findall(r"\$([^$]+)\$", self.prose)))

    @property
    def code(self):
        """How often each name or other code stands in the prose."""
        return Counter(map(squeeze, re.findall(r"`([^`]+)`", self.prose)))

    @property
    def links(self):
        """Where the prose links to, but for the other language."""
        targets = re.findall(r"\]\(([^)]+)\)", self.prose)
        return [target for target in targets if target not in (ENGLISH.name, CHINESE.name)]


def squeeze(text):
    """Make every run of white space one space."""
    return " ".join(text.split())


def sections_of(page):
    """Split a page at its headings."""
    text = FRONT_MATTER.sub("", page.read_text("utf-8"))
    sections, end = [], 0
    for block in BLOCK.finditer(text):
        if sections:
            sections[-1].prose += text[end : block.start()]
        if block["level"]:
            sections.append(Section(page, len(block["level"]), block["title"]))
        else:
            sections[-1].add(block)
        end = block.end()
    sections[-1].prose += text[end:]
    return sections


SECTIONS = {page: sections_of(page) for page in (ENGLISH, CHINESE)}
PAIRS = list(zip(SECTIONS[ENGLISH], SECTIONS[CHINESE], strict=False))
WITH_FORMULA_OR_CODE = [
    section
    for sections in SECTIONS.values()
    for section in sections
    if section.formulas or section.includes
]
INCLUDES = [include for section in SECTIONS[ENGLISH] for include in section.includes]


def test_both_pages_have_the_same_order_of_headings():
    english, chinese = ([s.level for s in sections] for sections in SECTIONS.values())
    assert english == chinese, "Give both pages a heading of the same level for each section."


@pytest.mark.parametrize(("english", "chinese"), PAIRS, ids=lambda section: section.title)
def test_both_pages_show_the_same_in_each_section(english, chinese):
    for content in ("formulas", "includes", "examples", "inline_formulas", "code", "links"):
        assert getattr(english, content) == getattr(chinese, content), (
            f"The {content} of '{english}' and '{chinese}' differ. Change both pages alike."
        )


@pytest.mark.parametrize("section", WITH_FORMULA_OR_CODE, ids=str)
def test_a_section_with_a_formula_has_its_code_and_a_worked_example(section):
    assert section.formulas, f"'{section}' includes code: put the formula that it computes above."
    assert section.includes, f"'{section}' has a formula: include the lines that compute it."
    assert any(want for _, want in section.examples), (
        f"'{section}' has a formula: work it out in numbers, in a doctest."
    )


def test_the_pages_include_code_of_every_part_of_the_lecture():
    parts = (
        "network activations losses objective gradient_check engine/numpy estimator/targets "
        "solvers/descent solvers/update_rules solvers/line_search"
    )
    expected = {f"../skbp/{name}.py" for name in parts.split()}
    missing = expected - {include.path for include in INCLUDES}
    assert not missing, f"Show the lines of {missing} that compute a formula of the slides."


@pytest.mark.parametrize("include", INCLUDES, ids=str)
def test_an_include_shows_lines_of_the_object_that_its_caption_names(include):
    assert include.options.keys() <= INCLUDE_OPTIONS, "Line numbers go stale: use markers."
    assert {"pyobject", "caption"} <= include.options.keys(), "Name the object and the caption."
    caption = f"{include.path.removeprefix('../')}, `{include.options['pyobject']}`"
    assert include.options["caption"] == caption, "Let the caption name the file and the object."
    assert any(line.strip() for line in include.excerpt), f"{include} shows no line."


@pytest.mark.parametrize(
    ("page", "other", "name"), [(ENGLISH, CHINESE, "中文"), (CHINESE, ENGLISH, "English")]
)
def test_the_head_of_each_page_links_to_the_other_language(page, other, name):
    head = SECTIONS[page][0].prose.strip().splitlines()[0]
    assert f"[{name}]({other.name})" in head, f"Link to {other.name} in the first line."


def test_the_chinese_page_says_that_it_is_chinese():
    text = CHINESE.read_text("utf-8")
    assert text.startswith("---\nlang: zh\n---\n"), "Begin with the front matter 'lang: zh'."
