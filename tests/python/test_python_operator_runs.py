"""Operators written in Python in nets, executors, threads: exceptions, memory, the end."""

import gc
import os
import subprocess
import sys
import threading
import traceback

import doppio
import numpy as np
import pytest
from doppio import ArraySpec, operator
from python_operator_samples import F, OwnError, TestCube, run
from support import allowed_growth, in_threads, resident_bytes


@pytest.mark.parametrize("type", ["", "parallel"])
@pytest.mark.parametrize("kind, error", [("ValueError", ValueError), ("Own", OwnError),
                                         ("KeyboardInterrupt", KeyboardInterrupt),
                                         ("SystemExit", SystemExit)])
def test_an_exception_reaches_the_caller_as_it_was(kind, error, type):
    net = doppio.Net("troubled", type=type)
    net.num_workers = 3
    net.add("TestCube", "X", "A").add("TestFail", "X", "Y", kind=kind).add("TestCube", "X", "B")
    ws = doppio.Workspace()
    ws["X"] = np.ones(2, F)
    with pytest.raises(error) as caught:
        ws.run(net)
    assert str(caught.value) == "told you" and caught.value.__class__ is error
    frames = [frame.name for frame in traceback.extract_tb(caught.value.__traceback__)]
    assert frames[-1] == "TestFail"
    if sys.version_info >= (3, 11):
        assert caught.value.__notes__ == ['in net "troubled", op 1 TestFail(X) -> Y']
    ws.run(doppio.Net("fine").add("TestCube", "X", "Y"))  # the workspace is as good as before
    assert ws["Y"].tolist() == [1, 1]


def test_the_operator_that_failed_is_known():
    ws = doppio.Workspace()
    ws["X"] = F(1)
    net = doppio.Net("n").add("TestCube", "X", "A").add("TestFail", "X", "Y")
    with pytest.raises(ValueError):
        ws.run(net)
    assert ws.last_failed_operator("n") == 1


def test_many_failures_hold_no_memory():
    net = doppio.Net("n", type="parallel")
    net.num_workers = 3
    for i in range(4):
        net.add("TestFail", "X", f"Y{i}")
    ws = doppio.Workspace()
    ws["X"] = np.ones(1000, F)
    errors = []
    for _ in range(50):
        with pytest.raises(ValueError) as caught:
            ws.run(net)
        errors.append(id(caught.value))
        del caught
    gc.collect()
    assert not [o for o in gc.get_objects() if isinstance(o, ValueError) and str(o) == "told you"]


def test_an_exception_whose_text_fails_is_still_raised():
    class Silent(Exception):
        def __str__(self):
            raise RuntimeError("no text")

    @operator
    def TestSilent(x):
        raise Silent()

    with pytest.raises(Silent):
        run(doppio.Net("n").add("TestSilent", "X", "Y"), X=F(1))


def test_a_wrong_type_inside_numpy_is_the_exception_of_numpy():
    with pytest.raises(ValueError, match="dimensions"):
        run(doppio.Net("n").add("TestConcat", ["A", "B"], "Y"), A=np.ones((1, 2)), B=np.ones(3))


def test_the_parallel_executor_gives_what_the_simple_one_gives():
    nets = []
    for type in ("simple", "parallel"):
        net = doppio.Net("n", type=type)
        net.num_workers = 4
        for i in range(8):
            net.TestCube("X", name=f"Y{i}", bias=float(i))
        net.TestConcat(*[f"Y{i}" for i in range(8)], name="Y")
        nets.append(net)
    x = np.arange(5, dtype=F)
    simple, parallel = (run(net, X=x) for net in nets)
    np.testing.assert_array_equal(simple["Y"], parallel["Y"])


def test_a_predictor_runs_python_operators():
    net = doppio.Net("n")
    net.Relu("X", name="R")
    net.TestCube("R", name="Y", bias=1.0)
    net.external_inputs, net.external_outputs = ["X"], ["Y"]
    predictor = doppio.Predictor(net, inputs=["X"], outputs=["Y"])
    for _ in range(3):
        y, = predictor.run([np.array([-1, 2], F)])
        assert y.tolist() == [1, 9]


def test_check_and_infer_know_python_operators():
    @operator(infer="x")
    def TestLike(x, w):
        return x

    @operator(outputs=2, infer=lambda x, *, count=1: (ArraySpec((count,) + x.shape, x.dtype),
                                                      ((), np.int64)))
    def TestInferred(x, *, count=1):
        return np.stack([x] * count), np.int64(count)

    net = doppio.Net("n")
    net.TestLike("X", "W", name="A")
    net.TestInferred("A", name=["Y", "n"], count=2)
    assert not doppio.check(net)
    known = {"X": np.ones((3, 4), F), "W": np.ones(1, F)}
    ws = run(net, **known)
    inferred = doppio.infer(net, {name: (value.dtype, value.shape) for name, value in known.items()})
    assert tuple(inferred["Y"][1]) == ws["Y"].shape == (2, 3, 4)
    assert inferred["n"][0] == "int64"


def test_a_wrong_number_of_inputs_is_a_problem_of_the_net():
    text = 'op { type: "TestCube" input: "X" input: "W" output: "Y" }'
    problems = doppio.check(doppio.Net.from_text(text))
    assert "takes 1 input, but has 2" in str(problems[0])


def test_in_the_net_of_an_if():
    inner = doppio.Net("inner").add("TestCube", "X", "Y")
    net = doppio.Net("n").add("If", ["condition", "X"], ["Y"], then_net=inner)
    assert run(net, condition=np.array(True), X=np.array([2], F), Y=F(0))["Y"].tolist() == [8]


