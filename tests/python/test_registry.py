"""doppio.operators, check and infer."""

import numpy as np
import pytest

import doppio


def test_operators_are_a_mapping_from_type_to_schema():
    assert len(doppio.operators) == len(list(doppio.operators)) > 250
    assert "Expand" in doppio.operators and "expand" not in doppio.operators and 1 not in doppio.operators
    schema = doppio.operators["Expand"]
    assert (schema.min_inputs, schema.max_inputs, schema.has_gradient) == (2, 2, True)
    assert [blob.name for blob in schema.inputs] == ["X", "shape"]
    assert doppio.operators["Sum"].max_inputs == -1


def test_a_missing_operator_is_a_key_error_with_near_names():
    with pytest.raises(KeyError, match="did you mean Expand"):
        doppio.operators["Exapnd"]


def test_arguments_have_their_defaults():
    args = {arg.name: arg for arg in doppio.operators["LeakyRelu"].args}
    assert args["alpha"].type == "float" and args["alpha"].default == pytest.approx(0.01)
    assert not args["alpha"].required


def test_check_finds_every_problem_at_once():
    net = doppio.Net("broken").add("Exapnd", ["X", "shape"], "Y").add("Nothing", "Y", "Z")
    problems = doppio.check(net)
    assert [problem.op for problem in problems] == [0, 1]
    assert str(problems[0]).startswith('net "broken", op 0 Exapnd(X, shape) -> Y: there is no')


def test_check_knows_the_blobs_of_a_workspace():
    net = doppio.Net("n").add("Relu", "X", "Y")
    assert doppio.check(net) == [] and len(doppio.check(net, strict=True)) == 1
    ws = doppio.Workspace()
    ws["X"] = 1.0
    assert doppio.check(net, ws, strict=True) == doppio.check(net, ["X"], strict=True) == []


def test_infer_tells_shapes_without_a_run():
    net = doppio.Net("n").add("Expand", ["X", "shape"], "Y").add("Relu", "Q", "R")
    ws = doppio.Workspace()
    ws.blobs.update(X=np.zeros((3, 1), np.float32), shape=[3, 4])
    for blobs in (ws, {"X": ("float", (3, 1)), "shape": [3, 4]}):
        known = doppio.infer(net, blobs)
        assert known["Y"] == ("float", (3, 4)) and known["R"] == (None, None)
    with pytest.raises(doppio.InvalidArgumentError, match="Expand"):
        doppio.infer(net, {"X": ("float", (3, 2)), "shape": [3, 4]})
    with pytest.raises(doppio.Error):
        doppio.infer(net, {"X": ("float", (1 << 40, 1 << 40))})


@pytest.mark.parametrize("library", ["none.so", __file__])
def test_what_is_no_library_is_refused(library):
    with pytest.raises(doppio.Error, match=library.rsplit("/", maxsplit=1)[-1]):
        doppio.load_library(library)


def test_the_number_of_threads_can_be_set():
    before = doppio.num_threads()
    doppio.set_num_threads(1)
    assert doppio.num_threads() == 1
    doppio.set_num_threads(before)
    with pytest.raises(ValueError, match="at least 1"):
        doppio.set_num_threads(0)
