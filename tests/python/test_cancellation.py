"""Runs that end at a deadline, or because another thread says so."""

import asyncio
import threading

import numpy as np
import pytest

import doppio


@pytest.fixture(params=["simple", "parallel"])
def endless(request):
    """A workspace and a net in it that never ends by itself."""
    ws = doppio.Workspace()
    ws["i"], ws["one"], ws["yes"] = np.int64(0), np.int64(1), np.bool_(True)
    net = doppio.Net("endless")
    net.type = request.param
    net.add("While", "yes", "i", loop_net=doppio.Net("body").add("Add", ["i", "one"], "i"))
    return ws, net


def ended(error):
    """What `error` says of the run of `endless`."""
    return pytest.raises(error, match=r'net "endless", op 0 While\(yes\) -> i: net "body", op 0 Add')


def expect_usable(ws):
    turns = ws["i"]
    ws.run(doppio.Net("after").add("Copy", "i", "k"))
    assert ws["k"] == turns


def test_a_run_has_a_timeout(endless):
    ws, net = endless
    with ended(doppio.DeadlineExceededError):
        ws.run(net, timeout=0.05)
    with ended(TimeoutError):
        ws.run("endless", 3, timeout=0.05)
    expect_usable(ws)
    ws.run(doppio.Net("quick").add("Copy", "i", "j"), timeout=1000)


def test_another_thread_ends_a_run(endless):
    ws, net = endless
    cancellation = doppio.Cancellation()
    timer = threading.Timer(0.05, cancellation.cancel)
    timer.start()
    with ended(doppio.CancelledError), cancellation:
        ws.run(net)
    timer.join()
    expect_usable(ws)
    with pytest.raises(doppio.CancelledError), cancellation:
        ws.run(net)


def test_a_block_is_for_all_that_doppio_does_in_it(endless, tmp_path):
    ws, net = endless
    copy = doppio.Net("copy").add("Copy", "x", "y")
    predictor = doppio.Predictor(copy)
    doppio.save(copy, tmp_path / "net.pb")
    with doppio.Cancellation(timeout=0):
        for work in (lambda: ws.run_once(net), lambda: predictor(np.float32([1])),
                     lambda: doppio.load(tmp_path / "net.pb")):
            with pytest.raises(doppio.DeadlineExceededError):
                work()
    assert predictor(np.float32([1])) == 1
    doppio.load(tmp_path / "net.pb")


def test_a_predictor_has_a_timeout():
    predictor = doppio.Predictor(doppio.Net("copy").add("Copy", "x", "y"))
    for inputs in ({"x": np.float32([1])}, [np.float32([1])]):
        with pytest.raises(doppio.DeadlineExceededError, match='net "copy"'):
            predictor.run(inputs, timeout=0)
    assert predictor.run({"x": np.float32([1])}, timeout=100)["y"] == 1


def test_blocks_within_blocks(endless):
    ws, net = endless
    outer = doppio.Cancellation()
    with outer, doppio.Cancellation(timeout=1000):
        with ended(doppio.DeadlineExceededError), doppio.Cancellation(timeout=0.02):
            ws.run(net)
        threading.Timer(0.02, outer.cancel).start()
        with ended(doppio.CancelledError):
            ws.run(net)
    ws.run(doppio.Net("after").add("Copy", "i", "k"))


def test_blocks_that_end_in_another_order_leave_nothing(endless):
    ws, _ = endless

    def block(cancellation):
        with cancellation:
            yield

    first, second = doppio.Cancellation(), doppio.Cancellation()
    blocks = [block(first), block(second)]
    for each in blocks:
        next(each)
    first.cancel()
    blocks[0].close()
    ws.run(doppio.Net("after").add("Copy", "i", "k"))  # in the second one alone
    second.cancel()
    with pytest.raises(doppio.CancelledError):
        ws.run("after")
    blocks[1].close()
    ws.run("after")


def test_threads_and_tasks_have_blocks_of_their_own(endless):
    ws, net = endless
    copy = doppio.Net("copy").add("Copy", "i", "k")
    errors = []

    def other():
        try:
            doppio.Workspace(ws).run(copy)
        except doppio.Error as error:
            errors.append(error)

    async def cancelled(inside, done):
        with doppio.Cancellation() as cancellation:
            cancellation.cancel()
            inside.set()
            await done.wait()

    async def both():
        inside, done = asyncio.Event(), asyncio.Event()
        task = asyncio.create_task(cancelled(inside, done))
        await inside.wait()
        ws.run(copy)
        done.set()
        await task

    with doppio.Cancellation() as cancellation:
        cancellation.cancel()
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
    assert errors == []
    asyncio.run(both())


@pytest.mark.parametrize("timeout", [-1, float("nan")])
def test_a_timeout_is_a_time(timeout):
    with pytest.raises(ValueError, match="timeout"):
        doppio.Cancellation(timeout)
