"""Arrays that hold the same numbers in another layout of memory, as readers of files hand over."""

import pickle

import numpy as np
from scipy.sparse import issparse


def unaligned(array):
    """Return a copy that begins one byte after where numbers of its dtype may."""
    memory = np.zeros(array.nbytes + 1, np.uint8)
    view = memory[1:].view(array.dtype).reshape(array.shape)
    view[:] = array
    return view


def received(array):
    """Return a copy as a worker of Dask gets it: at an odd address of memory that is read-only."""
    view = np.frombuffer(b"." + array.tobytes(), array.dtype, offset=1)
    return view.reshape(array.shape)


def other_byte_order(array):
    """Return a copy in the byte order that this processor does not have."""
    return array.astype(array.dtype.newbyteorder())


def mapped(array, path, offset=0):
    """Return a read-only map of a file, in which the array begins after some bytes."""
    path.write_bytes(b"." * offset + array.tobytes())
    return np.memmap(path, array.dtype, "r", offset, array.shape)


def laid_out(layout, array):
    """Return an array, or all arrays of a sparse matrix, in a layout; None for None."""
    if not issparse(array):
        return None if array is None else layout(array)
    copied = array.copy()
    copied.data, copied.indices, copied.indptr = map(
        layout, (array.data, array.indices, array.indptr)
    )
    return copied


def sent(thing):
    """Return a copy of any object as a worker of Dask gets it, with all arrays as `received`."""
    buffers = []
    data = pickle.dumps(thing, protocol=5, buffer_callback=buffers.append)
    return pickle.loads(data, buffers=[memoryview(b"." + b.raw())[1:] for b in buffers])
