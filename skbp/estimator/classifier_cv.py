"""`BackpropClassifierCV`: λ and the network, chosen by cross-validation."""

import warnings
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from numbers import Integral
from pickle import PicklingError
from typing import Any, ClassVar, Self

import joblib
import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin, _fit_context
from sklearn.metrics import get_scorer
from sklearn.model_selection import check_cv
from sklearn.utils import Tags, check_random_state
from sklearn.utils._param_validation import (
    HasMethods,
    Interval,
    InvalidParameterError,
    StrOptions,
)
from sklearn.utils.metadata_routing import (
    MetadataRouter,
    MethodMapping,
    _raise_for_params,
    _routing_enabled,
    process_routing,
)
from sklearn.utils.validation import _check_method_params, check_memory

from skbp._typing import Floats, Labels, Matrix, Rows
from skbp.activations import Activation
from skbp.estimator.assembly import problem_of
from skbp.estimator.callbacks import CallbackSupportMixin, FitTasks
from skbp.estimator.classifier import BackpropClassifier
from skbp.estimator.data import Dataset, validated
from skbp.estimator.defaults import networks_for
from skbp.estimator.ensemble import EnsemblePrediction
from skbp.estimator.members import Member, greedy_counts, of_all_rows, of_folds
from skbp.estimator.namespaces import foreign
from skbp.estimator.parameters import CONSTRAINTS, RememberedParameterNames
from skbp.estimator.path import scored_path
from skbp.estimator.plain_state import PlainState
from skbp.estimator.precision import suits_single
from skbp.estimator.search import Candidate, Plan, Search, search, with_larger_alphas
from skbp.estimator.selection import SELECTIONS, Choice
from skbp.estimator.state import unchanged_on_error
from skbp.estimator.targets import ClassWeight, targets_for
from skbp.losses import Loss

_LARGEST_ALPHA, _SMALLEST_ALPHA = 6.0, 0.02
_SMALLEST_TOL_OF_SINGLE = 1e-4
_OWN = ("hidden_layer_sizes", "activation", "random_state")


