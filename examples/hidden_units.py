"""
What hidden units see
=====================

The weights of 25 hidden units, each as an image. Ink where the image is red raises the z of the
unit, and ink where it is blue lowers it. So no unit waits for a whole digit, but for a stroke in
one place and none in another. With a small λ (``alpha``), on the left, all units have weights. With
a larger one, on the right, the weights are a third as large, as the scales show, and six units have
lost theirs: the network does without them, and reads no fewer test digits right.
"""

# %%
# Train with a small and with a larger λ
# --------------------------------------
# The pixels of scikit-learn's digits go from 0 to 16; divided by 16, they are on one scale, and a
# pixel that is blank in all digits stays 0.

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
# A unit counts as unused here if its weights, as a vector, are less than a tenth as long as those
# of the strongest unit.

print("alpha   test accuracy   largest weight   unused units")
for model in models:
    weights = model.coefs_[0]
    length = np.linalg.norm(weights, axis=0)
    accuracy, unused = model.score(X_test, y_test), np.sum(length < length.max() / 10)
    print(f"{model.alpha:5}   {accuracy:13.3f}   {np.abs(weights).max():14.1f}   {unused:12}")

# %%
# The second network in a few lines of text:

print(models[1].summary())

# %%
# Look at the weights
# -------------------

figure, axes = plt.subplots(1, 2, figsize=(6.5, 2.8), layout="constrained")
for ax, model in zip(axes, models, strict=True):
    HiddenUnitsDisplay.from_estimator(model, image_shape=(8, 8), ax=ax)
    ax.set_title(f"alpha = {model.alpha}")
plt.show()
