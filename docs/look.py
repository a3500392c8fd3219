"""Take pictures of the pages that Sphinx has built, and say which are too wide for a phone.

    python docs/look.py docs/_build pictures [PAGE ...]

A picture shows the top of a page on a desktop's or a phone's screen, light or dark. Without names,
such as guide/solvers, it is all pages. It needs Chromium (apt-get install chromium).
"""

import re
import subprocess
import sys
import tempfile
from itertools import product
from pathlib import Path

WIDTHS = {"desktop": 1280, "phone": 390}
HEIGHT = 3000
MODES = {"light": [], "dark": ["--blink-settings=preferredColorScheme=0"]}
CHROMIUM = ["chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"]
CHROMIUM += ["--allow-file-access-from-files", "--virtual-time-budget=8000"]

# a page in a frame as wide as a phone, and how wide it would be to show all of its text
FRAME = """
<iframe src="{address}" width="{width}" height="800" onload="setTimeout(() => {{
  const page = this.contentDocument.documentElement;
  const text = page.querySelector('.bd-article-container') ?? page;
  document.title = page.scrollWidth + text.scrollWidth - text.clientWidth;
}}, 3000)"></iframe>
"""


def run_chromium(*arguments):
    """Return what Chromium prints."""
    command = [*CHROMIUM, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout


def take_pictures(page, target):
    """Write the pictures of a page, whose names begin with that of ``target``."""
    target.parent.mkdir(parents=True, exist_ok=True)
    for (screen, width), (mode, options) in product(WIDTHS.items(), MODES.items()):
        picture = target.with_name(f"{target.name}.{screen}.{mode}.png")
        size = f"--window-size={width},{HEIGHT}"
        run_chromium(*options, size, f"--screenshot={picture}", page.as_uri())


def width_on_a_phone(page):
    """Return how wide a page is, in pixels, where the screen is that of a phone."""
    with tempfile.TemporaryDirectory() as folder:
        frame = Path(folder) / "frame.html"
        frame.write_text(FRAME.format(address=page.as_uri(), width=WIDTHS["phone"]))
        return int(
            re.search(r"<title>(\d+)</title>", run_chromium("--dump-dom", frame.as_uri()))[1]
        )


def main(site, pictures, *names):
    """Look at all pages of a site, or at those that are named."""
    pages = [site / f"{name}.html" for name in names] or sorted(site.rglob("*.html"))
    for page in pages:
        name = page.relative_to(site).with_suffix("")
        if "_static" not in name.parts:
            take_pictures(page, pictures / name)
            width = width_on_a_phone(page)
            print(name, f"is {width} pixels wide on a phone" * (width > WIDTHS["phone"]))


if __name__ == "__main__":
    main(*(Path(each).resolve() for each in sys.argv[1:3]), *sys.argv[3:])
