"""
A network as feature extractor
==============================

A network that was trained on the digits 0 to 6 extracts features to classify 7, 8 and 9, which it
has never seen. With few labelled samples of the new digits, a nearest neighbour classifier is more
accurate on these features than on the pixels.
"""

# %%
# Digits at random places
# -----------------------
# Each digit is at a random place on a larger canvas. There are five copies of each of the digits 0
# to 6.

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
    """Place each image of 8 × 8 pixels at random on an empty canvas."""
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
# ``transform`` returns the outputs of the last hidden layer. In a pipeline the network can be used
# like any transformer; here its features are kept for the plot.

network = BackpropClassifier((100, 50), "tanh", alpha=1, max_iter=2000, random_state=0)
untrained = clone(network).initialize(X_old, y_old)
network.fit(X_old, y_old)
features = {
    "pixels": X_new,
    "untrained hidden layer": untrained.transform(X_new),
    "hidden layer": network.transform(X_new),
}

# %%
# The plots show the first two principal components. The pixels mostly encode the place of the
# digit, so in theirs the classes are mixed; in those of the hidden layer they form clusters.

figure, axes = plt.subplots(1, 2, figsize=(7, 3.9), layout="constrained")
for ax, name in zip(axes, ["pixels", "hidden layer"], strict=True):
    points = PCA(2, random_state=0).fit_transform(features[name])
    for digit, colour in [(7, "#0072B2"), (8, "#E69F00"), (9, "#CC79A7")]:
        ax.scatter(*points[y_new == digit].T, s=12, color=colour, label=f"digit {digit}")
    ax.set(title=name, xticks=[], yticks=[], xlabel="first principal component")
axes[0].set_ylabel("second principal component")
_ = figure.legend(
    *axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=3, markerscale=2
)

# %%
# Few labels
# ----------
# The accuracy of a nearest neighbour classifier on 300 digits, averaged over 30 random samples of
# labelled digits. (A k-d tree has no advantage for so few digits, but it only uses one thread.)

numbers = [1, 2, 5, 10, 20, 50]


def accuracies(X, y):
    """Return the mean accuracy for each number of labelled samples per class."""
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
print(f"{'labelled samples of each digit':32}" + "".join(f"{n:6}" for n in numbers))
for name, curve in curves.items():
    print(f"{name:32}" + "".join(f"{accuracy:6.2f}" for accuracy in curve))

# %%
# With one labelled sample per class, the pixels are no better than guessing, while the hidden layer
# is correct in more than half of the cases. With 50 samples the pixels are better. An untrained
# network is no better than the pixels, so the useful features were learned.

# sphinx_gallery_thumbnail_number = 2
figure, ax = plt.subplots(figsize=(5.5, 4), layout="constrained")
for (name, curve), colour in zip(curves.items(), ["#D55E00", "0.5", "#009E73"], strict=True):
    ax.plot(numbers, curve, "o-", color=colour, linewidth=2, label=name)
ax.axhline(1 / 3, color="0.5", linestyle=":", label="guessing")
ax.set(xscale="log", xlabel="labelled samples of each digit", ylabel="accuracy", ylim=(0.3, 0.9))
ax.set_xticks(numbers, numbers)
ax.minorticks_off()
ax.spines[["top", "right"]].set_visible(False)
_ = ax.legend(loc="upper left")

# %%
# Limits
# ------
# The same with the original, centred digits. Now the pixels can be compared directly, and are
# better features than the hidden layer, which keeps the differences between 0 to 6 and loses some
# of those between 7, 8 and 9. A hidden layer helps with new classes if it has learned something
# that applies to them too: here, that the place does not matter.

X_old, y_old, X_new = images[~is_new].reshape(-1, 64), y[~is_new], images[is_new].reshape(-1, 64)
centred = clone(network).fit(X_old, y_old)
for name, X in [("pixels", X_new), ("hidden layer", centred.transform(X_new))]:
    print(f"{'centred, ' + name:32}" + "".join(f"{a:6.2f}" for a in accuracies(X, y_new)))

plt.show()
