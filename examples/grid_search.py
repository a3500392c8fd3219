"""
Grid search as a heat map
=========================

The score of a network by λ (``alpha``) and the number of its hidden units, from ten-fold
cross-validation; yellow is best. With a good λ, the number of units matters little.
"""

# %%
# Search
# ------
# The data are the 569 samples of scikit-learn's breast cancer data set, with 30 features. The score
# is the negative log-loss, which is more informative than the accuracy if nearly all predictions
# are correct. The parameters of a pipeline step have its name as a prefix. The rows are the numbers
# of hidden units; a network without a hidden layer, ``()``, is logistic regression, and needs a
# smaller λ.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from skbp import BackpropClassifier
from skbp.plot import GridSearchDisplay

X, y = load_breast_cancer(return_X_y=True)
model = Pipeline([("scale", StandardScaler()), ("model", BackpropClassifier(random_state=0))])
grid = {
    "model__alpha": [0.03, 0.1, 0.3, 1, 3, 10, 30],
    "model__hidden_layer_sizes": [(), (2,), (5,), (10,), (25,), (50,)],
}
folds = StratifiedKFold(10, shuffle=True, random_state=0)
search = GridSearchCV(model, grid, scoring="neg_log_loss", cv=folds).fit(X, y)

figure, ax = plt.subplots(figsize=(6.5, 4.2), layout="constrained")
display = GridSearchDisplay.from_search(search, x="alpha", y="hidden_layer_sizes", ax=ax)
ax.set(xlabel="λ (alpha)", ylabel="units of the hidden layer")
display.colorbar_.set_label("mean negative log-loss")

# %%
# Choose
# ------
# The solid frame marks the best cell. The dashed line encloses the cells within one standard error
# of it.
#
# The one-standard-error rule chooses the simplest model within the dashed line, which the folds
# cannot distinguish from the best: the one with the fewest units, and among these the largest λ.

rows, columns = np.nonzero(display.one_standard_error)
row = rows.min()
column = columns[rows == row].max()
chosen = {display.x_name: display.x_values[column], display.y_name: display.y_values[row]}
print(f"best cell:     {search.best_params_}, score {search.best_score_:.4f}")
print(f"one std error: {display.standard_error:.4f}")
print(f"simplest cell: {chosen}, score {display.mean_scores[row, column]:.4f}")
model.set_params(**chosen).fit(X, y)
plt.show()