def test_in_the_nets_of_a_while():
    @operator
    def TestBelow(x, *, limit=0.0):
        return np.bool_(x < limit)

    @operator(inplace=True)
    def TestIncrement(x):
        return x + F(1)

    condition = doppio.Net("condition").add("TestBelow", "X", "again", limit=40.0)
    condition.external_outputs = ["again"]
    body = doppio.Net("body").add("TestIncrement", "X", "X")
    net = doppio.Net("n").add("While", ["again", "X"], ["X"], loop_net=body, cond_net=condition)
    assert run(net, again=np.array(True), X=F(0))["X"] == 40


def test_an_exception_in_the_net_of_an_if_reaches_the_caller():
    inner = doppio.Net("inner").add("TestFail", "X", "Y", kind="Own")
    net = doppio.Net("outer").add("If", ["condition", "X"], ["Y"], then_net=inner)
    with pytest.raises(OwnError, match="told you") as caught:
        run(net, condition=np.array(True), X=np.array([2], F), Y=F(0))
    if sys.version_info >= (3, 11):
        assert "outer" in caught.value.__notes__[0] and "TestFail" in caught.value.__notes__[0]


def test_an_operator_may_run_another_net():
    inner = doppio.Net("inner")
    inner.TestCube("X", name="Y", bias=1.0)

    @operator
    def TestNested(x):
        return run(inner, X=x)["Y"]

    assert run(doppio.Net("n").add("TestNested", "X", "Y"), X=np.array([2], F))["Y"].tolist() == [9]


def test_an_operator_that_runs_its_own_net_is_refused():
    ws = doppio.Workspace()
    net = doppio.Net("n").add("TestRecursive", "X", "Y")

    @operator
    def TestRecursive(x):
        ws.run(net)
        return x

    ws["X"] = F(1)
    with pytest.raises(doppio.FailedPreconditionError, match="is running"):
        ws.run(net)


def test_an_operator_may_touch_the_workspace_it_runs_in():
    ws = doppio.Workspace()

    @operator
    def TestTouch(x):
        ws["X"] = np.zeros(3, F)
        ws["log"] = x.copy()
        with pytest.raises(doppio.FailedPreconditionError):
            ws.reset_workspace()
        return x

    ws["X"] = np.array([4, 5], F)
    ws.run(doppio.Net("n").add("TestTouch", "X", "Y"))
    assert ws["Y"].tolist() == [4, 5] and ws["X"].tolist() == [0, 0, 0]
    assert ws["log"].tolist() == [4, 5]


def test_eight_threads_with_their_own_workspaces():
    net = doppio.Net("n")
    net.TestCube("X", name="Y")
    net.TestConcat("Y", "X", name="Z")
    def work(number):
        ws = doppio.Workspace()
        for i in range(100):
            ws["X"] = np.array([number, i], F)
            ws.run(net)
            assert ws["Z"].tolist() == [number ** 3, i ** 3, number, i]
            if i % 10 == 0:
                with pytest.raises(ValueError, match="told you"):
                    ws.run(doppio.Net("f").add("TestFail", "X", "F"))

    in_threads(work)


@pytest.mark.parametrize("net_type", ["simple", "parallel"])
def test_memory_is_flat(net_type):
    net = doppio.Net("n", type=net_type)
    net.num_workers = 2
    net.TestCube("X", name="Y")
    net.TestReturn("Y", name="Z", what="reshaped")
    net.TestFail("Z", name="F")
    ws = doppio.Workspace()
    ws["X"] = np.ones(10_000, F)

    def cycle(times):
        for _ in range(times):
            try:
                ws.run(net)
            except ValueError:
                pass

    cycle(500)
    before = resident_bytes()
    cycle(5000)
    assert resident_bytes() - before < allowed_growth(8 << 20)


def run_script(script):
    return subprocess.run([sys.executable, "-c", script], capture_output=True, text=True,
                          timeout=120, env={**os.environ, "PYTHONPATH": ":".join(sys.path)})


PREAMBLE = """
import atexit, sys, threading, time, doppio, numpy as np
from doppio.python_operators import operator
@operator
def TestSlow(x, *, a=1):
    time.sleep(0.001)
    return x + a
net = doppio.Net("n", type=TYPE)
net.num_workers = 3
for i in range(4): net.TestSlow("X", name=f"Y{i}", a=2)
ws = doppio.Workspace()
ws["X"] = np.ones(3, np.float32)
ws.run(net)
"""


INTERRUPTED = """
import os, signal
def interrupt():
  time.sleep(0.2)
  os.kill(os.getpid(), signal.SIGINT)
threading.Thread(target=interrupt).start()
try:
  ws.run(net, times=10**6)
except KeyboardInterrupt:
  print("interrupted")
ws.run(net)
assert ws["Y3"].tolist() == [3, 3, 3]
"""


@pytest.mark.parametrize("type", ["simple", "parallel"])
def test_ctrl_c_ends_a_run_of_python_operators(type):
    done = run_script(PREAMBLE.replace("TYPE", repr(type)) + INTERRUPTED)
    assert (done.returncode, done.stdout, done.stderr) == (0, "interrupted\n", "")


@pytest.mark.parametrize("type", ["simple", "parallel"])
@pytest.mark.parametrize("end", [
    "", "sys.exit(0)", "kept = ws['Y0']; atexit.register(lambda: ws.run(net))",
    "def forever():\n  while True: ws.run(net)\n"
    "threading.Thread(target=forever, daemon=True).start(); time.sleep(0.05)"])
def test_the_interpreter_ends_well(type, end):
    done = run_script(PREAMBLE.replace("TYPE", repr(type)) + end)
    assert (done.returncode, done.stderr) == (0, "")
