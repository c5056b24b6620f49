"""The PyTorch half of `tools/bench-peers nets` and `onnxruntime`: nets with random weights, written as
Caffe2 and as ONNX nets, and run.

    peer_nets.py export NET FOLDER            writes init_net.pb, predict_net.pb, model.onnx, model.pt,
                                              frozen.pt, input.npy and PyTorch's own output.npy
    peer_nets.py serve MODE NET FOLDER N      loads it, answers once with N threads, and then runs once
                                              for every line on standard input, answering with the
                                              nanoseconds it took

MODE is eager, channels_last, jit (freeze and optimize_for_inference), or load: the frozen model alone,
without torchvision, which gives the first answer soonest.
"""

import operator
import os
import sys
import time

import numpy
import torch

import netdef_writer

IMAGE = (1, 3, 224, 224)


def mlp(batch):
    linear, relu = torch.nn.Linear, torch.nn.ReLU
    return torch.nn.Sequential(linear(784, 512), relu(), linear(512, 512), relu(),
                               linear(512, 10)), (batch, 784)


def vision(name):
    import torchvision
    settings = {"init_weights": False} if name == "googlenet" else {}
    return getattr(torchvision.models, name)(weights=None, **settings), IMAGE


def backbone():
    """ResNet-50 up to its fourth stage, which Faster R-CNN reads pictures with."""
    net, _ = vision("resnet50")
    return torch.nn.Sequential(net.conv1, net.bn1, net.relu, net.maxpool, net.layer1, net.layer2,
                               net.layer3), (1, 3, 600, 800)


def style():
    """Gives a picture another style, on phones: a published net whose batch normalisations have gone."""
    nn = torch.nn

    def conv(inputs, kernel):
        return [nn.Conv2d(inputs, 12, kernel), nn.PReLU(12)]

    def up(inputs, outputs):
        return [nn.ConvTranspose2d(inputs, outputs, 3, 2), nn.PReLU(outputs)]
    layers = conv(3, 9)
    for _ in range(6):
        layers += conv(12, 3)
    return nn.Sequential(nn.AvgPool2d(4, 4), nn.ReflectionPad2d((10, 9, 10, 9)), *layers, *up(12, 6),
                         *up(6, 3)[:1], nn.ReflectionPad2d((0, 1, 0, 1))), (1, 3, 256, 256)


def make(name):
    """The net with seeded random weights, as random in its statistics as in the rest, and the shape of
    its input."""
    torch.manual_seed(7)
    if name.startswith("mlp_"):
        model, shape = mlp(int(name[len("mlp_"):]))
    else:
        model, shape = {"resnet50_c4": backbone, "style": style}.get(name, lambda: vision(name))()
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.weight.data.uniform_(0.5, 1.0)
            module.bias.data.normal_(0, 0.1)
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 1.5)
    return model.eval(), shape


