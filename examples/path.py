"""
Choosing λ by cross-validation
==============================

The validation loss of two networks by λ (``alpha``): the mean of ten folds, with a band of one
standard error. `BackpropClassifierCV` goes from the largest λ to smaller ones, on the left, and
ends once the loss has risen; with ``exhaustive=True``, on the right, it fits every λ, and here
chooses the same λ.
"""

# %%
# Choose λ in two ways
# --------------------
# The data are the 569 samples of scikit-learn's breast cancer data set, with 30 features. Usually
# ``BackpropClassifierCV(random_state=0)`` is enough. Here the range of λ is larger than the default
# one, so that both sides of the minimum can be seen.

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
models = {
    is_exhaustive: make_pipeline(
        StandardScaler(),
        BackpropClassifierCV(
            (25,),
            ["relu", "tanh"],
            alphas=[30, 10, 3, 1, 0.3, 0.1],
            cv=StratifiedKFold(10, shuffle=True, random_state=0),
            exhaustive=is_exhaustive,
            random_state=0,
        ),
    )
    for is_exhaustive in (False, True)
}
for is_exhaustive, model in models.items():
    start = perf_counter()
    chosen = model.fit(X, y)[-1]
    seconds = perf_counter() - start
    print(f"exhaustive={is_exhaustive}: {chosen.activation_}, alpha={chosen.alpha_:g}")
    print(f"  mean log-loss of the left-out rows: {-chosen.best_score_:.4f}")
    print(f"  {np.isfinite(chosen.scores_).sum()} of {chosen.scores_.size} fits, {seconds:.1f} s")

# %%
# Plot the scores
# ---------------
# A line ends at the last λ that all ten folds have reached. The dotted line marks what
# ``selection="one_standard_error"`` would choose: the largest λ whose mean is within one standard
# error of the best.

figure, axes = plt.subplots(1, 2, figsize=(8, 3.8), sharey=True, layout="constrained")
for ax, (is_exhaustive, model) in zip(axes, models.items(), strict=True):
    PathDisplay.from_estimator(model, ax=ax)
    ax.set_title(f"exhaustive={is_exhaustive}")
    ax.label_outer()
plt.show()
