"""Compare the speed of BackpropClassifier with that of MLPClassifier, PyTorch and JAX.

    python benchmarks/run.py                   # twenty minutes on two cores
    python benchmarks/run.py --quick           # smoke test, too small for meaningful results
    python benchmarks/run.py --only gradient   # only works with this in their name

README.md in this directory describes the method and has the results.
"""

import argparse
import json
import sys
from contextlib import ExitStack
from pathlib import Path
from time import perf_counter

import report
import worker
from contenders import OURS, available
from processes import Processes
from sizes import FULL, QUICK
from works import works


def main():
    """Measure, print the tables and write the JSON file."""
    options = parse_arguments()
    sizes = QUICK if options.quick else FULL
    chosen = [work for work in works(sizes) if is_chosen(work, options.only)]
    if not chosen:
        sys.exit("No work has that in its name.")
    with Processes() as processes:
        machine = processes.call(OURS, worker.describe, OURS)
        results = [measure(processes, work, sizes) for work in chosen]
    report.print_report(results, machine)
    if options.json is not None:
        records = [result.record() for result in results]
        written = {"machine": machine, "quick": options.quick, "works": records}
        options.json.write_text(json.dumps(written, indent=1, ensure_ascii=False), "utf-8")


def is_chosen(work, texts):
    """Return whether the group or title of a work contains one of the texts, if there are any."""
    return not texts or any(text in f"{work.group}: {work.title}" for text in texts)


def parse_arguments():
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="small works and three rounds")
    parser.add_argument(
        "--only",
        action="append",
        metavar="TEXT",
        help="measure only the works with this in their group, name or dtype (may be repeated)",
    )
    parser.add_argument("--json", type=Path, help="where to write everything that was measured")
    return parser.parse_args()


def measure(processes, work, sizes):
    """Measure a work with the contenders in turn, A B C A B C …, and return the result."""
    start = perf_counter()
    values = {each: [] for each in available(work)}
    with ExitStack() as at_the_end:
        for contender in values:
            at_the_end.callback(processes.call, contender, worker.forget)
            processes.call(contender, worker.prepare, contender, work)
        for _ in range(work.rounds or sizes.rounds):
            for contender, measured in values.items():
                measured.append(processes.call(contender, worker.measure, sizes.seconds))
    print(f"{perf_counter() - start:5.1f} s  {work.title}", file=sys.stderr)
    return report.Result(work, values)


if __name__ == "__main__":
    main()
