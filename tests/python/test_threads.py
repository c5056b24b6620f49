"""Threads, signals and memory."""

import gc
import os
import signal
import sys
import threading
import time

import numpy as np
import pytest

import doppio
from support import allowed_growth, in_threads, resident_bytes


def slow_net(name="slow"):
    """A loop that never ends by itself."""
    body = doppio.Net("body").add("Add", ["i", "one"], "i")
    return doppio.Net(name).add("While", ["yes"], ["i"], loop_net=body)


def slow_workspace():
    ws = doppio.Workspace()
    ws.blobs.update(i=np.int64(0), one=np.int64(1), yes=True)
    return ws


def test_eight_threads_have_their_own_workspaces():
    def work(k):
        net = doppio.Net("n").add("Scale", "X", "Y", scale=float(k)).add("SumElements", "Y", "s")
        ws = doppio.Workspace()
        for i in range(300):
            ws["X"] = np.full(50, i, np.float32)
            ws.run(net)
            assert ws["s"] == 50 * i * k

    in_threads(work)


def test_eight_threads_share_a_parent_that_is_only_read():
    parent = doppio.Workspace()
    parent["w"] = np.arange(100, dtype=np.float32)

    def work(k):
        ws = doppio.Workspace(parent)
        net = doppio.Net("n").add("Mul", ["x", "w"], "y")
        ws["x"] = np.full(100, k, np.float32)
        for _ in range(300):
            ws.run(net)
            np.testing.assert_array_equal(ws["y"], np.arange(100) * k)

    in_threads(work)


def test_a_process_that_was_forked_runs_nets():
    ws = doppio.Workspace()
    ws["X"] = np.ones((64, 1 << 14), np.float32)
    net = doppio.Net("n").add("Softmax", "X", "Y").add("SumElements", "Y", "s")
    ws.run(net)
    child = os.fork()
    if child == 0:
        signal.alarm(60)  # ends a child that waits forever
        ws.run(net)
        os._exit(0 if abs(ws["s"].item() - 64) < 0.01 else 1)
    assert os.waitpid(child, 0)[1] == 0


def test_other_threads_run_python_while_a_net_runs():
    ws, net = slow_workspace(), slow_net()
    started, counted = threading.Event(), []

    def count():
        started.wait()
        for k in range(1000):
            counted.append(k)
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=count)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        started.set()
        ws.run(net)
    thread.join()
    assert len(counted) == 1000


@pytest.mark.parametrize("type", ["simple", "parallel"])
def test_ctrl_c_ends_a_long_run_and_leaves_a_usable_workspace(type):
    ws, net = slow_workspace(), slow_net()
    net.type = type
    net.add("Copy", "i", "j")
    assert run_until_interrupted(ws, net, lambda: None) == []
    ws.run(doppio.Net("after").add("Copy", "i", "k"))
    assert ws["k"] == ws["i"]


def test_ctrl_c_ends_many_short_runs():
    ws = doppio.Workspace()
    ws["X"] = 1.0
    timer = threading.Timer(0.1, lambda: os.kill(os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        ws.run(doppio.Net("n").add("Negative", "X", "X"), times=1 << 30)
    timer.join()


def test_a_signal_handler_that_does_not_raise_lets_the_run_go_on():
    ws, net = slow_workspace(), slow_net()
    seen = []

    def handler(number, frame):
        seen.append(number)
        if len(seen) == 3:
            raise TimeoutError("three are enough")

    previous = signal.signal(signal.SIGALRM, handler)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.06, 0.06)
        with pytest.raises(TimeoutError, match="three"):
            ws.run(net)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)
    assert len(seen) == 3


def wait_until_in_use(ws, name):
    """Returns when a net on another thread uses the blob."""
    while True:
        try:
            ws.fetch(name)
        except doppio.FailedPreconditionError:
            return
        time.sleep(0.001)


