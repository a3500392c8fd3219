"""
Training on a cluster
=====================

A network learns from 60 000 rows in blocks that stay on the workers of a Dask cluster. The training
is the same, bit for bit, as that of ``BackpropClassifier`` with all rows in memory.
"""

# %%
# A cluster
# ---------
# Two workers, as threads of this process. In your script, leave out ``processes=False`` and begin
# with ``if __name__ == "__main__":``; or connect to another machine with
# ``Client("tcp://the-scheduler:8786")``. The example needs Dask: ``pip install ".[dask]"``.

import dask.array as da
import matplotlib.pyplot as plt
import numpy as np
from distributed import Client, LocalCluster

from skbp import BackpropClassifier
from skbp.dask import DaskBackpropClassifier

cluster = LocalCluster(
    n_workers=2, threads_per_worker=1, processes=False, dashboard_address="127.0.0.1:0"
)
client = Client(cluster)

# %%
# Data in blocks
# --------------
# Two spirals. Each block is made by a function, where it is needed, as it would be read from a
# file; the rows are never in one place.

ROWS, N_BLOCKS = 2000, 30


def spirals(block_info):
    """Return the points of a block, and the spiral of each as a third column."""
    rng = np.random.default_rng(block_info[None]["chunk-location"][0])
    angle, spiral = 2 * np.pi * np.sqrt(rng.random(ROWS)), rng.integers(2, size=ROWS)
    turned = angle + np.pi * spiral
    noise = 0.1 * rng.normal(size=(ROWS, 2))
    points = np.column_stack([np.cos(turned), np.sin(turned)]) * angle[:, np.newaxis] / 2 + noise
    return np.column_stack([points, spiral])


table = da.map_blocks(spirals, chunks=((ROWS,) * N_BLOCKS, 3), dtype=float).persist()
X, y = table[:, :2], table[:, 2].astype(int)
print(X)

# %%
# The same training, on the cluster and in memory
# -----------------------------------------------
# The workers add up the cost and its gradient over their blocks, and the client adds up what the
# workers found. The blocks are those that ``BackpropClassifier`` divides this data into; with
# others, the last digits would differ.

parameters = {
    "hidden_layer_sizes": (40, 40),
    "max_iter": 100,
    "n_iter_no_change": np.inf,
    "early_stopping": False,
    "tol": 1e-2,
    "random_state": 0,
}
on_cluster = DaskBackpropClassifier(**parameters).fit(X, y)
X_local, y_local = da.compute(X, y)
in_memory = BackpropClassifier(**parameters).fit(X_local, y_local)
difference = np.abs(np.subtract(on_cluster.loss_curve_, in_memory.loss_curve_)).max()
print(f"largest difference of the losses: {difference}")
print(f"accuracy: {on_cluster.score(X, y):.3f}")

figure, ax = plt.subplots(figsize=(5.5, 4), layout="constrained")
ax.plot(on_cluster.loss_curve_, color="#0072B2", linewidth=3, label="on the cluster")
ax.plot(in_memory.loss_curve_, "--", color="#E69F00", label="in memory")
ax.set(xlabel="iteration", ylabel="J(Θ)", yscale="log")
_ = ax.legend()

# %%
# Predict
# -------
# Predictions are lazy: each block is predicted on its worker when it is asked for.

probabilities = on_cluster.predict_proba(X)
print(probabilities)
first = probabilities.blocks[0].compute()[:, 1]

# sphinx_gallery_thumbnail_number = 2
figure, ax = plt.subplots(figsize=(5.2, 4), layout="compressed")
points = X.blocks[0].compute()
shown = ax.scatter(*points.T, c=first, s=4, cmap="coolwarm", vmin=0, vmax=1)
ax.set(title="2000 points of the first block", xlabel="$x_1$", ylabel="$x_2$", aspect="equal")
figure.colorbar(shown, label="predicted probability of the second spiral")

client.close()
cluster.close()
plt.show()
