"""
Choosing λ by cross-validation
==============================

`BackpropClassifierCV` fits two networks for one λ (``alpha``) after the other, and chooses the
network and the λ with the smallest validation loss. A line is the mean loss of ten folds, the band
around it one standard error.
"""

# %%
# Fit every λ
# -----------
# The data are the 569 samples of scikit-learn's breast cancer data set, with 30 features. Usually
# ``BackpropClassifierCV(random_state=0)`` is enough. Here the range of λ is larger than the default
# one, and ``exhaustive=True`` fits every λ, so that both sides of the minimum can be seen: the
# networks overfit on the left, and underfit on the right.

from time import perf_counter

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skbp import BackpropClassifierCV
from skbp.plot import PathDisplay

X, y = load_breast_cancer(return_X_y=True)
search = BackpropClassifierCV(
    (25,),
    ["relu", "tanh"],
    alphas=[30, 10, 3, 1, 0.3, 0.1],
    cv=StratifiedKFold(10, shuffle=True, random_state=0),
    random_state=0,
)
model = make_pipeline(StandardScaler(), search)


def fit_and_plot():
    """Fit the model, print what it chose, and plot its scores."""
    start = perf_counter()
    model.fit(X, y)
    seconds = perf_counter() - start
    print(f"chosen: {search.activation_}, alpha={search.alpha_:g}")
    print(f"mean log-loss of the left-out rows: {-search.best_score_:.4f}")
    print(f"{np.isfinite(search.scores_).sum()} of {search.scores_.size} fits, {seconds:.1f} s")

    _, ax = plt.subplots(figsize=(6, 4), layout="constrained")
    PathDisplay.from_estimator(model, ax=ax)
    ax.set(xlabel="λ (alpha)", ylabel="validation log-loss")


search.set_params(exhaustive=True)
fit_and_plot()

# %%
# The dotted line marks what ``selection="one_standard_error"`` would choose: the largest λ whose
# mean is within one standard error of the best.

# %%
# Stop once the loss has risen
# ----------------------------
# By default the search goes from the largest λ to smaller ones, starts each fit from the weights of
# the last one, and ends in each fold once the loss has risen. A line ends at the last λ that all
# ten folds have reached.

search.set_params(exhaustive=False)
fit_and_plot()
plt.show()
