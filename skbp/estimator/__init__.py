"""The scikit-learn boundary: estimators, their data, training and predictions."""
