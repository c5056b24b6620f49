"""Optimizers and gradient checks in Python."""

import os
import signal

import numpy as np
import pytest

import doppio

STEPS = 20
TARGET = np.float32([[1, -2], [0.5, 3], [2, 0]])
START = np.float32([[0.5, -1], [1, 2], [1, 1]])


def quadratic():
    """sum((w - target)^2), whose gradient is 2 (w - target)."""
    net = doppio.Net("quadratic")
    net.Sub("w", "target", name="rest")
    net.SumElements(net.Mul("rest", "rest", name="squares"), name="loss")
    return doppio.gradient(net, of="loss")


def trained(optimizer, steps=STEPS, **options):
    init = doppio.Net("init")
    init.GivenTensorFill(name="w", shape=START.shape, values=START)
    training = doppio.add_optimizer(quadratic(), optimizer, init=init, **options)
    assert training.parameters == ["w"]
    ws = doppio.Workspace()
    ws["target"] = TARGET
    ws.run(init)
    ws.run(training.init)
    path = []
    for _ in range(steps):
        ws.run(training.net)
        path.append(ws.fetch("w", copy=True))
    return path


# ---- The formulas of the papers, in double: each is given the options and yields w after a step. ----

def sgd(learning_rate, momentum=0, nesterov=True, lars=None):
    w, m = START.astype(np.float64), 0
    while True:
        g = 2 * (w - TARGET)
        rate = learning_rate
        if lars is not None:
            rate /= np.linalg.norm(g) / np.linalg.norm(w) + lars
        old, m = m, momentum * m + rate * g
        w = w - ((1 + momentum) * m - momentum * old if nesterov and momentum else m)
        yield w


def adagrad(learning_rate, epsilon=1e-4, decay=1, weight_decay=0):
    w, s = START.astype(np.float64), 0
    while True:
        g = 2 * (w - TARGET) + weight_decay * w
        s = decay * s + g * g
        w = w - learning_rate * g / (np.sqrt(s) + epsilon)
        yield w


def adadelta(learning_rate, epsilon=1e-4, decay=0.95):
    w, s, d = START.astype(np.float64), 0, 0
    while True:
        g = 2 * (w - TARGET)
        s = decay * s + (1 - decay) * g * g
        u = g * np.sqrt(d + epsilon) / np.sqrt(s + epsilon)
        d = decay * d + (1 - decay) * u * u
        w = w - learning_rate * u
        yield w


def adam(learning_rate, beta1=0.9, beta2=0.999, epsilon=1e-8, weight_decay=0, clip_value=np.inf):
    w, m, v, t = START.astype(np.float64), 0, 0, 1
    while True:
        t += 1  # the operator's t is one more than the iteration, as in Caffe2
        g = np.clip(2 * (w - TARGET), -clip_value, clip_value) + weight_decay * w
        m, v = beta1 * m + (1 - beta1) * g, beta2 * v + (1 - beta2) * g * g
        w = w - learning_rate * np.sqrt(1 - beta2 ** t) / (1 - beta1 ** t) * m / (np.sqrt(v) + epsilon)
        yield w


def rmsprop(learning_rate, decay=0.9, epsilon=1e-5):
    w, s = START.astype(np.float64), 0
    while True:
        g = 2 * (w - TARGET)
        s = decay * s + (1 - decay) * g * g
        w = w - learning_rate * g / np.sqrt(s + epsilon)
        yield w


def ftrl(learning_rate, beta=1e-4, lambda1=0, lambda2=0, groups=False):
    w, n, z = START.astype(np.float64), 0, 0
    while True:
        g = 2 * (w - TARGET)
        sigma = (np.sqrt(n + g * g) - np.sqrt(n)) / learning_rate
        n, z = n + g * g, z + g - sigma * w
        norm, least = np.abs(z), lambda1
        if groups:
            norm = np.sqrt((z * z).sum(axis=0))
            least = lambda1 * np.sqrt(len(z))
        scale = np.where(norm <= least, 0, 1 - least / norm)
        w = -z * scale / ((beta + np.sqrt(n)) / learning_rate + lambda2)
        yield w


