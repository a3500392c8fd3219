# cython: language_level=3
"""Python interface to the C kernels in ``c/``.

The C code checks no bounds, so all arguments are checked here: a ValueError is raised for an
array of a wrong dtype, shape or memory layout, or for a number out of range. The kernels run
without the GIL.
"""

from cpython.buffer cimport (
    PyBUF_C_CONTIGUOUS, PyBUF_FORMAT, PyBUF_STRIDES, PyBUF_WRITABLE, PyBuffer_Release,
    PyObject_GetBuffer,
)
from cpython.exc cimport PyErr_CheckSignals
from cpython.pycapsule cimport PyCapsule_GetName, PyCapsule_GetPointer
from libc.stdint cimport INT64_MAX, int32_t, int64_t

import numpy
from scipy.linalg import cython_blas


cdef extern from "c/kernels.h" nogil:
    int MAX_LAYERS
    int64_t MAX_WEIGHTS
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
        int64_t n_entries
        const int64_t *starts
        const int32_t *columns
        const void *Y
        const void *weights
        const int64_t *order

    ctypedef struct batches_t:
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
            const network_t *, const examples_t *, const batches_t *, rule_t *, double *,
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
    void start_keeping_memory()
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

# buffer formats; a C long has 32 or 64 bits
cdef bytes FLOATS = b"fd", INTEGERS = b"lq" if sizeof(long) == sizeof(int64_t) else b"q"
cdef bytes SHORT_INTEGERS = b"i" if sizeof(long) == sizeof(int64_t) else b"il"


cdef void *blas(str name) except NULL:
    """Return a function of SciPy's BLAS; raise an ImportError if its integers are not C ints."""
    capsule = cython_blas.__pyx_capi__.get(name)
    if capsule is None:
        raise ImportError(f"SciPy has no {name}.")
    cdef const char *signature = PyCapsule_GetName(capsule)
    if not signature.startswith(b"void (char *, char *, int *, int *, int *, "):
        raise ImportError(f"SciPy's {name} is {signature.decode()}, which skbp does not know.")
    return PyCapsule_GetPointer(capsule, signature)


dgemm = blas("dgemm")
sgemm = blas("sgemm")
start_keeping_memory()

cdef int instruction_set = n_instruction_sets() - 1


def instruction_sets():
    """Return the names of the instruction sets of this processor, the best one last."""
    return [INSTRUCTION_SETS[i].decode() for i in range(n_instruction_sets())]


def in_use():
    """Return the name of the instruction set in use."""
    return instruction_sets()[instruction_set]


def use(str name):
    """Use an instruction set from now on; return the one that was in use."""
    global instruction_set
    before = in_use()
    instruction_set = instruction_sets().index(name)
    return before


cdef class Buffer:
    """The memory of an array, kept alive as long as this object."""

    cdef Py_buffer view

    def __cinit__(self, array, bytes dtypes, int ndim, int flags=PyBUF_STRIDES):
        PyObject_GetBuffer(array, &self.view, PyBUF_FORMAT | flags)
        cdef bytes dtype = self.view.format
        if self.view.ndim != ndim or len(dtype) != 1 or dtype not in dtypes:
            raise ValueError(
                f"Expected {ndim} dimensions of format {' or '.join(dtypes.decode())}, "
                f"got {self.view.ndim} of {dtype.decode()!r}."
            )
        if not self.is_aligned():
            raise ValueError("Expected an aligned array.")

    def __dealloc__(self):
        PyBuffer_Release(&self.view)

    cdef bint is_aligned(self) noexcept:
        """Return whether all elements are at multiples of their size."""
        if <size_t>self.view.buf % <size_t>self.view.itemsize:
            return False
        for axis in range(self.view.ndim):
            if self.view.shape[axis] > 1 and self.view.strides[axis] % self.view.itemsize:
                return False
        return True

    cdef int64_t length(self, int axis) noexcept:
        return self.view.shape[axis]

    cdef int64_t step(self, int axis) noexcept:
        """Return the stride in elements."""
        return self.view.strides[axis] // self.view.itemsize

    cdef bint is_double(self) noexcept:
        return self.view.format[0] == c"d"

    cdef void *data(self, int64_t rows, int64_t columns=1) except? NULL:
        """Return the pointer to the elements; raise a ValueError if the shape is another one."""
        if self.length(0) != rows or (self.view.ndim == 2 and self.length(1) != columns):
            raise ValueError(f"Expected {rows} rows and {columns} columns.")
        return self.view.buf

    cdef bint overlaps(self, Buffer other) noexcept:
        """Return whether the memory bounds of two arrays overlap."""
        cdef char *start, *stop, *other_start, *other_stop
        self.bounds(&start, &stop)
        other.bounds(&other_start, &other_stop)
        return start < other_stop and other_start < stop

    cdef void bounds(self, char **start, char **stop) noexcept:
        """Write the bounds of the memory; NULL for an empty array."""
        start[0] = stop[0] = NULL
        if self.view.len == 0:
            return
        start[0] = stop[0] = <char *>self.view.buf
        for axis in range(self.view.ndim):
            span = (self.view.shape[axis] - 1) * self.view.strides[axis]
            if span < 0:
                start[0] += span
            else:
                stop[0] += span
        stop[0] += self.view.itemsize


