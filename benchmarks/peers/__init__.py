"""Adapters for the libraries that run.py compares, one module each, with the same functions.

Each module has those of the following that its works need:

- ``MODULE``, the name of the module that a user imports;
- ``classifier(**settings)``, a classifier with ``fit`` and ``predict_proba`` whose settings have
  `MLPClassifier`'s names;
- ``evaluations(X, y, **settings)``, the number of cost evaluations in a fit;
- ``gradient(X, y, hidden_layer_sizes)``, a function that computes the cost and its gradient on
  all rows once, and returns the seconds;
- ``COMPILES_FOR_SHAPES``, where the first `fit` to X of a shape takes longer.

Thus a process only loads the library that it measures.
"""
