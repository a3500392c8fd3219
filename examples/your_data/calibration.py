"""
Calibration: logistic against softmax outputs
=============================================

A calibrated network that predicts with a probability of 80 % is correct in 80 % of the cases. Its
calibration curve, drawn here for logistic and for softmax output units, is the diagonal.
"""

# %%
# The data
# --------
# With all 64 pixels, a network makes too few mistakes for a calibration curve. So only the first
# four principal components of the digits are used. The predictions are those of cross-validation.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.calibration import calibration_curve
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.metrics import brier_score_loss, log_loss
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skbp import BackpropClassifier

X, y = load_digits(return_X_y=True)
network = BackpropClassifier(max_iter=5000, random_state=0)
model = make_pipeline(PCA(4, random_state=0), StandardScaler(), network)
folds = StratifiedKFold(5, shuffle=True, random_state=0)

settings = {
    "no hidden layer, λ = 0.1": {"hidden_layer_sizes": (), "alpha": 0.1},
    "25 hidden units, λ = 0.1": {"hidden_layer_sizes": (25,), "alpha": 0.1},
    "25 hidden units, λ = 1": {"hidden_layer_sizes": (25,), "alpha": 1},
}
probabilities = {}
for name, parameters in settings.items():
    for output in ("logistic", "softmax"):
        network.set_params(output_activation=output, **parameters)
        P = cross_val_predict(model, X, y, cv=folds, method="predict_proba")
        probabilities[name, output] = P

# %%
# The numbers
# -----------
# The confidence is the mean probability of the predicted class; for a calibrated network it equals
# the accuracy. The log-loss and the Brier score, the mean of Σ_k (p_k − y_k)², also measure how
# well the network separates the classes; smaller is better.

print(f"{'':36}accuracy  confidence  log-loss  Brier score")
for (name, output), P in probabilities.items():
    accuracy, confidence = np.mean(P.argmax(axis=1) == y), P.max(axis=1).mean()
    scores = f"{log_loss(y, P):10.3f}{brier_score_loss(y, P):13.3f}"
    print(f"{name:26}{output:10}{accuracy:8.3f}{confidence:12.3f}{scores}")

# %%
# Without a hidden layer
# ----------------------
# The digits are sorted by the probability of the predicted class, and divided into eight bins of
# equal size; each point is one bin, with the standard error of its accuracy. Above the diagonal a
# network is underconfident, below it overconfident.
#
# The softmax is nearly calibrated. K logistic units, divided by their sum as in ``predict_proba``,
# are far underconfident, because a linear boundary between one digit and the nine others fits
# badly.


def plot(ax, name):
    """Plot the calibration curves of both types of output units."""
    ax.axline((0.3, 0.3), slope=1, color="0.5", linestyle=":", label="calibrated")
    for output, colour in [("logistic", "#0072B2"), ("softmax", "#D55E00")]:
        P = probabilities[name, output]
        right, sure = calibration_curve(
            P.argmax(axis=1) == y, P.max(axis=1), n_bins=8, strategy="quantile"
        )
        error = np.sqrt(right * (1 - right) * 8 / len(y))
        ax.errorbar(sure, right, error, fmt="o-", color=colour, label=output)
    ax.set(title=name, xlabel="mean predicted probability", aspect="equal")
    ax.set(xlim=(0.28, 1.03), ylim=(0.28, 1.03))
    ax.spines[["top", "right"]].set_visible(False)


linear, *with_hidden_units = settings
figure, ax = plt.subplots(figsize=(4.8, 4.6), layout="compressed")
plot(ax, linear)
ax.set_ylabel("fraction of correct predictions")
_ = ax.legend(loc="lower right")

# %%
# With a hidden layer
# -------------------
# With a small λ (``alpha``) both are overconfident, the softmax more so. With a larger λ both are
# nearly calibrated: λ matters more than the type of output units.

figure, axes = plt.subplots(1, 2, figsize=(8, 4.2), sharey=True, layout="compressed")
for ax, name in zip(axes, with_hidden_units, strict=True):
    plot(ax, name)
axes[0].set_ylabel("fraction of correct predictions")
axes[0].legend(loc="lower right")
plt.show()
