"""Real data sets that come with installed packages; nothing is downloaded.

Three are from scikit-learn, the others from river and scikit-lego. Each loader returns X, numbers
without missing values, and y. For two classes, y is 1 for the positive class, which is the rare one
in the imbalanced sets.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from sklearn.datasets import load_breast_cancer, load_digits, load_wine
from sklearn.model_selection import train_test_split

try:
    import pandas as pd
    from river import datasets as river_data
    from sklego.datasets import load_abalone, load_arrests
except ImportError as error:
    raise ImportError(
        f'The benchmarks need a missing package ({error}): pip install ".[benchmarks]"'
    ) from error


@dataclass(frozen=True)
class DataSet:
    """A data set that is loaded on demand.

    Parameters
    ----------
    name : str
        Name in the tables.
    package : str
        Package that contains the data.
    question : str
        Short description of the target.
    load : callable
        Function that returns X and y.
    imbalanced : bool
        Whether the data set is used to test class weights.
    """

    name: str
    package: str
    question: str
    load: Callable[[], tuple[np.ndarray, np.ndarray]]
    imbalanced: bool = False


def abalone_old():
    """Return abalones: 1 for 15 or more rings, an age of 16.5 years or more."""
    table = load_abalone(as_frame=True)
    return as_numbers(table.drop(columns="rings")), as_01(table["rings"] >= 15)


def arrests():
    """Return arrests in Toronto for marijuana: 1 if not released with a summons."""
    table = load_arrests(as_frame=True)
    return as_numbers(table.drop(columns="released")), as_01(table["released"] == "No")


def segment_window():
    """Return patches of outdoor images: 1 for a window."""
    X, texture = image_segments()
    return X, as_01(texture == "window")


def shuttle(n_rows=10_000):
    """Return sensor readings of a space shuttle, a stratified sample: 1 for an anomaly."""
    table = river_table(river_data.Shuttle)
    table, _ = train_test_split(table, train_size=n_rows, stratify=table["anomaly"], random_state=0)
    return as_numbers(table.drop(columns="anomaly")), as_01(table["anomaly"] == 1)


def solar_flare():
    """Return active regions of the sun: 1 if a C-class flare follows within a day."""
    table = river_table(river_data.SolarFlare)
    flares = [column for column in table if column.endswith("-class-flares")]
    return as_numbers(table.drop(columns=flares)), as_01(table["c-class-flares"] > 0)


def yeast():
    """Return genes of yeast: 1 for the ninth function, "yeast_ml8" in imbalanced-learn."""
    table = river_table(river_data.Yeast)
    return as_numbers(table.filter(regex="^Att")), as_01(table["Class9"] == 1)


def image_segments():
    """Return patches of outdoor images, and which of seven textures they show."""
    table = river_table(river_data.ImageSegments)
    return as_numbers(table.drop(columns="category")), table["category"].to_numpy(dtype=str)


def phishing():
    """Return web sites: 1 for phishing sites."""
    table = river_table(river_data.Phishing)
    return as_numbers(table.drop(columns="is_phishing")), as_01(table["is_phishing"] == 1)


def breast_cancer():
    """Return tumours: 1 if they are benign."""
    return load_breast_cancer(return_X_y=True)


def digits():
    """Return images of handwritten digits, and the digits."""
    return load_digits(return_X_y=True)


def wine():
    """Return wines, and their cultivars, of which there are three."""
    return load_wine(return_X_y=True)


def river_table(data_set):
    """Return the file of one of river's data sets as a table."""
    return pd.read_csv(data_set().path)


def as_numbers(table):
    """Return the columns as numbers; categorical columns are one-hot encoded without the first."""
    return pd.get_dummies(table, drop_first=True).to_numpy(dtype=float)


def as_01(condition):
    """Return 1 where the condition holds and 0 elsewhere."""
    return np.asarray(condition, dtype=int)


DATA_SETS = [
    DataSet("abalone", "scikit-lego", "15 or more rings", abalone_old, imbalanced=True),
    DataSet("arrests", "scikit-lego", "not released", arrests, imbalanced=True),
    DataSet("segment, window", "river", "a window, of 7 textures", segment_window, imbalanced=True),
    DataSet("shuttle", "river", "an anomaly", shuttle, imbalanced=True),
    DataSet("solar flare", "river", "a C-class flare", solar_flare, imbalanced=True),
    DataSet("yeast", "river", "a gene's ninth function", yeast, imbalanced=True),
    DataSet("breast cancer", "scikit-learn", "malignant or benign", breast_cancer),
    DataSet("digits", "scikit-learn", "the digit", digits),
    DataSet("phishing", "river", "a phishing site", phishing),
    DataSet("segment", "river", "which of 7 textures", image_segments),
    DataSet("wine", "scikit-learn", "the cultivar", wine),
]
