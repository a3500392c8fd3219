# cython: language_level=3
"""The door to the C kernels in ``c/``: arrays in, pointers out, and the GIL let go.

`skbp.fast` calls these, with arrays that it has made fit. What does not fit is refused here
with a ValueError all the same, because C would read past its end.
"""

from cpython.buffer cimport (
    PyBUF_C_CONTIGUOUS, PyBUF_FORMAT, PyBUF_STRIDES, PyBUF_WRITABLE, PyBuffer_Release,
    PyObject_GetBuffer,
)
from cpython.exc cimport PyErr_CheckSignals
from cpython.pycapsule cimport PyCapsule_GetName, PyCapsule_GetPointer
from libc.stdint cimport int64_t

from scipy.linalg import cython_blas


cdef extern from "c/kernels.h" nogil:
    int MAX_LAYERS
    int IDENTITY, LOGISTIC, TANH, RELU, LEAKY_RELU, ELU, SELU, SOFTPLUS, SOFTMAX
    int LOG_LOSS, SQUARED_ERROR
    int DECISION, LOGISTIC_OUTPUTS, SOFTMAX_OUTPUTS, BINARY_PROBABILITIES, LOGISTIC_SHARES

    ctypedef struct layer_t:
        int64_t n_in, n_out
        int g
        const void *weights
        int64_t in_step, out_step
        const void *bias
        int64_t bias_step

    ctypedef struct network_t:
        int n_layers, output, loss
        int64_t n_parameters
        layer_t *layers

    ctypedef struct examples_t:
        int64_t start, stop
        const void *X
        int64_t X_row, X_column
        const void *Y
        const void *weights
        const int64_t *order

    ctypedef struct penalty_t:
        double lambda_m, mean_weight, max_norm
        int64_t batch_size

    ctypedef struct rule_t:
        int is_adam, nesterov
        double eta, momentum, beta_1, beta_2, epsilon
        int64_t t

    ctypedef struct kernels_t:
        int (*outputs)(const network_t *, const examples_t *, int, void *) noexcept nogil
        int (*loss_and_gradient)(
            const network_t *, const examples_t *, double *, void *
        ) noexcept nogil
        int (*epoch)(
            const network_t *, const examples_t *, const penalty_t *, rule_t *, double *,
            void *, void *, void *, void *
        ) noexcept nogil

    ctypedef struct gemm_f32:
        pass
    ctypedef struct gemm_f64:
        pass
    void *sgemm
    void *dgemm
    const char *const *INSTRUCTION_SETS
    int n_instruction_sets()
    const kernels_t *get_kernels(int instruction_set, int is_double)


HIDDEN = {
    "identity": IDENTITY,
    "logistic": LOGISTIC,
    "tanh": TANH,
    "relu": RELU,
    "leaky_relu": LEAKY_RELU,
    "elu": ELU,
    "selu": SELU,
    "softplus": SOFTPLUS,
}
OUTPUTS = {"logistic": LOGISTIC, "softmax": SOFTMAX}
LOSSES = {"log_loss": LOG_LOSS, "squared_error": SQUARED_ERROR}
KINDS = {
    "decision": DECISION,
    "logistic": LOGISTIC_OUTPUTS,
    "softmax": SOFTMAX_OUTPUTS,
    "binary": BINARY_PROBABILITIES,
    "shares": LOGISTIC_SHARES,
}
MOST_LAYERS = MAX_LAYERS + 1

# of struct's formats; C's long may have 32 bits or 64
cdef bytes FLOATS = b"fd", INTEGERS = b"lq" if sizeof(long) == sizeof(int64_t) else b"q"


cdef void *blas(str name) except NULL:
    """Return a function of SciPy's BLAS, if its integers are C's int."""
    capsule = cython_blas.__pyx_capi__.get(name)
    if capsule is None:
        raise ImportError(f"SciPy has no {name}.")
    cdef const char *signature = PyCapsule_GetName(capsule)
    if not signature.startswith(b"void (char *, char *, int *, int *, int *, "):
        raise ImportError(f"SciPy's {name} is {signature.decode()}, which skbp does not know.")
    return PyCapsule_GetPointer(capsule, signature)


