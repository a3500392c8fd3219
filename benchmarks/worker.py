"""Functions that run in the process of a contender, to prepare and measure one work at a time."""

import os
import platform
import re
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from statistics import mean
from time import perf_counter, process_time, sleep

from joblib.externals.loky import get_reusable_executor

NAP = 0.01  # seconds
MOST_NAPS = 100

PREPARED = {}


def prepare(contender, work):
    """Prepare a work."""
    PREPARED["measure"] = work.prepare(contender.load())
    rest()


def measure(seconds):
    """Return the mean of repeated measurements over some seconds, at least one."""
    values = []
    end = perf_counter() + seconds
    while not values or perf_counter() < end:
        values.append(PREPARED["measure"]())
    rest()
    return mean(values)


def rest():
    """Wait until this process is idle.

    The threads of a BLAS spin for about a tenth of a second after a product, which can double
    the time of another program that is measured meanwhile.
    """
    for _ in range(MOST_NAPS):
        start = process_time()
        sleep(NAP)
        if process_time() - start < NAP / 4:
            return


def forget():
    """Free the memory of the prepared work, and stop the worker processes of joblib."""
    PREPARED.clear()
    get_reusable_executor().shutdown()


def describe(contender):
    """Return the machine and the versions; runs in the process of skbp."""
    described = {"CPU": f"{processor()}, {os.cpu_count()} cores", **contender.load().versions()}
    peers = filter(find_spec, ["torch", "jax", "optax"])
    described |= {peer: version(peer) for peer in peers}
    if hasattr(os, "getloadavg"):
        described["load"] = f"{os.getloadavg()[0]:.2f} in the minute before"
    return described


def processor():
    """Return the name of the processor."""
    info = Path("/proc/cpuinfo")
    names = re.findall(r"model name\s*: (.+)", info.read_text()) if info.exists() else []
    return names[0] if names else platform.processor()
