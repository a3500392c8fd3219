"""Draw how many times faster and smaller BackpropClassifier is than MLPClassifier.

    python benchmarks/run.py --json run.json  # or, of the same, with an --only for each of `BARS`
    python benchmarks/speed_plot.py run.json speed.png

The four works are one of each kind: a step of the lecture's gradient descent, a step of adam in
batches of MLPClassifier's size, a whole fit of L-BFGS, and the memory of a fit.
"""

import json
import sys
from dataclasses import asdict
from pathlib import Path

from contenders import MLP, MLP_1, OURS, OURS_1
from matplotlib.figure import Figure
from pictures import save

OURS_COLOUR, OTHER_COLOUR = "tab:blue", "0.6"
SERIES = [
    ("default threads", MLP, OURS, -0.2, OURS_COLOUR),
    ("one thread", MLP_1, OURS_1, 0.2, OTHER_COLOUR),
]

BARS = {
    "digits, 64-25-10 logistic, sgd, batch 1": "step of sgd,\none row at a time",
    "digits, 64-100-10 relu, adam, batch 200": "step of Adam,\n200 rows at a time",
    "digits, 64-25-10 logistic, lbfgs to a loss of 0.05": "fit with L-BFGS\nto the same loss",
    "200000 × 100, 100-100-10 relu, lbfgs, peak memory": "memory of a fit,\n200,000 rows",
}


def main(source, target):
    """Read the JSON file of run.py and write the picture."""
    works = json.loads(Path(source).read_text("utf-8"))["works"]
    found = {each["name"]: each for each in works if each["dtype"] == "float64"}
    if missing := BARS.keys() - found.keys():
        sys.exit(f"{source} lacks {missing}. Run benchmarks/run.py with an --only for each.")
    figure = Figure(figsize=(6, 3.3), layout="constrained")
    draw(figure.subplots(), [found[name] for name in BARS])
    save(figure, target)


def draw(ax, works):
    """Draw a bar for each work, from the top, and one for one thread where it was measured."""
    for label, theirs, ours, shift, colour in SERIES:
        ratios = {i: ratio(work, theirs, ours) for i, work in enumerate(works)}
        measured = {i: times for i, times in ratios.items() if times is not None}
        heights = [i + shift for i in measured]
        bars = ax.barh(heights, measured.values(), 0.36, color=colour, label=label)
        ax.bar_label(bars, [f"{times:.2g}×" for times in measured.values()], padding=4)
    ax.set_yticks(range(len(works)), [BARS[work["name"]] for work in works])
    ax.margins(x=0.2)
    ax.set(xscale="log", ylim=(len(works) - 0.5, -0.5))
    ax.set_xlabel("time or memory of MLPClassifier ÷ that of BackpropClassifier")
    ax.set_xlim(left=1)
    ax.xaxis.set_major_formatter("{x:g}×")
    ax.spines[["top", "right"]].set_visible(False)
    ax.legend(frameon=False, loc="upper right", bbox_to_anchor=(1, 0.78))


def ratio(work, theirs, ours):
    """Return the ratio of the medians of two contenders, or None if one was not measured."""
    medians = {
        contender: each["median"]
        for contender in (theirs, ours)
        for each in work["contenders"]
        if asdict(contender).items() <= each.items()
    }
    return medians[theirs] / medians[ours] if len(medians) == 2 else None


if __name__ == "__main__":
    main(*sys.argv[1:])
