"""How hypothesis draws its examples."""

import os

from hypothesis import settings

# The same examples each time, where a change must not land or fail by chance.
settings.register_profile("ci", derandomize=True, database=None)

if os.environ.get("CI"):
    settings.load_profile("ci")
