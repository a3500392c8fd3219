"""
λ and the decision boundary
===========================

This example shows the effect of λ on the decision regions of a network. The digits 0 to 4 are
reduced to two principal components. Each region has the colour of its digit, and is paler where the
network is less certain. With a small λ (``alpha``) the borders bend around single training digits:
nearly all of these are classified correctly, but fewer test digits than with λ = 0.1, and the
network is overconfident. With a large λ the regions are simple and pale, and small groups of digits
within another region are misclassified. The intermediate value is the best for the test digits.
"""

# %%
# The data
# --------
# 300 training digits and 601 test digits.

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.patheffects import withStroke
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.inspection import DecisionBoundaryDisplay
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skbp import BackpropClassifier

X, y = load_digits(n_class=5, return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(
    X, y, train_size=300, stratify=y, random_state=0
)
to_plane = make_pipeline(PCA(2, random_state=0), StandardScaler()).fit(X_train)
X_train, X_test = to_plane.transform(X_train), to_plane.transform(X_test)

# %%
# Three networks
# --------------
# The networks only differ in ``alpha``.

models = [
    BackpropClassifier((50,), "tanh", alpha=alpha, max_iter=20_000, random_state=0)
    for alpha in (0.001, 0.1, 10)
]
print("alpha   training accuracy   test accuracy   test log-loss")
for model in models:
    model.fit(X_train, y_train)
    loss = log_loss(y_test, model.predict_proba(X_test))
    training, test = model.score(X_train, y_train), model.score(X_test, y_test)
    print(f"{model.alpha:5}   {training:17.3f}   {test:13.3f}   {loss:13.2f}")

# %%
# Decision regions
# ----------------

COLOURS = ["#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7"]  # Okabe and Ito's


def draw_map(ax, model):
    """Draw the decision regions and the training digits."""
    DecisionBoundaryDisplay.from_estimator(
        model,
        X_train,
        response_method="predict_proba",
        plot_method="pcolormesh",
        grid_resolution=250,
        eps=0.3,
        multiclass_colors=COLOURS,
        alpha=0.65,
        ax=ax,
    )
    ax.scatter(*X_train.T, c=np.take(COLOURS, y_train), s=11, edgecolor="white", linewidth=0.5)
    for digit in range(5):
        ax.text(
            *np.median(X_train[y_train == digit], axis=0),
            digit,
            size=15,
            weight="bold",
            horizontalalignment="center",
            verticalalignment="center",
            path_effects=[withStroke(linewidth=3, foreground="white")],
        )
    training, test = model.score(X_train, y_train), model.score(X_test, y_test)
    ax.set_title(f"alpha = {model.alpha}\ntraining {training:.0%}, test {test:.0%}", size=10)
    ax.set(xticks=[], yticks=[])


figure, axes = plt.subplots(1, 3, figsize=(6.5, 2.8), layout="constrained")
for ax, model in zip(axes, models, strict=True):
    draw_map(ax, model)

plt.show()