def run_until_interrupted(ws, net, meanwhile):
    """Runs `net` on this thread and `meanwhile` on another; returns what that raised."""
    caught = []

    def other():
        wait_until_in_use(ws, "i")
        try:
            meanwhile()
        except doppio.Error as error:
            caught.append(error)
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=other)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        ws.run(net)
    thread.join()
    return caught


@pytest.mark.parametrize("use, words", [
    (lambda ws, net: ws.fetch("i"), 'blob "i" is used by net "slow"'),
    (lambda ws, net: ws.feed("one", np.int64(2)), 'blob "one" is used by net "slow"'),
    (lambda ws, net: ws.run(net), "running"),
    (lambda ws, net: ws.run(net.copy().add("Copy", "i", "j")), "running"),
    (lambda ws, net: ws.delete_net("slow"), "running"),
    (lambda ws, net: ws.reset_workspace(), "running"),
    (lambda ws, net: ws.close(), "running"),
    (lambda ws, net: doppio.Workspace(ws).feed("one", np.int64(2)), 'blob "one" is used'),
])
def test_what_would_disturb_a_run_on_another_thread_is_refused(use, words):
    ws, net = slow_workspace(), slow_net()
    caught = run_until_interrupted(ws, net, lambda: use(ws, net))
    assert len(caught) == 1 and words in str(caught[0])
    assert ws["one"] == 1


def test_what_does_not_disturb_a_run_on_another_thread_is_done():
    ws, net = slow_workspace(), slow_net()
    seen = []

    def meanwhile():
        ws["X"] = 5.0
        ws.run(doppio.Net("other").add("Negative", "X", "Y"))
        seen.append((ws["Y"].item(), ws["one"].item(), sorted(ws.blobs)))

    assert run_until_interrupted(ws, net, meanwhile) == []
    assert seen == [(-5.0, 1, ["X", "Y", "i", "one", "yes"])]


def test_10000_cycles_of_feed_run_and_fetch_leave_memory_flat():
    ws = doppio.Workspace()
    net = doppio.Net("n").add("Relu", "X", "Y").add("Concat", ["names", "names"], ["n2", "s"], axis=0)
    predictor = doppio.Predictor(doppio.Net("p").add("Relu", "X", "Y"))

    def cycle(k):
        ws["X"] = np.full((64, 64), k, np.float32)
        ws["names"] = [b"a name that is too long to be kept in place", b"b"]
        ws.run(net)
        assert ws["Y"][0, 0] == k and len(ws["n2"]) == 4
        ws.fetch("Y", copy=True)
        memoryview(ws.tensor("Y"))
        ws["Z"] = ws.tensor("Y")
        np.from_dlpack(ws.tensor("Z"))
        predictor(ws["X"])
        try:
            ws.fetch("nothing")
        except KeyError:
            pass
        if k % 100 == 0:
            ws.reset_workspace()

    for k in range(1000):
        cycle(k)
    gc.collect()
    before = resident_bytes()
    for k in range(10000):
        cycle(k)
    gc.collect()
    grown = resident_bytes() - before
    assert grown < allowed_growth(3 << 20), f"grew by {grown} bytes"


def test_blobs_that_come_and_go_give_their_arrays_back():
    ws = doppio.Workspace()
    array = np.zeros(1 << 20, np.uint8)
    count = sys.getrefcount(array)
    for _ in range(100):
        ws["X"] = array
        view = ws["X"]
    assert sys.getrefcount(array) > count
    del view
    ws.reset_workspace()
    gc.collect()
    assert sys.getrefcount(array) == count


def test_an_array_that_a_run_gave_up_is_released():
    ws = doppio.Workspace()
    array = np.zeros(10, np.float32)
    count = sys.getrefcount(array)
    ws["X"] = array
    ws.run(doppio.Net("n").add("Relu", "X", "X"))  # X gets storage of its own, without the lock
    ws["other"] = 1
    assert sys.getrefcount(array) == count
