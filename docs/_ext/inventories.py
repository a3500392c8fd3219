"""Inventories of other projects, with which intersphinx makes links without asking a server.

An inventory is a file of a project's names and their places on its site. Intersphinx would fetch it
from there. Here it is written: the names are the public ones of the installed packages, and their
places follow from inventories.toml.
"""

import inspect
import tomllib
import zlib
from collections.abc import Iterator
from importlib import import_module
from importlib.metadata import version
from operator import attrgetter
from pathlib import Path
from typing import Any

TABLE = Path(__file__).with_suffix(".toml")
PROJECTS: dict[str, dict[str, Any]] = tomllib.loads(TABLE.read_text("utf-8"))
FOLDER = "_inventories"  # of the documentation; git ignores it


def mapping(docs: Path) -> dict[str, tuple[str, str]]:
    """Write the inventories of all projects, and return what `intersphinx_mapping` shall be."""
    (docs / FOLDER).mkdir(exist_ok=True)
    for name, project in PROJECTS.items():
        (docs / FOLDER / f"{name}.inv").write_bytes(inventory(name, project))
    return {name: (each["root"], f"{FOLDER}/{name}.inv") for name, each in PROJECTS.items()}


def inventory(name: str, project: dict[str, Any]) -> bytes:
    """Return the inventory of a project, as Sphinx writes its own."""
    package = project.get("package", name)
    release = "" if name == "python" else version(package)
    places = {each: (kind, place) for each, kind, place in entries(project)}
    lines = [f"{each} {kind} 1 {place} -" for each, (kind, place) in sorted(places.items())]
    header = f"# Sphinx inventory version 2\n# Project: {name}\n# Version: {release}\n"
    header += "# The remainder of this file is compressed using zlib.\n"
    return header.encode() + zlib.compress("\n".join(lines).encode())


def entries(project: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Yield the name, the kind and the place of all that a project documents.

    The last one of a name counts.
    """
    for page, modules in project.get("modules", {}).items():
        for module in modules.split():
            for name in public_names(import_module(module)):
                yield from entries_of(f"{module}.{name}", page)
    for page, names in project.get("names", {}).items():
        for name in names.split():
            yield from entries_of(name, page)
    for page, terms in project.get("terms", {}).items():
        yield from ((term, "std:term", f"{page}#term-{term.replace(' ', '-')}") for term in terms)
    for page, names in project.get("docs", {}).items():
        yield from ((name, "std:doc", page.format(name=name)) for name in names.split())


def public_names(module: Any) -> list[str]:
    """Return the names that a module has for others: those it lists, or else those it defines."""
    things = {name: each for name, each in vars(module).items() if name[0] != "_"}
    own = [name for name, each in things.items() if inspect.getmodule(each) is module]
    names = things.keys() & set(getattr(module, "__all__", own))
    return sorted(name for name in names if not inspect.ismodule(things[name]))


def entries_of(name: str, page: str) -> Iterator[tuple[str, str, str]]:
    """Yield the entry of a name, and if it is a class, those of its members."""
    thing = found(name)
    kind = kind_of(thing)
    yield name, kind, f"{page.format(name=name, owner=name)}#{name}"
    if kind == "py:class":
        for member in dir(thing):
            if member[0] != "_":
                is_method = callable(getattr(thing, member, None))
                kind = "py:method" if is_method else "py:attribute"
                full = f"{name}.{member}"
                yield full, kind, f"{page.format(name=full, owner=name)}#{full}"


def found(name: str) -> Any:
    """Return what a full name stands for."""
    module, _, attribute = name.rpartition(".")
    try:
        return attrgetter(attribute)(import_module(module))
    except ModuleNotFoundError:  # the name is documented under more than its module
        return attrgetter(attribute)(found(module))


def kind_of(thing: Any) -> str:
    """Return what Sphinx calls it."""
    if inspect.isclass(thing):
        return "py:exception" if issubclass(thing, BaseException) else "py:class"
    return "py:function" if callable(thing) else "py:data"