dgemm = blas("dgemm")
sgemm = blas("sgemm")

cdef int instruction_set = n_instruction_sets() - 1


def instruction_sets():
    """Return the names of the instruction sets that this processor has, the best one last."""
    return [INSTRUCTION_SETS[i].decode() for i in range(n_instruction_sets())]


def in_use():
    """Return the name of the instruction set that is used."""
    return instruction_sets()[instruction_set]


def use(str name):
    """Use an instruction set from now on; return the one that was used before."""
    global instruction_set
    before = in_use()
    instruction_set = instruction_sets().index(name)
    return before


cdef class Memory:
    """The memory of an array, as long as this lives."""

    cdef Py_buffer view

    def __cinit__(self, array, bytes dtypes, int ndim, int flags=PyBUF_STRIDES):
        PyObject_GetBuffer(array, &self.view, PyBUF_FORMAT | flags)
        if self.view.ndim != ndim or self.view.format[0] not in dtypes:
            format, n = self.view.format.decode(), self.view.ndim
            PyBuffer_Release(&self.view)
            raise ValueError(f"Expected {ndim} dimensions of {dtypes}, got {n} of {format!r}.")

    def __dealloc__(self):
        PyBuffer_Release(&self.view)

    cdef int64_t length(self, int axis) noexcept:
        return self.view.shape[axis]

    cdef int64_t step(self, int axis) noexcept:
        return self.view.strides[axis] // self.view.itemsize

    cdef bint is_double(self) noexcept:
        return self.view.format[0] == c"d"

    cdef void *of_shape(self, int64_t rows, int64_t columns=1) except NULL:
        """Return the memory if it has just this many numbers."""
        if self.length(0) != rows or (self.view.ndim == 2 and self.length(1) != columns):
            raise ValueError(f"Expected {rows} rows and {columns} columns.")
        return self.view.buf


cdef Memory contiguous(array, bytes dtypes, int ndim, int flags=0):
    """Return the memory of an array whose numbers stand one after the other."""
    try:
        return Memory(array, dtypes, ndim, PyBUF_C_CONTIGUOUS | flags)
    except BufferError as error:
        raise ValueError(f"Expected a contiguous array: {error}.") from error


cdef int add_layer(
    network_t *network, int64_t n_in, int64_t n_out, int g, const void *weights,
    int64_t in_step, int64_t out_step, const void *bias, int64_t bias_step,
) except -1:
    if network.n_layers == MAX_LAYERS:
        raise ValueError(f"Expected at most {MAX_LAYERS} layers of weights.")
    if n_in < 1 or n_out < 1:
        raise ValueError(f"Expected units in each layer, got {n_in} and {n_out}.")
    network.layers[network.n_layers] = layer_t(
        n_in, n_out, g, weights, in_step, out_step, bias, bias_step
    )
    network.n_layers += 1
    network.n_parameters += n_out * (n_in + 1)
    return 0


cdef int from_theta(network_t *network, Memory theta, tuple plan) except -1:
    """Describe the network whose weights are views into a flat vector."""
    cdef int64_t itemsize = theta.view.itemsize, offset = 0, n_in, n_out
    cdef char *start = <char *>theta.view.buf
    sizes, g, network.output, network.loss = plan
    network.n_layers = 0
    network.n_parameters = 0
    for n_in, n_out, g_l in zip(sizes[:-1], sizes[1:], (*g, IDENTITY), strict=True):
        add_layer(
            network, n_in, n_out, g_l, start + (offset + 1) * itemsize, 1, n_in + 1,
            start + offset * itemsize, n_in + 1,
        )
        offset += n_out * (n_in + 1)
    theta.of_shape(network.n_parameters)
    return 0


cdef int from_coefs(network_t *network, list coefs, list intercepts, tuple g) except -1:
    """Describe the network whose weights are the arrays that scikit-learn keeps."""
    cdef Memory coef, intercept
    cdef int64_t n_in = (<Memory>coefs[0]).length(0)
    network.n_layers = 0
    network.n_parameters = 0
    for coef, intercept, g_l in zip(coefs, intercepts, (*g, IDENTITY), strict=True):
        if coef.length(0) != n_in or coef.length(1) != intercept.length(0):
            raise ValueError("The shapes of the weights do not fit each other.")
        n_in = coef.length(1)
        add_layer(
            network, coef.length(0), n_in, g_l, coef.view.buf, coef.step(0), coef.step(1),
            intercept.view.buf, intercept.step(0),
        )
    return 0


