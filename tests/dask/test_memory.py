"""Data several times as large as the memory that a fit may use."""

import subprocess
import sys

import pytest

ROWS_OF_BLOCK, N_BLOCKS, N_FEATURES = 2_000, 32, 100
LARGE = ROWS_OF_BLOCK * N_BLOCKS * N_FEATURES * 8  # bytes: 51 MB
LIMIT = LARGE // 3

CODE = f"""
import resource
import sys

import dask
import dask.array as da
import numpy as np

from skbp.dask import DaskBackpropClassifier

path = sys.argv[1]
rows = {ROWS_OF_BLOCK}


def read(block_info):
    start = block_info[None]["array-location"][0][0] * {N_FEATURES}
    part = np.fromfile(path, np.float64, rows * {N_FEATURES}, offset=8 * start)
    return part.reshape(rows, {N_FEATURES})


X = da.map_blocks(read, chunks=((rows,) * {N_BLOCKS}, {N_FEATURES}), dtype=float)
y = X[:, 0] > 0.5
cases = [("synchronous", "lbfgs"), ("threads", "adam")]
model = DaskBackpropClassifier((8,), max_iter=2, random_state=0, tol=0)
small = X[:1000].rechunk((1000, -1)), y[:1000].rechunk(1000)
for scheduler, solver in cases:  # imports, and starts what there is to start
    with dask.config.set(scheduler=scheduler):
        model.set_params(solver=solver).fit(*small)
used = int(open("/proc/self/statm").read().split()[5]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_DATA, (used + {LIMIT}, used + {LIMIT}))
for scheduler, solver in cases:
    with dask.config.set(scheduler=scheduler):
        model.set_params(solver=solver).fit(X, y)
        print(scheduler, model.n_iter_)
print(0 < model.score(X, y) < 1)
"""


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    import numpy as np

    path = tmp_path_factory.mktemp("large") / "X"
    rng = np.random.default_rng(0)
    with path.open("wb") as file:
        for _ in range(N_BLOCKS):
            rng.random((ROWS_OF_BLOCK, N_FEATURES), np.float32).astype(float).tofile(file)
    yield path
    path.unlink()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="RLIMIT_DATA is Linux's")
def test_a_fit_needs_no_more_memory_than_a_few_blocks(path):
    command = [sys.executable, "-W", "ignore", "-c", CODE, str(path)]
    result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert result.stdout.splitlines() == ["synchronous 2", "threads 2", "True"], result.stderr
