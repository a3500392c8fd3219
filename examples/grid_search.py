"""
Grid search as a heat map
=========================

The cross-validated score of a network by λ (``alpha``) and by the number of hidden units; brighter
is better. A solid frame marks the best cell, a dashed line encloses the cells within one standard
error of it. From 5 units on, their number matters little, but λ does: it can be too small and too
large. A network without a hidden layer, which is logistic regression, needs a larger λ, and is then
within the noise of the best one.
"""

# %%
# Search
# ------
# The data are scikit-learn's 569 breast tumours with 30 measurements. The score is the negative
# log-loss, which tells more than the accuracy when nearly all predictions are right. The parameters
# of a step in a pipeline have its name as a prefix.

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
    "model__alpha": [0.01, 0.03, 0.1, 0.3, 1, 3, 10],
    "model__hidden_layer_sizes": [(), (2,), (5,), (10,), (25,), (50,)],
}
folds = StratifiedKFold(10, shuffle=True, random_state=0)
search = GridSearchCV(model, grid, scoring="neg_log_loss", cv=folds).fit(X, y)

figure, ax = plt.subplots(figsize=(6.5, 4.2), layout="constrained")
display = GridSearchDisplay.from_search(search, x="alpha", y="hidden_layer_sizes", ax=ax)

# %%
# Choose
# ------
# The one-standard-error rule takes the simplest model in the enclosed region, since the folds do
# not tell it from the best: the fewest units, and with these the largest λ.

rows, columns = np.nonzero(display.one_standard_error)
row = rows.min()
column = columns[rows == row].max()
chosen = {display.x_name: display.x_values[column], display.y_name: display.y_values[row]}
print(f"best cell:     {search.best_params_}, score {search.best_score_:.4f}")
print(f"one std error: {display.standard_error:.4f}")
print(f"simplest cell: {chosen}, score {display.mean_scores[row, column]:.4f}")
model.set_params(**chosen).fit(X, y)
plt.show()
