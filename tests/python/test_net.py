"""Nets written in Python."""

import copy
import inspect
import pickle

import numpy as np
import pytest

import doppio


@pytest.fixture
def net():
    return doppio.Net("demo")


def test_an_operator_is_a_method_that_returns_the_name_of_its_output(net):
    assert net.Expand("X", "shape", name="Y") == "Y"
    assert str(net.ops[0]) == "Expand(X, shape) -> Y"


def test_outputs_without_a_name_get_one_that_is_free(net):
    names = [net.Relu("X"), net.Relu("X"), net.Relu("Relu")]
    assert names == ["Relu", "Relu_1", "Relu_2"]


def test_several_outputs_are_a_tuple(net):
    assert net.Split("X", name=["a", "b", "c"]) == ("a", "b", "c")
    outputs = net.Concat("X", "Y", axis=0)
    assert outputs == ("Concat", "Concat_split_info")


def test_outputs_beyond_the_one_that_is_named_get_names_after_it(net):
    assert net.Concat("a", "b", name="c", axis=0) == "c"
    assert net.ops[0].outputs == ["c", "c_split_info"]


def test_an_operator_without_outputs_returns_none(net):
    assert net.Print("X") is None


def test_inputs_may_be_lists(net):
    net.Concat(["a", "b"], name="c", axis=0)
    net.Concat("a", "b", name="d", axis=0)
    assert net.ops[0].inputs == net.ops[1].inputs == ["a", "b"]


@pytest.mark.parametrize("value, stored", [
    (3, 3), (True, 1), (np.int8(3), 3), (np.bool_(True), 1), (np.array(3), 3),
])
def test_whole_numbers_of_any_kind_are_arguments(net, value, stored):
    net.Softmax("X", name="Y", axis=value)
    assert net.ops[0].args == {"axis": stored}


def test_a_whole_number_may_stand_for_a_float(net):
    net.LeakyRelu("X", name="Y", alpha=1)
    assert net.ops[0].args == {"alpha": 1.0}
    assert net.to_proto().op[0].arg[0].HasField("f")


@pytest.mark.parametrize("value", [[2, 3], (2, 3), np.array([2, 3]), np.array([[2], [3]]), [np.int32(2), 3]])
def test_lists_of_whole_numbers_are_arguments(net, value):
    net.Reshape("X", name=["Y", "old"], shape=value)
    assert net.ops[0].args == {"shape": [2, 3]}


def test_element_types_are_arguments(net):
    for to in (np.float16, np.dtype("float16"), 12):
        net.Cast("X", name="Y", to=to)
    net.Cast("X", name="Y", to="float16")
    assert [op.args["to"] for op in net.ops] == [12, 12, 12, "float16"]


def test_nets_are_arguments(net):
    body = doppio.Net("body").add("Relu", "X", "Y")
    net.add("If", "condition", [], then_net=body)
    assert net.ops[0].args["then_net"] == body
    assert isinstance(net.ops[0].args["then_net"], doppio.Net)


@pytest.mark.parametrize("value", ["text", 1.5, None, [1], object()])
def test_an_argument_of_the_wrong_type_is_a_type_error_that_names_it(net, value):
    with pytest.raises(TypeError, match='Softmax: argument "axis" must be a whole number'):
        net.Softmax("X", axis=value)
    assert len(net) == 0


def test_an_argument_of_more_than_64_bits_is_refused(net):
    with pytest.raises(TypeError, match="whole number"):
        net.Softmax("X", axis=1 << 64)


def test_an_argument_that_the_operator_does_not_know_is_reported(net):
    net.Relu("X", name="Y", order="NCHW")  # Caffe2's exporters leave such arguments
    assert net.ops[0].args == {"order": "NCHW"}


def test_what_the_schema_forbids_is_refused_at_once(net):
    with pytest.raises(doppio.InvalidArgumentError, match="Expand takes 2 inputs, but has 1"):
        net.Expand("X")
    with pytest.raises(doppio.InvalidArgumentError, match="output"):
        net.Relu("X", name=["a", "b"])
    assert len(net) == 0


def test_a_missing_operator_is_an_attribute_error_with_near_names(net):
    with pytest.raises(AttributeError, match="did you mean Expand or Exp"):
        net.Exapnd("X", "shape")
    assert not hasattr(net, "Exapnd") and not hasattr(net, "_private") and hasattr(net, "Expand")


def test_an_operator_that_is_not_here_may_be_added_by_its_type(net):
    net.add("FromALibrary", "X", "Y", k=1)
    assert net.ops[0].type == "FromALibrary"
    assert "no operator" in doppio.check(net)[0].what


@pytest.mark.parametrize("inputs", [1, None, [1], [None]])
def test_names_of_blobs_are_text(net, inputs):
    with pytest.raises(TypeError, match="inputs"):
        net.add("Relu", inputs, "Y")


