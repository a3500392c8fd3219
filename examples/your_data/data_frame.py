"""
A DataFrame with text columns
=============================

Left, the ROC curve of each set of columns: the names, which have a *Mr.* or *Miss.*, nearly replace
the categories. Right, how much a network with all columns loses if one of them is shuffled.
"""

# %%
# The table
# ---------
# Who survived the Titanic? The table has 1309 passengers, with numbers, categories and names, some
# of them missing. The file ``titanic.csv`` is beside this script in the repository, and says where
# it is from; ``fetch_openml("titanic", version=1)`` downloads the table with more columns. It needs
# pandas.

from pathlib import Path
from textwrap import fill

import matplotlib.pyplot as plt
import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.inspection import permutation_importance
from sklearn.metrics import log_loss, roc_auc_score, roc_curve
from sklearn.model_selection import StratifiedKFold, cross_val_predict, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from skbp import BackpropClassifier

folder = Path(__file__).parent if "__file__" in globals() else Path()  # a notebook's folder
X = pd.read_csv(folder / "titanic.csv", comment="#")
y = X.pop("survived")
print(X.isna().sum().loc[lambda n_empty: n_empty > 0].rename("missing values"))
X.head()

# %%
# Encoding the columns
# --------------------
# - Missing numbers are replaced by the median, with an indicator column for each such feature; then
#   all are standardised.
# - Categories are one-hot encoded, with missing values as a category of their own.
# - Names are encoded as TF-IDF weights of their words. Words in fewer than 20 names are ignored, so
#   that passengers cannot be identified by their family names.

to_numbers = {
    "numbers": (
        make_pipeline(SimpleImputer(strategy="median", add_indicator=True), StandardScaler()),
        ["age", "fare", "sibsp", "parch"],
    ),
    "categories": (OneHotEncoder(handle_unknown="ignore"), ["sex", "pclass", "embarked"]),
    "names": (TfidfVectorizer(min_df=20), "name"),
}


def model_of(parts):
    """Return a network for some parts of the table."""
    return make_pipeline(
        make_column_transformer(
            *(to_numbers[part] for part in parts), verbose_feature_names_out=False
        ),
        BackpropClassifier((10,), alpha=3, random_state=0),
    )


# %%
# Comparing sets of columns
# -------------------------
# The probabilities are those of cross-validation. More columns improve them, up to a point: a
# title reveals the sex and partly the age, so that the names add almost nothing to the categories.

choices = [
    ["numbers"],
    ["numbers", "names"],
    ["numbers", "categories"],
    ["numbers", "categories", "names"],
]
folds = StratifiedKFold(10, shuffle=True, random_state=0)
probabilities = {}
print(f"{'':27}ROC AUC  log-loss")
for parts in choices:
    p = cross_val_predict(model_of(parts), X, y, cv=folds, method="predict_proba")[:, 1]
    name = ", ".join(parts)
    probabilities[name] = p
    print(f"{name:27}{roc_auc_score(y, p):7.3f}{log_loss(y, p):10.3f}")

# %%
# Permutation importance
# ----------------------
# The importance is computed for the whole pipeline, that is, for the columns of the table and not
# for the encoded features. The name has some: this network relies on it, although another could do
# without it.

X_train, X_test, y_train, y_test = train_test_split(X, y, stratify=y, random_state=0)
model = model_of(["numbers", "categories", "names"]).fit(X_train, y_train)
features = ", ".join(model[:-1].get_feature_names_out())
print(fill(f"Features of the network: {features}", width=95))

importance = permutation_importance(
    model, X_test, y_test, scoring="roc_auc", n_repeats=30, random_state=0
)
drops = pd.DataFrame(
    {"mean": importance.importances_mean, "std": importance.importances_std}, index=X.columns
).sort_values("mean")
print("\nROC AUC lost when a column is shuffled:")
print(drops[::-1].round(3))

# %%
# Plot
# ----

figure, (left, right) = plt.subplots(1, 2, figsize=(8, 4.2), layout="constrained")
for (name, p), colour, line in zip(
    probabilities.items(),
    ["#E69F00", "#56B4E9", "#009E73", "#0072B2"],
    ["-", "-", "-", "--"],  # the last one covers the one before
    strict=True,
):
    false_positive, true_positive, _ = roc_curve(y, p)
    left.plot(false_positive, true_positive, line, color=colour, linewidth=2, label=name)
left.axline((0, 0), slope=1, color="0.6", linestyle=":")
left.set(xlabel="false positive rate", ylabel="true positive rate", title="ROC curves")
left.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01), aspect="equal")
left.legend(frameon=False, loc="lower right")

right.barh(drops.index, drops["mean"], xerr=drops["std"], color="#0072B2", ecolor="0.5")
right.set(title="importance of the columns", xlabel="ROC AUC lost if shuffled")
for ax in (left, right):
    ax.spines[["top", "right"]].set_visible(False)
plt.show()
