"""Optimizers write the nets that those of Caffe2's own front end write.

It is not part of doppio. Set DOPPIO_CAFFE2_FRONT_END to a folder that holds `caffe2/python` (a checkout
of it, built or not) to run these tests.
"""

import json
import os
import pathlib
import subprocess
import sys

import pytest

import doppio

FOLDER = os.environ.get("DOPPIO_CAFFE2_FRONT_END", "")

FRONT_END = r"""
import json, sys
import doppio.caffe2_compat
doppio.caffe2_compat.install()
import doppio
from caffe2.python import brew, optimizer
from caffe2.python.model_helper import ModelHelper

def dense(name):
    model = ModelHelper(name=name, arg_scope={"order": "NCHW"})
    out = brew.fc(model, "data", "fc", 5, 1, ("ConstantFill", {}), ("ConstantFill", {}), axis=0)
    model.AveragedLoss(model.SquaredL2Distance([out, "label"]), "loss")
    return model

def sparse(name):
    model = ModelHelper(name=name)
    w = model.param_init_net.ConstantFill([], "w", shape=[5, 2], value=0.0)
    model.AddParameter(w)
    model.net.SumElements(model.net.Gather([w, "indices"], "rows"), "loss")
    return model

def ops(net, begin=0):
    return [{"type": op.type, "inputs": list(op.input), "outputs": list(op.output),
             "engine": op.engine,
             "args": {a.name: a.f if a.HasField("f") else a.i if a.HasField("i")
                      else a.s.decode() if a.HasField("s") else list(a.ints) for a in op.arg}}
            for op in list(net.op)[begin:]]

result = []
for number, (make, decay, build, options, name, own) in enumerate(json.load(sys.stdin)):
    optimizer.reset_optimizer_instance_count()
    model = globals()[make](f"net{number}")
    forward = doppio.Net(proto=model.net.Proto().SerializeToString())
    init = doppio.Net(proto=model.param_init_net.Proto().SerializeToString())
    model.AddGradientOperators(["loss"])
    begin, init_begin = len(model.net.Proto().op), len(model.param_init_net.Proto().op)
    if decay:
        optimizer.add_weight_decay(model, decay)
    getattr(optimizer, build)(model, **options)
    gradient = doppio.gradient(forward, of="loss")
    training = doppio.add_optimizer(gradient, name, init=init, **own)
    result.append([ops(model.net.Proto(), begin), ops(model.param_init_net.Proto(), init_begin),
                   ops(training.net.to_proto(), len(gradient.net)), ops(training.init.to_proto())])
print(json.dumps(result))
"""

