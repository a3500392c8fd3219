"""`BackpropClassifier`: parameters, and the methods that train.

`skbp.estimator.assembly` turns parameters and data into the arguments of `train`, and its
result into fitted attributes, which are set when all has succeeded.
"""

import warnings
from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import replace
from functools import partial
from types import MethodType
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin, _fit_context
from sklearn.utils import Tags

from skbp._typing import Labels, Matrix
from skbp.activations import Activation
from skbp.estimator.assembly import (
    Problem,
    assemble,
    fitted_attributes,
    fitted_weights,
    new_state,
    new_weights,
    objective_of,
    precision_of,
    setting_of,
    trained,
    untrained_result,
    validation_of,
    with_validation,
)
from skbp.estimator.callbacks import CallbackSupportMixin, FitTasks
from skbp.estimator.diagnosis import warnings_of_fit, warnings_of_part
from skbp.estimator.namespaces import has_dispatch, on_host
from skbp.estimator.parameters import CONSTRAINTS, RememberedParameterNames
from skbp.estimator.plain_state import PlainState
from skbp.estimator.prediction import Prediction
from skbp.estimator.solver_factory import (
    MINI_BATCH_SOLVERS,
    Setting,
    make_one_pass_solver,
    make_solver,
)
from skbp.estimator.state import Conditions, FitState, unchanged_on_error
from skbp.estimator.targets import ClassWeight, Targets, targets_for_stream
from skbp.estimator.training import Validate
from skbp.losses import Loss
from skbp.solvers import Ending


class _WithMiniBatches:
    """A method that only the classifiers with a mini-batch solver have, and which says so."""

    def __init__(self, method: Callable[..., Any]) -> None:
        self.__doc__ = method.__doc__
        self._method = method

    def __get__(self, classifier: Any, owner: type) -> Any:
        if classifier is None:
            return self._method
        if classifier.solver not in MINI_BATCH_SOLVERS:
            raise AttributeError(
                f"{self._method.__name__} needs a solver in {MINI_BATCH_SOLVERS}. "
                f"Got solver={classifier.solver!r} instead."
            )
        return MethodType(self._method, classifier)


