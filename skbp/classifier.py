"""The scikit-learn boundary: validate, encode y, assemble, keep results.

`BackpropClassifier.fit` puts together a network, an objective and a solver, lets a
monitor watch, and keeps what they found under scikit-learn's names. What they
compute is in their own modules.
"""

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, ClassifierMixin, _fit_context
from sklearn.exceptions import ConvergenceWarning
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils import check_random_state, column_or_1d
from sklearn.utils._param_validation import Interval, Options, StrOptions
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from skbp import weights
from skbp._typing import Floats, Matrix
from skbp.activations import ACTIVATIONS, OUTPUT_ACTIVATIONS
from skbp.blas_threads import one_blas_thread
from skbp.choice import choose_solver
from skbp.losses import LOSSES
from skbp.monitor import Monitor
from skbp.network import Network
from skbp.objective import Objective
from skbp.solvers import Result, Solver


class BackpropClassifier(ClassifierMixin, BaseEstimator):
    """Multilayer neural network trained by backpropagation.

    The network of the lecture: logistic units, the cross entropy with the penalty
    λ/2m ΣΘ², gradients by backpropagation, and gradient descent or conjugate gradient
    (or L-BFGS, or Adam) to minimise it. Parameters and attributes have the names that
    they have in :class:`sklearn.neural_network.MLPClassifier`.

    Scale the features first, for example with
    :class:`sklearn.preprocessing.StandardScaler` in a pipeline.

    Parameters
    ----------
    hidden_layer_sizes : array-like of int or int, default=(100,)
        The number of units of each hidden layer. ``()`` for no hidden layer: then
        the model is regularised logistic regression.

    activation : str, default="logistic"
        The activation g of the hidden units:

        - ``"identity"``, z
        - ``"logistic"``, 1 / (1 + e^−z), the lecture's
        - ``"tanh"``, the hyperbolic tangent
        - ``"relu"``, max(0, z)
        - ``"leaky_relu"``, z, or 0.01 z if z < 0
        - ``"elu"``, z, or e^z − 1 if z < 0
        - ``"selu"``, 1.0507 z, or 1.7581 (e^z − 1) if z < 0
        - ``"softplus"``, log(1 + e^z)

    output_activation : {"logistic", "softmax"}, default="logistic"
        The activation of the K output units for K ≥ 3 exclusive classes:

        - ``"logistic"``, the lecture's: each unit tells its class from all others;
          `predict_proba` divides by the sum
        - ``"softmax"``, e^(z_k) / Σ_j e^(z_j)

        Binary y always has one logistic unit, multilabel y one for each label (as
        in MLPClassifier); see ``out_activation_``.

    loss : {"log_loss", "squared_error"}, default="log_loss"
        The loss of one example: the cross entropy, or ½ Σ_k (h_k − y_k)².

    solver : {"gd", "sgd", "adam", "cg", "lbfgs"}, default="lbfgs"
        How the cost is minimised:

        - ``"gd"``, gradient descent, each step on the whole training set
        - ``"sgd"``, gradient descent with a step after each batch of ``batch_size``
          rows. ``batch_size=1, momentum=0`` is the lecture's update after each example
        - ``"adam"``, the same with Adam's steps
        - ``"cg"``, nonlinear conjugate gradient (SciPy's)
        - ``"lbfgs"``, limited-memory BFGS (SciPy's L-BFGS-B)

    alpha : float, default=0.5
        λ, the strength of the penalty λ/2m Σ Θ² on all weights but those of the bias
        units, where m is the number of training rows (the sum of the sample
        weights). It does not depend on ``batch_size``.

    batch_size : int or "auto", default="auto"
        The number of rows of a batch for "sgd" and "adam"; ``"auto"`` is
        min(200, n_samples).

    learning_rate : {"constant", "invscaling", "adaptive"}, default="constant"
        The learning rate η over the epochs, for "sgd" only:

        - ``"constant"``, ``learning_rate_init``
        - ``"invscaling"``, ``learning_rate_init / (t + 1) ** power_t`` after t examples,
          updated at the end of each epoch
        - ``"adaptive"``, ``learning_rate_init``, divided by 5 each time the loss has not
          improved by ``tol`` for ``n_iter_no_change`` epochs, until it is 1e-6 or less

    learning_rate_init : float or "auto", default="auto"
        The learning rate η to start with, for "gd", "sgd" and "adam". ``"auto"`` suits
        standardised features:

        - "adam": 0.003
        - "gd": 0.2 where the activation is bounded ("logistic", "tanh"), else 0.1
        - "sgd": gd's rate · max(1 − momentum, 0.01) · min(1, batch_size / 32), where
          "auto" counts as 200, because momentum in the long run multiplies a step by
          1 / (1 − momentum), and the gradient of a small batch is noisy

    power_t : float, default=0.5
        The exponent of ``learning_rate="invscaling"``.

    max_iter : int, default=1000
        The largest number of iterations; an iteration of "sgd" and "adam" is an epoch,
        a pass over all rows.

    shuffle : bool, default=True
        Whether "sgd" and "adam" go through the rows in a new random order each epoch.

    random_state : int, RandomState instance or None, default=None
        What draws the start weights and shuffles the rows. An int gives the same
        model every time.

    tol : float, default=1e-4
        When training has converged. For "gd", "cg" and "lbfgs": when no entry of the
        gradient is larger than ``tol`` ("lbfgs" also when an iteration lowers the
        loss J by less than 2e-9 max(1, J), in float32 1e-6). For "sgd" and "adam":
        when the loss has not improved by at least ``tol`` for ``n_iter_no_change``
        epochs (where one batch holds all rows, it also must not be above its best by
        more than ``tol``: then it still swings with the momentum).

    verbose : bool, default=False
        Whether to print a line an iteration.

    momentum : float, default=0.9
        The momentum of "sgd", between 0 and 1.

    nesterovs_momentum : bool, default=True
        Whether "sgd" uses Nesterov's momentum.

    beta_1 : float, default=0.9
        The decay rate of Adam's average of the gradient, in [0, 1).

    beta_2 : float, default=0.999
        The decay rate of Adam's average of the squared gradient, in [0, 1).

    epsilon : float, default=1e-8
        What Adam adds to its denominator.

    n_iter_no_change : int, default=10
        For "sgd" and "adam", see ``tol``; ``numpy.inf`` to do ``max_iter`` epochs.

    max_fun : int, default=15000
        The largest number of evaluations of the cost for "lbfgs".

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The class labels; for multilabel y the label numbers.

    coefs_ : list of ndarray
        ``coefs_[l - 1]`` of shape (s_l, s_{l+1}) holds the weights from layer l to
        layer l + 1: Θ^(l) without its column 0, transposed.

    intercepts_ : list of ndarray
        ``intercepts_[l - 1]`` of shape (s_{l+1},) holds the weights of the bias unit
        of layer l, column 0 of Θ^(l).

    loss_ : float
        The loss of the last iteration. For "gd", "cg" and "lbfgs" it is the cost
        J(Θ) of the fitted weights; for "sgd" and "adam" the mean of the batches'
        costs while the last epoch passed.

    best_loss_ : float
        The smallest entry of ``loss_curve_``.

    loss_curve_ : list of float, of length ``n_iter_``
        The loss of each iteration.

    n_iter_ : int
        The number of iterations.

    t_ : int
        The number of training examples that were propagated: rows times passes over
        them, where each evaluation of the cost is a pass (after Ctrl-C, rows times
        ``n_iter_``).

    n_layers_ : int
        L, the number of layers, input and output included.

    n_outputs_ : int
        K, the number of output units.

    out_activation_ : {"logistic", "softmax"}
        The activation of the output layer.

    n_features_in_ : int
        The number of features.

    feature_names_in_ : ndarray of shape (``n_features_in_``,)
        The names of the features, where X had names that are all strings.

    See Also
    --------
    sklearn.neural_network.MLPClassifier : The model that this one stands in for, without
        its early stopping and warm start as yet.

    Notes
    -----
    ``sample_weight`` acts as repeated rows: a weight of 2 is the same as the row
    twice, and m in λ/2m is the sum of the weights. So the scale of the weights
    matters beside ``alpha``. :class:`sklearn.ensemble.AdaBoostClassifier`, for
    example, hands weights that sum to 1, as if there were a single row; there
    ``alpha`` must be small, about 0.5 / n_samples for the default's effect.

    A float32 array X is computed in float32, anything else in float64. While a model
    computes, every BLAS library of the process runs on one thread.

    A fit that fails leaves the estimator as it was. Ctrl-C ends the fit with the
    model of the last finished iteration, and a warning.

    References
    ----------
    Xie, "BackPropagation Algorithm", Introduction to Machine Learning, chapter 3,
    Nankai University (the lecture).

    Rumelhart, Hinton and Williams, "Learning representations by back-propagating
    errors", Nature 323, 1986.

    Examples
    --------
    >>> from sklearn.datasets import load_breast_cancer
    >>> from sklearn.model_selection import train_test_split
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from skbp import BackpropClassifier
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
    >>> model = make_pipeline(StandardScaler(), BackpropClassifier(random_state=0))
    >>> model.fit(X_train, y_train).score(X_test, y_test) > 0.95
    True
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "hidden_layer_sizes": ["array-like", Interval(Integral, 1, None, closed="left")],
        "activation": [StrOptions(set(ACTIVATIONS))],
        "output_activation": [StrOptions(set(OUTPUT_ACTIVATIONS))],
        "loss": [StrOptions({loss for _, loss in LOSSES})],
        "solver": [StrOptions({"gd", "sgd", "adam", "cg", "lbfgs"})],
        "alpha": [Interval(Real, 0, None, closed="left")],
        "batch_size": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
        "learning_rate": [StrOptions({"constant", "invscaling", "adaptive"})],
        "learning_rate_init": [StrOptions({"auto"}), Interval(Real, 0, None, closed="neither")],
        "power_t": [Interval(Real, 0, None, closed="left")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "shuffle": ["boolean"],
        "random_state": ["random_state"],
        "tol": [Interval(Real, 0, None, closed="left")],
        "verbose": ["verbose"],
        "momentum": [Interval(Real, 0, 1, closed="both")],
        "nesterovs_momentum": ["boolean"],
        "beta_1": [Interval(Real, 0, 1, closed="left")],
        "beta_2": [Interval(Real, 0, 1, closed="left")],
        "epsilon": [Interval(Real, 0, None, closed="neither")],
        "n_iter_no_change": [
            Interval(Integral, 1, None, closed="left"),
            Options(Real, {np.inf}),
        ],
        "max_fun": [Interval(Integral, 1, None, closed="left")],
    }

    _doc_link_module = "skbp"
    _doc_link_template = "https://skbp.readthedocs.io/en/stable/api.html#skbp.{estimator_name}"

    def __init__(
        self,
        hidden_layer_sizes: Sequence[int] | int = (100,),
        activation: str = "logistic",
        *,
        output_activation: str = "logistic",
        loss: str = "log_loss",
        solver: str = "lbfgs",
        alpha: float = 0.5,
        batch_size: int | str = "auto",
        learning_rate: str = "constant",
        learning_rate_init: float | str = "auto",
        power_t: float = 0.5,
        max_iter: int = 1000,
        shuffle: bool = True,
        random_state: int | np.random.RandomState | None = None,
        tol: float = 1e-4,
        verbose: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: float = 10,
        max_fun: int = 15000,
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.output_activation = output_activation
        self.loss = loss
        self.solver = solver
        self.alpha = alpha
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.learning_rate_init = learning_rate_init
        self.power_t = power_t
        self.max_iter = max_iter
        self.shuffle = shuffle
        self.random_state = random_state
        self.tol = tol
        self.verbose = verbose
        self.momentum = momentum
        self.nesterovs_momentum = nesterovs_momentum
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.n_iter_no_change = n_iter_no_change
        self.max_fun = max_fun

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(
        self,
        X: Matrix,
        y: Any,
        sample_weight: Any = None,
        coefs_init: Sequence[ArrayLike] | None = None,
        intercepts_init: Sequence[ArrayLike] | None = None,
    ) -> Self:
        """Train the network from new start weights.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The training examples.
        y : {array-like, sparse matrix} of shape (n_samples,) or (n_samples, n_labels)
            The class labels, of any type; or, for multilabel problems, an indicator
            matrix of 0 and 1.
        sample_weight : array-like of shape (n_samples,), default=None
            How many rows each row counts as; see the notes above. None for ones.
        coefs_init : list of array-like, default=None
            Start weights, shaped like ``coefs_``. None to draw them.
        intercepts_init : list of array-like, default=None
            Start weights of the bias units, shaped like ``intercepts_``. None to draw
            them.

        Returns
        -------
        BackpropClassifier
            The fitted estimator.

        Raises
        ------
        ValueError
            If X, y, the weights or a parameter are invalid, if y has only one class,
            or if the training diverges.

        Warns
        -----
        ConvergenceWarning
            If training stopped before it converged.
        """
        with _as_before_on_error(self):
            X, y, sample_weight = self._validate(X, y, sample_weight)
            labels = LabelBinarizer().fit(y)
            Y = labels.transform(y).astype(X.dtype)
            _check_targets(labels, Y)
            random_state = check_random_state(self.random_state)

            network = self._network_for(X.shape[1], Y.shape[1], labels.y_type_)
            theta = network.initialize(random_state).astype(X.dtype)
            theta = _replaced(network, theta, coefs_init, intercepts_init)
            objective = Objective(network, X, Y, self.loss, self.alpha, sample_weight)
            monitor = Monitor(verbose=bool(self.verbose))
            solver = choose_solver(self.get_params(deep=False), X.shape[0], random_state)
            result = _solve(solver, objective, theta, monitor)

            self._keep(labels, network, result, monitor, n_samples=X.shape[0])
        return self

    def predict(self, X: Matrix) -> Any:
        """Predict class labels.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The examples.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_labels)
            For each example the class whose output unit has the largest z (where units
            saturate, their probabilities may tie); for multilabel y an indicator matrix
            of the labels with a probability over ½, sparse if y was.
        """
        z = self._output(X)
        return self._label_binarizer.inverse_transform(z, threshold=0)

    def predict_proba(self, X: Matrix) -> Floats:
        """Predict class probabilities.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The examples.

        Returns
        -------
        ndarray of shape (n_samples, n_classes) or (n_samples, n_labels)
            The probability of each class, in the order of ``classes_``; K logistic
            units are divided by their sum. For multilabel y, the probability of each
            label.
        """
        return np.exp(self.predict_log_proba(X))

    def predict_log_proba(self, X: Matrix) -> Floats:
        """Predict the logarithms of class probabilities.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The examples.

        Returns
        -------
        ndarray of shape (n_samples, n_classes) or (n_samples, n_labels)
            log of `predict_proba`, but computed from z: always finite.
        """
        z = self._output(X)
        output = OUTPUT_ACTIVATIONS[self.out_activation_]
        y_type = self._label_binarizer.y_type_
        if y_type == "binary":
            return output.log_g(np.hstack([-z, z]))
        if y_type == "multiclass" and self.out_activation_ == "logistic":
            # dividing by the sum of h is a softmax of log h
            output, z = OUTPUT_ACTIVATIONS["softmax"], output.log_g(z)
        return output.log_g(z)

    def decision_function(self, X: Matrix) -> Floats:
        """Return z^(L), the input of the output units.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The examples.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_outputs)
            z of the output layer; for binary y one value an example, positive for
            ``classes_[1]``.
        """
        z = self._output(X)
        return z.ravel() if z.shape[1] == 1 else z

    def _validate(self, X: Matrix, y: Any, sample_weight: Any) -> tuple[Matrix, Any, Any]:
        X, y = validate_data(
            self, X, y, accept_sparse="csr", multi_output=True, dtype=[np.float64, np.float32]
        )
        check_classification_targets(y)
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        if sample_weight is not None:
            sample_weight = _check_sample_weight(
                sample_weight, X, dtype=X.dtype, ensure_non_negative=True
            )
            if not sample_weight.any():
                raise ValueError("sample_weight must contain at least one non-zero weight.")
        return X, y, sample_weight

    def _network_for(self, n_features: int, n_outputs: int, y_type: str) -> Network:
        given = self.hidden_layer_sizes
        hidden = given if np.iterable(given) else [given]
        if not all(isinstance(s, Integral) and s is not True and s > 0 for s in hidden):
            raise ValueError(
                f"hidden_layer_sizes must be positive integers. Got {given!r} instead."
            )
        # a softmax is over exclusive classes; over two, it is one logistic unit
        output_activation = self.output_activation if y_type == "multiclass" else "logistic"
        return Network((n_features, *hidden, n_outputs), self.activation, output_activation)

    def _keep(
        self,
        labels: LabelBinarizer,
        network: Network,
        result: Result,
        monitor: Monitor,
        n_samples: int,
    ) -> None:
        """Set the fitted attributes, all at once."""
        self.coefs_, self.intercepts_ = weights.split(network.unpack(result.theta))
        self.classes_ = labels.classes_
        self.n_layers_ = len(network.layer_sizes)
        self.n_outputs_ = network.layer_sizes[-1]
        self.out_activation_ = network.h.name
        self.n_iter_ = result.n_iter
        self.t_ = result.n_passes * n_samples
        self.loss_ = result.cost
        self.loss_curve_ = monitor.loss_curve
        self.best_loss_ = min([*monitor.loss_curve, result.cost])
        self._label_binarizer = labels
        self._network = network

    def _output(self, X: Matrix) -> Floats:
        """Return z^(L) of shape (n_samples, n_outputs)."""
        check_is_fitted(self)
        X = validate_data(self, X, accept_sparse="csr", dtype=[np.float64, np.float32], reset=False)
        Thetas = weights.join(self.coefs_, self.intercepts_)
        theta = self._network.pack(Thetas).astype(X.dtype, copy=False)
        with one_blas_thread(), np.errstate(under="ignore"):
            return self._network.decision(theta, X)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.classifier_tags.multi_label = True
        return tags


@contextmanager
def _as_before_on_error(estimator: BaseEstimator) -> Iterator[None]:
    """Give an estimator its attributes back if the body fails."""
    before = vars(estimator).copy()
    try:
        yield
    except BaseException:
        vars(estimator).clear()
        vars(estimator).update(before)
        raise


def _check_targets(labels: LabelBinarizer, Y: Floats) -> None:
    if not np.isin(Y, [0, 1]).all():
        raise ValueError(
            "A multilabel y must be an indicator matrix of 0 and 1. "
            f"Got the values {np.unique(Y).tolist()} instead."
        )
    if labels.y_type_ != "multilabel-indicator" and len(labels.classes_) < 2:
        raise ValueError(
            "BackpropClassifier needs samples of at least 2 classes in the data, but the "
            f"data contains only one class: {labels.classes_.tolist()[0]!r}"
        )


def _replaced(network: Network, theta: Floats, coefs_init: Any, intercepts_init: Any) -> Floats:
    """Return start weights, with those that the user gave in the place of the drawn ones."""
    coefs, intercepts = weights.split(network.unpack(theta))
    if coefs_init is not None:
        coefs = weights.checked("coefs_init", coefs_init, like=coefs)
    if intercepts_init is not None:
        intercepts = weights.checked("intercepts_init", intercepts_init, like=intercepts)
    return network.pack(weights.join(coefs, intercepts))


def _solve(solver: Solver, objective: Objective, theta: Floats, monitor: Monitor) -> Result:
    """Run a solver; after Ctrl-C, return the last finished iteration."""
    try:
        # a diverging loss overflows on its way to the monitor, which reports it
        with one_blas_thread(), np.errstate(over="ignore", under="ignore", invalid="ignore"):
            result = solver.minimize(objective, theta, monitor)
    except KeyboardInterrupt:
        if monitor.theta is None:
            raise
        return _interrupted(monitor.theta.astype(theta.dtype), monitor.loss_curve)
    if not result.converged:
        warnings.warn(
            f"BackpropClassifier has not converged: {result.reason}. To mend it, {result.remedy}.",
            ConvergenceWarning,
            stacklevel=4,
        )
    return result


def _interrupted(theta: Floats, loss_curve: list[float]) -> Result:
    """Return the last finished iteration, with a warning."""
    n_iter = len(loss_curve)
    warnings.warn(
        f"Training was interrupted; the model is that of iteration {n_iter}.", stacklevel=5
    )
    return Result(theta, loss_curve[-1], n_iter, n_iter, False, "it was interrupted")
