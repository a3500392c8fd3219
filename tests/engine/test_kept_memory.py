"""The memory that a thread keeps for the kernels: what it never changes, and that it has an end."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from threading import Thread

import numpy as np
import pytest
from kernel_cases import Case
from test_sparse_kernels import SparseCase

MIB = 1 << 20
# of workspaces of all sizes, in both precisions, and with memory for totals and for columns
CASES = [
    Case((100, 64, 1), 600),
    Case((3, 2, 1), 5),
    Case((100, 64, 3), 1100, "relu", dtype=np.float32, weighted=True),
    Case((700, 300, 5), 70, pair=("softmax", "log_loss")),
    SparseCase((2000, 7, 2), 600, dtype=np.float32),
    SparseCase((300, 17, 3), 40),
    Case((5, 7, 2), 1),
]

on_linux = pytest.mark.skipif(
    sys.platform != "linux" or "ASAN_OPTIONS" in os.environ,  # the sanitizer keeps freed memory
    reason="measures memory by /proc, and page faults",
)


def bits(case):
    """Return the bits of the gradient, and of the outputs where X is dense."""
    is_sparse = isinstance(case, SparseCase)
    loss, Delta = case.loss_and_gradient(X=case.entries if is_sparse else None)
    outputs = np.zeros(0) if is_sparse else case.outputs()
    return repr(loss).encode() + Delta.tobytes() + outputs.tobytes()


def in_a_new_thread(function, *args):
    found = []
    thread = Thread(target=lambda: found.append(function(*args)))
    thread.start()
    thread.join()
    return found[0]


def test_what_a_call_has_left_in_memory_changes_no_other_one():
    fresh = [in_a_new_thread(bits, case) for case in CASES]
    orders = [np.random.default_rng(seed).permutation(len(CASES)) for seed in range(4)]

    def all_in_turn():
        return all(bits(CASES[i]) == fresh[i] for order in orders for i in order)

    assert in_a_new_thread(all_in_turn)


def test_threads_do_not_share_their_memory():
    expected = [bits(case) for case in CASES]
    with ThreadPoolExecutor(4) as executor:
        for _ in range(5):
            assert list(executor.map(bits, CASES)) == expected


def resident():
    """Return the bytes of this process that are in memory."""
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@on_linux
def test_the_memory_of_a_thread_ends_with_it():
    case = Case((100, 64, 1), 600)
    for _ in range(10):
        in_a_new_thread(case.loss_and_gradient)
    before = resident()
    for _ in range(100):
        in_a_new_thread(case.loss_and_gradient)
    assert resident() - before < 20 * MIB  # of 100 times 1.4 MiB and more


@on_linux
def test_memory_that_is_very_large_is_not_kept():
    def kept_by(case):
        before = resident()
        case.outputs()
        return resident() - before

    large = Case((3, 200_000, 1), 64)  # has 100 MiB
    large.outputs()  # so that the arrays of the case are there
    assert in_a_new_thread(kept_by, large) < 20 * MIB


FAULTS = """
import sys
sys.path[:0] = {path!r}
import resource
from kernel_cases import Case

case = Case((100, 64, 1), 600)
data, Delta = case.data, case.theta.copy()
arguments = case.plan, case.theta, data, Delta
call = sys.modules["kernel_cases"].kernels.loss_and_gradient

def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt

for _ in range(3):
    call(*arguments)
before = faults()
for _ in range(100):
    call(*arguments)
print(faults() - before)
"""


def run(script):
    """Run a script in a process of its own, where freed memory is returned at once as on Dask."""
    return subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script.format(path=sys.path)],
        env={**os.environ, "MALLOC_TRIM_THRESHOLD_": "65536"},
        check=True,
        capture_output=True,
        timeout=120,
    ).stdout.decode()


@on_linux
def test_calls_fault_no_pages_in_where_freed_memory_is_returned_at_once():
    # a call touches more than 300 pages of its workspace
    assert int(run(FAULTS)) < 100


FORK = """
import sys
sys.path[:0] = {path!r}
import os
from test_kept_memory import CASES, bits

expected = [bits(case) for case in CASES]
child = os.fork()
same = [bits(case) for case in CASES] == expected
if child == 0:
    os._exit(0 if same else 1)
_, status = os.waitpid(child, 0)
print(same, os.waitstatus_to_exitcode(status))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_process_has_its_own():
    assert run(FORK).split() == ["True", "0"]
