"""Timing of functions."""

from time import perf_counter


def clocked(function):
    """Return a function that calls the given one and returns the seconds it took."""

    def seconds():
        start = perf_counter()
        function()
        return perf_counter() - start

    return seconds
