"""The nets that `tools/bench-peers training` trains: each once as a net of doppio and once as a function
of PyTorch, from the same weights and batches, with the same rule of update."""

import numpy as np

EPSILON = 1e-5  # of Adagrad


class Net:
    """Weights by name, and the batches: {name of a blob: array}."""

    rate = 0.05

    def __init__(self):
        self.random = np.random.default_rng(1)
        self.weights = {}

    def layer(self, name, *shape):
        """Adds the weights and the bias of a layer whose inputs are all dimensions but the first."""
        scale = np.sqrt(2 / np.prod(shape[1:]))
        self.weights[f"{name}_w"] = (self.random.standard_normal(shape) * scale).astype(np.float32)
        self.weights[f"{name}_b"] = np.zeros(shape[0], np.float32)

    def batches(self, number):
        return [self.batch() for _ in range(number)]

    def pictures(self, *shape):
        """Pictures that say which of ten labels they have."""
        label = self.random.integers(0, 10, shape[0]).astype(np.int32)
        data = self.random.standard_normal(shape).astype(np.float32)
        data.reshape(shape[0], -1)[np.arange(shape[0]), label] += 4
        return {"data": data, "label": label}

    def update(self, net, gradient):
        """Plain descent, in place, for every weight."""
        net.ConstantFill(name="one", shape=[1], value=1.0)
        net.ConstantFill(name="minus_rate", shape=[1], value=-self.rate)
        for weight in self.weights:
            net.WeightedSum(weight, "one", gradient[weight], "minus_rate", name=weight)

    def optimizer(self, torch, weights):
        return torch.optim.SGD(list(weights.values()), lr=self.rate)

    def torch_weights(self):
        """The same weights as PyTorch has them."""
        return self.weights

    def state(self):
        """What the net reads besides weights and batches."""
        return {}


def doppio_norm(net, x, i):
    """Batch normalisation number i."""
    net.add("SpatialBN", [x, f"norm{i}_w", f"norm{i}_b", f"mean{i}", f"var{i}"],
            [f"n{i}", f"mean{i}", f"var{i}", f"saved_mean{i}", f"saved_var{i}"],
            is_test=0, momentum=0.9, epsilon=1e-5)
    return f"n{i}"


def torch_norm(f, x, w, batch, i):
    return f.batch_norm(x, batch[f"mean{i}"], batch[f"var{i}"], w[f"norm{i}_w"], w[f"norm{i}_b"],
                        training=True, momentum=0.1)


class Mlp(Net):
    """784-512-512-10 at batch 64."""

    INPUTS, HIDDEN = 784, 512

    def __init__(self):
        super().__init__()
        for name, shape in (("fc1", (self.HIDDEN, self.INPUTS)), ("fc2", (self.HIDDEN, self.HIDDEN)),
                            ("fc3", (10, self.HIDDEN))):
            self.layer(name, *shape)

    def batch(self):
        return self.pictures(64, self.INPUTS)

    def doppio_loss(self, net):
        x = net.Relu(net.FC("data", "fc1_w", "fc1_b", name="h1"), name="r1")
        x = net.Relu(net.FC(x, "fc2_w", "fc2_b", name="h2"), name="r2")
        x = net.FC(x, "fc3_w", "fc3_b", name="h3")
        net.add("SoftmaxWithLoss", [x, "label"], ["softmax", "loss"])

    def torch_loss(self, f, w, batch):
        x = f.relu(f.linear(batch["data"], w["fc1_w"], w["fc1_b"]))
        x = f.relu(f.linear(x, w["fc2_w"], w["fc2_b"]))
        return f.cross_entropy(f.linear(x, w["fc3_w"], w["fc3_b"]), batch["label"])


