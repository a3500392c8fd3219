"""What an evaluation on a cluster costs beside the rows: a model, its constants and a picture.

Without the tree an evaluation has one task on each of W workers. Θ goes to each of them, and Δ of
each of P partitions comes back:

    a + b · W + d · P + c · (W + P) · (bytes of Θ)

With the tree, the client sends Θ once, and the workers pass it on, in log2(W) steps. Each level
has a round trip, and moves eight Δ to a worker, all groups at once; what is left comes to the
client. The constants are the same, and are fitted to measured times.
"""

from dataclasses import dataclass
from io import BytesIO
from math import ceil, log2

import numpy as np
from matplotlib.figure import Figure
from PIL import Image
from scipy.optimize import nnls

from skbp.dask import objective
from skbp.dask.partitions import _NEIGHBOURS, n_levels

WORKERS = np.unique(np.geomspace(2, 1000, 40).round()).astype(int)
PARTITIONS_OF_WORKER = 4
NETWORKS = {"57 kB (100-64-10)": 57e3, "8 MB (1,000,000 weights)": 8e6}
COLOURS = ("tab:blue", "tab:orange")


@dataclass(frozen=True)
class Overhead:
    """An evaluation; the seconds are measured, or None."""

    n_workers: int
    n_partitions: int
    n_bytes: float
    is_tree: bool
    seconds: float | None = None

    def counts(self):
        """Return what the constants are multiplied by."""
        return self._of_tree() if self.is_tree else self._of_plain()

    def _of_plain(self):
        n_messages = self.n_workers + self.n_partitions
        return [1, self.n_workers, self.n_partitions, n_messages * self.n_bytes]

    def _of_tree(self):
        n, most = self.n_partitions, max(1, objective._MOST_BYTES // self.n_bytes)
        if self.seconds is not None:
            most = 1  # it was forced
        levels, n_tasks, moved = n_levels(n, most), 1, 1 + ceil(log2(self.n_workers))
        for level in range(levels):
            n = ceil(n / _NEIGHBOURS)
            n_tasks += n * (2 if level == 0 else 1)
            moved += _NEIGHBOURS
        return [1 + levels, n_tasks, self.n_partitions, (moved + n) * self.n_bytes]


@dataclass(frozen=True)
class Model:
    """The constants: seconds of a round trip, a task, a partition and a byte."""

    constants: np.ndarray
    errors: np.ndarray

    def seconds(self, overhead):
        """Return the predicted seconds."""
        return float(np.dot(self.constants, overhead.counts()))

    def report(self):
        """Return a text with the constants and the error."""
        trip, task, partition, byte = self.constants
        return (
            f"\nA round trip {1e3 * trip:.1f} ms, a task {1e3 * task:.2f} ms, a partition "
            f"{1e3 * partition:.3f} ms, a MB {1e9 * byte:.2f} ms. The model is off by "
            f"{np.median(self.errors):.0%} (median), {self.errors.max():.0%} (at most)."
        )


def fitted(measured):
    """Return the model with the least relative squared error; no constant is negative."""
    counts = np.array([each.counts() for each in measured], float)
    seconds = np.array([each.seconds for each in measured])
    weighted = counts / seconds[:, None]
    scale = np.maximum(weighted.max(axis=0), 1e-300)
    constants = nnls(weighted / scale, np.ones(len(measured)))[0] / scale
    return Model(constants, np.abs(counts @ constants / seconds - 1))


def draw(model, path):
    """Draw the overhead against the number of workers, with 256 colours."""
    figure = Figure(figsize=(7, 4.2), layout="constrained")
    ax = figure.subplots()
    for (name, n_bytes), colour in zip(NETWORKS.items(), COLOURS, strict=True):
        draw_network(ax, model, n_bytes, f"Δ of {name}", colour)
    ax.set(xscale="log", yscale="log", xlabel="workers, 4 partitions each")
    ax.set_ylabel("an evaluation, without its rows, s")
    ax.set_title("Predicted for up to 1000 workers")
    ax.grid(alpha=0.3)
    ax.legend(fontsize=8)
    buffer = BytesIO()
    figure.savefig(buffer, dpi=130)
    picture = Image.open(buffer).convert("RGB").quantize(256, dither=Image.Dither.NONE)
    picture.save(path, optimize=True)


def draw_network(ax, model, n_bytes, name, colour):
    """Draw the two lines of a network; that of the tree begins where the tree is used."""
    n_most = max(1, objective._MOST_BYTES // n_bytes)
    uses_tree = n_most < WORKERS * PARTITIONS_OF_WORKER
    for is_tree, style, kind in [(False, "--", "all to the client"), (True, "-", "tree")]:
        workers = WORKERS[uses_tree] if is_tree else WORKERS
        each = [Overhead(n, n * PARTITIONS_OF_WORKER, n_bytes, is_tree) for n in workers]
        label = f"{name}, {kind}"
        ax.plot(workers, [model.seconds(one) for one in each], style, color=colour, label=label)