cdef Buffer contiguous(array, bytes dtypes, int ndim, int flags=0):
    """Return the buffer of a C-contiguous array."""
    try:
        return Buffer(array, dtypes, ndim, PyBUF_C_CONTIGUOUS | flags)
    except BufferError as error:
        raise ValueError(f"Expected a contiguous array: {error}.") from error


cdef int check_separate(list written, list read) except -1:
    """Raise a ValueError if an array that is written shares memory with another array."""
    cdef Buffer result, other
    for result in written:
        for other in written + read:
            if result is not other and result.overlaps(other):
                raise ValueError("Expected results that share no memory with other arrays.")
    return 0


cdef int check_code(dict codes, code) except -1:
    """Return a code; raise a ValueError if there is no such code."""
    if code not in codes.values():
        raise ValueError(f"Expected one of the codes {codes}, got {code!r}.")
    return code


cdef int check_activations(tuple g, n_layers) except -1:
    """Raise a ValueError if there is not one activation for each hidden layer."""
    if len(g) != n_layers - 1:
        raise ValueError(f"Expected {n_layers - 1} activations of hidden layers, got {len(g)}.")
    for code in g:
        check_code(HIDDEN, code)
    return 0


cdef int add_layer(network_t *network, layer_t layer) except -1:
    """Append a layer; raise a ValueError if there are too many layers or weights."""
    if network.n_layers == MAX_LAYERS:
        raise ValueError(f"Expected at most {MAX_LAYERS} layers of weights.")
    cdef int64_t n_left = MAX_WEIGHTS - network.n_parameters
    # division, because the product may overflow
    if layer.n_in >= n_left or layer.n_out > n_left // (layer.n_in + 1):
        raise ValueError(f"Expected at most {MAX_WEIGHTS} weights.")
    network.layers[network.n_layers] = layer
    network.n_layers += 1
    network.n_parameters += layer.n_out * (layer.n_in + 1)
    return 0


cdef int64_t check_size(size) except -1:
    """Return the number of units of a layer; raise a ValueError if it is out of range."""
    if not 1 <= size <= MAX_WEIGHTS:
        raise ValueError(f"Expected 1 to {MAX_WEIGHTS} units in each layer, got {size}.")
    return size


cdef int from_theta(network_t *network, Buffer theta, tuple plan) except -1:
    """Describe the network whose weights are views into a flat vector."""
    cdef int64_t n_in, n_out
    cdef layer_t *layer
    sizes, g, output, loss = plan
    network.output = check_code(OUTPUTS, output)
    network.loss = check_code(LOSSES, loss)
    network.n_layers = 0
    network.n_parameters = 0
    if len(sizes) < 2:
        raise ValueError(f"Expected the sizes of at least two layers, got {len(sizes)}.")
    check_activations(g, len(sizes) - 1)
    for inputs, outputs, g_l in zip(sizes[:-1], sizes[1:], (*g, IDENTITY), strict=True):
        n_in = check_size(inputs)
        n_out = check_size(outputs)
        add_layer(network, layer_t(n_in, n_out, g_l, NULL, 1, n_in + 1, NULL, n_in + 1))
    cdef char *start = <char *>theta.data(network.n_parameters)
    for l in range(network.n_layers):
        layer = &network.layers[l]
        layer.bias = start
        layer.weights = start + theta.view.itemsize
        start += layer.n_out * (layer.n_in + 1) * theta.view.itemsize
    return 0