class LeNet(Net):
    """Two convolutions of 20 and 50, two pools, FC of 500 and 10, on 28 x 28 at batch 64."""

    rate = 0.005  # at 0.05 losses grow, and roundings with them

    def __init__(self):
        super().__init__()
        for name, shape in (("conv1", (20, 1, 5, 5)), ("conv2", (50, 20, 5, 5)),
                            ("fc1", (500, 800)), ("fc2", (10, 500))):
            self.layer(name, *shape)

    def batch(self):
        return self.pictures(64, 1, 28, 28)

    def doppio_loss(self, net):
        x = net.Conv("data", "conv1_w", "conv1_b", name="c1", kernel=5)
        x = net.MaxPool(x, name="p1", kernel=2, stride=2)
        x = net.Conv(x, "conv2_w", "conv2_b", name="c2", kernel=5)
        x = net.MaxPool(x, name="p2", kernel=2, stride=2)
        x = net.Relu(net.FC(x, "fc1_w", "fc1_b", name="h1"), name="r1")
        net.add("SoftmaxWithLoss", [net.FC(x, "fc2_w", "fc2_b", name="h2"), "label"],
                ["softmax", "loss"])

    def torch_loss(self, f, w, batch):
        x = f.max_pool2d(f.conv2d(batch["data"], w["conv1_w"], w["conv1_b"]), 2)
        x = f.max_pool2d(f.conv2d(x, w["conv2_w"], w["conv2_b"]), 2).flatten(1)
        x = f.relu(f.linear(x, w["fc1_w"], w["fc1_b"]))
        return f.cross_entropy(f.linear(x, w["fc2_w"], w["fc2_b"]), batch["label"])


class LeNetNorm(LeNet):
    """LeNet with batch normalisation behind its convolutions, at batch 16."""

    # PyTorch with one thread and with two goes apart by 3e-4 at a rate of 0.002: ReLU and pools
    # choose other elements once roundings differ.
    rate = 0.0005

    def __init__(self):
        super().__init__()
        for name, channels in (("norm1", 20), ("norm2", 50)):
            self.weights[f"{name}_w"] = np.ones(channels, np.float32)
            self.weights[f"{name}_b"] = np.zeros(channels, np.float32)

    def batch(self):
        return self.pictures(16, 1, 28, 28)

    def state(self):
        return {f"{name}{i}": np.full(channels, value, np.float32)
                for i, channels in ((1, 20), (2, 50)) for name, value in (("mean", 0), ("var", 1))}

    def doppio_loss(self, net):
        x = "data"
        for i in (1, 2):
            x = net.Conv(x, f"conv{i}_w", f"conv{i}_b", name=f"c{i}", kernel=5)
            x = doppio_norm(net, x, i)
            x = net.MaxPool(x, name=f"p{i}", kernel=2, stride=2)
        x = net.Relu(net.FC(x, "fc1_w", "fc1_b", name="h1"), name="r1")
        net.add("SoftmaxWithLoss", [net.FC(x, "fc2_w", "fc2_b", name="h2"), "label"],
                ["softmax", "loss"])

    def torch_loss(self, f, w, batch):
        x = batch["data"]
        for i in (1, 2):
            x = torch_norm(f, f.conv2d(x, w[f"conv{i}_w"], w[f"conv{i}_b"]), w, batch, i)
            x = f.max_pool2d(x, 2)
        x = f.relu(f.linear(x.flatten(1), w["fc1_w"], w["fc1_b"]))
        return f.cross_entropy(f.linear(x, w["fc2_w"], w["fc2_b"]), batch["label"])


class Cifar(Net):
    """Convolutions of 32, 64 and 128 with batch normalisation and pools, FC, 32 x 32 at batch 32."""

    CHANNELS = (3, 32, 64, 128)
    rate = 0.002

    def __init__(self):
        super().__init__()
        for i in (1, 2, 3):
            self.layer(f"conv{i}", self.CHANNELS[i], self.CHANNELS[i - 1], 3, 3)
            self.weights[f"norm{i}_w"] = np.ones(self.CHANNELS[i], np.float32)
            self.weights[f"norm{i}_b"] = np.zeros(self.CHANNELS[i], np.float32)
        self.layer("fc", 10, 128 * 4 * 4)

    def batch(self):
        return self.pictures(32, 3, 32, 32)

    def doppio_loss(self, net):
        x = "data"
        for i in (1, 2, 3):
            x = net.Conv(x, f"conv{i}_w", f"conv{i}_b", name=f"c{i}", kernel=3, pad=1)
            x = net.Relu(doppio_norm(net, x, i), name=f"r{i}")
            x = net.MaxPool(x, name=f"p{i}", kernel=2, stride=2)
        net.add("SoftmaxWithLoss", [net.FC(x, "fc_w", "fc_b", name="h"), "label"],
                ["softmax", "loss"])

    def state(self):
        return {f"{name}{i}": np.full(self.CHANNELS[i], value, np.float32)
                for i in (1, 2, 3) for name, value in (("mean", 0), ("var", 1))}

    def torch_loss(self, f, w, batch):
        x = batch["data"]
        for i in (1, 2, 3):
            x = f.conv2d(x, w[f"conv{i}_w"], w[f"conv{i}_b"], padding=1)
            x = f.max_pool2d(f.relu(torch_norm(f, x, w, batch, i)), 2)
        return f.cross_entropy(f.linear(x.flatten(1), w["fc_w"], w["fc_b"]), batch["label"])


