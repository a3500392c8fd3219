"""Separate processes for the contenders, each with its own environment."""

import warnings
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from multiprocessing import get_context

from sklearn.exceptions import ConvergenceWarning


class Processes:
    """One process per contender, started on the first call."""

    def __init__(self):
        self._stack = ExitStack()
        self._of = {}

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self._stack.close()

    def call(self, contender, function, *arguments):
        """Call a function in the process of a contender and return its result."""
        with contender.environment():  # inherited by a new process
            if contender not in self._of:
                self._of[contender] = self._stack.enter_context(new_process())
            return self._of[contender].submit(function, *arguments).result()


def new_process():
    """Return an executor with one new process."""
    return ProcessPoolExecutor(1, get_context("spawn"), ignore_convergence)


def ignore_convergence():
    """Ignore convergence warnings."""
    warnings.simplefilter("ignore", ConvergenceWarning)
