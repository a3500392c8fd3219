"""The libraries that run.py compares: a module for each, with the same functions.

Each module has what the works that it takes part in need of this:

- ``MODULE``, the name of what a user imports;
- ``classifier(**settings)``, a classifier with ``fit`` and ``predict_proba`` whose settings have
  `MLPClassifier`'s names;
- ``evaluations(X, y, **settings)``, how often a fit computes the cost and its gradient;
- ``gradient(X, y, hidden_layer_sizes)``, a function that computes the cost and its gradient on
  all rows once, and returns the seconds that it took.

So a process loads only the library that it measures.
"""
