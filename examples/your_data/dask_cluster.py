"""
Training on a cluster
=====================

A network learns from 60 000 rows that are made block by block, where they are needed: they are
never in one place. The workers add up the cost and its gradient over their blocks, and the client
adds up what the workers found. The dashed line is the loss of ``BackpropClassifier`` on the same
rows in memory. It lies on the other one, because both trainings are the same, bit for bit.
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
# Two spirals. Each block is made by a function, as it would be read from a file.

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
# The blocks are those that ``BackpropClassifier`` divides this data into. With others, the last
# digits would differ.

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
print("the same bits:", on_cluster.loss_curve_ == in_memory.loss_curve_)
print(f"accuracy: {on_cluster.score(X, y):.3f}")

# %%
# Predictions are lazy: each block is predicted on its worker when it is asked for.

probabilities = on_cluster.predict_proba(X)
print(probabilities)
first = probabilities.blocks[0].compute()[:, 1]

figure, (curve, plane) = plt.subplots(ncols=2, figsize=(9, 4), layout="constrained")
curve.plot(on_cluster.loss_curve_, color="#0072B2", label="on the cluster")
curve.plot(in_memory.loss_curve_, "--", color="#E69F00", label="in memory")
curve.set(xlabel="iteration", ylabel="J(Θ)", yscale="log")
curve.legend()
points = X.blocks[0].compute()
shown = plane.scatter(*points.T, c=first, s=4, cmap="coolwarm")
plane.set(title="the first block", aspect="equal")
figure.colorbar(shown, label="probability of the second spiral")

client.close()
cluster.close()
plt.show()
