"""
A network as feature extractor
==============================

A network that has learned the digits 0 to 6 is used to tell 7, 8 and 9 apart, which it has never
seen. Each digit lies somewhere on a larger canvas. Left: in the first two principal components of
the pixels, 7, 8 and 9 are mixed up, for the pixels mostly tell where the digit lies. Middle: in
those of the last hidden layer, which ``transform`` returns, most of them lie among their like.
Right: each digit is given the class of its nearest neighbour among a few labelled ones. With one
labelled example of each class, the pixels are no better than guessing (a third), and the hidden
layer is right in more than half of the cases. With 50 the pixels have caught up. An untrained
network (grey) is no better than the pixels: what helps has been learned.
"""

# %%
# Digits at random places
# -----------------------
# Of the digits 0 to 6 there are five copies, each at a random place.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.model_selection import StratifiedShuffleSplit, cross_val_score
from sklearn.neighbors import KNeighborsClassifier

from skbp import BackpropClassifier

rng = np.random.default_rng(0)


def scattered(images, size=12):
    """Put each image of 8 × 8 pixels somewhere on an empty canvas."""
    canvases = np.zeros((len(images), size, size))
    corners = rng.integers(size - 8, size=(len(images), 2), endpoint=True)
    for canvas, image, (row, column) in zip(canvases, images, corners, strict=True):
        canvas[row : row + 8, column : column + 8] = image
    return canvases.reshape(len(images), -1)


digits = load_digits()
images, y = digits.images / 16, digits.target
is_new = y >= 7
X_old, y_old = scattered(np.repeat(images[~is_new], 5, axis=0)), np.repeat(y[~is_new], 5)
X_new, y_new = scattered(images[is_new]), y[is_new]

# %%
# The features
# ------------
# In a pipeline the network is a transformer as any other. Here its features are kept, to draw them.

network = BackpropClassifier((100, 50), "tanh", alpha=1, max_iter=2000, random_state=0)
untrained = clone(network).initialize(X_old, y_old)
network.fit(X_old, y_old)
features = {
    "pixels": X_new,
    "untrained hidden layer": untrained.transform(X_new),
    "hidden layer": network.transform(X_new),
}

# %%
# Few labels
# ----------
# The accuracy of the nearest neighbour on 300 digits, the mean of 30 draws of the labelled ones.
# (For so few digits, a k-d tree is not better than the default, but it occupies one thread only.)

numbers = [1, 2, 5, 10, 20, 50]


def accuracies(X, y):
    """Return the mean accuracy for each number of labelled examples of a class."""
    return [
        cross_val_score(
            KNeighborsClassifier(1, algorithm="kd_tree"),
            X,
            y,
            cv=StratifiedShuffleSplit(30, train_size=3 * n, test_size=300, random_state=0),
        ).mean()
        for n in numbers
    ]


curves = {name: accuracies(X, y_new) for name, X in features.items()}
print(f"{'labelled examples of each digit':32}" + "".join(f"{n:6}" for n in numbers))
for name, curve in curves.items():
    print(f"{name:32}" + "".join(f"{accuracy:6.2f}" for accuracy in curve))

# %%
# Where it does not help
# ----------------------
# The same with the digits as they are, all in the middle. Now their pixels can be compared, and
# are better for it than the hidden layer, which keeps what tells 0 to 6 apart and loses some of
# what tells 7, 8 and 9 apart. A hidden layer helps with new classes if it has learned something
# that holds for them too: here, that the place does not matter.

X_old, y_old, X_new = images[~is_new].reshape(-1, 64), y[~is_new], images[is_new].reshape(-1, 64)
centred = clone(network).fit(X_old, y_old)
for name, X in [("pixels", X_new), ("hidden layer", centred.transform(X_new))]:
    print(f"{'centred, ' + name:32}" + "".join(f"{a:6.2f}" for a in accuracies(X, y_new)))

# %%
# The picture
# -----------

figure, (left, middle, right) = plt.subplots(1, 3, figsize=(8, 3.4), layout="constrained")
for ax, name in [(left, "pixels"), (middle, "hidden layer")]:
    points = PCA(2, random_state=0).fit_transform(features[name])
    for digit, colour in [(7, "#0072B2"), (8, "#E69F00"), (9, "#CC79A7")]:
        ax.scatter(*points[y_new == digit].T, s=12, color=colour, label=digit)
    ax.set(title=name, xticks=[], yticks=[])
left.legend(loc="upper center", bbox_to_anchor=(0.5, 0), ncols=3, handletextpad=0, markerscale=2)

for (name, curve), colour in zip(curves.items(), ["#D55E00", "0.6", "#009E73"], strict=True):
    right.plot(numbers, curve, "o-", color=colour, linewidth=2, label=name)
right.set(xscale="log", title="nearest neighbour", xlabel="labelled examples of each digit")
right.set_xticks(numbers, numbers)
right.minorticks_off()
right.set(ylabel="accuracy", ylim=(0.3, 1))
right.spines[["top", "right"]].set_visible(False)
right.legend(frameon=False, loc="upper left")
plt.show()
