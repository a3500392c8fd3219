"""Libraries to compare, each with its default threads and with one BLAS thread."""

import os
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec

MODULES = {
    "skbp": "of_skbp",
    "skbp NumPy": "of_skbp",
    "MLPClassifier": "of_sklearn",
    "PyTorch": "of_torch",
    "JAX": "of_jax",
    "products": "of_products",
    "square product": "of_square_product",
}
THREADS = ["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"]  # PyTorch reads the first
XLA_FLAGS = "XLA_FLAGS"
NO_COMPILED = "SKBP_NO_COMPILED"
NEEDS = {"PyTorch": ("torch",), "JAX": ("jax", "optax")}  # the others need what skbp does


@dataclass(frozen=True)
class Contender:
    """A library and its number of threads.

    Parameters
    ----------
    peer : str
        Key of `MODULES`.
    one_thread : bool
        Whether to use one thread instead of the default number.
    """

    peer: str
    one_thread: bool = False

    def __str__(self):
        return self.peer + ", one thread" * self.one_thread

    def load(self):
        """Import and return the module for the library."""
        return import_module(f"peers.{MODULES[self.peer]}")

    @contextmanager
    def environment(self):
        """Set the environment variables of the process for this contender."""
        before = {name: os.environ.pop(name, None) for name in [*THREADS, XLA_FLAGS, NO_COMPILED]}
        if self.one_thread:
            os.environ.update(dict.fromkeys(THREADS, "1"))
            os.environ[XLA_FLAGS] = "--xla_cpu_multi_thread_eigen=false"
        if self.peer == "skbp NumPy":
            os.environ[NO_COMPILED] = "1"
        try:
            yield
        finally:
            for name, value in before.items():
                os.environ.pop(name, None)
                if value is not None:
                    os.environ[name] = value


OURS, OURS_1 = Contender("skbp"), Contender("skbp", one_thread=True)
NUMPY, NUMPY_1 = Contender("skbp NumPy"), Contender("skbp NumPy", one_thread=True)
MLP, MLP_1 = Contender("MLPClassifier"), Contender("MLPClassifier", one_thread=True)
TORCH, TORCH_1 = Contender("PyTorch"), Contender("PyTorch", one_thread=True)
JAX, JAX_1 = Contender("JAX"), Contender("JAX", one_thread=True)
PRODUCTS, PRODUCTS_1 = Contender("products"), Contender("products", one_thread=True)
SQUARE, SQUARE_1 = Contender("square product"), Contender("square product", one_thread=True)

CONTENDERS = [OURS, NUMPY, MLP, TORCH, JAX, PRODUCTS, SQUARE]
CONTENDERS += [OURS_1, NUMPY_1, MLP_1, TORCH_1, JAX_1, PRODUCTS_1, SQUARE_1]


def available(work):
    """Return the contenders that are available for a work."""
    return [
        each
        for each in CONTENDERS
        if each.peer in work.peers
        and (work.also_one_thread or not each.one_thread)
        and all(map(find_spec, NEEDS.get(each.peer, ())))
    ]
