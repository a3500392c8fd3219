"""
λ and the decision boundary
===========================

The regions of five digits in two dimensions, in the colour of the digit, which fades where the
network is less certain. With a small λ (``alpha``) the borders bend around single training digits,
with a large one the regions are too simple; λ = 0.1 is the best for the test digits.
"""

# %%
# The data
# --------
# The digits 0 to 4, reduced to two principal components: 300 training digits and 601 test digits.

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
# The networks only differ in ``alpha``. With the small λ, nearly all training digits are classified
# correctly, but fewer test digits than with λ = 0.1, and the network is overconfident, as the
# log-loss shows.

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
# The dots are the training digits.

COLOURS = ["#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7"]  # Okabe and Ito's


def draw_map(ax, model, X, y):
    """Draw the decision regions, and digits in the colour of their class."""
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
    ax.scatter(*X.T, c=np.take(COLOURS, y), s=11, edgecolor="white", linewidth=0.5)
    for digit in range(5):
        ax.text(
            *np.median(X_train[y_train == digit], axis=0),
            digit,
            size=15,
            weight="bold",
            color="black",
            horizontalalignment="center",
            verticalalignment="center",
            path_effects=[withStroke(linewidth=3, foreground="white")],
        )
    ax.set(xticks=[], yticks=[], xlabel="", ylabel="")


figure, axes = plt.subplots(1, 3, figsize=(6.5, 2.8), layout="constrained")
for ax, model in zip(axes, models, strict=True):
    draw_map(ax, model, X_train, y_train)
    training, test = model.score(X_train, y_train), model.score(X_test, y_test)
    ax.set_title(f"λ = {model.alpha}\ntraining {training:.0%}, test {test:.0%}", size=10)

# %%
# The regions of the best λ, with the test digits:

# sphinx_gallery_thumbnail_number = 2
_, ax = plt.subplots(figsize=(4.6, 4.2), layout="constrained")
draw_map(ax, models[1], X_test, y_test)
_ = ax.set_title(f"λ = {models[1].alpha}, test digits")

plt.show()
