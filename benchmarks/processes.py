"""A process for each contender, so that it has an environment of its own."""

import warnings
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from multiprocessing import get_context

from sklearn.exceptions import ConvergenceWarning


class Processes:
    """A process for each contender, which starts when it is first called."""

    def __init__(self):
        self._stack = ExitStack()
        self._of = {}

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self._stack.close()

    def call(self, contender, function, *arguments):
        """Return what a function returns in the process of a contender."""
        with contender.environment():  # which a new process takes over
            if contender not in self._of:
                self._of[contender] = self._stack.enter_context(new_process())
            return self._of[contender].submit(function, *arguments).result()


def new_process():
    """Return an executor of one new process."""
    return ProcessPoolExecutor(1, get_context("spawn"), ignore_convergence)


def ignore_convergence():
    """Let fits end after some iterations without a warning."""
    warnings.simplefilter("ignore", ConvergenceWarning)