cdef int from_coefs(network_t *network, list coefs, list intercepts, tuple g) except -1:
    """Describe the network whose weights are the arrays that scikit-learn keeps."""
    cdef Buffer coef, intercept
    network.output = LOGISTIC  # not used for outputs, nor is the loss
    network.loss = LOG_LOSS
    network.n_layers = 0
    network.n_parameters = 0
    if not coefs or len(coefs) != len(intercepts):
        raise ValueError("Expected one array of weights and one of biases for each layer.")
    check_activations(g, len(coefs))
    cdef int64_t n_in = (<Buffer>coefs[0]).length(0)
    for coef, intercept, g_l in zip(coefs, intercepts, (*g, IDENTITY), strict=True):
        if coef.length(0) != n_in or coef.length(1) != intercept.length(0):
            raise ValueError("The shapes of the weights do not fit each other.")
        n_in = check_size(coef.length(1))
        add_layer(network, layer_t(
            check_size(coef.length(0)), n_in, g_l, coef.view.buf, coef.step(0), coef.step(1),
            intercept.view.buf, intercept.step(0),
        ))
    return 0


cdef class Examples:
    """The rows of X and, for training, their targets, weights and order."""

    cdef examples_t rows
    cdef list buffers

    def __cinit__(self, X, bytes dtype, int64_t n_inputs):
        if isinstance(X, tuple):
            self.use_sparse(X, dtype, n_inputs)
        else:
            self.use_dense(X, dtype, n_inputs)

    cdef int use_dense(self, X, bytes dtype, int64_t n_inputs) except -1:
        cdef Buffer buffer = Buffer(X, dtype, 2)
        if buffer.length(1) != n_inputs:
            raise ValueError(f"Expected {n_inputs} columns in X, got {buffer.length(1)}.")
        self.buffers = [buffer]
        self.rows = examples_t(
            0, buffer.length(0), buffer.view.buf, buffer.step(0), buffer.step(1), 0, NULL, NULL,
            NULL, NULL, NULL,
        )
        return 0

    cdef int use_sparse(self, tuple X, bytes dtype, int64_t n_inputs) except -1:
        values, columns, starts = X
        cdef Buffer values_ = contiguous(values, dtype, 1)
        cdef Buffer columns_ = contiguous(columns, SHORT_INTEGERS, 1)
        cdef Buffer starts_ = contiguous(starts, INTEGERS, 1)
        cdef int64_t n = starts_.length(0) - 1, n_entries = values_.length(0)
        self.buffers = [values_, columns_, starts_]
        self.rows = examples_t(
            0, n, values_.view.buf, 0, 0, n_entries, <const int64_t *>starts_.view.buf,
            <const int32_t *>columns_.data(n_entries), NULL, NULL, NULL,
        )
        if n < 0 or not are_entries(&self.rows, n_inputs):
            raise ValueError(f"Expected the rows of a sparse X with {n_inputs} columns.")
        return 0

    cdef const void *add(self, array, bytes dtypes, int64_t columns=0) except? NULL:
        """Keep a contiguous array with one row or number per example; return its elements."""
        cdef Buffer buffer = contiguous(array, dtypes, 2 if columns else 1)
        self.buffers.append(buffer)
        return buffer.data(self.rows.stop, columns)


cdef Examples training_examples(tuple examples, bytes dtype, const network_t *network, order=None):
    """Return X, Y and the weights, in this order of rows."""
    cdef int64_t n_outputs = network.layers[network.n_layers - 1].n_out
    X, Y, weights = examples
    if Y is None:
        raise ValueError("Expected targets Y, got None.")
    cdef Examples result = Examples(X, dtype, network.layers[0].n_in)
    result.rows.Y = result.add(Y, dtype, n_outputs)
    if weights is not None:
        result.rows.weights = result.add(weights, dtype)
    if order is not None:
        result.rows.order = <const int64_t *>result.add(order, INTEGERS)
        if not are_rows(result.rows.order, result.rows.stop):
            raise ValueError(f"order must hold the row numbers 0 to {result.rows.stop - 1}.")
    return result


