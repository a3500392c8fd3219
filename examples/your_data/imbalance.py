"""
An imbalanced problem
=====================

Three percent of the samples are positive, and a network with the default threshold of 0.5 misses
more than half of them. A lower threshold finds most of them; ``class_weight="balanced"`` does too,
but makes the ranking and the probabilities worse.
"""

# %%
# The data
# --------
# A synthetic problem with ten features. Half of the samples are used for testing.

import matplotlib.pyplot as plt
from sklearn.calibration import calibration_curve
from sklearn.datasets import make_classification
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    balanced_accuracy_score,
    log_loss,
    precision_recall_curve,
    precision_score,
    recall_score,
)
from sklearn.model_selection import TunedThresholdClassifierCV, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skbp import BackpropClassifier

X, y = make_classification(
    30_000,
    n_features=10,
    n_informative=6,
    n_redundant=0,
    weights=[0.97],
    class_sep=0.7,
    flip_y=0,
    random_state=0,
)
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.5, stratify=y, random_state=0)
print(f"{y_train.sum()} of {len(y_train)} training samples are of the rare class")

# %%
# Three models
# ------------
# For each network, λ is the best of a few values. ``TunedThresholdClassifierCV`` tunes the
# threshold by cross-validation, and does not change the probabilities.

plain = make_pipeline(StandardScaler(), BackpropClassifier((20,), "tanh", alpha=5, random_state=0))
balanced = make_pipeline(
    StandardScaler(),
    BackpropClassifier((20,), "tanh", alpha=10, class_weight="balanced", random_state=0),
)
models = {
    "no weights": plain,
    "balanced weights": balanced,
    "no weights, threshold tuned": TunedThresholdClassifierCV(plain, scoring="balanced_accuracy"),
}
for model in models.values():
    model.fit(X_train, y_train)
tuned = models["no weights, threshold tuned"]
print(f"tuned threshold: {tuned.best_threshold_:.3f}")

# %%
# The numbers
# -----------
# The first four scores depend on the threshold. The average precision, which summarises the
# precision-recall curve, does not; the log-loss measures the probabilities. The accuracy is not
# informative: never predicting the rare class gives 0.970.

predicted = {name: model.predict(X_test) for name, model in models.items()}
probability = {name: model.predict_proba(X_test)[:, 1] for name, model in models.items()}
scores = {
    "accuracy": (accuracy_score, predicted),
    "balanced accuracy": (balanced_accuracy_score, predicted),
    "precision": (precision_score, predicted),
    "recall": (recall_score, predicted),
    "average precision": (average_precision_score, probability),
    "log-loss": (log_loss, probability),
}
print(f"{'':17}", *models, sep="   ")
for score_name, (score, outputs) in scores.items():
    cells = [f"{score(y_test, outputs[name]):{len(name)}.3f}" for name in models]
    print(f"{score_name:17}", *cells, sep="   ")

# %%
# Precision and recall
# --------------------
# The markers show the decisions of ``predict``. Without weights, nearly nine of ten predicted
# positives are positive, but less than half of the positive samples are found. With weights or
# with the tuned threshold most are found, with four false positives for each true positive. But
# the curve with weights is lower, so its ranking is worse.

COLOURS = {"no weights": "#0072B2", "balanced weights": "#D55E00"}

figure, ax = plt.subplots(figsize=(6, 4.2), layout="constrained")
for name, colour in COLOURS.items():
    precision, recall, _ = precision_recall_curve(y_test, probability[name])
    ax.plot(recall, precision, color=colour, linewidth=2, label=name)
for (name, y_pred), colour, marker in zip(
    predicted.items(), ["#0072B2", "#D55E00", "#0072B2"], "os^", strict=True
):
    point = recall_score(y_test, y_pred), precision_score(y_test, y_pred)
    label = f"{name}, threshold 0.5" if name in COLOURS else name
    ax.plot(*point, marker, color=colour, markersize=11, markeredgecolor="0.5", label=label)
ax.set(xlabel="recall", ylabel="precision", xlim=(-0.02, 1.02), ylim=(0, 1.05))
ax.spines[["top", "right"]].set_visible(False)
_ = ax.legend(loc="lower left")

# %%
# Probabilities
# -------------
# Without weights the predicted probabilities are somewhat too low. With weights they are far too
# high: of the samples with a predicted probability of 80 %, less than a fifth are positive.

figure, ax = plt.subplots(figsize=(5, 4.2), layout="constrained")
ax.axline((0, 0), slope=1, color="0.5", linestyle=":", label="calibrated")
for name, colour in COLOURS.items():
    share, mean = calibration_curve(y_test, probability[name], n_bins=8)
    ax.plot(mean, share, "o-", color=colour, linewidth=2, label=name)
ax.set(xlabel="mean predicted probability", ylabel="fraction of positives", aspect="equal")
ax.spines[["top", "right"]].set_visible(False)
ax.legend(loc="upper left")
plt.show()