def test_methods_have_the_schemas_documentation_and_signature():
    method = doppio.Net.Expand
    assert "rules of broadcasting" in method.__doc__
    assert "shape: vector of int32 or int64" in method.__doc__
    assert str(inspect.signature(method)) == "(self, X, shape, /, *, name=None, engine='')"
    assert inspect.signature(doppio.Net.LeakyRelu).parameters["alpha"].default == pytest.approx(0.01)
    assert "Expand" in dir(doppio.Net) and "Expand" in dir(doppio.Net("n"))


def test_every_operator_has_a_method_with_documentation():
    for type in doppio.operators:
        assert inspect.signature(getattr(doppio.Net, type))
        assert getattr(doppio.Net, type).__doc__.strip()


def test_an_argument_with_the_name_of_a_keyword_has_an_underscore(net):
    assert net.AliasWithName("X", name="Y", name_="seen") == "Y"
    assert net.ops[0].args["name"] in ("seen", b"seen")


def test_a_net_is_a_value(net):
    net.Relu("X", name="Y")
    for other in (net.copy(), copy.copy(net), copy.deepcopy(net), pickle.loads(pickle.dumps(net)),
                  doppio.Net.from_bytes(net.to_bytes()), doppio.Net.from_text(net.to_text()),
                  doppio.Net.from_text(net.to_json()), doppio.Net(proto=net.to_proto())):
        assert isinstance(other, doppio.Net) and other == net and other.name == "demo"
        other.Relu("Y")
        assert other != net and len(net) == 1
    assert net != "demo"


def test_nets_can_be_joined_even_with_themselves(net):
    net.Relu("X", name="Y")
    net.append(doppio.Net("other").add("Exp", "Y", "Z")).append(net)
    assert [op.type for op in net] == ["Relu", "Exp", "Relu", "Exp"]


def test_a_net_tells_what_it_reads_and_makes(net):
    net.Relu("X", name="Y")
    assert (net.inputs, net.outputs, net.external_inputs) == (["X"], ["Y"], [])
    net.external_inputs, net.external_outputs = ["X", "w"], ["Y"]
    assert net.to_proto().external_input == ["X", "w"]
    assert net.external_outputs == ["Y"]


def test_operators_are_a_sequence(net):
    net.add("Relu", "X", "Y").add("Exp", "Y", "Z")
    assert net.ops[-1].type == "Exp" and [op.type for op in net.ops[:1]] == ["Relu"]
    assert len(net.ops) == 2 and repr(net) == '<doppio.Net "demo": 2 operators>'
    with pytest.raises(IndexError, match="2 operators"):
        net.ops[2]


@pytest.mark.parametrize("content", [b"\xff\xff\xff", b"hello", b"\x0a\x7f"])
def test_bytes_that_are_no_net_are_refused(content):
    with pytest.raises(doppio.Error, match="net"):
        doppio.Net.from_bytes(content)


@pytest.mark.parametrize("proto", ["text", 1, [1]])
def test_what_is_no_proto_is_a_type_error(proto):
    with pytest.raises(TypeError, match="NetDef.*bytes"):
        doppio.Net(proto=proto)


def test_text_that_is_no_net_is_refused_with_its_place():
    with pytest.raises(doppio.InvalidArgumentError, match="text.*1:"):
        doppio.Net.from_text("op { type: Relu }")


def test_a_net_of_a_machine_with_a_gpu_runs_on_the_cpu_when_asked():
    net = doppio.Net.from_text('name: "gpu" device_option { device_type: 1 } '
                               'op { type: "Relu" input: "X" output: "Y" }')
    ws = doppio.Workspace()
    ws["X"] = np.array([-1, 2], np.float32)
    with pytest.raises(doppio.InvalidArgumentError, match="to run on CUDA, which is not there"):
        ws.run(net)
    ws.run(net.set_device("cpu"))
    assert ws["Y"].tolist() == [0, 2]
    with pytest.raises(doppio.InvalidArgumentError, match='there is no device "gpu"'):
        net.set_device("gpu")


def test_what_nobody_reads_is_an_output_where_none_is_listed():
    net = doppio.Net("two_heads")
    h = net.Relu("x", name="h")
    net.Sigmoid(h, name="first")
    net.Tanh(h, name="second")
    assert net.outputs == ["first", "second"]
    results = doppio.Predictor(net).run({"x": np.zeros(1, np.float32)})
    assert {name: value.tolist() for name, value in results.items()} == {
        "first": [0.5], "second": [0]}


def test_names_are_looked_at_one_by_one():
    """A large array where names belong is refused at its first element."""
    net = doppio.Net("n").add("Relu", "X", "Y")
    large = np.broadcast_to(np.int8(0), (1 << 40, 1))
    for call in (lambda: doppio.check(net, large), lambda: doppio.gradient(net, large),
                 lambda: doppio.gradient(net, "Y", wrt=large),
                 lambda: doppio.check_gradients(net, large, {}),
                 lambda: doppio.Predictor(net, inputs=large)):
        with pytest.raises(TypeError, match="names of blobs are str"):
            call()