cdef class Examples:
    """Rows of X, and where they are learnt from, of Y and the weights, as long as this lives."""

    cdef examples_t rows
    cdef list kept

    def __cinit__(
        self, bytes dtype, int64_t n_inputs, X, int64_t n_outputs=0, Y=None, weights=None,
        order=None,
    ):
        cdef Memory memory = Memory(X, dtype, 2)
        cdef int64_t n = memory.length(0)
        if memory.length(1) != n_inputs:
            raise ValueError(f"Expected {n_inputs} columns in X, got {memory.length(1)}.")
        self.kept = [memory]
        self.rows = examples_t(0, n, memory.view.buf, memory.step(0), memory.step(1), NULL, NULL, NULL)
        if Y is not None:
            self.rows.Y = self.keep(contiguous(Y, dtype, 2)).of_shape(n, n_outputs)
        if weights is not None:
            self.rows.weights = self.keep(contiguous(weights, dtype, 1)).of_shape(n)
        if order is not None:
            self.rows.order = <const int64_t *>self.keep(contiguous(order, INTEGERS, 1)).of_shape(n)
            if not are_rows(self.rows.order, n):
                raise ValueError(f"order must hold the row numbers 0 to {n - 1}.")

    cdef Memory keep(self, Memory memory):
        self.kept.append(memory)
        return memory


cdef bint are_rows(const int64_t *order, int64_t n) noexcept nogil:
    for i in range(n):
        if order[i] < 0 or order[i] >= n:
            return False
    return True


def outputs(list coefs, list intercepts, tuple g, int kind, X, out):
    """Write the outputs of a network for the rows of X.

    Parameters
    ----------
    coefs, intercepts : list of ndarray
        The weights as scikit-learn keeps them, of the dtype of ``out``.
    g : tuple of int
        Of `HIDDEN`, the activation of each hidden layer.
    kind : int
        Of `KINDS`, what to write: z^(L), a^(L), the two probabilities of a single logistic
        unit, or logistic units divided by their sum.
    X : ndarray of shape (m, s_1)
        The examples, of the dtype of ``out``.
    out : ndarray of shape (m, s_L), or (m, 2) for a single unit's probabilities
        Where they go to; float32 or float64, contiguous.
    """
    cdef Memory out_ = contiguous(out, FLOATS, 2, PyBUF_WRITABLE)
    cdef bytes dtype = out_.view.format
    cdef list coefs_ = [Memory(coef, dtype, 2) for coef in coefs]
    cdef list intercepts_ = [Memory(intercept, dtype, 1) for intercept in intercepts]
    cdef network_t network
    from_coefs(&network, coefs_, intercepts_, g)
    cdef int64_t n_out = network.layers[network.n_layers - 1].n_out
    if kind == BINARY_PROBABILITIES:
        if n_out != 1:
            raise ValueError(f"Expected one output unit, got {n_out}.")
        n_out = 2
    cdef Examples examples = Examples(dtype, network.layers[0].n_in, X)
    cdef void *to = out_.of_shape(examples.rows.stop, n_out)
    cdef const kernels_t *kernels = get_kernels(instruction_set, out_.is_double())
    cdef int is_done
    with nogil:
        is_done = kernels.outputs(&network, &examples.rows, kind, to)
    if not is_done:
        raise MemoryError