class Lstm(Net):
    """Two LSTM of 128 over 50 steps at batch 16, FC of 10 at each step."""

    STEPS, BATCH, INPUTS, HIDDEN, LAYERS = 50, 16, 64, 128, 2
    rate = 0.5

    def __init__(self):
        super().__init__()
        for i in range(self.LAYERS):
            self.layer(f"in{i}", 4 * self.HIDDEN, self.HIDDEN if i else self.INPUTS)
            self.layer(f"gates{i}", 4 * self.HIDDEN, self.HIDDEN)
        for name in self.weights:
            self.weights[name] *= np.float32(0.4)
        self.layer("fc", 10, self.HIDDEN)

    def batch(self):
        pictures = self.pictures(self.STEPS * self.BATCH, self.INPUTS)
        return {"data": pictures["data"].reshape(self.STEPS, self.BATCH, self.INPUTS),
                "label": pictures["label"]}

    def state(self):
        zeros = np.zeros((self.BATCH, self.HIDDEN), np.float32)
        return {"zeros": zeros, "lengths": np.full(self.BATCH, self.STEPS, np.int32)}

    def recurrent(self, net, i, x):
        """Layer i over x, the projected input: Caffe2's LSTM."""
        import doppio
        step = doppio.Net(f"step{i}")
        step.Sum(step.FC("h_before", f"gates{i}_w", f"gates{i}_b", name="from_h", axis=2), "x_t",
                 name="gates")
        step.add("LSTMUnit", ["h_before", "c_before", "gates", "lengths", "timestep"],
                 ["h_after", "c_after"])
        back = doppio.gradient(step, of={"h_after": "h_after_grad", "c_after": "c_after_grad"})
        parameters = [f"gates{i}_w", f"gates{i}_b"]
        states = [f"hs{i}", f"cs{i}"]
        inner = [("h_before", states[0], 0), ("h_after", states[0], 1),
                 ("c_before", states[1], 0), ("c_after", states[1], 1), ("x_t", x, 0)]

        def links(kind, triples):
            names = zip(*triples)
            return {f"{kind}link_{what}": list(values)
                    for what, values in zip(("internal", "external", "offset"), names)}

        net.add("RecurrentNetwork", [x, "zeros", "zeros", *parameters, "lengths"],
                [f"h{i}", f"h{i}_last", f"c{i}", f"c{i}_last", f"steps{i}"],
                step_net=step, backward_step_net=back.backward,
                **links("", inner),
                **links("backward_", [(back[name], f"{outer}_grad", offset)
                                      if name in back else (f"{name}_grad", f"{outer}_grad", offset)
                                      for name, outer, offset in inner]),
                recurrent_states=states, initial_recurrent_state_ids=[1, 2],
                alias_src=[states[0], states[0], states[1], states[1]],
                alias_dst=[f"h{i}", f"h{i}_last", f"c{i}", f"c{i}_last"], alias_offset=[1, -1, 1, -1],
                outputs_with_grads=[0], param=[3, 4], param_grads=[back[p] for p in parameters],
                recompute_blobs_on_backward=[])
        return f"h{i}"

    def doppio_loss(self, net):
        x = "data"
        for i in range(self.LAYERS):
            x = self.recurrent(net, i, net.FC(x, f"in{i}_w", f"in{i}_b", name=f"x{i}", axis=2))
        net.add("Reshape", [x], ["rows", "old_shape"], shape=[-1, self.HIDDEN])
        net.add("SoftmaxWithLoss", [net.FC("rows", "fc_w", "fc_b", name="y"), "label"],
                ["softmax", "loss"])

    def torch_weights(self):
        def gates_in_its_order(name, value):
            if name.startswith("fc"):
                return value
            into, forget, out, cell = np.split(value, 4)
            return np.concatenate([into, forget, cell, out])
        return {name: gates_in_its_order(name, value) for name, value in self.weights.items()}

    def torch_loss(self, f, w, batch):
        import torch  # nn.LSTM keeps weights of its own, and calls this function with them
        parts = [w[f"{part}{i}_{kind}"]
                 for i in range(self.LAYERS) for kind in "wb" for part in ("in", "gates")]
        zeros = batch["zeros"].expand(self.LAYERS, -1, -1).contiguous()
        x = torch._VF.lstm(batch["data"], (zeros, zeros), parts, True, self.LAYERS, 0.0, True, False,
                           False)[0]
        return f.cross_entropy(f.linear(x.reshape(-1, self.HIDDEN), w["fc_w"], w["fc_b"]),
                               batch["label"])


