"""
A stream that drifts
====================

Samples arrive batch by batch, and the concept changes three times: the positive class lies in a
disc, and the disc jumps to another corner. The curves show the accuracies of three networks. The
one that was fitted once, to the first 1000 samples, is the best in the first period; at the first
jump its accuracy falls to about 0.6, and does not recover. Always predicting "outside" would be
better then (0.74). The accuracy of the two networks that are updated with ``partial_fit`` falls
too, but mostly recovers within 500 samples. None can stay above the dotted line, because a tenth of
the labels are wrong. The maps show the disc of each period (black), and the predicted probability
of the network with Adam at the end of the period (darker blue is higher).
"""

# %%
# The stream
# ----------
# 20 000 points in a square arrive in batches of 50. The disc jumps after every 5000 points.

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
# To follow the stream, adam gets a larger learning rate than 0.003, with which it starts a stream
# by default: with a smaller rate, the network forgets outdated samples more slowly. ``initialize``
# creates an untrained network, which can be tested on the first batch.

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
# Each network is tested on a batch before it is trained on it (prequential accuracy). So no network
# has seen the samples on which it is tested, except the first 1000 of the one that was fitted to
# them. The map of the network with Adam is computed at the end of each period.

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
# Mean accuracy in three parts of each period:

parts = {"samples 1 to 250": (0, 5), "501 to 1000": (10, 20), "2501 to 5000": (50, 100)}
print(f"{'':17}" + "".join(f"{part:>24}" for part in parts))
print(f"{'period':17}" + 3 * "       1    2    3    4 ")
for name, values in accuracies.items():
    by_period = np.reshape(values, (4, -1))
    means = [by_period[:, first:last].mean(axis=1) for first, last in parts.values()]
    print(f"{name:17}", *("   " + " ".join(f"{mean:.2f}" for mean in part) for part in means))
print(f"\naccuracy of always predicting outside: {1 - y.mean():.2f}")

# %%
# Plot
# ----
# Each point of a curve is the mean accuracy on 250 samples.

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
ax.axhline(0.9, color="black", linestyle=":", label="best possible")
ax.set(xlim=(0, len(X)), ylim=(0.3, 1), xlabel="samples so far", ylabel="accuracy")
ax.set_xticks(range(0, len(X) + 1, PERIOD))
ax.grid(axis="x", color="0.5")
ax.spines[["top", "right"]].set_visible(False)
ax.legend(loc="lower center", ncols=2)
plt.show()
