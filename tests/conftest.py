"""How hypothesis draws its examples, and what is left out without the extension."""

import os

from hypothesis import settings

from skbp.fast import kernels

# The same examples each time, where a change must not land or fail by chance.
settings.register_profile("ci", derandomize=True, database=None)

if os.environ.get("CI"):
    settings.load_profile("ci")

OF_THE_EXTENSION = ["kernel_cases.py", "test_fast.py", "test_kernel_epochs.py", "test_kernels.py"]
collect_ignore = [] if kernels else OF_THE_EXTENSION