cdef bint are_entries(const examples_t *rows, int64_t n_columns) noexcept nogil:
    """Return whether the rows of a sparse X have no other entries and columns than there are."""
    cdef int64_t i, e
    if rows.starts[0] < 0 or rows.starts[rows.stop] > rows.n_entries:
        return False
    for i in range(rows.stop):
        if rows.starts[i] > rows.starts[i + 1]:
            return False
    for e in range(rows.n_entries):
        if rows.columns[e] < 0 or rows.columns[e] >= n_columns:
            return False
    return True


cdef bint are_rows(const int64_t *order, int64_t n) noexcept nogil:
    """Return whether all n numbers are numbers of n rows."""
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
        The activation of each hidden layer, a value of `HIDDEN`.
    kind : int
        What to write, a value of `KINDS`: z^(L), a^(L), the two probabilities of a single
        logistic unit, or logistic units divided by their sum.
    X : ndarray of shape (m, s_1)
        The examples, of the dtype of ``out``.
    out : ndarray of shape (m, s_L), or (m, 2) for a single unit's probabilities
        The array to write to, contiguous, of float32 or float64.
    """
    check_code(KINDS, kind)
    cdef Buffer out_ = contiguous(out, FLOATS, 2, PyBUF_WRITABLE)
    cdef bytes dtype = out_.view.format
    cdef list coefs_ = [Buffer(coef, dtype, 2) for coef in coefs]
    cdef list intercepts_ = [Buffer(intercept, dtype, 1) for intercept in intercepts]
    cdef network_t network
    from_coefs(&network, coefs_, intercepts_, g)
    cdef int64_t n_out = network.layers[network.n_layers - 1].n_out
    if kind == BINARY_PROBABILITIES:
        if n_out != 1:
            raise ValueError(f"Expected one output unit, got {n_out}.")
        n_out = 2
    cdef Examples examples = Examples(X, dtype, network.layers[0].n_in)
    cdef void *result = out_.data(examples.rows.stop, n_out)
    check_separate([out_], examples.buffers + coefs_ + intercepts_)
    cdef const kernels_t *kernels = get_kernels(instruction_set, out_.is_double())
    cdef int is_done
    with nogil:
        is_done = kernels.outputs(&network, &examples.rows, kind, result)
    if not is_done:
        raise MemoryError


def loss_and_gradient(tuple plan, theta, tuple examples, Delta):
    """Return the sum of the losses, and write Δ to an array.

    Parameters
    ----------
    plan : tuple
        (layer_sizes, g, output, loss): the activation g of each hidden layer is a value of
        `HIDDEN`, ``output`` one of `OUTPUTS` and ``loss`` one of `LOSSES`.
    theta : ndarray of shape (n_parameters,)
        All weights, of float32 or float64, which is the dtype of all arrays.
    examples : tuple
        (X, Y, weights): the examples, their targets, and their weights or None. X may be
        sparse: then it is a tuple of its values, their column numbers, of int32, and where
        the rows start and the last one ends, of int64, as in CSR.
    Delta : ndarray of shape (n_parameters,)
        The array to write Δ to.

    Returns
    -------
    float
        The sum of the weighted losses.
    """
    cdef Buffer theta_ = contiguous(theta, FLOATS, 1)
    cdef bytes dtype = theta_.view.format
    cdef network_t network
    from_theta(&network, theta_, plan)
    cdef Examples examples_ = training_examples(examples, dtype, &network)
    cdef Buffer Delta_ = contiguous(Delta, dtype, 1, PyBUF_WRITABLE)
    cdef void *result = Delta_.data(network.n_parameters)
    check_separate([Delta_], [theta_, *examples_.buffers])
    cdef const kernels_t *kernels = get_kernels(instruction_set, theta_.is_double())
    cdef double loss = 0
    cdef int is_done
    with nogil:
        is_done = kernels.loss_and_gradient(&network, &examples_.rows, &loss, result)
    if not is_done:
        raise MemoryError
    return loss


def epoch(tuple plan, theta, tuple examples, order, dict batches, dict rule, list averages):
    """Update the weights after each batch of one epoch.

    Parameters
    ----------
    plan, examples : tuple
        As for `loss_and_gradient`.
    theta : ndarray of shape (n_parameters,)
        All weights, changed in place.
    order : ndarray of int64 of shape (m,) or None
        The row numbers in the order in which they are used; None for 0, …, m − 1.
    batches : dict of str to float
        The fields of ``batches_t``: ``lambda_m``, which is λ/m, ``mean_weight``, the mean of all
        sample weights, ``max_norm``, to which the norm of a gradient is clipped (negative for no
        clipping), and ``batch_size``.
    rule : dict of str to float
        The fields of ``rule_t``: ``is_adam``, ``nesterov``, ``eta``, ``momentum``, ``beta_1``,
        ``beta_2``, ``epsilon``, and ``t``, the number of steps that Adam has made.
    averages : list of ndarray of shape (n_parameters,)
        [v] for momentum, [m, v] for Adam; changed in place.

    Returns
    -------
    loss : float
        The sum over the batches of J times the number of rows.
    t : int
        The number of steps that Adam has made.
    """
    cdef Buffer theta_ = contiguous(theta, FLOATS, 1, PyBUF_WRITABLE)
    cdef bytes dtype = theta_.view.format
    cdef network_t network
    from_theta(&network, theta_, plan)
    cdef int64_t n_parameters = network.n_parameters
    cdef Examples examples_ = training_examples(examples, dtype, &network, order)
    cdef int64_t n = examples_.rows.stop
    cdef batches_t batches_ = batches_of(batches, n)
    cdef rule_t rule_ = rule_of(rule, n)
    if len(averages) != (2 if rule_.is_adam else 1):
        raise ValueError(f"Expected one average, or two for Adam, got {len(averages)}.")
    cdef list averages_ = [contiguous(average, dtype, 1, PyBUF_WRITABLE) for average in averages]
    cdef void *first = (<Buffer>averages_[0]).data(n_parameters)
    cdef void *last = (<Buffer>averages_[-1]).data(n_parameters)
    check_separate([theta_, *averages_], examples_.buffers)
    # NumPy's memory is in larger pages than that of a bytearray
    cdef Buffer gradient = Buffer(numpy.empty(n_parameters, dtype.decode()), dtype, 1)
    cdef void *D = gradient.view.buf
    cdef const kernels_t *kernels = get_kernels(instruction_set, theta_.is_double())
    cdef int64_t n_rows = rows_per_call(batches_.batch_size, n_parameters)
    cdef double loss = 0, loss_of_call
    cdef int is_done
    for start in range(0, n, n_rows):
        examples_.rows.start = start
        examples_.rows.stop = min(start + n_rows, n)
        with nogil:
            is_done = kernels.epoch(
                &network, &examples_.rows, &batches_, &rule_, &loss_of_call, theta_.view.buf, D,
                first, last,
            )
        if not is_done:
            raise MemoryError
        loss += loss_of_call
        PyErr_CheckSignals()
    return loss, rule_.t


cdef batches_t batches_of(dict fields, int64_t n_rows) except *:
    """Return the struct with these fields and a batch size of at most n_rows."""
    batch_size = fields.get("batch_size")
    if batch_size is None or not batch_size >= 1:
        raise ValueError(f"batch_size must be positive. Got {batch_size!r} instead.")
    cdef batches_t batches = {**fields, "batch_size": min(batch_size, max(n_rows, 1))}
    check_number_of_fields(fields, batches)
    return batches


cdef rule_t rule_of(dict fields, int64_t n_rows) except *:
    """Return the struct with these fields."""
    t = fields.get("t")
    if t is None or not 0 <= t <= INT64_MAX - n_rows:
        raise ValueError(f"t must be a number of steps. Got {t!r} instead.")
    cdef rule_t rule = fields
    check_number_of_fields(fields, rule)
    return rule


cdef int check_number_of_fields(dict fields, dict expected) except -1:
    """Raise a ValueError if there are other fields; Cython raises one if a field is missing."""
    if len(fields) != len(expected):
        raise ValueError(f"Expected the fields {list(expected)}, got {list(fields)}.")
    return 0


cdef int64_t rows_per_call(int64_t batch_size, int64_t n_parameters) noexcept:
    """Return the rows, in whole batches, of about 0.1 s, after which signals are checked."""
    # an update costs as much as about ten rows, and a call as much as some hundred weights
    return max(<int64_t>1, 1_000_000_000 // (n_parameters + 300) // (batch_size + 10)) * batch_size
