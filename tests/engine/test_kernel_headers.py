"""skbp/engine/c: two headers may be included anywhere; the templates by kernels.h alone."""

import shutil
import subprocess
from pathlib import Path

import pytest

HEADERS = Path(__file__).parents[2] / "skbp" / "engine" / "c"
PLAIN = ["kernels.h", "kept_memory.h"]
TEMPLATES = sorted({path.name for path in HEADERS.glob("*.h")} - {*PLAIN})
COMPILER = shutil.which("cc")

pytestmark = pytest.mark.skipif(COMPILER is None, reason="needs a C compiler")


def compiled(tmp_path, *headers):
    source = tmp_path / "source.c"
    source.write_text("".join(f'#include "{header}"\n' for header in headers))
    command = [COMPILER, "-fsyntax-only", f"-I{HEADERS}", source]
    return subprocess.run(command, capture_output=True, encoding="utf-8", check=False)


@pytest.mark.parametrize("header", PLAIN)
def test_headers_that_are_no_templates_may_be_included_twice(header, tmp_path):
    done = compiled(tmp_path, header, header)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("before", [[], ["kernels.h"]], ids=["alone", "after_kernels"])
@pytest.mark.parametrize("template", TEMPLATES)
def test_templates_are_included_by_kernels_only(template, before, tmp_path):
    done = compiled(tmp_path, *before, template)
    assert done.returncode != 0
    assert f"{template} is a template; include kernels.h instead" in done.stderr
