"""`DaskBackpropClassifier`: the methods of `BackpropClassifier` for Dask collections."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from copy import copy
from typing import Any, ClassVar, Self

import dask
import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import _fit_context
from sklearn.utils._param_validation import HasMethods
from sklearn.utils.validation import check_is_fitted

from skbp._typing import Labels, Matrix
from skbp.activations import Activation
from skbp.dask import assembly
from skbp.dask.collections import check_collections, is_collection, raw_partitions
from skbp.dask.examples import PartitionedExamples
from skbp.dask.lazy import LazyPrediction
from skbp.dask.partitions import Session, client_of
from skbp.dask.prediction import counts_of_right
from skbp.dask.validation import check_scoring_of_partitions, validation_of
from skbp.estimator.assembly import Problem, with_given_set
from skbp.estimator.classifier import BackpropClassifier, _WithMiniBatches
from skbp.estimator.parameters import CONSTRAINTS
from skbp.estimator.state import FitState
from skbp.estimator.targets import ClassWeight, Targets
from skbp.estimator.training import Validate
from skbp.losses import Loss

_OF_VALIDATION = ("X_val", "y_val", "sample_weight_val")
_OF_CLUSTER = ("client", "client_", "_session")


class DaskBackpropClassifier(LazyPrediction, BackpropClassifier):
    """`BackpropClassifier` for Dask arrays and data frames, whose rows stay where they are.

    The cost and its gradient are sums over rows, so they are sums over partitions: for each
    evaluation, Θ goes to the workers and one sum a partition comes back. Without a cluster, this
    process reads one partition at a time, so that the data may be larger than the memory.
    Arrays and matrices that are no Dask collections are treated as by
    :class:`skbp.BackpropClassifier`.

    Parameters
    ----------
    hidden_layer_sizes, activation, output_activation, binary_outputs, init : object
        The network, as in :class:`skbp.BackpropClassifier`.

    loss, alpha, class_weight, label_smoothing, dropout : object
        The cost, as there. m in λ/2m is that of all partitions.

    solver : {"gd", "sgd", "adam", "cg", "lbfgs"}, default="lbfgs"
        How the cost is minimised. "gd", "cg" and "lbfgs" sum over all partitions, and so find
        what `BackpropClassifier` finds. "sgd" and "adam" go from partition to partition; see
        Notes.

    batch_size : int or "auto", default="auto"
        The number of rows of a batch for "sgd" and "adam". A batch lies in one partition, so it
        has no more rows than that.

    shuffle : bool, default=True
        Whether "sgd" and "adam" visit the partitions in a new random order each epoch, and the
        rows of each in a random order too.

    learning_rate, learning_rate_init, power_t, momentum, nesterovs_momentum : object
        The steps of "gd" and "sgd", as in :class:`skbp.BackpropClassifier`.

    beta_1, beta_2, epsilon, max_grad_norm : object
        The steps of "adam", and the clipping, as there.

    max_iter, max_fun, tol, n_iter_no_change, warm_start, random_state, verbose : object
        When training ends and where it starts, as there.

    early_stopping : bool or "auto", default="auto"
        Whether the score of a validation set ends training, as there.

    validation_fraction : float, default=0.1
        The share of the rows that ``early_stopping`` keeps out of training. It is drawn in each
        partition, stratified, and leaves there some of each class.

    scoring : str, callable or None, default=None
        The score of a validation set. Where that is a Dask collection, None for the negative
        log-loss, which is a sum over partitions; or the name of a scorer or a result of
        :func:`sklearn.metrics.make_scorer`, for which the outputs and labels of the set are
        gathered, but not X. Another callable needs an ``X_val`` in memory.

    client : distributed.Client or None, default=None
        The client of the cluster. None for the default one; if there is none, or Dask is set to
        a local scheduler, the fit runs in this process. It is not pickled.

    Attributes
    ----------
    client_ : distributed.Client or None
        The client that the last fit on Dask collections used.

    classes_, coefs_, intercepts_, … : object
        All attributes of :class:`skbp.BackpropClassifier`, in memory here.

    See Also
    --------
    skbp.BackpropClassifier : The same for data in memory.

    Notes
    -----
    **The same bits.** The same partitions and ``random_state`` give bitwise the same model,
    whatever the number of workers and threads, also if a worker dies and its partitions are
    computed again. With "gd", "cg" and "lbfgs", the model is bitwise that of
    :class:`skbp.BackpropClassifier` with the same rows in training, if the partitions are its
    blocks (up to 2048 rows; see ``skbp.engine.blocks``) or there is a single one, and if the sum
    of the weights is exact. Other partitions change the last bits of sums.

    **Mini-batches.** An epoch visits the partitions in a random order. Θ and the averages of the
    update rule travel; a batch never has rows of two partitions. Where rows are sorted, by class
    or by time, this is worse than a shuffle of all rows: shuffle them once before the fit.

    **What differs from BackpropClassifier.** The rows that are held out are others.
    `partial_fit` takes no collections. About a thousand rows come to the client at the end of a
    fit, for the warnings of how it ended; and "sgd" and "adam" with
    ``learning_rate_init="auto"`` bring 30 batches to one worker to try the rates.

    **Errors** of the data name the partition, counted from 0. If the scheduler is lost or the
    client closed, or if data that was only scattered is lost with its worker, `fit` raises a
    RuntimeError and leaves the estimator as it was. Ctrl-C keeps the last finished iteration. No
    task of the fit goes on afterwards.

    Examples
    --------
    >>> import dask.array as da
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.preprocessing import scale
    >>> from skbp.dask import DaskBackpropClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> X = da.from_array(scale(X), chunks=(50, 4))
    >>> y = da.from_array(y, chunks=50)
    >>> model = DaskBackpropClassifier((5,), random_state=0).fit(X, y)
    >>> model.predict(X).compute().shape
    (150,)
    >>> model.score(X, y) > 0.9
    True
    """

    _doc_link_template = (
        "https://skbp.readthedocs.io/en/stable/api/generated/skbp.dask.{estimator_name}.html"
    )

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **CONSTRAINTS,
        "client": [HasMethods(["submit", "gather", "who_has"]), None],
    }

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
        client: Any = None,
    ) -> None:
        super().__init__(
            hidden_layer_sizes,
            activation,
            output_activation=output_activation,
            binary_outputs=binary_outputs,
            loss=loss,
            solver=solver,
            init=init,
            alpha=alpha,
            batch_size=batch_size,
            learning_rate=learning_rate,
            learning_rate_init=learning_rate_init,
            power_t=power_t,
            max_iter=max_iter,
            shuffle=shuffle,
            random_state=random_state,
            tol=tol,
            verbose=verbose,
            momentum=momentum,
            nesterovs_momentum=nesterovs_momentum,
            beta_1=beta_1,
            beta_2=beta_2,
            epsilon=epsilon,
            n_iter_no_change=n_iter_no_change,
            max_fun=max_fun,
            warm_start=warm_start,
            early_stopping=early_stopping,
            validation_fraction=validation_fraction,
            scoring=scoring,
            class_weight=class_weight,
            max_grad_norm=max_grad_norm,
            dropout=dropout,
            label_smoothing=label_smoothing,
        )
        self.client = client

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        *,
        X_val: Any = None,
        y_val: Any = None,
        sample_weight_val: Any = None,
        coefs_init: Sequence[ArrayLike] | None = None,
        intercepts_init: Sequence[ArrayLike] | None = None,
    ) -> Self:
        """Train the network.

        Parameters
        ----------
        X : Dask array or data frame of shape (n_samples, n_features)
            The training examples, in dense or sparse (CSR) blocks or pandas partitions; or in
            memory, as for :class:`skbp.BackpropClassifier`.
        y : Dask array, series or data frame of shape (n_samples,) or (n_samples, n_labels)
            The class labels, of any type; or, for multilabel problems, an indicator matrix of
            0 and 1. It is divided as X; a partition may be empty or lack a class.
        sample_weight : Dask array or series of shape (n_samples,), default=None
            The number of rows that each row counts as, divided as X. None for ones.
        X_val : Dask array or data frame, or array-like, default=None
            A validation set, instead of ``validation_fraction`` of each partition.
        y_val : Dask array, series or data frame, or array-like, default=None
            Its labels.
        sample_weight_val : Dask array or series, or array-like, default=None
            Its weights. None for ones.
        coefs_init : list of array-like, default=None
            Start weights, shaped like ``coefs_``. None to draw them, or with
            ``warm_start`` to take those of the model.
        intercepts_init : list of array-like, default=None
            Start weights of the bias units, shaped like ``intercepts_``. None for the
            same.

        Returns
        -------
        DaskBackpropClassifier
            The fitted estimator.

        Raises
        ------
        TypeError
            If some arguments are Dask collections and others are not.
        ValueError
            As `BackpropClassifier.fit`; and if partitions do not match.
        RuntimeError
            If the cluster, or data that exists on one worker only, is lost.
        """
        validation = X_val, y_val, sample_weight_val
        _check_alike(X, y, sample_weight, validation)
        with self._begun() if is_collection(X) else nullcontext():
            return self._fit(X, y, sample_weight, validation, coefs_init, intercepts_init)

    @_WithMiniBatches
    def partial_fit(
        self,
        X: Matrix,
        y: Labels,
        classes: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> Self:
        """Continue training with one pass over some examples in memory, as `BackpropClassifier`.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The examples; no Dask collection.
        y : {array-like, sparse matrix} of shape (n_samples,) or (n_samples, n_labels)
            The class labels; some classes may be missing.
        classes : array-like of shape (n_classes,), default=None
            All classes that will ever come. The first call needs them, unless y is
            multilabel.
        sample_weight : array-like of shape (n_samples,), default=None
            Individual weights. None for ones.

        Returns
        -------
        DaskBackpropClassifier
            The estimator.

        Raises
        ------
        TypeError
            If an argument is a Dask collection.
        ValueError
            As `BackpropClassifier.partial_fit`.
        """
        for name, each in {"X": X, "y": y, "sample_weight": sample_weight}.items():
            if is_collection(each):
                raise TypeError(
                    f"partial_fit takes a part of the data that is in memory. Got {name} as a Dask "
                    "collection. Use fit, or call partial_fit with one computed block at a time."
                )
        fitted: Self = super().partial_fit(X, y, classes, sample_weight)
        return fitted

    def initialize(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        *,
        coefs_init: Sequence[ArrayLike] | None = None,
        intercepts_init: Sequence[ArrayLike] | None = None,
    ) -> Self:
        """Draw or set weights without training, as `BackpropClassifier.initialize`.

        Parameters
        ----------
        X : Dask array or data frame, or array-like, of shape (n_samples, n_features)
            Examples.
        y : Dask array, data frame or series, or array-like, of shape (n_samples,)
            Their labels, of all classes.
        sample_weight : Dask array or series, or array-like, of shape (n_samples,), default=None
            Their weights, for J(Θ). None for ones.
        coefs_init : list of array-like, default=None
            The weights, shaped like ``coefs_``. None to draw them.
        intercepts_init : list of array-like, default=None
            The weights of the bias units, shaped like ``intercepts_``. None to draw them.

        Returns
        -------
        DaskBackpropClassifier
            The estimator.
        """
        _check_alike(X, y, sample_weight, (None, None, None))
        given = {"coefs_init": coefs_init, "intercepts_init": intercepts_init}
        with self._begun() if is_collection(X) else nullcontext():
            return super().initialize(X, y, sample_weight, **given)

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return the accuracy.

        Parameters
        ----------
        X : Dask array or data frame, array-like or sparse matrix, of shape (n_samples, n_features)
            The examples.
        y : Dask array, data frame or series, or array-like, of shape (n_samples,)
            Their labels.
        sample_weight : Dask array or series, or array-like, of shape (n_samples,), default=None
            Their weights. None for ones.

        Returns
        -------
        float
            The share of the examples whose labels are predicted.
        """
        _check_alike(X, y, sample_weight, (None, None, None))
        if not is_collection(X):
            return float(super().score(X, y, sample_weight))
        given = {"X": X, "y": y, "sample_weight": sample_weight}
        check_collections(given)
        remote, count = dask.delayed(self.to_local(), pure=False), dask.delayed(counts_of_right)
        counts = [
            count(part["X"], part["y"], part.get("sample_weight"), remote)
            for part in raw_partitions(given)
        ]
        client = client_of(self.client)
        found = dask.compute(*counts, **({} if client is None else {"scheduler": client}))
        right, total = np.sum(found, axis=0)
        return float(right / total)

    def to_local(self) -> BackpropClassifier:
        """Return the fitted model as a `BackpropClassifier`, which knows nothing of Dask.

        Returns
        -------
        BackpropClassifier
            The model. It shares its arrays with this one.

        Raises
        ------
        NotFittedError
            If this one is not fitted.
        """
        check_is_fitted(self)
        return self._local()

    def _local(self) -> BackpropClassifier:
        """Return the same parameters and attributes, without the client."""
        local = BackpropClassifier()
        kept = {name: each for name, each in vars(self).items() if name not in _OF_CLUSTER}
        if (output := "_sklearn_output_config") in kept:
            kept[output] = dict(kept[output])
        local.__dict__ = kept
        return local

    @contextmanager
    def _begun(self) -> Iterator[None]:
        """Begin a fit on collections; end all of its tasks, however it ends."""
        client = client_of(self.client)
        self._session = session = Session(client)
        try:
            yield
            self.client_ = client
        finally:
            session.close()
            self.__dict__.pop("_session", None)

    def _assembled(self, X: Any, y: Any, sample_weight: Any, known: Targets | None) -> Problem:
        if not is_collection(X):
            self.__dict__.pop("client_", None)
            return super()._assembled(X, y, sample_weight, known)
        given = {"X": X, "y": y, "sample_weight": sample_weight}
        return assembly.assemble(self, self._session, given, known)

    def _with_validation(
        self, problem: Problem, state: FitState, given: tuple[Any, Any, Any]
    ) -> Problem:
        if not isinstance(problem.examples, PartitionedExamples):
            return super()._with_validation(problem, state, given)
        problem = self._with_partitioned_validation(problem, state, given)
        sets = [problem.examples, problem.validation]
        kept = [each.partitions for each in sets if isinstance(each, PartitionedExamples)]
        self._session.keep_only(kept)
        return problem

    def _with_partitioned_validation(
        self, problem: Problem, state: FitState, given: tuple[Any, Any, Any]
    ) -> Problem:
        problem = assembly.with_stopping(problem)
        if all(each is None for each in given):
            check_scoring_of_partitions(self.scoring if problem.stops_early else None)
            return assembly.with_held_out_shares(problem, state) if problem.stops_early else problem
        if not any(is_collection(each) for each in given):
            return with_given_set(self, problem, *given)
        check_scoring_of_partitions(self.scoring)
        named = dict(zip(_OF_VALIDATION, given, strict=True))
        return assembly.with_given_set(self, self._session, problem, named)

    def _validation_of(self, problem: Problem) -> Validate | None:
        if isinstance(problem.validation, PartitionedExamples):
            return validation_of(self, problem, problem.validation)
        return super()._validation_of(problem)

    def __getstate__(self) -> dict[str, Any]:
        state = dict(super().__getstate__())
        for name in _OF_CLUSTER:
            state.pop(name, None)
        return {**state, "client": None}

    def __sklearn_clone__(self) -> Self:
        without_client = copy(self)  # a client cannot be copied
        without_client.client = None
        cloned: Self = super(DaskBackpropClassifier, without_client).__sklearn_clone__()
        cloned.client = self.client
        return cloned


def _check_alike(X: Any, y: Any, sample_weight: Any, validation: tuple[Any, Any, Any]) -> None:
    """Check that the arguments are Dask collections if X is one, and else are none."""
    given = {"X": X, "y": y, "sample_weight": sample_weight}
    if is_collection(X):
        check_collections(given)
        return
    for name, each in {**given, **dict(zip(_OF_VALIDATION, validation, strict=True))}.items():
        if is_collection(each):
            raise TypeError(
                f"{name} is a Dask collection, and X is a {type(X).__name__}. Make both Dask "
                "collections, for example with dask.array.from_array, or compute both."
            )
