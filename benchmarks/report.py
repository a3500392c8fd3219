"""Tables and JSON records of the results of run.py."""

from dataclasses import asdict, dataclass
from statistics import median, quantiles

from contenders import (
    JAX_1,
    MLP,
    MLP_1,
    NUMPY,
    NUMPY_1,
    OURS,
    OURS_1,
    PRODUCTS,
    PRODUCTS_1,
    SQUARE,
    SQUARE_1,
    TORCH,
)
from works import Work

UNITS = {"s": {"s": 1, "ms": 1e-3, "µs": 1e-6}, "bytes": {"MB": 1e6, "kB": 1e3}}
NOTHING = "–"


@dataclass(frozen=True)
class Result:
    """Measured values of a work.

    Parameters
    ----------
    work : Work
        Work that was measured.
    values : dict of Contender to list of float
        Seconds or bytes of each round.
    """

    work: Work
    values: dict

    def median(self, contender):
        """Return the median over the rounds."""
        return median(self.values[contender])

    def spread(self, contender):
        """Return the interquartile range over the rounds divided by the median."""
        first, _, third = quantiles(self.values[contender], n=4, method="inclusive")
        return (third - first) / self.median(contender)

    def record(self):
        """Return a record for the JSON file."""
        work = self.work
        return {
            "group": work.group,
            "name": work.name,
            "dtype": work.dtype,
            "target": work.target,
            "unit": work.unit,
            "contenders": [
                asdict(contender)
                | {
                    "median": self.median(contender),
                    "spread": self.spread(contender),
                    "rounds": values,
                }
                for contender, values in self.values.items()
            ],
        }


def amount(work, value):
    """Format a value in the largest unit in which it is at least 1."""
    units = UNITS[work.unit].items()
    name, size = next((unit for unit in units if value >= unit[1]), [*units][-1])
    scaled = value / size
    return f"{scaled:.0f} {name}" if scaled >= 100 else f"{scaled:.3g} {name}"


def ratio(work, theirs, ours):
    """Format the ratio of two values."""
    times = theirs / ours
    digits = 0 if times >= 10 else 1 if times >= 2 else 2
    return f"{times:.{digits}f}×"


def share(work, part, whole):
    """Format a fraction as a percentage."""
    return f"{part / whole:.0%}"


# Columns after that of skbp: a format function and its contenders
RATIOS = {
    "MLPClassifier ÷ skbp": (ratio, MLP, OURS),
    "MLPClassifier ÷ skbp, one thread": (ratio, MLP_1, OURS_1),
    "MLPClassifier ÷ skbp NumPy": (ratio, MLP, NUMPY),
    "PyTorch ÷ skbp": (ratio, TORCH, OURS),
    "JAX ÷ skbp, one thread": (ratio, JAX_1, OURS_1),
}
SHARES = {
    "its products ÷ skbp": (share, PRODUCTS, OURS),
    "its products ÷ skbp, one thread": (share, PRODUCTS_1, OURS_1),
    "square product ÷ skbp": (share, SQUARE, OURS),
    "square product ÷ skbp, one thread": (share, SQUARE_1, OURS_1),
}
AMOUNTS = {
    "MLPClassifier": (amount, MLP),
    "skbp NumPy": (amount, NUMPY),
    "skbp, one thread": (amount, OURS_1),
    "MLPClassifier, one thread": (amount, MLP_1),
    "skbp NumPy, one thread": (amount, NUMPY_1),
}

TABLES = [
    ("steps", "A step of sgd and Adam", RATIOS),
    ("full batch", "L-BFGS and conjugate gradient", RATIOS),
    ("gradient", "The cost and its gradient on all rows", RATIOS),
    ("gradient", "The cost and its gradient, beside matrix products", SHARES),
    ("search", "A grid search", RATIOS),
    ("predict_proba", "predict_proba", RATIOS),
    ("wide", "Many sparse features", RATIOS),
    ("process", "Import, and the memory of a fit", RATIOS),
    ("growth", "An epoch of Adam with more rows, units and layers", AMOUNTS),
]


def print_report(results, machine):
    """Print the machine, the tables and the spread of the rounds."""
    for name, value in machine.items():
        print(f"- {name}: {value}")
    is_compiled = machine["computed by"].startswith("compiled")
    ours = "skbp" if is_compiled else "skbp (NumPy; no compiled extension)"
    for group, title, columns in TABLES:
        rows = [row(result, columns) for result in results if result.work.group == group]
        print_table(title, ["work", "dtype", ours, *columns], rows)
    print_spread(results)


def row(result, columns):
    """Return the table row of a work."""
    cells = [cell(result, *column) for column in columns.values()]
    work = result.work
    return [work.name, work.dtype, cell(result, amount, OURS), *cells]


def cell(result, write, *contenders):
    """Format the medians of some contenders, or a dash if one is missing."""
    if not all(contender in result.values for contender in contenders):
        return NOTHING
    return write(result.work, *map(result.median, contenders))


def print_table(title, header, rows):
    """Print a table in Markdown, without empty columns."""
    if not rows:
        return
    columns = [
        column for column in zip(header, *rows, strict=True) if set(column[1:]) - {NOTHING, ""}
    ]
    header, *rows = zip(*columns, strict=True)
    print(f"\n### {title}\n")
    for cells in [header, ["---"] * len(header), *rows]:
        print("| " + " | ".join(cells) + " |")


def print_spread(results):
    """Print the spread of the rounds."""
    spreads = [
        (result.spread(contender), f"{contender}, {result.work.title}")
        for result in results
        for contender in result.values
    ]
    largest, of = max(spreads)
    middle = median(spread for spread, _ in spreads)
    print(
        "\nThe interquartile range over the rounds is "
        f"{middle:.1%} of the median in the middle, and {largest:.0%} at most ({of})."
    )