def storm(learning_rate, momentum=10, beta=0.1, grad_sq_init=0.01):
    w, m, s = START.astype(np.float64), 0, grad_sq_init
    while True:
        g = 2 * (w - TARGET)
        s += (g * g).sum()
        rate = learning_rate / np.cbrt(beta + s)
        m = g + (1 - momentum * rate ** 2) * (m - g)
        w = w - rate * m
        yield w


def wngrad(learning_rate, epsilon=1e-9, moment_init=100):
    w, b = START.astype(np.float64), moment_init
    while True:
        g = 2 * (w - TARGET)
        w = w - learning_rate / (b + epsilon) * g
        b = b + (g * g).sum() / (b + epsilon)
        yield w


def decay_adagrad(learning_rate, beta1=0, beta2=0.999, epsilon=0.1, weight_decay=0):
    w, m, v, t = START.astype(np.float64), 0, 0, 1
    while True:
        t += 1
        g = 2 * (w - TARGET)
        m, v = beta1 * m + (1 - beta1) * g, v + g * g
        w = w - learning_rate * (m / (1 - beta1 ** t) / (np.sqrt(v) + epsilon) + weight_decay * w)
        yield w


def yellowfin(learning_rate, mu=0, beta=0.999, curv_win_width=20, epsilon=1e-6):
    w, m, logs, t = START.astype(np.float64), 0, [], 0
    low = high = mean = squares = norm = distance = 0

    def average(old, new):
        return beta * old + (1 - beta) * new

    while True:
        t += 1
        g = 2 * (w - TARGET)
        m = mu * m + learning_rate * g
        w = w - m
        yield w
        unbiased = 1 / (1 - beta ** t)
        h = max((g * g).sum(), epsilon)
        logs = (logs + [np.log(h)])[-curv_win_width:]
        low, high = average(low, min(logs)), average(high, max(logs))
        mean, squares = average(mean, g), average(squares, h)
        norm = average(norm, np.sqrt(h))
        distance = average(distance, norm / squares)
        least, most = np.exp(low * unbiased), np.exp(high * unbiased)
        variance = max(squares * unbiased - ((mean * unbiased) ** 2).sum(), epsilon)
        p = (distance * unbiased * least) ** 2 / (2 * variance)
        begin, end = 0.0, 1.0  # p x = (1 - x)^3
        for _ in range(60):
            x = (begin + end) / 2
            begin, end = (x, end) if p * x < (1 - x) ** 3 else (begin, x)
        ratio = np.sqrt(most / least)
        mu_now = max(x * x, ((ratio - 1) / (ratio + 1)) ** 2)
        if t > 1:
            mu = average(mu, mu_now)
            learning_rate = average(learning_rate, (1 - np.sqrt(mu_now)) ** 2 / least)


FORMULAS = [
    ("sgd", sgd, dict(learning_rate=0.1)),
    ("sgd", sgd, dict(learning_rate=0.05, momentum=0.8, nesterov=False)),
    ("sgd", sgd, dict(learning_rate=0.05, momentum=0.8)),
    ("sgd", sgd, dict(learning_rate=0.1, lars=0.5)),
    ("lars", lambda learning_rate: sgd(learning_rate, lars=0.5), dict(learning_rate=0.1)),
    ("adagrad", adagrad, dict(learning_rate=0.5)),
    ("adagrad", adagrad, dict(learning_rate=0.5, decay=0.9, weight_decay=0.01)),
    ("adadelta", adadelta, dict(learning_rate=1.0, decay=0.9)),
    ("adam", adam, dict(learning_rate=0.1)),
    ("adam", adam, dict(learning_rate=0.1, weight_decay=0.1)),
    ("adam", adam, dict(learning_rate=0.1, weight_decay=0.1, clip_value=1.5)),
    ("rmsprop", rmsprop, dict(learning_rate=0.05)),
    ("ftrl", ftrl, dict(learning_rate=0.5, lambda1=0.1, lambda2=0.1)),
    ("gftrl", lambda **o: ftrl(**o, groups=True), dict(learning_rate=0.5, lambda1=0.1)),
    ("storm", storm, dict(learning_rate=0.5)),
    ("wngrad", wngrad, dict(learning_rate=20.0)),
    ("yellowfin", yellowfin, dict(learning_rate=0.1)),
    ("yellowfin", yellowfin, dict(learning_rate=0.1, mu=0.3, beta=0.5, curv_win_width=5)),
    ("decay_adagrad", decay_adagrad, dict(learning_rate=0.5, weight_decay=0.01, beta1=0.5)),
]