class BackpropClassifierCV(
    EnsemblePrediction,
    ClassifierMixin,
    TransformerMixin,
    CallbackSupportMixin,
    RememberedParameterNames,
    PlainState,
    BaseEstimator,
):
    """Multilayer neural network whose λ, sizes and activation are chosen by cross-validation.

    Every network is trained on every fold for a descending sequence of λ, and scored on the
    rows that were left out. The network and the λ with the best mean score are trained on all
    rows.

    Scale the features first, for example with
    :class:`sklearn.preprocessing.StandardScaler` in a pipeline.

    Parameters
    ----------
    hidden_layer_sizes : int, tuple of int, list of these or "auto", default="auto"
        The numbers of units of the hidden layers, as in `BackpropClassifier`. A list holds
        several networks to choose from. ``"auto"`` is (50, 50) and (50,). Where ``activation``
        is "auto" too, the networks are (50, 50) "relu" and (50,) "logistic", and with
        ``n_members`` > 1 also (100,) "relu" and (100,) "tanh".

    activation : str, Activation, tuple or list of these, or "auto", default="auto"
        The activation of the hidden units, as in `BackpropClassifier`; a tuple has one for
        each hidden layer. A list holds several to choose from, each with all
        ``hidden_layer_sizes``. ``"auto"`` is "relu" and "logistic".

    alphas : int or array-like of float, default=6
        The values of λ to choose from; of an int, so many from 6 to 0.02 on a log scale, and for
        a network whose best one is 6, in the first fold or in all, two larger ones. Of an int,
        the first fold tries all, and the others begin a step above its best one (see the notes).
        They are meant for all rows: in a fold λ is multiplied by the share of its rows, so that
        λ/m is the same.

    cv : int, cross-validation generator or iterable, default=5
        How the rows are divided into folds: an int is the number of folds, stratified by
        class (not for multilabel y) and in the order of the rows. Otherwise a splitter of
        scikit-learn, or pairs of the rows to train with and those to score.

    scoring : str, callable or None, default=None
        The score of a fold, greater is better: the name of a scikit-learn scorer, or a callable
        ``scorer(estimator, X, y)``. None for the negative log-loss of `predict_proba`, weighted
        as the loss.

    n_jobs : int, default=None
        The number of paths, each of a network on a fold, that are computed at a time, by
        processes: to start them takes a second, once. None is 1 unless in a
        :class:`joblib.parallel_config` context, which can also choose threads; -1 is all cores.
        It does not change the result.

    memory : str or object with the joblib.Memory interface, default=None
        Where to keep the paths that are finished, so that a search that was broken off can be
        repeated without them: a folder, or a `joblib.Memory`. None keeps nothing. Empty it when
        you update skbp.

    refit : bool, default=True
        Whether the chosen networks are trained again on all rows. Otherwise the model is the
        mean of the networks of the folds, weighted equally.

    selection : {"best", "one_standard_error"}, default="best"
        The λ that is chosen: that of the best mean score; or, for the same network, the largest
        one whose mean score is within one standard error of the best.

    n_members : int, default=1
        The number of members of a greedy ensemble. With more than one, networks (with their λ)
        are added one after the other, the same one several times if that is best, so that the
        log-loss of the mean probabilities of the left-out rows is lowest, whatever ``scoring``.
        Those that were added several times are trained from as many start weights.
        ``selection`` must be "best" then.

    exhaustive : bool, default=False
        Whether each fit starts from new weights and tries every λ, in the precision of X. The
        scores are then those of a :class:`~sklearn.model_selection.GridSearchCV` over
        `BackpropClassifier` with the same parameters.

    store_oof_proba : bool, default=False
        Whether to keep the probabilities of the left-out rows, ``oof_proba_``.

    output_activation : {"logistic", "softmax"}, default="softmax"
        As in `BackpropClassifier`.

    binary_outputs : {1, 2}, default=1
        As in `BackpropClassifier`.

    loss : {"log_loss", "squared_error"} or Loss, default="log_loss"
        As in `BackpropClassifier`.

    solver : {"gd", "sgd", "adam", "cg", "lbfgs"}, default="lbfgs"
        As in `BackpropClassifier`.

    init : {"auto", "lecture"}, default="auto"
        As in `BackpropClassifier`.

    batch_size : int or "auto", default="auto"
        As in `BackpropClassifier`.

    learning_rate : {"constant", "invscaling", "adaptive", "cosine", "one_cycle"}, \
            default="constant"
        As in `BackpropClassifier`.

    learning_rate_init : float or "auto", default="auto"
        As in `BackpropClassifier`.

    power_t : float, default=0.5
        As in `BackpropClassifier`.

    max_iter : int, default=100
        The largest number of iterations for each λ, in the folds and on all rows. Many fits end
        there. That is no reason for a warning: it is such fits that were scored, and the same λ
        with more iterations may overfit.

    shuffle : bool, default=True
        As in `BackpropClassifier`.

    random_state : int, RandomState instance or None, default=None
        Source of randomness for the start weights and all else. The k-th fold (from 0) begins
        with the seed ``random_state`` + 1 + k, or with ``exhaustive`` with ``random_state``.
        Pass an int for the same model every time.

    tol : float, default=2e-3
        As in `BackpropClassifier`, where it is smaller.

    verbose : bool, default=False
        Whether to print a line for each iteration.

    momentum : float, default=0.9
        As in `BackpropClassifier`.

    nesterovs_momentum : bool, default=True
        As in `BackpropClassifier`.

    beta_1 : float, default=0.9
        As in `BackpropClassifier`.

    beta_2 : float, default=0.999
        As in `BackpropClassifier`.

    epsilon : float, default=1e-8
        As in `BackpropClassifier`.

    n_iter_no_change : int or inf, default=10
        As in `BackpropClassifier`.

    max_fun : int, default=15000
        As in `BackpropClassifier`.

    early_stopping : bool or "auto", default=False
        As in `BackpropClassifier`. A part of the rows of each fold is then kept out of training,
        beside those that are scored.

    validation_fraction : float, default=0.1
        As in `BackpropClassifier`.

    class_weight : dict, list of dict, "balanced" or None, default=None
        As in `BackpropClassifier`; "balanced" counts all rows.

    max_grad_norm : float, default=None
        As in `BackpropClassifier`.

    dropout : float or list of float, default=0.0
        As in `BackpropClassifier`.

    label_smoothing : float, default=0.0
        As in `BackpropClassifier`.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The class labels; for multilabel y the label numbers.

    alpha_ : float
        The λ that was chosen.

    alphas_ : ndarray of shape (n_alphas,)
        The values of λ, in descending order.

    hidden_layer_sizes_ : tuple of int
        The sizes that were chosen.

    activation_ : str or Activation, or tuple of these
        The activation that was chosen.

    best_score_ : float
        The mean score of the network and the λ that were chosen.

    best_params_ : dict of str to object
        The activation, λ and sizes that were chosen, by the names of `BackpropClassifier`.

    best_index_ : int
        The row of the chosen network and λ in ``cv_results_``.

    scores_ : ndarray of shape (n_folds, n_networks, n_alphas)
        The scores. NaN where a path ended early: where the loss of the fold was more than 10 %
        above its lowest, and the score was not its best; or where a λ was not tried. No λ with a
        NaN is chosen.

    cv_results_ : dict of str to ndarray or list
        The scores and times of each network and λ, as in a search of scikit-learn.

    n_splits_ : int
        The number of folds.

    oof_proba_ : ndarray of shape (n_samples, n_classes) or (n_samples, n_labels)
        The probabilities of each row by networks that were not trained with it, of the λ and
        the network that were chosen; of an ensemble, their weighted mean. NaN for rows that no
        fold leaves out; the mean for those that several do. Only with ``store_oof_proba``.

    members_ : list of BackpropClassifier
        The networks that predict.

    member_weights_ : ndarray of shape (n_members,)
        Their weights in the mean of the probabilities.

    n_iter_ : int
        The number of iterations for the λ that was chosen; of several networks the largest.

    targets_ : Targets
        Turns labels into the targets Y and outputs into labels.

    n_features_in_ : int
        The number of features.

    feature_names_in_ : ndarray of shape (``n_features_in_``,)
        The names of the features, where X had names that are all strings.

    See Also
    --------
    BackpropClassifier : The network of a given λ.
    skbp.plot.PathDisplay : A picture of the choice.
    sklearn.linear_model.LogisticRegressionCV : The same for a network without a hidden layer.

    Notes
    -----
    With one member that was trained on all rows, the model has all fitted attributes of a
    `BackpropClassifier` too: ``coefs_``, ``network_``, ``loss_curve_`` and so on.

    λ descends. Each fit starts from the weights of the last one; units that the penalty has
    switched off get new start weights. On all rows the same is done, for the λ before the one
    that was chosen, and for this one.

    With an int as ``alphas`` and ``selection="best"``, the paths of all folds but the first begin
    with the λ before the best one of the first fold, or with one up to 4 times the best. While
    the λ that they begin with is best on average, the one before it is tried too.

    The folds are trained in single precision, and all rows in the precision of X, unless that may
    matter: with ``exhaustive=True`` or ``refit=False``, with a ``tol`` below 1e-4, with a callable
    as ``scoring``, which gets X, and where a column of X has a mean of more than 1000 standard
    deviations, or values or weights are above 1e30 or weights below 1e-30.

    References
    ----------
    Caruana, Niculescu-Mizil, Crew and Ksikes, "Ensemble selection from libraries of models",
    ICML 2004.

    Hastie, Tibshirani and Friedman, "The Elements of Statistical Learning", second edition,
    Springer 2009, section 7.10 (the one-standard-error rule).

    Examples
    --------
    >>> from sklearn.datasets import load_wine
    >>> from sklearn.model_selection import train_test_split
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from skbp import BackpropClassifierCV
    >>> X, y = load_wine(return_X_y=True)
    >>> X_train, X_test, y_train, y_test = train_test_split(X, y, stratify=y, random_state=0)
    >>> model = make_pipeline(StandardScaler(), BackpropClassifierCV(random_state=0))
    >>> model.fit(X_train, y_train).score(X_test, y_test) > 0.95
    True
    >>> model[-1].alpha_ in model[-1].alphas_
    True
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **{k: v for k, v in CONSTRAINTS.items() if k not in ("alpha", "warm_start")},
        "hidden_layer_sizes": [
            StrOptions({"auto"}),
            "array-like",
            Interval(Integral, 1, None, closed="left"),
        ],
        "activation": [StrOptions({"auto"}), *CONSTRAINTS["activation"]],
        "alphas": [Interval(Integral, 1, None, closed="left"), "array-like"],
        "cv": ["cv_object"],
        "n_jobs": [Integral, None],
        "memory": [None, str, HasMethods(["cache"])],
        "refit": ["boolean"],
        "selection": [StrOptions(set(SELECTIONS))],
        "n_members": [Interval(Integral, 1, None, closed="left")],
        "exhaustive": ["boolean"],
        "store_oof_proba": ["boolean"],
    }

    def __init__(
        self,
        hidden_layer_sizes: int | Sequence[Any] | str = "auto",
        activation: str | Activation | Sequence[Any] = "auto",
        *,
        alphas: int | ArrayLike = 6,
        cv: Any = 5,
        scoring: str | Callable[..., float] | None = None,
        n_jobs: int | None = None,
        memory: Any = None,
        refit: bool = True,
        selection: str = "best",
        n_members: int = 1,
        exhaustive: bool = False,
        store_oof_proba: bool = False,
        output_activation: str = "softmax",
        binary_outputs: int = 1,
        loss: str | Loss = "log_loss",
        solver: str = "lbfgs",
        init: str = "auto",
        batch_size: int | str = "auto",
        learning_rate: str = "constant",
        learning_rate_init: float | str = "auto",
        power_t: float = 0.5,
        max_iter: int = 100,
        shuffle: bool = True,
        random_state: int | np.random.RandomState | None = None,
        tol: float = 2e-3,
        verbose: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: float = 10,
        max_fun: int = 15000,
        early_stopping: bool | str = False,
        validation_fraction: float = 0.1,
        class_weight: ClassWeight = None,
        max_grad_norm: float | None = None,
        dropout: float | Sequence[float] = 0.0,
        label_smoothing: float = 0.0,
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.alphas = alphas
        self.cv = cv
        self.scoring = scoring
        self.n_jobs = n_jobs
        self.memory = memory
        self.refit = refit
        self.selection = selection
        self.n_members = n_members
        self.exhaustive = exhaustive
        self.store_oof_proba = store_oof_proba
        self.output_activation = output_activation
        self.binary_outputs = binary_outputs
        self.loss = loss
        self.solver = solver
        self.init = init
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
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
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
        **params: Any,
    ) -> Self:
        """Choose λ and the network, and train it.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The training examples.
        y : {array-like, sparse matrix} of shape (n_samples,) or (n_samples, n_labels)
            The class labels, of any type; or, for multilabel problems, an indicator
            matrix of 0 and 1.
        sample_weight : array-like of shape (n_samples,), default=None
            Individual weights, in training and in the score. None for ones.
        **params : dict
            Metadata for the splitter, such as ``groups``, and for the scorer, where metadata
            routing is enabled (scikit-learn's ``enable_metadata_routing``).

        Returns
        -------
        BackpropClassifierCV
            The fitted estimator.

        Raises
        ------
        ValueError
            If X, y, the weights or a parameter are invalid, if y has only one class, or if a
            fit diverges or cannot be scored.

        Warns
        -----
        ConvergenceWarning
            If a network that was trained on all rows is hardly better than a constant one, or has
            another fault that `BackpropClassifier` warns of. That ``max_iter`` ended its training
            is none.
        UserWarning
            If a parameter is not at its default and the solver does not use it, or if Ctrl-C
            ended the search: then the complete folds decide.

        Examples
        --------
        Sizes to choose from, and folds that keep groups together:

        >>> import numpy as np
        >>> import sklearn
        >>> from sklearn.datasets import load_iris
        >>> from sklearn.model_selection import GroupKFold
        >>> from skbp import BackpropClassifierCV
        >>> X, y = load_iris(return_X_y=True)
        >>> groups = np.arange(150) % 10
        >>> model = BackpropClassifierCV(
        ...     [(), (5,)], "tanh", cv=GroupKFold(5), random_state=0
        ... )
        >>> with sklearn.config_context(enable_metadata_routing=True):
        ...     _ = model.fit(X, y, groups=groups)
        >>> model.scores_.shape
        (5, 2, 6)
        """
        _raise_for_params(params, self, "fit")
        with unchanged_on_error(self):
            plan = self._plan(X, y, sample_weight, params)
            n_tasks = None if self._has_scale() else plan.n_tasks + 1
            tasks = FitTasks(self, X, y, sample_weight, n_tasks)
            after_path = partial(tasks.part, "path")
            found = search(plan, self.n_jobs, after_path)
            # a race may have tried larger ones on its first fold
            if self._has_scale() and len(found.plan.alphas) == len(plan.alphas):
                found = with_larger_alphas(found, self.n_jobs, after_path)
            plan = found.plan
            if found.was_interrupted:
                warnings.warn(
                    f"The search was interrupted. {found.n_folds} of {len(plan.splits)} folds are "
                    "complete, and λ was chosen by these.",
                    stacklevel=3,
                )
            choice = SELECTIONS[self.selection](found.table("score"))
            counts = self._counts(found, choice)
            if self.refit:
                members = of_all_rows(found, counts, self.n_jobs)
            else:
                members = of_folds(found, counts)
            tasks.part("refit")
            self._publish(found, choice, counts, members)
            tasks.end()
        return self

    def _plan(
        self, X: Matrix, y: Labels, sample_weight: ArrayLike | None, params: Mapping[str, Any]
    ) -> Plan:
        """Return what is tried: checked data, networks, values of λ and folds."""
        self._check_parameters()
        of_splitter, of_scorer = self._routed(sample_weight, params)
        if (given := foreign(X)) is not None:
            raise ValueError(
                f"BackpropClassifierCV takes no arrays of {given.xp.__name__}. Pass X as a NumPy "
                "array, or fit BackpropClassifier, which does."
            )
        X, y, weight = validated(self, X, y, sample_weight, reset=True)
        targets = targets_for(y)
        splits = list(check_cv(self.cv, y, classifier=True).split(X, y, **of_splitter))
        seed = self._seed()
        classifiers = self._classifiers(seed)
        candidates = [
            Candidate(each, problem_of(each, targets, X, y, weight)) for each in classifiers
        ]
        return Plan(
            candidates=candidates,
            alphas=self._alphas().tolist(),
            splits=splits,
            seed=seed,
            score_params=partial(_of_rows, X, of_scorer),
            is_exhaustive=self.exhaustive,
            keeps_predictions=self.n_members > 1 or not self.refit or self.store_oof_proba,
            is_race=self._is_race(),
            dtype=self._dtype_of_folds(candidates[0].problem.dataset),
            scored_path=self._scored_path(classifiers),
        )

    def _is_race(self) -> bool:
        """Return whether the first fold decides with which λ the others begin."""
        return self._has_scale() and self.selection == "best" and not self.exhaustive

    def _has_scale(self) -> bool:
        return isinstance(self.alphas, Integral)

    def _dtype_of_folds(self, examples: Dataset) -> np.dtype[Any] | None:
        """Return single precision where that does not matter, or None."""
        matters = (
            self.exhaustive
            or not self.refit
            or self.tol < _SMALLEST_TOL_OF_SINGLE
            or callable(self.scoring)
            or not suits_single(examples)
        )
        return None if matters else np.dtype(np.float32)

    def _scored_path(self, classifiers: list[BackpropClassifier]) -> Callable[..., Any]:
        """Return `scored_path`, which looks for its result in the memory first."""
        if self.memory is None:
            return scored_path
        try:
            joblib.hash(classifiers)
        except (PicklingError, AttributeError, TypeError) as error:
            raise InvalidParameterError(
                f"memory={self.memory!r} needs parameters that can be pickled. Define scoring, "
                f"activation and loss at the top of a module. {error.args[0]}"
            ) from error
        return check_memory(self.memory).cache(scored_path)

    def _check_parameters(self) -> None:
        for name in ("hidden_layer_sizes", "activation"):
            if isinstance(given := getattr(self, name), list) and not given:
                raise InvalidParameterError(f"{name} must hold at least one value. Got [] instead.")
        if self.n_members > 1 and self.selection != "best":
            raise InvalidParameterError(
                f"selection must be 'best' with n_members={self.n_members}. "
                f"Got {self.selection!r} instead."
            )

    def _alphas(self) -> Floats:
        """Return the values of λ in descending order."""
        if isinstance(self.alphas, Integral):
            return np.geomspace(_LARGEST_ALPHA, _SMALLEST_ALPHA, int(self.alphas))
        try:
            values = np.unique(np.asarray(self.alphas, dtype=float))[::-1]
        except (TypeError, ValueError):
            values = np.empty(0)
        if not (np.ndim(self.alphas) == 1 and values.size and (values >= 0).all()):
            raise InvalidParameterError(
                f"alphas must be an int, or values that are not negative. Got {self.alphas!r} "
                "instead."
            )
        if not np.isfinite(values).all():
            raise InvalidParameterError(f"alphas must be finite. Got {self.alphas!r} instead.")
        return values

    def _seed(self) -> int:
        if isinstance(self.random_state, Integral):
            return int(self.random_state)
        return int(check_random_state(self.random_state).randint(np.iinfo(np.int32).max))

    def _classifiers(self, seed: int) -> list[BackpropClassifier]:
        """Return a classifier for each network, in the order of the parameters."""
        given = self.get_params(deep=False)
        names = set(BackpropClassifier._get_param_names()) - set(_OWN)
        shared = {name: value for name, value in given.items() if name in names}
        networks = networks_for(self.hidden_layer_sizes, self.activation, self.n_members)
        made = [
            BackpropClassifier(sizes, activation, random_state=seed, **shared)
            for sizes, activation in networks
        ]
        for each in made:
            each._validate_params()
            each.n_features_in_ = self.n_features_in_  # for scorers, which predict
        return made

    def _routed(
        self, sample_weight: ArrayLike | None, params: Mapping[str, Any]
    ) -> tuple[Mapping[str, Any], Mapping[str, Any] | None]:
        """Return the metadata of the splitter and those of the scorer."""
        if not _routing_enabled():
            return {}, None
        routed = process_routing(self, "fit", sample_weight=sample_weight, **params)
        return routed.splitter.split, None if self.scoring is None else routed.scorer.score

    def _counts(self, found: Search, choice: Choice) -> dict[Choice, int]:
        """Return how often the model has each network with its λ."""
        return {choice: 1} if self.n_members == 1 else greedy_counts(found, self.n_members)

    def _publish(
        self,
        found: Search,
        choice: Choice,
        counts: Mapping[Choice, int],
        members: Sequence[Member],
    ) -> None:
        """Set the fitted attributes, and forget those of an earlier fit."""
        plan, (i, j) = found.plan, choice
        network = plan.candidates[i].classifier
        first, _ = members[0]
        attributes: dict[str, Any] = {
            "classes_": first.classes_,
            "targets_": first.targets_,
            "n_iter_": max(member.n_iter_ for member, _ in members),
            "_n_features_out": sum(member._n_features_out for member, _ in members),
        }
        if len(members) == 1:
            attributes |= {name: v for name, v in vars(first).items() if _is_fitted(name)}
        results = found.results()
        index = i * len(plan.alphas) + j
        attributes |= {
            "alpha_": plan.alphas[j],
            "alphas_": np.array(plan.alphas),
            "hidden_layer_sizes_": network.hidden_layer_sizes,
            "activation_": network.activation,
            "best_score_": float(results["mean_test_score"][index]),
            "best_params_": results["params"][index],
            "best_index_": index,
            "scores_": found.table("score"),
            "cv_results_": results,
            "n_splits_": found.n_folds,
            "members_": [member for member, _ in members],
            "member_weights_": np.array([weight for _, weight in members]),
        }
        if self.store_oof_proba:
            attributes["oof_proba_"] = found.mean_probabilities(counts)
        for name in [*filter(_is_fitted, vars(self))]:
            if name not in ("n_features_in_", "feature_names_in_"):  # of the new X already
                delattr(self, name)
        self.__dict__.update(attributes)

    def get_metadata_routing(self) -> MetadataRouter:
        """Return the metadata that `fit` passes on.

        Returns
        -------
        MetadataRouter
            Those that the splitter and the scorer ask for.
        """
        to_fit = MethodMapping().add(caller="fit", callee="split")
        router = MetadataRouter(owner=self).add_self_request(self)
        router.add(splitter=check_cv(self.cv, classifier=True), method_mapping=to_fit)
        if self.scoring is not None:
            to_score = MethodMapping().add(caller="fit", callee="score")
            router.add(scorer=get_scorer(self.scoring), method_mapping=to_score)
        return router

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.classifier_tags.multi_label = True
        return tags


def _is_fitted(name: str) -> bool:
    """Return whether an attribute is set by a fit."""
    return name == "_state" or (name.endswith("_") and not name.startswith("_"))


def _of_rows(X: Matrix, params: Mapping[str, Any] | None, rows: Rows) -> Mapping[str, Any] | None:
    """Return those parameters of a scorer that have a value for each row for some rows."""
    return None if params is None else dict(_check_method_params(X, params, indices=rows))
