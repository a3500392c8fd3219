"""A cluster of two processes on the loopback address, which all tests of this folder share."""

import signal
import threading
from multiprocessing import forkserver

import pytest

dask = pytest.importorskip("dask", reason="needs the extra dask")
# a worker is forked from a process that has imported what it needs, and starts at once
dask.config.set({"distributed.worker.multiprocessing-method": "forkserver"})
distributed = pytest.importorskip("distributed", reason="needs the extra dask")


@pytest.fixture(autouse=True)
def on_this_thread():
    """Compute what no cluster computes on this thread: others would take longer."""
    with dask.config.set(scheduler="synchronous"):
        yield


@pytest.fixture(scope="session")
def cluster():
    forkserver.set_forkserver_preload(["distributed", "skbp.dask"])
    forkserver.ensure_running()
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, host="127.0.0.1", dashboard_address="127.0.0.1:0"
    ) as cluster:
        yield cluster


@pytest.fixture
def client(cluster):
    with distributed.Client(cluster, set_as_default=False) as client:
        client.wait_for_workers(2, timeout=60)
        yield client


@pytest.fixture
def time_limit():
    """End a test that hangs, with an error that says where."""
    from dask_data import SECONDS

    def end(*ignored):
        raise TimeoutError(f"The test takes more than {SECONDS} s.")

    before = signal.signal(signal.SIGUSR1, end)
    main = threading.main_thread().ident
    timer = threading.Timer(SECONDS, signal.pthread_kill, (main, signal.SIGUSR1))
    timer.start()
    yield
    timer.cancel()
    signal.signal(signal.SIGUSR1, before)