RATE = dict(base_learning_rate=0.5)
OWN_RATE = dict(learning_rate=0.5)
SAME = [  # a net, weight decay, the front end's function and its options, ours
    ("dense", 0, "build_sgd", RATE, "sgd", OWN_RATE),
    ("dense", 0, "build_sgd", {**RATE, "momentum": 0.5, "nesterov": False}, "sgd",
     {**OWN_RATE, "momentum": 0.5, "nesterov": False}),
    ("dense", 0, "build_sgd", {**RATE, "momentum": 0.5, "policy": "step", "stepsize": 10,
                               "gamma": 0.5}, "sgd",
     {**OWN_RATE, "momentum": 0.5, "policy": "step", "stepsize": 10, "gamma": 0.5}),
    ("dense", 0, "build_sgd", {**RATE, "max_gradient_norm": 2, "allow_lr_injection": True}, "sgd",
     {**OWN_RATE, "clip_norm": 2, "allow_lr_injection": True}),
    ("dense", 0, "build_sgd", {**RATE, "lars": 0.5, "max_gradient_norm": 1.5}, "lars",
     {**OWN_RATE, "clip_norm": 1.5}),
    ("dense", 0.25, "build_adam", RATE, "adam", {**OWN_RATE, "weight_decay": 0.25}),
    ("dense", 0, "build_adam", {**RATE, "beta1": 0.5, "policy": "inv", "gamma": 1.0, "power": 0.5},
     "adam", {**OWN_RATE, "beta1": 0.5, "policy": "inv", "gamma": 1.0, "power": 0.5}),
    ("dense", 0, "build_adagrad", {**RATE, "weight_decay": 0.25, "decay": 0.5}, "adagrad",
     {**OWN_RATE, "weight_decay": 0.25, "decay": 0.5}),
    ("dense", 0, "build_adagrad", {**RATE, "lars": 0.5}, "adagrad", {**OWN_RATE, "lars": 0.5}),
    ("dense", 0, "build_adadelta", RATE, "adadelta", OWN_RATE),
    ("dense", 0, "build_rms_prop", RATE, "rmsprop", OWN_RATE),
    ("dense", 0, "build_ftrl", dict(engine="", alpha=0.5, lambda1=0.25), "ftrl",
     {**OWN_RATE, "lambda1": 0.25}),
    ("dense", 0, "build_gftrl", dict(engine="", alpha=0.5), "gftrl", OWN_RATE),
    ("dense", 0, "build_yellowfin", RATE, "yellowfin", OWN_RATE),
    ("dense", 0, "build_storm", RATE, "storm", OWN_RATE),
    ("dense", 0, "build_wngrad", {**RATE, "lars": 0.5}, "wngrad", {**OWN_RATE, "lars": 0.5}),
    ("dense", 0, "build_decay_adagrad", {**RATE, "weight_decay": 0.25}, "decay_adagrad",
     {**OWN_RATE, "weight_decay": 0.25}),
] + [
    ("sparse", 0, build, options, name, own)
    for build, options, name, own in [
        ("build_sgd", {**RATE, "max_gradient_norm": 2}, "sgd", {**OWN_RATE, "clip_norm": 2}),
        ("build_sgd", {**RATE, "momentum": 0.5}, "sgd", {**OWN_RATE, "momentum": 0.5}),
        ("build_adagrad", {**RATE, "weight_decay": 0.5, "sparse_dedup_aggregator": "sum"}, "adagrad",
         {**OWN_RATE, "weight_decay": 0.5, "sparse_dedup_aggregator": "sum"}),
        ("build_adagrad", {**RATE, "rowWise": True, "counter_halflife": 5, "weight_decay": 0.5},
         "adagrad", {**OWN_RATE, "rowWise": True, "counter_halflife": 5, "weight_decay": 0.5}),
        ("build_adam", RATE, "adam", OWN_RATE),
        ("build_adam", {**RATE, "rowWise": True}, "adam", {**OWN_RATE, "rowWise": True}),
        ("build_adam", {**RATE, "enableRAdam": True, "sparse_dedup_aggregator": "mean"}, "adam",
         {**OWN_RATE, "enableRAdam": True, "sparse_dedup_aggregator": "mean"}),
        ("build_adam", {**RATE, "use_smart_decay": True}, "adam",
         {**OWN_RATE, "use_smart_decay": True}),
        ("build_adadelta", RATE, "adadelta", OWN_RATE),
        ("build_ftrl", dict(engine="", alpha=0.5), "ftrl", OWN_RATE),
        ("build_storm", RATE, "storm", OWN_RATE),
        ("build_wngrad", RATE, "wngrad", OWN_RATE),
        ("build_decay_adagrad", RATE, "decay_adagrad", OWN_RATE),
    ]
]


@pytest.fixture(scope="module")
def both():
    if not FOLDER:
        pytest.skip("DOPPIO_CAFFE2_FRONT_END names no folder with Caffe2's front end")
    paths = [FOLDER, str(pathlib.Path(doppio.__file__).resolve().parents[1])]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run([sys.executable, "-c", FRONT_END], input=json.dumps(SAME), cwd=FOLDER,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.strip().splitlines()[-1])


@pytest.mark.parametrize("number", range(len(SAME)), ids=[f"{i}-{case[0]}-{case[2]}"
                                                          for i, case in enumerate(SAME)])
def test_the_nets_are_those_of_the_front_end(both, number):
    net, init, own_net, own_init = both[number]
    once = []  # the front end fills some constants again for every parameter
    for op in init:
        if op not in once:
            once.append(op)
    assert own_net == net
    assert own_init == once