class BackpropClassifier(
    Prediction,
    ClassifierMixin,
    TransformerMixin,
    CallbackSupportMixin,
    RememberedParameterNames,
    PlainState,
    BaseEstimator,
):
    """Multilayer neural network trained by backpropagation.

    This is the network of the lecture: layers of units, the cross entropy with the penalty
    λ/2m ΣΘ², gradients by backpropagation, and gradient descent or conjugate gradient
    (or L-BFGS, or Adam) to minimise it. Its units and start weights are those of the lecture
    with ``activation="logistic", init="lecture"``; the defaults are what was measured best.
    Parameters and attributes have the same names as in
    :class:`sklearn.neural_network.MLPClassifier`.

    Scale the features first, for example with
    :class:`sklearn.preprocessing.StandardScaler` in a pipeline.

    Parameters
    ----------
    hidden_layer_sizes : array-like of int or int, default=(100,)
        The number of units of each hidden layer. ``()`` for no hidden layer: then
        the model is regularised logistic regression.

    activation : str, Activation or list of these, default="relu"
        The activation g of the hidden units; a list has one for each hidden layer. A custom
        one is an :class:`skbp.activations.Activation` of g and g′. By name:

        - ``"identity"``, z
        - ``"logistic"``, 1 / (1 + e^−z), the lecture's
        - ``"tanh"``, the hyperbolic tangent
        - ``"relu"``, max(0, z), the default
        - ``"leaky_relu"``, z, or 0.01 z if z < 0
        - ``"elu"``, z, or e^z − 1 if z < 0
        - ``"selu"``, 1.0507 z, or 1.7581 (e^z − 1) if z < 0
        - ``"softplus"``, log(1 + e^z)

    output_activation : {"logistic", "softmax"}, default="logistic"
        The activation of the K output units for K ≥ 3 exclusive classes, and for two with
        ``binary_outputs=2``:

        - ``"logistic"``, the lecture's: each unit tells its class from all others;
          `predict_proba` divides by the sum
        - ``"softmax"``, e^(z_k) / Σ_j e^(z_j)

        A single output unit is logistic, and so are those of multilabel y, one for each
        label (as in MLPClassifier); see ``out_activation_``.

    binary_outputs : {1, 2}, default=1
        The number K of output units for two exclusive classes:

        - 1, a unit whose activation is the probability of ``classes_[1]``
        - 2, a unit for each class, as for K ≥ 3 classes: y is (1, 0)ᵀ or (0, 1)ᵀ, and
          ``output_activation`` applies

    loss : {"log_loss", "squared_error"} or Loss, default="log_loss"
        The loss of one example: the cross entropy, or ½ Σ_k (h_k − y_k)²; or an object
        with the methods of :class:`skbp.losses.Loss`.

    solver : {"gd", "sgd", "adam", "cg", "lbfgs"}, default="lbfgs"
        How the cost is minimised:

        - ``"gd"``, gradient descent, each step on the whole training set
        - ``"sgd"``, gradient descent with a step after each batch of ``batch_size``
          rows. ``batch_size=1, momentum=0`` is the lecture's update after each example
        - ``"adam"``, the same with Adam's steps
        - ``"cg"``, nonlinear conjugate gradient (SciPy's)
        - ``"lbfgs"``, limited-memory BFGS (SciPy's L-BFGS-B)

    init : {"auto", "lecture"}, default="auto"
        How the start weights are drawn:

        - ``"auto"``, those that lead to a hidden layer uniformly in ± a bound that goes by its
          activation, those that lead to the output layer as if they led to the last hidden
          layer, and those of the bias units 0. The bound is √(6 / s_l) for "relu",
          "leaky_relu" and "elu", √(12 / s_l) for "softplus", √(3 / s_l) for "selu", and
          Glorot's √(6 / (s_l + s_{l+1})) for "tanh", "identity" and custom activations that
          have no ``start_bound``, times 4 for "logistic". With "cg" or
          "lbfgs" and the squared error, the outputs are the shares of the classes at first:
          the weights that lead to them are 0
        - ``"lecture"``, all uniformly in ± √(6 / (s_l + s_{l+1})), those of the bias units
          included, whatever the activation

    alpha : float or "auto", default="auto"
        λ, the strength of the penalty λ/2m Σ Θ² on all weights but those of the bias
        units; m is the number of training rows (the sum of the sample weights). It does not
        depend on ``batch_size``. ``"auto"`` is c · min(1, m / 500), where c goes by the
        activation (the least of several): 0.5 for "logistic", "identity" and a network without
        a hidden layer, 0.3 for "softplus", 1 for "tanh" and "elu", 2 for "selu", and 3.5 for all
        others; a tenth of that with ``loss="squared_error"``. ``alpha_`` is the value.

    batch_size : int or "auto", default="auto"
        The number of rows of a batch for "sgd" and "adam"; ``"auto"`` is
        min(200, n_samples).

    learning_rate : {"constant", "invscaling", "adaptive", "cosine", "one_cycle"}, \
            default="constant"
        The learning rate η over the iterations, for "gd", "sgd" and "adam":

        - ``"constant"``, ``learning_rate_init``
        - ``"invscaling"``, ``learning_rate_init / (t + 1) ** power_t`` after t examples,
          updated at the end of each iteration
        - ``"adaptive"``, ``learning_rate_init``, divided by 5 each time the median loss of
          the last three iterations has not improved by ``tol`` for ``n_iter_no_change``
          iterations, until it is 1e-6 or less and training ends
        - ``"cosine"``, from ``learning_rate_init`` to 0 along half a cosine, in ``max_iter``
          iterations
        - ``"one_cycle"``, from ``learning_rate_init / 25`` up to ``learning_rate_init`` in
          the first 30 % of ``max_iter`` iterations, and then down to nearly 0

        The last two are planned for ``max_iter`` iterations, and carried through unless
        ``early_stopping`` or, with "gd", a gradient within ``tol`` ends them.

    learning_rate_init : float or "auto", default="auto"
        The learning rate η to start with, for "gd", "sgd" and "adam" (of "one_cycle" the
        largest). ``"auto"`` finds one:

        - "sgd" and "adam": before the first epoch, each of some rates (0.0003, 0.001, 0.003,
          0.01, 0.03, 0.1, and for "sgd" 0.3 and 1) makes the same 30 steps or more from the
          start weights, on random rows. The one next below that which reaches the lowest J
          is taken. ``t_`` does not count these steps
        - "gd" with ``learning_rate="constant"``: each step has its own rate, that of Barzilai
          and Borwein, 1 / (the curvature along the last step), halved while J is above the
          highest of the last ten
        - "gd" with another ``learning_rate``: 0.2 where all activations are bounded
          ("logistic", "tanh"), else 0.1

        `partial_fit`, which never sees all rows, tries none. It continues with the rate that
        `fit` has found with the same solver; otherwise, "adam" starts with 0.003, and "sgd"
        with the rate of "gd" · max(1 − momentum, 0.01) · min(1, batch_size / 32), where the
        batch size "auto" counts as 200.

    power_t : float, default=0.5
        The exponent of ``learning_rate="invscaling"``.

    max_iter : int, default=1000
        The largest number of iterations; an iteration of "sgd" and "adam" is an epoch,
        a pass over all rows. Most fits end before, see ``tol`` and ``early_stopping``; one
        that does not comes with a ConvergenceWarning.

    shuffle : bool, default=True
        Whether "sgd" and "adam" go through the rows in a new random order each epoch.

    random_state : int, RandomState instance or None, default=None
        Source of randomness for the start weights, the validation set, the order of the
        rows and dropout. Pass an int for the same model every time.

    tol : float, default=1e-4
        When training has converged. For every solver, when ``n_iter_no_change`` iterations
        together have not lowered the loss by ``tol`` times what training has gained so far:
        the loss of a constant model, whose outputs are the shares of the classes, less the
        present one. For "gd", "cg" and "lbfgs" also when no entry of the gradient is larger
        than ``tol`` (with a ``tol`` above 1e-4, than ``tol`` times J / (the loss of a constant
        model), or than 1e-4 if that is more); for "lbfgs" also when an
        iteration lowers the loss J by less than 2e-9 max(1, J), or with a ``tol`` below 2e-5
        by less than 1e-4 ``tol`` max(1, J) (in float32 always 1e-6 max(1, J)). In detail:

        - As long as the loss is not at least 1 % below that of a constant model, a small
          gradient does not end training, and a plateau must be 20 times as long. Training
          then ends with a warning
        - Where an epoch of "sgd" or "adam" has fewer than ten batches, the plateau must be
          ten epochs / (number of batches) times as long
        - Where the loss is that of all rows at the same weights ("gd", "cg", "lbfgs", and one
          batch of all rows without dropout), it must not be above its best by more than the
          tolerance: then it still swings
        - With ``early_stopping``, the validation score ends training and not a plateau of the
          loss; ``tol`` is then by how much the score must improve

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
        Added to Adam's denominator.

    n_iter_no_change : int or inf, default=10
        The number of iterations that are given to improve the loss, or with
        ``early_stopping`` the validation score; see there and ``tol``. With ``numpy.inf`` only
        a small gradient ends training before ``max_iter`` iterations.

    max_fun : int, default=15000
        The largest number of evaluations of the cost for "lbfgs".

    warm_start : bool, default=False
        Whether `fit` starts from the weights of the fitted model. The classes, the
        features, ``hidden_layer_sizes`` and ``binary_outputs`` must be the same; anything
        else may change.

    early_stopping : bool or "auto", default="auto"
        Whether to stop when the score of a validation set has not improved by at least
        ``tol`` for ``n_iter_no_change`` iterations, and to keep the weights of the best
        iteration; for every solver. Then a plateau of the training loss does not end training
        (except with ``learning_rate="adaptive"``, at the lowest rate). ``"auto"``:

        - True if more than 2000 rows have a weight other than 0, unless ``learning_rate`` is
          "cosine" or "one_cycle", which are planned for ``max_iter`` iterations. Stopping then
          takes at least twice as many iterations without an improvement as the best score took
        - False for fewer rows, where a tenth of them is worth more to the training, and in
          `partial_fit`

    validation_fraction : float, default=0.1
        The share of the rows that ``early_stopping`` keeps out of training, unless `fit`
        gets ``X_val``. It is stratified, and leaves some of each class for training. If it
        has as many rows as there are classes, each class of two rows or more is in it.

    scoring : str, callable or None, default=None
        The score of a validation set, greater is better: the name of a scikit-learn scorer,
        or a callable ``scorer(estimator, X_val, y_val)``, which also gets
        ``sample_weight=`` where there are weights. None for the negative log-loss of
        `predict_proba`.

    class_weight : dict, list of dict, "balanced" or None, default=None
        The weight of each class, with which ``sample_weight`` is multiplied; for
        multilabel y a list of ``{0: …, 1: …}``, one for each label. ``"balanced"`` gives
        all classes the same total. The losses of a validation set are weighted too; a
        scorer gets only the sample weights.

    max_grad_norm : float, default=None
        The Euclidean norm to which "gd", "sgd" and "adam" shorten a gradient that is
        longer. None to leave it.

    dropout : float or list of float, default=0.0
        The probability with which "sgd" and "adam" leave out a hidden unit, anew for
        each example and step; a list holds one for each hidden layer.

    label_smoothing : float, default=0.0
        ε, by which training moves the targets away from 0 and 1: to y (1 − ε) + ε/K for K ≥ 3
        exclusive classes, and to y (1 − ε) + ε/2 for binary and multilabel y.

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
        The loss of the iteration whose weights were kept. For "gd", "cg" and "lbfgs" it
        is the cost J(Θ) of these weights; for "sgd" and "adam" the mean of the batches'
        costs during that epoch.

    best_loss_ : float
        The smallest entry of ``loss_curve_``; ``loss_`` where that is empty.

    loss_curve_ : list of float, of length ``n_iter_``
        The loss of each iteration.

    validation_loss_curve_ : list of float, of length ``n_iter_``, or None
        The loss of the validation set after each iteration, without the penalty; None
        if there was no such set.

    validation_scores_ : list of float, of length ``n_iter_``, or None
        Its score after each iteration, see ``scoring``.

    best_validation_score_ : float or None
        The largest of them.

    best_iter_ : int or None
        Its index, the first one if several are equal; None, as the score, if there was
        no iteration.

    n_iter_ : int
        The number of iterations; since the first one with `partial_fit`.

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

    alpha_ : float
        λ, the value of ``alpha`` or the one that ``"auto"`` stands for.

    network_ : Network
        The network: ``network_.layer_sizes``, ``network_.g`` and ``network_.h`` are its
        layers and activations. With ``skbp.weights.join(coefs_, intercepts_)`` it has the
        lecture's Θ.

    targets_ : Targets
        Turns labels into the targets Y and outputs into labels.

    n_features_in_ : int
        The number of features.

    feature_names_in_ : ndarray of shape (``n_features_in_``,)
        The names of the features, where X had names that are all strings.

    See Also
    --------
    sklearn.neural_network.MLPClassifier : Multilayer perceptron of scikit-learn.

    Notes
    -----
    ``sample_weight`` acts as repeated rows: a weight of 2 is the same as the row
    twice, and m in λ/2m is the sum of the weights. So the scale of the weights
    matters beside ``alpha``. :class:`sklearn.ensemble.AdaBoostClassifier`, for
    example, passes weights that sum to 1, as if there were a single row; there
    ``alpha`` must be small: the ``alpha_`` of a fit without weights, divided by n_samples,
    has the same effect. The ``"auto"`` of a single row is too strong, and a model that is
    constant for this reason says so in a warning.

    A float32 array X is computed in float32, anything else in float64, and `partial_fit`
    stays with what came first. While a model
    computes, every BLAS library of the process runs on one thread.

    A fit that fails leaves the estimator unchanged. Ctrl-C ends the fit with a warning
    and the model of the last finished iteration (with ``early_stopping`` the best one);
    before the first one has finished, it raises KeyboardInterrupt.

    With scikit-learn 1.9 or later, ``set_callbacks`` takes the callbacks of
    ``sklearn.callback`` and :class:`skbp.callbacks.Checkpoint`. Each iteration of `fit` is
    a task, which begins and ends, for the callbacks, when it has ended.

    ``score``, ``fit_transform``, ``get_feature_names_out``, ``set_output``,
    ``get_params``, ``set_params``, ``set_callbacks`` and the methods of metadata routing
    (``get_metadata_routing``, ``set_fit_request`` and the like) are scikit-learn's own.

    References
    ----------
    Xie, "BackPropagation Algorithm", Introduction to Machine Learning, chapter 3,
    Nankai University (the lecture).

    Rumelhart, Hinton and Williams, "Learning representations by back-propagating
    errors", Nature 323, 1986.

    Szegedy, Vanhoucke, Ioffe, Shlens and Wojna, "Rethinking the Inception Architecture
    for Computer Vision", CVPR 2016 (label smoothing).

    Pascanu, Mikolov and Bengio, "On the difficulty of training recurrent neural
    networks", ICML 2013 (``max_grad_norm``).

    Examples
    --------
    >>> from sklearn.datasets import load_breast_cancer
    >>> from sklearn.model_selection import train_test_split
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from skbp import BackpropClassifier
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
    >>> network = BackpropClassifier(random_state=0)
    >>> model = make_pipeline(StandardScaler(), network)
    >>> model.fit(X_train, y_train).score(X_test, y_test) > 0.95
    True
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = CONSTRAINTS

    _doc_link_module = "skbp"
    _doc_link_template = (
        "https://skbp.readthedocs.io/en/stable/api/generated/skbp.{estimator_name}.html"
    )

    def __init__(
        self,
        hidden_layer_sizes: Sequence[int] | int = (100,),
        activation: str | Activation | Sequence[str | Activation] = "relu",
        *,
        output_activation: str = "logistic",
        binary_outputs: int = 1,
        loss: str | Loss = "log_loss",
        solver: str = "lbfgs",
        init: str = "auto",
        alpha: float | str = "auto",
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
        warm_start: bool = False,
        early_stopping: bool | str = "auto",
        validation_fraction: float = 0.1,
        scoring: str | Callable[..., float] | None = None,
        class_weight: ClassWeight = None,
        max_grad_norm: float | None = None,
        dropout: float | Sequence[float] = 0.0,
        label_smoothing: float = 0.0,
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.output_activation = output_activation
        self.binary_outputs = binary_outputs
        self.loss = loss
        self.solver = solver
        self.init = init
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
        self.warm_start = warm_start
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.scoring = scoring
        self.class_weight = class_weight
        self.max_grad_norm = max_grad_norm
        self.dropout = dropout
        self.label_smoothing = label_smoothing

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(
        self,
        X: Matrix,
        y: Labels,
        sample_weight: ArrayLike | None = None,
        *,
        X_val: Matrix | None = None,
        y_val: Labels | None = None,
        sample_weight_val: ArrayLike | None = None,
        coefs_init: Sequence[ArrayLike] | None = None,
        intercepts_init: Sequence[ArrayLike] | None = None,
    ) -> Self:
        """Train the network.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The training examples.
        y : {array-like, sparse matrix} of shape (n_samples,) or (n_samples, n_labels)
            The class labels, of any type; or, for multilabel problems, an indicator
            matrix of 0 and 1.
        sample_weight : array-like of shape (n_samples,), default=None
            Individual weights: the number of rows that each row counts as. None for ones.
        X_val : {array-like, sparse matrix} of shape (n_val, n_features), default=None
            A validation set, instead of ``validation_fraction`` of X. Without
            ``early_stopping`` it is only scored.
        y_val : array-like of shape (n_val,) or (n_val, n_labels), default=None
            Its labels, as y.
        sample_weight_val : array-like of shape (n_val,), default=None
            Its weights. None for ones.
        coefs_init : list of array-like, default=None
            Start weights, shaped like ``coefs_``. None to draw them, or with
            ``warm_start`` to take those of the model.
        intercepts_init : list of array-like, default=None
            Start weights of the bias units, shaped like ``intercepts_``. None for the
            same.

        Returns
        -------
        BackpropClassifier
            The fitted estimator.

        Raises
        ------
        ValueError
            If X, y, the weights or a parameter are invalid, if y has only one class, if
            ``warm_start`` does not fit the model, if a fit is resumed under other
            conditions, or if the training diverges: if J is infinite or NaN, or the outputs
            cannot be computed from the weights.

        Warns
        -----
        ConvergenceWarning
            If training ended badly. The warning names the likely cause and what to try. The
            first of these that is true is told:

            - the loss is not at least 1 % below that of a constant model
            - a class is never predicted for about a thousand rows of the training set, though
              it has half as many of them, or more, as if all classes were equally frequent
            - early stopping ended a training whose loss was above that of its first iteration
            - the validation score is best after the first iteration, which happens if
              ``X_val`` has not passed the same steps of a pipeline as X
            - a column of X has values a thousand times as large as those of another one, and
              of 100 or more (the root of their mean square)
            - training ended before it converged, for example after ``max_iter`` iterations
        UserWarning
            If a parameter is not at its default and the solver does not use it, if
            ``batch_size`` is larger than the number of rows, or if Ctrl-C ended the training.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from skbp import BackpropClassifier
        >>> X, y = load_iris(return_X_y=True)
        >>> model = BackpropClassifier((5,), random_state=0).fit(X, y)
        >>> model.score(X, y) > 0.9
        True

        With a validation set:

        >>> _ = model.fit(X[::2], y[::2], X_val=X[1::2], y_val=y[1::2])
        >>> len(model.validation_scores_) == model.n_iter_
        True
        """
        given = X_val, y_val, sample_weight_val
        return self._fit(X, y, sample_weight, given, coefs_init, intercepts_init)

    def _fit(
        self,
        X: Matrix,
        y: Labels,
        sample_weight: ArrayLike | None,
        validation: tuple[Matrix | None, Labels | None, ArrayLike | None],
        coefs_init: Sequence[ArrayLike] | None,
        intercepts_init: Sequence[ArrayLike] | None,
    ) -> Self:
        """Train the network; called by `fit` alone, so that warnings name its caller."""
        tasks = FitTasks(self, X, y, sample_weight, self.max_iter)
        with unchanged_on_error(self):
            resumed = self._state if self._is_unfinished() else None
            continues = resumed is not None or (self.warm_start and hasattr(self, "coefs_"))
            known = self.targets_ if continues else None
            problem = self._assembled(X, y, sample_weight, known)
            if continues:
                problem.targets.check_same_classes(problem.examples.labels)
            state = new_state(self) if resumed is None else deepcopy(resumed)
            parameters = problem.parameters
            conditions = Conditions.of(parameters, problem.examples, validation[0] is not None)
            state.begin(conditions, parameters)
            problem = self._with_validation(problem, state, validation)
            state.m = problem.m
            start = fitted_weights(self, problem) if continues else new_weights(problem, state)
            start = state.start_weights(problem.network, start, coefs_init, intercepts_init)

            solver = make_solver(setting_of(problem))
            attributes = partial(fitted_attributes, problem, state)
            callback = partial(tasks.iteration, attributes)
            validate = self._validation_of(problem)
            result = trained(problem, solver, start, state, validate, callback)
            for category, message in warnings_of_fit(problem, result):
                warnings.warn(message, category, stacklevel=4)
            self.__dict__.update(attributes(result))
            tasks.end()
        return self

    @_WithMiniBatches
    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(
        self,
        X: Matrix,
        y: Labels,
        classes: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> Self:
        """Continue training with one pass over some examples, for "sgd" and "adam".

        The weights, the learning rate and the averages of the update rule continue from
        the last call, or from `fit`, also in a model that was pickled in between. The m in
        λ/2m is a running count: the number of rows (the sum of their weights) of all calls so
        far, this one and the rows of a `fit` before included. So each row counts once beside
        the penalty, whatever the size of the calls, and the penalty of a long stream fades.
        ``alpha="auto"`` goes by the same m. The model stays in the precision of its first
        data, float32 or float64, to which X is converted. Nothing ends the training, and none
        of the rates of ``learning_rate_init`` is tried; ``max_iter`` is the number of calls
        that ``learning_rate="cosine"`` and ``"one_cycle"`` are planned for. Callbacks are not
        called. Only the first call warns of parameters.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The examples. With ``shuffle=False`` they are taken in their order.
        y : {array-like, sparse matrix} of shape (n_samples,) or (n_samples, n_labels)
            The class labels; some classes may be missing.
        classes : array-like of shape (n_classes,), default=None
            All classes that will ever come. The first call needs them, unless y is
            multilabel.
        sample_weight : array-like of shape (n_samples,), default=None
            Individual weights: the number of rows that each row counts as. None for ones.

        Returns
        -------
        BackpropClassifier
            The estimator.

        Raises
        ------
        ValueError
            If X, y, the weights or a parameter are invalid (``early_stopping=True`` and
            ``class_weight="balanced"`` are), if the classes are not known or change, if
            ``hidden_layer_sizes`` does, or if the training diverges; the model is unchanged
            then.

        Examples
        --------
        Data that come in ten parts, fifty times over:

        >>> from sklearn.datasets import load_iris
        >>> from skbp import BackpropClassifier
        >>> X, y = load_iris(return_X_y=True)
        >>> model = BackpropClassifier(
        ...     (5,), solver="adam", alpha=0.01, random_state=0
        ... )
        >>> for i in range(500):
        ...     part = slice(i % 10, None, 10)
        ...     _ = model.partial_fit(X[part], y[part], classes=[0, 1, 2])
        >>> model.n_iter_, model.score(X, y) > 0.9
        (500, True)
        """
        self._validate_params()  # scikit-learn does so in the first call only
        self._check_stream_parameters()
        with unchanged_on_error(self):
            is_fitted = hasattr(self, "coefs_")
            known = self.targets_ if is_fitted else None
            targets = targets_for_stream(on_host(y), on_host(classes), known)
            dtype = precision_of(self) if is_fitted else None
            problem = assemble(self, X, y, sample_weight, known=targets, dtype=dtype)
            state = self._state.for_more_data(self.solver) if is_fitted else new_state(self)
            if self.learning_rate_init != "auto":
                state.training.progress.rate = None  # that of an earlier trial
            problem = replace(problem, m_before=state.m)
            state.m = problem.m
            start = fitted_weights(self, problem) if is_fitted else new_weights(problem, state)
            n_rows = problem.examples.n_rows
            loss, n_examples = (self.loss_, self.t_) if is_fitted else (np.nan, 0)
            if problem.examples.has_weight:
                solver = make_one_pass_solver(Setting(problem.parameters, n_rows))
                result = trained(problem, solver, start, state)
                n_examples += n_rows
            else:
                result = untrained_result(problem, start, loss, Ending.ONE_PASS, state)
            is_first = state.training.history.last.n_iter == 0
            for category, message in warnings_of_part(problem, result, is_first):
                warnings.warn(message, category, stacklevel=3)
            self.__dict__.update(fitted_attributes(problem, state, result, n_examples))
        return self

    @_fit_context(prefer_skip_nested_validation=True)
    def initialize(
        self,
        X: Matrix,
        y: Labels,
        sample_weight: ArrayLike | None = None,
        *,
        coefs_init: Sequence[ArrayLike] | None = None,
        intercepts_init: Sequence[ArrayLike] | None = None,
    ) -> Self:
        """Draw or set weights without training, to inspect the network or to start from it.

        It can predict, and ``loss_`` is the cost J(Θ) of its weights on X and y. With
        ``warm_start=True``, `fit` starts from its weights, also from those that you have
        set in ``coefs_`` and ``intercepts_``.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Examples; they tell the number of features, and J(Θ) is that of all of them.
        y : {array-like, sparse matrix} of shape (n_samples,) or (n_samples, n_labels)
            Their labels, of all classes.
        sample_weight : array-like of shape (n_samples,), default=None
            Their weights, for J(Θ). None for ones.
        coefs_init : list of array-like, default=None
            The weights, shaped like ``coefs_``. None to draw them, see ``init``.
        intercepts_init : list of array-like, default=None
            The weights of the bias units, shaped like ``intercepts_``. None to draw them.

        Returns
        -------
        BackpropClassifier
            The estimator, with the attributes of a fit of 0 iterations.

        Raises
        ------
        ValueError
            If X, y, the weights or a parameter are invalid, or if y has only one class.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from skbp import BackpropClassifier
        >>> X, y = load_iris(return_X_y=True)
        >>> model = BackpropClassifier((5,), warm_start=True, random_state=0)
        >>> _ = model.initialize(X, y)
        >>> [coef.shape for coef in model.coefs_], model.n_iter_
        ([(4, 5), (5, 3)], 0)

        Its weights may be changed before the fit, which starts from them:

        >>> model.coefs_[0] *= 0.1
        >>> model.fit(X, y).score(X, y) > 0.9
        True

        J(Θ) and the outputs of given weights, here of two units for two classes:

        >>> model = BackpropClassifier((2,), "logistic", binary_outputs=2, alpha=0)
        >>> _ = model.initialize(
        ...     [[0.0], [1.0]],
        ...     [0, 1],
        ...     coefs_init=[[[1.0, -1.0]], [[1.0, 0.0], [0.0, 1.0]]],
        ...     intercepts_init=[[0.0, 0.0], [0.0, 0.0]],
        ... )
        >>> model.transform([[0.0]], layer=3).round(4), round(model.loss_, 4)
        (array([[0.6225, 0.6225]]), 1.5699)
        """
        with unchanged_on_error(self):
            problem = self._assembled(X, y, sample_weight, None)
            state = new_state(self)
            theta = new_weights(problem, state)
            theta = state.start_weights(problem.network, theta, coefs_init, intercepts_init)
            J, _ = objective_of(problem)(theta)
            result = untrained_result(problem, theta, J, Ending.UNTRAINED, state)
            self.__dict__.update(fitted_attributes(problem, state, result))
        return self

    def _assembled(
        self, X: Matrix, y: Labels, sample_weight: ArrayLike | None, known: Targets | None
    ) -> Problem:
        """Return the problem of `fit` and `initialize`."""
        return assemble(self, X, y, sample_weight, known)

    def _with_validation(
        self,
        problem: Problem,
        state: FitState,
        given: tuple[Matrix | None, Labels | None, ArrayLike | None],
    ) -> Problem:
        """Return the problem of `fit` with its validation set, if it needs one."""
        return with_validation(self, problem, state, given)

    def _validation_of(self, problem: Problem) -> Validate | None:
        """Return the loss and score of weights on the validation set, if there is one."""
        return validation_of(self, problem)

    def _check_stream_parameters(self) -> None:
        if self.early_stopping is True:
            raise ValueError("partial_fit does not support early_stopping=True.")
        given = self.class_weight
        each = given if isinstance(given, list) else [given]
        if any(isinstance(weights, str) and weights == "balanced" for weights in each):
            raise ValueError(
                "partial_fit does not support class_weight='balanced': a part of the data does "
                "not tell the shares of the classes. Pass a dict, for example from "
                "sklearn.utils.class_weight.compute_class_weight."
            )

    def _is_unfinished(self) -> bool:
        return hasattr(self, "_state") and self._state.is_unfinished

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.array_api_support = has_dispatch
        tags.classifier_tags.multi_label = True
        return tags
