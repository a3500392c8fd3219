"""
A stream that drifts
====================

Examples arrive batch by batch, and what they mean changes three times: the class to find lies in
a disc, and the disc jumps to another corner. The curves are the accuracies of three networks. The
one that was fitted once, to the first 1000 examples, is the best of them in the first period; at
the first jump it falls to about 0.6, and does not recover. To answer "outside" to everything would
be better then (0.74). The two that go on learning with ``partial_fit`` fall too, but most of the
loss is made good within 500 examples. None can stay above the dotted line, because a tenth of the
labels are wrong. The maps show the disc of each period (black), and where the network with Adam
expects the class at its end (the darker the blue, the surer).
"""

# %%
# The stream
# ----------
# 20 000 points in a square arrive in batches of 50. After each 5000 of them the disc jumps.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.base import clone

from skbp import BackpropClassifier

BATCH, PERIOD = 50, 5000
CENTRES = [(-1, -1), (1, -1), (1, 1), (-1, 1)]
RADIUS = 1

rng = np.random.default_rng(0)
X = rng.uniform(-2, 2, size=(4 * PERIOD, 2))
distance = np.linalg.norm(X - np.repeat(CENTRES, PERIOD, axis=0), axis=1)
is_wrong = rng.random(len(X)) < 0.1
y = (distance < RADIUS) ^ is_wrong

# %%
# Three networks
# --------------
# To follow a stream, adam gets a larger learning rate than its default, 0.003: the smaller the
# rate, the longer the network remembers what is no longer true. ``initialize`` draws start weights
# and trains nothing, so that there is a network to test on the first batch.

adam = BackpropClassifier(
    (20,),
    "tanh",
    solver="adam",
    learning_rate_init=0.01,
    batch_size=10,
    alpha=0.01,
    random_state=0,
).initialize(X[:BATCH], y[:BATCH])
sgd = clone(adam).set_params(solver="sgd", learning_rate_init=0.1)
sgd.initialize(X[:BATCH], y[:BATCH])
once = BackpropClassifier((20,), "tanh", alpha=0.1, max_iter=3000, random_state=0).fit(
    X[:1000], y[:1000]
)

# %%
# Test first, then train
# ----------------------
# A network is tested on each batch before it learns from it: the prequential accuracy. So it has
# seen none of the examples that it is tested on, but for the first 1000 of the one that was fitted
# to them. At the end of each period the one with Adam draws its map.

networks = {"fitted once": once, "partial_fit, adam": adam, "partial_fit, sgd": sgd}
accuracies = {name: [] for name in networks}
maps = []
axis = np.linspace(-2, 2, 100)
square = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)

for start in range(0, len(X), BATCH):
    batch = slice(start, start + BATCH)
    for name, network in networks.items():
        accuracies[name].append(network.score(X[batch], y[batch]))
    for network in (adam, sgd):
        network.partial_fit(X[batch], y[batch])
    if batch.stop % PERIOD == 0:
        maps.append(adam.predict_proba(square)[:, 1].reshape(100, 100))

# %%
# The mean accuracy in three parts of each period:

parts = {"examples 1 to 250": (0, 5), "501 to 1000": (10, 20), "2501 to 5000": (50, 100)}
print(f"{'':17}" + "".join(f"{part:>24}" for part in parts))
print(f"{'period':17}" + 3 * "       1    2    3    4 ")
for name, values in accuracies.items():
    by_period = np.reshape(values, (4, -1))
    means = [by_period[:, first:last].mean(axis=1) for first, last in parts.values()]
    print(f"{name:17}", *("   " + " ".join(f"{mean:.2f}" for mean in part) for part in means))
print(f"\nright if the answer is always outside: {1 - y.mean():.2f}")

# %%
# The picture
# -----------
# Each point of a curve is the mean accuracy on 250 examples.

figure, axes = plt.subplot_mosaic(
    [[0, 1, 2, 3], ["curves"] * 4], figsize=(8, 5.2), layout="constrained", height_ratios=[1, 1.6]
)
for period, (centre, image) in enumerate(zip(CENTRES, maps, strict=True)):
    axes[period].imshow(image, cmap="Blues", vmin=0, vmax=1, extent=(-2, 2, -2, 2), origin="lower")
    axes[period].add_patch(plt.Circle(centre, RADIUS, fill=False, linewidth=2))
    axes[period].set(xticks=[], yticks=[], title=f"period {period + 1}")

ax = axes["curves"]
seen = np.arange(125, len(X), 250)
for (name, values), colour in zip(
    accuracies.items(), ["#D55E00", "#0072B2", "#009E73"], strict=True
):
    curve = np.reshape(values, (-1, 5)).mean(axis=1)
    ax.plot(seen, curve, color=colour, linewidth=2, label=name)
ax.axhline(0.9, color="black", linestyle=":", label="the best possible")
ax.set(xlim=(0, len(X)), ylim=(0.3, 1), xlabel="examples so far", ylabel="accuracy")
ax.set_xticks(range(0, len(X) + 1, PERIOD))
ax.grid(axis="x", color="0.5")
ax.spines[["top", "right"]].set_visible(False)
ax.legend(loc="lower center", ncols=2)
plt.show()
