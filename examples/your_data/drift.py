"""
A stream that drifts
====================

A network that is updated with ``partial_fit`` recovers after each jump of what it has to learn,
mostly within 500 samples. One that was fitted once, to the first 1000 samples, does not.
"""

# %%
# The stream
# ----------
# 20 000 points in a square arrive in batches of 50. The positive class lies in a disc, which jumps
# to another corner after every 5000 points. A tenth of the labels are wrong.

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
# Accuracy
# --------
# Each point of a curve is the mean accuracy on 250 samples. The network that was fitted once is the
# best in the first period. After the first jump it is worse than always predicting "outside". None
# can stay above 0.9, because a tenth of the labels are wrong.

COLOURS = ["#D55E00", "#0072B2", "#009E73"]

figure, ax = plt.subplots(figsize=(7, 4.2), layout="constrained")
seen = np.arange(125, len(X), 250)
for (name, values), colour in zip(accuracies.items(), COLOURS, strict=True):
    curve = np.reshape(values, (-1, 5)).mean(axis=1)
    ax.plot(seen, curve, color=colour, linewidth=2, label=name)
ax.axhline(0.9, color="0.5", linestyle=":", label="best possible")
ax.axhline(1 - y.mean(), color="0.5", linestyle="--", label='always "outside"')
for jump in range(PERIOD, len(X), PERIOD):
    ax.axvline(jump, color="0.5", linewidth=0.8, label="jump" if jump == PERIOD else None)
ax.set(xlim=(0, len(X)), ylim=(0.25, 1), xlabel="samples so far", ylabel="accuracy")
ax.spines[["top", "right"]].set_visible(False)
_ = ax.legend(loc="lower center", ncols=2)

# %%
# What the network has learned
# ----------------------------
# The probability that the network with Adam predicts at the end of each period, and the disc of the
# period.

figure, axes = plt.subplots(1, 4, figsize=(8, 2.6), layout="constrained")
for period, (ax, centre, image) in enumerate(zip(axes, CENTRES, maps, strict=True), start=1):
    shown = ax.imshow(image, cmap="Blues", vmin=0, vmax=1, extent=(-2, 2, -2, 2), origin="lower")
    disc = ax.add_patch(plt.Circle(centre, RADIUS, fill=False, edgecolor="#D55E00", linewidth=2))
    ax.set(xticks=[], yticks=[], title=f"period {period}")
figure.legend([disc], ["disc of the positive class"], loc="outside lower center")
figure.colorbar(shown, ax=axes, label="predicted probability", shrink=0.8)
plt.show()