@pytest.mark.parametrize("optimizer, formula, options", FORMULAS,
                         ids=[f"{name}-{i}" for i, (name, _, _) in enumerate(FORMULAS)])
def test_an_optimizer_follows_its_formula(optimizer, formula, options):
    for step, (got, expected) in enumerate(zip(trained(optimizer, **options), formula(**options))):
        np.testing.assert_allclose(got, expected, rtol=2e-4, atol=2e-4, err_msg=f"step {step}")


RATES = {"adadelta": 1.0, "adam": 0.05, "wngrad": 50.0, "rmsprop": 0.01, "sgd": 0.1, "lars": 0.1,
         "adagrad": 0.5, "ftrl": 1.0, "gftrl": 1.0, "storm": 2.0, "yellowfin": 0.1,
         "decay_adagrad": 1.0}


@pytest.mark.parametrize("optimizer", doppio.optimizers)
def test_every_optimizer_minimises_a_quadratic(optimizer):
    w = trained(optimizer, steps=1000, learning_rate=RATES[optimizer])[-1]
    np.testing.assert_allclose(w, TARGET, atol=0.05)


def test_the_rate_follows_a_policy_and_the_norm_is_clipped():
    path = trained("sgd", learning_rate=0.1, policy="step", stepsize=2, gamma=0.5, clip_norm=1)
    w = START.astype(np.float64)
    for step, got in enumerate(path, 1):
        g = 2 * (w - TARGET)
        w = w - 0.1 * 0.5 ** (step // 2) / max(1, np.linalg.norm(g)) * g
        np.testing.assert_allclose(got, w, rtol=1e-4)


POLICIES = {  # options, and what the rate is multiplied by in the iterations 1 to 6
    "fixed": ({}, [1, 1, 1, 1, 1, 1]),
    "step": (dict(stepsize=2, gamma=0.5), [1, 0.5, 0.5, 0.25, 0.25, 0.125]),
    "exp": (dict(gamma=0.5), [0.5 ** t for t in range(1, 7)]),
    "inv": (dict(gamma=1, power=2), [(1 + t) ** -2.0 for t in range(1, 7)]),
    "poly": (dict(max_iter=8, power=2), [(1 - t / 8) ** 2 for t in range(1, 7)]),
    "alter": (dict(active_period=2, inactive_period=1, active_first=True), [1, 0, 1, 1, 0, 1]),
    "gate": (dict(multiplier_1=1, multiplier_2=0.25, num_iter=3), [1, 1, 0.25, 0.25, 0.25, 0.25]),
    "linearWarmup": (dict(start_multiplier=0.5, num_iter=4), [0.625, 0.75, 0.875, 1, 1, 1]),
    "constantWarmup": (dict(multiplier=0.5, num_iter=3), [0.5, 0.5, 1, 1, 1, 1]),
    "composite": (dict(sub_policy_num_iters=[3, 3], sub_policy_0_policy="exp", sub_policy_0_gamma=1,
                       sub_policy_1_policy="fixed", sub_policy_1_lr_scale=2), [1, 1, 1, 2, 2, 2]),
    "hill": (dict(num_iter=2, start_multiplier=0.5, gamma=1, power=1, end_multiplier=0.1), None),
    "slope": (dict(num_iter_1=2, multiplier_1=1, num_iter_2=4, multiplier_2=2), None),
    "cyclical": (dict(max_lr=1.0, stepsize=2), None),
    "cosine": (dict(max_lr=1, min_lr=0.1, period=4), None),
    "pieceWarmup": (dict(m1=0.25, n1=3, m2=0.5, n2=5, m3=1), [0.25, 0.25, 0.5, 0.5, 1, 1]),
    "constantThenLinearWarmup": (dict(start_warmup_multiplier=0.5, constant_warmup_num_iter=2,
                                      linear_warmup_num_iter=2), [0.5, 0.5, 0.75, 1, 1, 1]),
    "compositeCyclical": (dict(start_warmup_multiplier=0.5, constant_warmup_num_iter=1,
                               linear_warmup_num_iter=1, cyclical_max_lr=1, cyclical_step_size=2,
                               cyclical_decay=1), None),
    "compositeCosine": (dict(start_warmup_multiplier=0.5, constant_warmup_num_iter=1,
                             linear_warmup_num_iter=1, cosine_max_lr=1, cosine_min_lr=0.5,
                             cosine_period=4, cosine_t_mult=1, cosine_lr_shrink=1), None),
}


@pytest.mark.parametrize("policy", POLICIES)
def test_every_policy_takes_its_options(policy):
    options, factors = POLICIES[policy]
    init = doppio.Net("init")
    init.ConstantFill(name="w", shape=START.shape)
    training = doppio.add_optimizer(quadratic(), "sgd", init=init, learning_rate=0.5, policy=policy,
                                    **options)
    ws = doppio.Workspace()
    ws["target"] = TARGET
    ws.run(init)
    ws.run(training.init)
    rates = []
    for _ in range(6):
        ws.run(training.net)
        rates.append(float(ws["SgdOptimizer_0_lr_cpu"]))
    assert np.isfinite(rates).all()
    if factors is not None:
        np.testing.assert_allclose(rates, -0.5 * np.array(factors), rtol=1e-5)


def test_parameters_that_share_a_gradient_do_not_disturb_each_other():
    net = doppio.Net("shared")  # the gradient of a and of b is one blob
    net.SumElements(net.Add("a", "b", name="sum"), name="loss")
    init = doppio.Net("init")
    for name in "ab":
        init.ConstantFill(name=name, shape=[2, 2], value=1.0)
    training = doppio.add_optimizer(doppio.gradient(net, of="loss"), "sgd", init=init,
                                    learning_rate=0.1, momentum=0.5, weight_decay=0.5)
    ws = doppio.Workspace()
    ws.run(init)
    ws.run(training.init)
    ws.run(training.net)
    np.testing.assert_array_equal(ws["a"], ws["b"])
    np.testing.assert_allclose(ws["a"], 1 - 0.1 * 1.5 * 1.5)


@pytest.mark.parametrize("optimizer", ["sgd", "adagrad", "adam", "adadelta", "ftrl", "storm", "wngrad",
                                       "decay_adagrad"])
@pytest.mark.parametrize("options", [{}, {"sparse_dedup_aggregator": "sum"}, {"rowWise": True}])
def test_sparse_gradients_take_the_sparse_operators(optimizer, options):
    known = [option.name for option in doppio.optimizers[optimizer].options]
    if any(name not in known for name in options):
        pytest.skip("not an option of this one")
    net = doppio.Net("sparse")
    net.Sub(net.Gather("w", "indices", name="rows"), "target", name="rest")
    net.SumElements(net.Mul("rest", "rest", name="squares"), name="loss")
    init = doppio.Net("init")
    init.GivenTensorFill(name="w", shape=[4, 2], values=np.ones((4, 2), np.float32))
    training = doppio.add_optimizer(doppio.gradient(net, of="loss"), optimizer, init=init,
                                    learning_rate=RATES[optimizer], **options)
    ws = doppio.Workspace()
    ws["indices"], ws["target"] = [2, 0, 2], np.float32([[2, 2], [0, 0], [2, 2]])
    ws.run(init)
    ws.run(training.init)
    first = None
    for _ in range(300):
        ws.run(training.net)
        first = float(ws["loss"]) if first is None else first
    assert ws["loss"] < first / 2
    np.testing.assert_array_equal(ws["w"][[1, 3]], 1)  # rows that nobody asked for


def small():
    net = doppio.Net("small")
    net.SumElements(net.FC("data", "w", "b", name="y"), name="loss")
    net.Relu("data", name="aside")
    init = doppio.Net("init")
    init.XavierFill(name="w", shape=[3, 4])
    init.ConstantFill(name="b", shape=[3])
    init.ConstantFill(name="count", shape=[1], dtype=10, value=0)
    init.ConstantFill(name="other", shape=[1])
    return doppio.gradient(net, of="loss"), init


def test_what_the_init_net_fills_and_the_net_reads_is_trained():
    gradient, init = small()
    assert doppio.add_optimizer(gradient, "sgd", init=init).parameters == ["w", "b"]
    assert doppio.add_optimizer(gradient, "sgd", parameters=["b"]).parameters == ["b"]


@pytest.mark.parametrize("arguments, error, words", [
    (dict(optimizer="adamm"), doppio.NotFoundError, 'no optimizer "adamm"; did you mean adam'),
    (dict(learning_rat=1), doppio.InvalidArgumentError, "did you mean learning_rate"),
    (dict(momentum=0.5, beta1=1), doppio.InvalidArgumentError, 'no option "beta1"'),
    (dict(sub_policy_0_gama=1), doppio.InvalidArgumentError, 'has no "gama"; did you mean gamma'),
    (dict(learning_rate=0), doppio.InvalidArgumentError, "learning_rate is 0, must be above 0"),
    (dict(learning_rate="fast"), TypeError, "learning_rate"),
    (dict(clip_norm=-1), doppio.InvalidArgumentError, "clip_norm is -1, must be above 0"),
    (dict(clip_value=0), doppio.InvalidArgumentError, "clip_value is 0"),
    (dict(weight_decay=-1), doppio.InvalidArgumentError, "weight_decay is -1"),
    (dict(parameters=["v"]), doppio.NotFoundError, 'reads no blob "v"'),
    (dict(parameters=["w", "w"]), doppio.InvalidArgumentError, "named twice"),
    (dict(init=()), doppio.InvalidArgumentError, "name them, or give the init net"),
    (dict(optimizer="ftrl", policy="step"), doppio.InvalidArgumentError, 'no option "policy"'),
    (dict(optimizer="adam", rowWise=True), doppio.InvalidArgumentError, "is dense"),
])
def test_what_can_not_be_is_refused(arguments, error, words):
    gradient, init = small()
    arguments = {"optimizer": "sgd", "init": init, **arguments}
    with pytest.raises(error, match=words):
        doppio.add_optimizer(gradient, **arguments)


def test_blobs_that_can_not_be_trained_are_refused():
    net = doppio.Net("net")
    net.SumElements(net.Gather("w", "indices", name="y"), name="loss")
    net.Relu("v", name="aside")
    init = doppio.Net("init")
    init.ConstantFill(name="indices", shape=[2], dtype=6, value=0)
    init.ConstantFill(name="v", shape=[2])
    init.ConstantFill(name="w", shape=[2, 2])
    gradient = doppio.gradient(net, of="loss")
    with pytest.raises(doppio.InvalidArgumentError, match='"indices" is of uint8'):
        doppio.add_optimizer(gradient, "sgd", init=init, parameters=["indices"])
    with pytest.raises(doppio.InvalidArgumentError, match='"v" has no gradient'):
        doppio.add_optimizer(gradient, "sgd", init=init, parameters=["v"])
    with pytest.raises(doppio.UnimplementedError, match="sparse"):
        doppio.add_optimizer(gradient, "yellowfin", init=init)
    with pytest.raises(doppio.UnimplementedError, match="sparse"):
        doppio.add_optimizer(gradient, "adam", init=init, weight_decay=0.1)


def test_two_optimizers_train_two_groups_of_parameters():
    gradient, init = small()
    first = doppio.add_optimizer(gradient, "adam", init=init, parameters=["w"], weight_decay=0.1)
    both = doppio.add_optimizer(
        doppio.Gradient(first.net, gradient.backward, gradient.forward_operators, dict(gradient)),
        "adam", init=init, parameters=["b"], learning_rate=0.5)
    ws = doppio.Workspace()
    ws["data"] = np.ones((2, 4), np.float32)
    for net in (init, first.init, both.init, both.net):
        ws.run(net)
    assert [op.type for op in both.net].count("AtomicIter") == 1
    assert float(ws["AdamOptimizer_1_lr_cpu"]) == -0.5


# ---- The loop. ----

def line(executor="simple"):
    net = doppio.Net("line")
    net.Dropout(net.FC("x", "w", "b", name="y"), name=["kept", "mask"], ratio=0.25)
    net.AveragedLoss(net.SquaredL2Distance("kept", "target", name="distance"), name="loss")
    proto = net.to_proto()
    proto.op[1].device_option.random_seed = 5
    net = doppio.Net(proto=proto.SerializeToString())
    net.type = executor
    init = doppio.Net("line_init")
    init.ConstantFill(name="w", shape=[1, 2])
    init.ConstantFill(name="b", shape=[1])
    return doppio.add_optimizer(doppio.gradient(net, of="loss"), "adam", init=init), init


def line_data():
    x = np.random.default_rng(1).normal(size=(50, 2)).astype(np.float32)
    return {"x": x, "target": x @ np.float32([[2], [1]]) + 1}


def test_stopped_and_resumed_is_the_same_as_never_stopped(tmp_path):
    training, init = line()
    whole = doppio.train(training, init, data=line_data(), batch=8, epochs=9)
    assert whole.iterations == 54
    how = dict(data=line_data(), batch=8, epochs=9, checkpoints=tmp_path)
    first = doppio.train(training, init, **how, on_step=lambda step: step.iteration == 17)
    assert first.iterations == 17
    with pytest.raises(doppio.FailedPreconditionError, match="resume it"):
        doppio.train(training, init, **how)
    second = doppio.train(training, init, **how, resume=True)
    assert (second.resumed_from, second.iterations) == (17, 54)
    for name in ("w", "b", "w_first_moment", "optimizer_iteration"):
        np.testing.assert_array_equal(second.workspace[name], whole.workspace[name])


def test_steps_and_evaluations_are_told():
    training, init = line()
    test = doppio.Net("test")
    test.AveragedLoss(test.SquaredL2Distance(test.FC("x", "w", "b", name="y"), "target",
                                             name="distance"), name="loss")
    steps, told = [], []
    trained = doppio.train(training, init, data=line_data(), batch=10, epochs=3, test=test,
                           test_data=line_data(), on_step=lambda step: steps.append(step),
                           on_evaluation=told.append)
    assert [step.iteration for step in steps] == list(range(1, 16))
    assert steps[5].epoch == 2 and steps[5].examples == 10
    assert trained.evaluations == told and [e.iteration for e in told] == [5, 10, 15]
    assert told[2].metrics["loss"] < told[0].metrics["loss"] and told[2].examples == 50


def test_an_exception_of_a_callback_ends_the_training_as_it_is():
    training, init = line()

    def fail(step):
        raise ZeroDivisionError("in the callback")

    with pytest.raises(ZeroDivisionError, match="in the callback"):
        doppio.train(training, init, data=line_data(), epochs=1, on_step=fail)


def test_ctrl_c_leaves_a_checkpoint(tmp_path):
    training, init = line()
    how = dict(data=line_data(), batch=10, epochs=40, checkpoints=tmp_path, checkpoint_every=1000)

    def press(step):
        if step.iteration == 23:
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        doppio.train(training, init, **how, on_step=press)
    assert [path.name for path in tmp_path.iterdir()] == ["iteration_00000023.minidb"]
    assert doppio.train(training, init, **how, resume=True).resumed_from == 23


@pytest.mark.parametrize("change, error, words", [
    (dict(batch=0), doppio.InvalidArgumentError, "batch is 0"),
    (dict(epochs=0), doppio.InvalidArgumentError, "one of them"),
    (dict(data=None), doppio.InvalidArgumentError, "say iterations"),
    (dict(metrics=["precision"]), doppio.NotFoundError, "precision"),
    (dict(data={"x": [1j]}), TypeError, 'data "x"'),
    (dict(resume=True), doppio.NotFoundError, ""),
])
def test_a_training_that_can_not_be_is_refused(change, error, words):
    training, init = line()
    with pytest.raises(error, match=words):
        doppio.train(training, init, **{"data": line_data(), "epochs": 1, **change})


# ---- Gradient checks. ----

def test_right_gradients_are_right():
    rng = np.random.default_rng(1)
    net = doppio.Net("net")
    net.FC("x", "w", "b", name="y")
    net.Relu("y", name="y")
    net.SumElements(net.Sigmoid("y", name="z"), name="loss")
    values = {"x": rng.normal(size=(5, 3)).astype(np.float32),
              "w": rng.normal(size=(4, 3)).astype(np.float32),
              "b": rng.normal(size=4).astype(np.float32)}
    check = doppio.check_gradients(net, "loss", values)
    assert check and check.in_double and not check.why_float
    assert [blob.blob for blob in check.blobs] == ["x", "w", "b"]
    assert [blob.elements for blob in check.blobs] == [15, 12, 4]
    assert max(blob.error for blob in check.blobs) < 1e-6
    in_float = doppio.check_gradients(net, "loss", values, in_double=False)
    assert in_float and not in_float.in_double


def test_a_wrong_gradient_is_found():
    @doppio.operator
    def WronglyDifferentiated(x):
        return x ** 2

    @WronglyDifferentiated.gradient
    def _(x, y, dy):
        wrong = 2 * x * dy
        wrong.flat[3] *= 1.01
        return wrong

    net = doppio.Net("net")
    net.SumElements(net.WronglyDifferentiated("x", name="y"), name="loss")
    check = doppio.check_gradients(net, "loss", {"x": np.float32([[1, 2], [3, 4]])})
    assert not check
    assert check.blobs[0].wrong == 1 and check.blobs[0].at == 3
    assert check.blobs[0].gradient == pytest.approx(8.08)
    assert check.blobs[0].difference == pytest.approx(8)


def test_random_operators_need_a_seed():
    net = doppio.Net("net")
    net.SumElements(net.Dropout("x", name=["y", "mask"])[0], name="loss")
    x = {"x": np.random.default_rng(1).normal(size=(4, 4)).astype(np.float32)}
    with pytest.raises(doppio.FailedPreconditionError, match="random_seed"):
        doppio.check_gradients(net, "loss", x)


@pytest.mark.parametrize("arguments, error, words", [
    (dict(of="los"), doppio.NotFoundError, "los"),
    (dict(of=[]), doppio.InvalidArgumentError, "no blob is named"),
    (dict(blobs=["v"]), doppio.NotFoundError, '"v"'),
    (dict(blobs=["label"]), doppio.InvalidArgumentError, "has no gradient"),
    (dict(samples=0), doppio.InvalidArgumentError, "samples"),
    (dict(values={"x": [1.0]}), doppio.Error, "label"),
])
def test_a_check_that_can_not_be_made_is_an_error(arguments, error, words):
    net = doppio.Net("net")
    net.Softmax("x", name="prob")
    net.SumElements(net.LabelCrossEntropy("prob", "label", name="loss_of_each"), name="loss")
    arguments = {"of": "loss", "values": {"x": [[1.0, 2.0]], "label": np.int32([1])}, **arguments}
    with pytest.raises(error, match=words):
        doppio.check_gradients(net, **arguments)
