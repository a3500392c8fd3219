"""How hypothesis draws its examples, and what is left out without the extension."""

import os

from hypothesis import settings

from skbp.engine.compiled import kernels

settings.register_profile("here", max_examples=30)
# The same examples each time, where a change must not land or fail by chance.
settings.register_profile("ci", max_examples=30, derandomize=True, database=None)
settings.load_profile("ci" if os.environ.get("CI") else "here")

OF_THE_EXTENSION = [
    "kernel_cases",
    "random_networks",
    "test_compiled",
    "test_kernel_arguments",
    "test_kernel_epochs",
    "test_kernels",
    "test_kept_memory",
    "test_sparse_kernels",
]
collect_ignore = [] if kernels else [f"engine/{name}.py" for name in OF_THE_EXTENSION]
