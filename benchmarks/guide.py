"""Print the tables of the user guide, docs/guide.

    python benchmarks/guide.py                    # all pages
    python benchmarks/guide.py scaling solvers    # these pages
    python benchmarks/guide.py --quick            # a few rows, two splits: a smoke test

README.md in this directory has the details.
"""

import argparse
import sys
from time import perf_counter

from data_sets import DATA_SETS
from guide_before import (
    activations,
    class_imbalance,
    dropout,
    lambda_and_sizes,
    one_standard_error,
    scaling,
)
from guide_bench import Bench
from guide_training import (
    early_stopping,
    many_rows,
    reproducibility,
    schedules,
    solvers,
    warm_start,
)
from tables import print_versions

QUICK_SETS = ["solar flare", "wine"]
PAGES = {
    "scaling": [scaling],
    "lambda_and_sizes": [lambda_and_sizes, activations, one_standard_error, dropout],
    "solvers": [solvers, schedules, many_rows],
    "class_imbalance": [class_imbalance],
    "early_stopping": [early_stopping],
    "resume": [warm_start],
    "reproducibility": [reproducibility],
}


def main():
    """Print the tables of the pages."""
    options = parse_arguments()
    if options.quick:
        quick_sets = [each for each in DATA_SETS if each.name in QUICK_SETS]
        bench = Bench(quick_sets, most_splits=2, most_rows=400, jobs=options.jobs)
    else:
        bench = Bench(DATA_SETS, most_splits=10, most_rows=sys.maxsize, jobs=options.jobs)
    print_versions()
    for page in options.pages or PAGES:
        print(f"\n## {page}.md")
        for print_tables in PAGES[page]:
            start = perf_counter()
            print_tables(bench)
            print(f"{print_tables.__name__}: {perf_counter() - start:.0f} s", file=sys.stderr)


def parse_arguments():
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "pages", nargs="*", metavar="PAGE", help=f"{', '.join(PAGES)} (default: all)"
    )
    parser.add_argument("--quick", action="store_true", help="few data sets, rows and splits")
    parser.add_argument("--jobs", type=int, default=-1, help="processes (default: all cores)")
    options = parser.parse_args()
    if unknown := set(options.pages) - set(PAGES):
        parser.error(f"no such page: {', '.join(sorted(unknown))}")
    return options


if __name__ == "__main__":
    main()
