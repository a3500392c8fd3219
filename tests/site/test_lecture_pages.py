"""Each page in two languages shows the same, and what the pages of the lecture include is there.

The pages of the lecture put each formula of the slides beside lines of the sources, which Sphinx
includes by markers, and beside a worked example, which is a doctest. Only the prose may differ
between a page and its translation. A marker must be unambiguous, because Sphinx takes the first one
it finds.
"""

import ast
import re
from collections import Counter
from dataclasses import dataclass, field
from doctest import DocTestParser
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"
OVERVIEW = DOCS / "lecture_in_the_code.md"
PARTS = sorted((DOCS / "lecture").glob("*.md"))
LECTURE = [OVERVIEW, *PARTS]


def chinese(page):
    """Return the Chinese page of an English one."""
    relative = page.relative_to(DOCS)
    if relative.parent.name == "lecture":
        return DOCS / "lecture_zh" / page.name
    return DOCS / f"{relative.stem}_zh.md"


TRANSLATED = [DOCS / "index.md", DOCS / "get_started.md", *LECTURE]
TRANSLATIONS = {english: chinese(english) for english in TRANSLATED}

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

    page: Path = field(compare=False)
    path: str
    options: dict[str, str]

    @property
    def source(self):
        """The file that holds the object."""
        return self.page.parent / self.path

    def __str__(self):
        return f"{Path(self.path).name}:{self.options.get('pyobject')}"

    @property
    def object_lines(self):
        """The lines of the object that holds the excerpt."""
        source = self.source.read_text("utf-8")
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
        self.commands = []
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
            self.includes.append(Include(self.page, block["info"].split()[1], stripped))
        elif re.match(r"\{(figure|image)\}", block["info"]):
            self.prose += block[0].replace("```", ":::")  # its caption is prose
        elif block["info"] == "bash":
            self.commands.append(block["body"])
        elif "toctree" not in block["info"]:
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
    def decimals(self):
        """How often each number with a decimal point stands in the prose."""
        return Counter(re.findall(r"\d+\.\d+", self.prose))

    @property
    def links(self):
        """The files that the prose, a card or an image leads to."""
        pattern = r"\]\(([^)\s]+)\)|^:link: (\S+)$|^[`:]{3,}\{(?:figure|image)\} (\S+)$"
        found = re.findall(pattern, self.prose, re.MULTILINE)
        return [self._resolved("".join(target)) for target in found]

    def _resolved(self, target):
        if re.match("[a-z]+:", target):
            return target
        path = (self.page.parent / target.partition("#")[0]).resolve()
        return path if path.suffix else path.with_suffix(".md")


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


SECTIONS = {page: sections_of(page) for pair in TRANSLATIONS.items() for page in pair}
PAIRS = [
    pair
    for english, chinese in TRANSLATIONS.items()
    for pair in zip(SECTIONS[english], SECTIONS[chinese], strict=False)
]
WITH_FORMULA_OR_CODE = [
    section
    for page in LECTURE
    for section in SECTIONS[page]
    if section.formulas or section.includes
]
INCLUDES = [
    include for page in LECTURE for section in SECTIONS[page] for include in section.includes
]


def test_each_part_of_the_lecture_has_a_chinese_one():
    names = {page.name for page in (DOCS / "lecture_zh").glob("*.md")}
    assert names == {page.name for page in PARTS}


@pytest.mark.parametrize("english", TRANSLATED, ids=lambda page: page.stem)
def test_a_page_and_its_translation_have_the_same_order_of_headings(english):
    levels = [[s.level for s in SECTIONS[page]] for page in (english, TRANSLATIONS[english])]
    assert levels[0] == levels[1], "Give both pages a heading of the same level for each section."


@pytest.mark.parametrize(("english", "chinese"), PAIRS, ids=str)
def test_a_page_and_its_translation_show_the_same_in_each_section(english, chinese):
    contents = "formulas includes examples commands inline_formulas code decimals"
    for content in contents.split():
        assert getattr(english, content) == getattr(chinese, content), (
            f"The {content} of '{english}' and '{chinese}' differ. Change both pages alike."
        )


@pytest.mark.parametrize(("english", "chinese"), PAIRS, ids=str)
def test_a_translation_leads_to_the_translations_of_the_same_pages(english, chinese):
    languages = {*TRANSLATIONS.values()}
    expected = [TRANSLATIONS.get(link, link) for link in english.links if link not in languages]
    links = [link for link in chinese.links if link != english.page]
    assert links == expected, f"'{english}' and '{chinese}' lead to different pages."


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
    expected = {DOCS.parent / "skbp" / f"{name}.py" for name in parts.split()}
    missing = expected - {include.source.resolve() for include in INCLUDES}
    assert not missing, f"Show the lines of {missing} that compute a formula of the slides."


@pytest.mark.parametrize("include", INCLUDES, ids=str)
def test_an_include_shows_lines_of_the_object_that_its_caption_names(include):
    assert include.options.keys() <= INCLUDE_OPTIONS, "Line numbers go stale: use markers."
    assert {"pyobject", "caption"} <= include.options.keys(), "Name the object and the caption."
    caption = f"{include.path.removeprefix('../../')}, `{include.options['pyobject']}`"
    assert include.options["caption"] == caption, "Let the caption name the file and the object."
    indents = [len(line) - len(line.lstrip()) for line in include.excerpt if line.strip()]
    assert indents, f"{include} shows no line."
    assert indents[0] == min(indents), f"{include} begins inside of a block."


@pytest.mark.parametrize("page", PARTS, ids=lambda page: page.stem)
def test_a_part_begins_with_the_running_example(page):
    running = [example for section in SECTIONS[OVERVIEW] for example in section.examples]
    assert SECTIONS[page][0].examples[: len(running)] == running


def test_a_function_is_the_same_in_each_part():
    sources = {}
    for page in PARTS:
        for source, _ in (example for section in SECTIONS[page] for example in section.examples):
            if name := re.match(r"def (\w+)", source):
                sources.setdefault(name[1], set()).add(source)
    assert {"g", "g_prime", "forward", "gradient"} <= sources.keys()
    assert all(len(versions) == 1 for versions in sources.values())


@pytest.mark.parametrize(
    ("page", "other", "name"),
    [(english, chinese, "中文") for english, chinese in TRANSLATIONS.items()]
    + [(chinese, english, "English") for english, chinese in TRANSLATIONS.items()],
    ids=lambda value: value.stem if isinstance(value, Path) else None,
)
def test_the_head_of_each_page_links_to_the_other_language(page, other, name):
    head = SECTIONS[page][0].prose.strip().splitlines()[0]
    target = re.search(rf"\[{name}\]\(([^)]+)\)", head)
    assert target, f"Link to {other.name} in the first line of {page}."
    assert (page.parent / target[1]).resolve() == other


@pytest.mark.parametrize("page", TRANSLATIONS.values(), ids=lambda page: page.stem)
def test_a_chinese_page_says_that_it_is_chinese(page):
    text = page.read_text("utf-8")
    assert text.startswith("---\nlang: zh-CN\n---\n"), "Begin with the front matter 'lang: zh-CN'."
