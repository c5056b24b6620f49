"""Trains an LSTM on a text, letter by letter, and lets it write.

    char_rnn.py TEXT            examples/char_rnn/harbour.txt, or another one
"""

import argparse

import numpy as np

import doppio

WINDOW = 50  # letters that the net sees in one piece


def make_net(name, alphabet, size, init=None, begin=None):
    """letters [sequences, steps] -> the net, and its scores [steps, sequences, alphabet] and states"""
    net = doppio.Net(name)
    steps = net.Transpose("letters", axes=[1, 0])
    x = net.Gather("embedding", steps)                        # [steps, sequences, size]
    layer = doppio.lstm(net, x, size, init=init, inputs=size, begin=begin)
    scores = net.FC(layer.all, "w", "b", name="scores", axis=2)
    if init is not None:
        init.GaussianFill(name="embedding", shape=[alphabet, size], std=0.1)
        init.XavierFill(name="w", shape=[alphabet, size])
        init.ConstantFill(name="b", shape=[alphabet])
    return net, scores, layer


def train(text, letters, size, epochs):
    """The workspace with the trained parameters."""
    # Every piece of the text, and the same one letter later.
    pieces = np.lib.stride_tricks.sliding_window_view(text, WINDOW + 1)[::5]
    init = doppio.Net("init")
    net, scores, _ = make_net("char_rnn", len(letters), size, init)
    flat = net.Reshape(scores, name=["flat", "old_shape"], shape=[-1, len(letters)])[0]
    later = net.FlattenToVec(net.Transpose("next", axes=[1, 0]))
    net.SoftmaxWithLoss(flat, later, name=["softmax", "loss"])
    training = doppio.add_optimizer(doppio.gradient(net, of="loss"), "adam",
                                    init=init.set_seed(1), learning_rate=0.005)

    def tell(step):
        if step.iteration % (step.iterations // 5) == 0:
            print(f"step {step.iteration:4} of {step.iterations}, loss {step.loss:.3f}")

    return doppio.train(training, init, epochs=epochs, batch=16, on_step=tell,
                        data={"letters": pieces[:, :-1], "next": pieces[:, 1:]}).workspace


def write(ws, letters, size, begin, count, boldness, seed=1):
    """`count` letters that go on from `begin`: each is drawn as the net expects it, from those that
    it thinks likely where `boldness` is small."""
    net, scores, layer = make_net("write", len(letters), size, begin=("hidden", "cell"))
    rng = np.random.default_rng(seed)
    ws["hidden"] = ws["cell"] = np.zeros((1, 1, size), np.float32)
    text = begin
    while len(text) < len(begin) + count:
        # At first all that is given, and then one letter after the other.
        ws["letters"] = [[letters.index(letter) for letter in (begin if text == begin else text[-1])]]
        ws.run(net)
        ws["hidden"], ws["cell"] = ws.fetch(layer.hidden, copy=True), ws.fetch(layer.cell, copy=True)
        chances = np.exp((ws[scores][-1, 0] - ws[scores][-1, 0].max()) / boldness)
        text += letters[rng.choice(len(letters), p=chances / chances.sum())]
    return text


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("text")
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--size", type=int, default=96, help="cells of the LSTM")
    parser.add_argument("--letters", type=int, default=400, help="how many are written")
    parser.add_argument("--boldness", type=float, default=0.5, help="how unlikely letters may be")
    options = parser.parse_args()
    with open(options.text, encoding="utf-8") as file:
        text = file.read()
    letters = "".join(sorted(set(text)))
    print(f"{len(text)} letters, {len(letters)} different ones")
    numbers = np.int32([letters.index(letter) for letter in text])
    ws = train(numbers, letters, options.size, options.epochs)
    written = write(ws, letters, options.size, "The ", options.letters,
                    options.boldness)
    print(written)
    known = set(text.split())
    words = written.split()[:-1]  # the last may be cut off
    print(f"{sum(word in known for word in words)} of {len(words)} words are in the text")


if __name__ == "__main__":
    main()
