"""
A DataFrame with text columns
=============================

Who survived the Titanic? The table has numbers, categories and the passengers' names, and some
cells are empty; a ``ColumnTransformer`` makes numbers of all of it, and a network is trained on
these. Left: the more of the table the network gets, the better it tells apart who survived and who
did not, up to a point. The names (light blue) nearly make up for the categories (green), because
*Mr.*, *Mrs.*, *Miss.* and *Master.* tell the sex and something of the age. Once the categories are
there, the names add next to nothing (dark blue, dashed). Right: how much worse the network with all
columns gets if one of them is shuffled. The sex matters most, the class of the cabin next. The
name has some importance too: this network relies on it, though another could do without.
"""

# %%
# The table
# ---------
# 1309 passengers. ``fetch_openml("titanic", version=1)`` loads the table from the net. To do
# without the net, the example reads the copy that scikit-learn has for its own tests, without the
# columns that tell the outcome (the lifeboat), and some with few entries. It needs pandas.

from importlib.resources import files

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

path = files("sklearn.datasets") / "tests/data/openml/id_40945/data-v1-dl-16826755.arff.gz"
with path.open("rb") as file:
    X = pd.read_csv(
        file,
        compression="gzip",
        skiprows=17,  # the header of the format, ARFF
        na_values="?",
        usecols=[0, 1, 2, 3, 4, 5, 6, 8, 10],
        names=["pclass", "survived", "name", "sex", "age", "sibsp", "parch", "fare", "embarked"],
    )
y = X.pop("survived")
print(X.isna().sum().loc[lambda n_empty: n_empty > 0].rename("empty cells"))
X.head()

# %%
# What becomes of the columns
# ---------------------------
# - Empty cells of the numbers get the median, and for each such column there is a new one that
#   says where they were; then all are standardised.
# - A category becomes a column of zeros and ones for each of its values, an empty cell among them.
# - A name becomes the weights of its words. Words of fewer than 20 names are left out, so that no
#   passenger is known by the family name.

to_numbers = {
    "numbers": (
        make_pipeline(SimpleImputer(strategy="median", add_indicator=True), StandardScaler()),
        ["age", "fare", "sibsp", "parch"],
    ),
    "categories": (OneHotEncoder(handle_unknown="ignore"), ["sex", "pclass", "embarked"]),
    "names": (TfidfVectorizer(min_df=20), "name"),
}


def model_of(parts):
    """Return a network that gets some parts of the table."""
    return make_pipeline(
        make_column_transformer(
            *(to_numbers[part] for part in parts), verbose_feature_names_out=False
        ),
        BackpropClassifier((10,), alpha=1, random_state=0),
    )


# %%
# With more and more of the table
# -------------------------------
# The probabilities are those of cross-validation.

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
# The importance of the columns
# -----------------------------
# The whole pipeline is tested, so these are the columns of the table, not the many more features
# that the network gets.

X_train, X_test, y_train, y_test = train_test_split(X, y, stratify=y, random_state=0)
model = model_of(["numbers", "categories", "names"]).fit(X_train, y_train)
print("The network gets:", *model[:-1].get_feature_names_out())

importance = permutation_importance(
    model, X_test, y_test, scoring="roc_auc", n_repeats=30, random_state=0
)
drops = pd.DataFrame(
    {"mean": importance.importances_mean, "std": importance.importances_std}, index=X.columns
).sort_values("mean")
print("\nROC AUC lost when a column is shuffled:")
print(drops[::-1].round(3))

# %%
# The picture
# -----------

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
left.set(xlabel="false positive rate", ylabel="true positive rate", title="what the network gets")
left.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01), aspect="equal")
left.legend(frameon=False, loc="lower right")

right.barh(drops.index, drops["mean"], xerr=drops["std"], color="#0072B2", ecolor="0.5")
right.set(title="importance of the columns", xlabel="ROC AUC lost if shuffled")
for ax in (left, right):
    ax.spines[["top", "right"]].set_visible(False)
plt.show()