class Embedding(Net):
    """Bags of 20 rows of a table of 1,000,000 x 32, FC of 64 and 1, sparse Adagrad, at batch 128."""

    ROWS, COLUMNS, BAGS, BAG = 1_000_000, 32, 128, 20

    def __init__(self):
        super().__init__()
        self.layer("fc1", 64, self.COLUMNS)
        self.layer("fc2", 1, 64)
        self.weights["table"] = (np.arange(self.ROWS * self.COLUMNS) % 251 / 251 - 0.5).astype(
            np.float32).reshape(self.ROWS, self.COLUMNS)

    def batch(self):
        # Each row once: of rows that come twice PyTorch adds the gradients first.
        size = self.BAGS * self.BAG
        parts = self.random.integers(0, self.ROWS // size, size)
        indices = self.random.permutation(parts * size + np.arange(size))
        return {"indices": indices, "lengths": np.full(self.BAGS, self.BAG, np.int32),
                "offsets": np.arange(0, size, self.BAG),
                "label": self.random.integers(0, 2, (self.BAGS, 1)).astype(np.float32)}

    def doppio_loss(self, net):
        x = net.SparseLengthsSum("table", "indices", "lengths", name="bags")
        x = net.Relu(net.FC(x, "fc1_w", "fc1_b", name="h1"), name="r1")
        x = net.FC(x, "fc2_w", "fc2_b", name="h2")
        x = net.SigmoidCrossEntropyWithLogits(x, "label", name="losses")
        net.AveragedLoss(x, name="loss")

    def torch_loss(self, f, w, batch):
        x = f.embedding_bag(batch["indices"], w["table"], batch["offsets"], mode="sum", sparse=True)
        x = f.linear(f.relu(f.linear(x, w["fc1_w"], w["fc1_b"])), w["fc2_w"], w["fc2_b"])
        return f.binary_cross_entropy_with_logits(x, batch["label"])

    def state(self):
        return {f"{name}_moment": np.zeros_like(value) for name, value in self.weights.items()}

    def update(self, net, gradient):
        net.ConstantFill(name="minus_rate", shape=[1], value=-self.rate)
        for weight in self.weights:
            moment, slope = f"{weight}_moment", gradient[weight]
            if isinstance(slope, str):
                net.add("Adagrad", [weight, moment, slope, "minus_rate"], [weight, moment],
                        epsilon=EPSILON)
            else:
                net.add("SparseAdagrad", [weight, moment, *slope, "minus_rate"], [weight, moment],
                        epsilon=EPSILON)

    def optimizer(self, torch, weights):
        return torch.optim.Adagrad(list(weights.values()), lr=self.rate, eps=EPSILON)


NETS = {"mlp": Mlp, "lenet": LeNet, "lenet_norm": LeNetNorm, "cifar": Cifar, "lstm": Lstm, "embedding": Embedding}