class Exporter:
    """Writes what torch.fx finds in a model as operators."""

    def __init__(self, model):
        import torch.fx
        self.operators, self.weights, self.blobs = [], {}, {}
        self.modules = dict(model.named_modules())
        for node in torch.fx.symbolic_trace(model).graph.nodes:
            self.blobs[node] = self.emit(node)
            if node.op == "output":
                self.output = self.blobs[node]

    def add(self, kind, inputs, output, **arguments):
        self.operators.append(netdef_writer.operator(kind, inputs, [output], **arguments))
        return output

    def weight(self, blob, values):
        self.weights[blob] = values.detach().numpy()
        return blob

    def emit(self, node):
        """Returns the blob that holds what the node makes."""
        if node.op == "placeholder":
            return "data"
        if node.op == "output":
            return self.blobs[node.args[0]]
        inputs = [self.blobs[n] for n in node.all_input_nodes]
        if node.op == "call_module":
            return self.emit_module(self.modules[node.target], inputs[0], node.name)
        if node.op == "call_function":
            if node.target in (operator.add, operator.iadd, torch.add):
                return self.add("Sum", inputs, node.name)
            if node.target is torch.cat:
                self.operators.append(netdef_writer.operator(
                    "Concat", inputs, [node.name, f"_{node.name}_dims"], axis=1))
                return node.name
            if node.target is torch.flatten:
                return inputs[0]  # FC reads an image as a vector
            if node.target is torch.nn.functional.relu:
                return self.add("Relu", inputs, node.name)
            if node.target is torch.nn.functional.adaptive_avg_pool2d:
                return self.add("AveragePool", inputs, node.name, global_pooling=1)
        raise NotImplementedError(f"{node.op} {node.target}")

    def emit_module(self, module, x, name):
        nn = torch.nn
        if isinstance(module, nn.Dropout):
            return x
        if isinstance(module, nn.PReLU):
            return self.add("PRelu", [x, self.weight(f"{name}_slopes", module.weight)], name)
        if isinstance(module, nn.ReflectionPad2d):
            left, right, top, bottom = module.padding
            return self.add("PadImage", [x], name, mode="reflect", pad_t=top, pad_l=left,
                            pad_b=bottom, pad_r=right)
        if isinstance(module, nn.ConvTranspose2d):
            return self.add("ConvTranspose", [x, self.weight(f"{name}_w", module.weight),
                                              self.weight(f"{name}_b", module.bias)], name,
                            kernels=module.kernel_size, strides=module.stride)
        if isinstance(module, nn.ReLU):
            return self.add("Relu", [x], name)
        if isinstance(module, nn.ReLU6):
            return self.add("Clip", [x], name, min=0.0, max=6.0)
        if isinstance(module, nn.Conv2d):
            inputs = [x, self.weight(f"{name}_w", module.weight)]
            if module.bias is not None:
                inputs.append(self.weight(f"{name}_b", module.bias))
            return self.add("Conv", inputs, name, kernels=module.kernel_size,
                            strides=module.stride, pads=module.padding * 2,
                            dilations=module.dilation, group=module.groups)
        if isinstance(module, nn.BatchNorm2d):
            values = (("s", module.weight), ("b", module.bias), ("rm", module.running_mean),
                      ("riv", module.running_var))
            inputs = [x] + [self.weight(f"{name}_{what}", value) for what, value in values]
            return self.add("SpatialBN", inputs, name, is_test=1, epsilon=module.eps)
        if isinstance(module, nn.MaxPool2d):
            arguments = {"legacy_pad": 3} if module.ceil_mode else {}
            return self.add("MaxPool", [x], name, kernel=module.kernel_size,
                            stride=module.stride, pad=module.padding, **arguments)
        if isinstance(module, nn.AvgPool2d):
            return self.add("AveragePool", [x], name, kernel=module.kernel_size,
                            stride=module.stride, pad=module.padding)
        if isinstance(module, nn.AdaptiveAvgPool2d):
            if module.output_size == (7, 7):
                return x  # what VGG's convolutions make of 224 x 224
            return self.add("AveragePool", [x], name, global_pooling=1)
        if isinstance(module, nn.Linear):
            return self.add("FC", [x, self.weight(f"{name}_w", module.weight),
                                   self.weight(f"{name}_b", module.bias)], name)
        raise NotImplementedError(str(module))


def freeze(model, x):
    with torch.no_grad():
        return torch.jit.optimize_for_inference(torch.jit.freeze(torch.jit.trace(model, x)))


def export(name, folder):
    model, shape = make(name)
    torch.manual_seed(8)
    x = torch.rand(*shape) * 2 - 1
    exporter = Exporter(model)

    def write(file, content):
        with open(os.path.join(folder, file), "wb") as out:
            out.write(content)
    write("init_net.pb", netdef_writer.net(
        f"{name}_init", [netdef_writer.fill(b, v) for b, v in exporter.weights.items()]))
    write("predict_net.pb", netdef_writer.net(
        name, exporter.operators, ["data"] + list(exporter.weights), [exporter.output]))
    torch.save(model.state_dict(), os.path.join(folder, "model.pt"))
    with torch.no_grad():
        torch.jit.save(torch.jit.freeze(torch.jit.trace(model, x)),
                       os.path.join(folder, "frozen.pt"))
        torch.onnx.export(model, x, os.path.join(folder, "model.onnx"), opset_version=13,
                          input_names=["data"], output_names=["output"])
        numpy.save(os.path.join(folder, "output.npy"), model(x).numpy())
    numpy.save(os.path.join(folder, "input.npy"), x.numpy())


def serve(mode, name, folder, threads):
    torch.set_num_threads(int(threads))
    x = torch.from_numpy(numpy.load(os.path.join(folder, "input.npy")))
    if mode == "load":
        run = torch.jit.load(os.path.join(folder, "frozen.pt"))
    else:
        run, _ = make(name)
        run.load_state_dict(torch.load(os.path.join(folder, "model.pt")))
        if mode == "channels_last":
            x = x.to(memory_format=torch.channels_last)
            run = run.to(memory_format=torch.channels_last)
        elif mode == "jit":
            run = freeze(run, x)
    with torch.no_grad():
        run(x)
        print("ready", flush=True)
        for _ in sys.stdin:
            start = time.perf_counter_ns()
            run(x)
            print(time.perf_counter_ns() - start, flush=True)


if __name__ == "__main__":
    {"export": export, "serve": serve}[sys.argv[1]](*sys.argv[2:])