def loss_and_gradient(tuple plan, theta, X, Y, weights, Delta):
    """Write Δ to an array; return the sum of the losses.

    Parameters
    ----------
    plan : tuple
        (layer_sizes, g, output, loss): g of `HIDDEN`, the others of `OUTPUTS` and `LOSSES`.
    theta : ndarray of shape (n_parameters,)
        All weights; float32 or float64, which all arrays must be.
    X, Y, weights : ndarray, ndarray, ndarray or None
        The examples, their targets and their weights.
    Delta : ndarray of shape (n_parameters,)
        Where Δ goes to.

    Returns
    -------
    float
        The sum of the weighted losses.
    """
    cdef Memory theta_ = contiguous(theta, FLOATS, 1)
    cdef bytes dtype = theta_.view.format
    cdef network_t network
    from_theta(&network, theta_, plan)
    cdef Examples examples = Examples(dtype, plan[0][0], X, plan[0][-1], Y, weights)
    cdef Memory Delta_ = contiguous(Delta, dtype, 1, PyBUF_WRITABLE)
    cdef void *to = Delta_.of_shape(network.n_parameters)
    cdef const kernels_t *kernels = get_kernels(instruction_set, theta_.is_double())
    cdef double loss = 0
    cdef int is_done
    with nogil:
        is_done = kernels.loss_and_gradient(&network, &examples.rows, &loss, to)
    if not is_done:
        raise MemoryError
    return loss


def epoch(
    tuple plan, theta, X, Y, weights, order, int64_t batch_size, double lambda_m,
    double mean_weight, double max_norm, dict rule, list averages,
):
    """Update the weights after each batch of rows.

    Parameters
    ----------
    plan, X, Y, weights : tuple, ndarray, ndarray, ndarray or None
        As for `loss_and_gradient`.
    theta : ndarray of shape (n_parameters,)
        All weights, changed in place.
    order : ndarray of int64 of shape (m,) or None
        Which row comes when.
    batch_size : int
        The number of rows of a batch.
    lambda_m, mean_weight : float
        λ/m, and the mean of all weights.
    max_norm : float
        The norm to which a longer gradient is shortened; negative to leave it.
    rule : dict of str to float
        The fields of ``rule_t``.
    averages : list of ndarray of shape (n_parameters,)
        [v] for momentum, [m, v] for Adam; changed in place.

    Returns
    -------
    loss : float
        The sum over the rows of their batches' J.
    t : int
        The number of steps that Adam has made.
    """
    cdef Memory theta_ = contiguous(theta, FLOATS, 1, PyBUF_WRITABLE)
    cdef bytes dtype = theta_.view.format
    cdef network_t network
    from_theta(&network, theta_, plan)
    cdef int64_t n_parameters = network.n_parameters
    cdef Examples examples = Examples(dtype, plan[0][0], X, plan[0][-1], Y, weights, order)
    if batch_size < 1:
        raise ValueError(f"batch_size must be positive. Got {batch_size} instead.")
    batch_size = min(batch_size, max(examples.rows.stop, <int64_t>1))
    if len(averages) != (2 if rule["is_adam"] else 1):
        raise ValueError(f"Expected one average, or for Adam two, got {len(averages)}.")
    cdef list averages_ = [contiguous(average, dtype, 1, PyBUF_WRITABLE) for average in averages]
    cdef void *first = (<Memory>averages_[0]).of_shape(n_parameters)
    cdef void *last = (<Memory>averages_[-1]).of_shape(n_parameters)
    cdef bytearray gradient = bytearray(n_parameters * theta_.view.itemsize)
    cdef char *D = gradient
    cdef penalty_t penalty = penalty_t(lambda_m, mean_weight, max_norm, batch_size)
    cdef rule_t rule_ = rule
    cdef const kernels_t *kernels = get_kernels(instruction_set, theta_.is_double())
    cdef int64_t n = examples.rows.stop, n_turn = rows_of_a_turn(batch_size, n_parameters)
    cdef double loss = 0, of_turn
    cdef int is_done
    for start in range(0, n, n_turn):
        examples.rows.start = start
        examples.rows.stop = min(start + n_turn, n)
        with nogil:
            is_done = kernels.epoch(
                &network, &examples.rows, &penalty, &rule_, &of_turn, theta_.view.buf, D,
                first, last,
            )
        if not is_done:
            raise MemoryError
        loss += of_turn
        PyErr_CheckSignals()
    return loss, rule_.t


cdef int64_t rows_of_a_turn(int64_t batch_size, int64_t n_parameters) noexcept:
    """Return after how many rows, in whole batches, to look for Ctrl-C: after about 0.1 s."""
    # an update costs as much as about ten rows do, and a call as much as some hundred weights
    return max(<int64_t>1, 1_000_000_000 // (n_parameters + 300) // (batch_size + 10)) * batch_size
