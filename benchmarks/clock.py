"""How a time is taken."""

from time import perf_counter


def clocked(function):
    """Return a function that calls another without arguments, and returns the seconds."""

    def seconds():
        start = perf_counter()
        function()
        return perf_counter() - start

    return seconds
