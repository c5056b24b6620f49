"""Messages for the tests of the old front end, made as its users make them."""

from doppio.caffe2_state.protos import caffe2_pb2


def argument(name, value):
    arg = caffe2_pb2.Argument(name=name)
    if isinstance(value, float):
        arg.f = value
    elif isinstance(value, int):
        arg.i = value
    elif isinstance(value, (str, bytes)):
        arg.s = value.encode() if isinstance(value, str) else value
    elif any(isinstance(v, float) for v in value):
        arg.floats.extend(value)
    else:
        arg.ints.extend(value)
    return arg


def op_def(kind, inputs, outputs, **args):
    op = caffe2_pb2.OperatorDef(type=kind, input=inputs, output=outputs)
    op.arg.extend(argument(*item) for item in args.items())
    return op


def op(kind, inputs, outputs, **args):
    """The bytes of an OperatorDef."""
    return op_def(kind, inputs, outputs, **args).SerializeToString()


def net_def(name, *ops):
    net = caffe2_pb2.NetDef(name=name)
    for one in ops:
        net.op.add().ParseFromString(one)
    return net


def net(name, *ops):
    """The bytes of a NetDef."""
    return net_def(name, *ops).SerializeToString()


def plan(*nets, num_iter=1, stop=""):
    """The bytes of a PlanDef of one step that runs these nets (bytes)."""
    plan_def = caffe2_pb2.PlanDef(name="plan")
    step = plan_def.execution_step.add(name="step", num_iter=num_iter)
    for one in nets:
        step.network.append(plan_def.network.add().FromString(one).name)
        plan_def.network[-1].ParseFromString(one)
    if stop:
        step.should_stop_blob = stop
    return plan_def.SerializeToString()


fill = op("ConstantFill", [], ["filled"], shape=[2, 3], value=2.0)
