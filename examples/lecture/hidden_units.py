"""
Weights of hidden units
=======================

The weights of 25 hidden units, each shown as an image: ink in the red pixels increases the z of the
unit, ink in the blue pixels decreases it. With a larger λ (``alpha``) the weights are smaller, and
some units are not used at all.
"""

# %%
# Train with a small and with a larger λ
# --------------------------------------
# The pixels of scikit-learn's digits range from 0 to 16. Dividing them by 16 gives a common scale,
# and keeps pixels that are blank in all digits at 0.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from skbp import BackpropClassifier
from skbp.plot import HiddenUnitsDisplay

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X / 16, y, stratify=y, random_state=0)

models = [
    BackpropClassifier((25,), "tanh", alpha=alpha, random_state=0).fit(X_train, y_train)
    for alpha in (0.01, 3)
]

# %%
# The accuracy on test digits is not lower with the larger λ: the network does not need the units
# whose weights have vanished. A unit counts as unused here if the norm of its weights is less than
# a tenth of the largest norm.

print("alpha   test accuracy   largest weight   unused units")
for model in models:
    weights = model.coefs_[0]
    length = np.linalg.norm(weights, axis=0)
    accuracy, unused = model.score(X_test, y_test), np.sum(length < length.max() / 10)
    print(f"{model.alpha:5}   {accuracy:13.3f}   {np.abs(weights).max():14.1f}   {unused:12}")

# %%
# A text summary of the second network:

print(models[1].summary())

# %%
# Both networks with one colour scale
# -----------------------------------

largest = max(np.abs(model.coefs_[0]).max() for model in models)
figure, axes = plt.subplots(1, 2, figsize=(8, 4), layout="compressed")
figure.get_layout_engine().set(w_pad=0.2)
for ax, model in zip(axes, models, strict=True):
    display = HiddenUnitsDisplay.from_estimator(model, ax=ax, vmin=-largest, vmax=largest)
    ax.set_title(f"λ = {model.alpha}")
    if ax is axes[0]:
        display.colorbar_.remove()

# %%
# The second network with its own colour scale
# --------------------------------------------
# A unit does not detect a whole digit, but a stroke in one place and its absence in another.

# sphinx_gallery_thumbnail_number = 2
figure, ax = plt.subplots(figsize=(5, 4), layout="compressed")
HiddenUnitsDisplay.from_estimator(models[1], image_shape=(8, 8), ax=ax)
ax.set_title(f"λ = {models[1].alpha}")
plt.show()
