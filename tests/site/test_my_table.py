"""`docs/guide/my_table.md`: its table is small and free, and its pipeline of skrub predicts.

The page's own code is a doctest. What needs skrub is not, because the tests do without it.
"""

import re
from pathlib import Path

import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import train_test_split

from skbp import BackpropClassifierCV

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "guide" / "my_table.md"
TABLE = ROOT / "examples" / "your_data" / "titanic.csv"
READERS = [PAGE, ROOT / "examples" / "your_data" / "data_frame.py"]


def test_the_table_is_small_and_says_where_it_is_from():
    assert TABLE.stat().st_size < 100_000
    comment = [line for line in TABLE.read_text("utf-8").splitlines() if line.startswith("# ")]
    assert "https://www.openml.org/d/40945" in " ".join(comment)
    table = pd.read_csv(TABLE, comment="#")
    assert table.shape == (1309, 9)
    assert table["survived"].sum() == 500


@pytest.mark.parametrize("path", READERS, ids=lambda path: path.name)
def test_what_reads_the_table_reads_this_copy(path):
    text = path.read_text("utf-8")
    assert TABLE.name in text
    assert "sklearn.datasets" not in text, "whose folder of tests has another copy"


@pytest.mark.filterwarnings("ignore:Found unknown categories:UserWarning")
def test_the_pipeline_of_skrub_predicts():
    pytest.importorskip("skrub", reason="needs skrub")
    [code] = re.findall(r"^   import skrub\n(?:   .*\n|\n)+?(?=```)", PAGE.read_text("utf-8"), re.M)
    X = pd.read_csv(TABLE, comment="#")
    y = X.pop("survived")
    X_train, X_test, y_train, y_test = train_test_split(X, y, stratify=y, random_state=0)
    page = {"X_train": X_train, "y_train": y_train, "BackpropClassifierCV": BackpropClassifierCV}
    exec("\n".join(line.strip() for line in code.splitlines()), page)
    probability = page["automatic"].predict_proba(X_test)[:, 1]
    assert roc_auc_score(y_test, probability) > 0.82
