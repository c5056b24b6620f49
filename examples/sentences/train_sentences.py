"""Learns what sentences are about, and to which words it has to look for that.

    train_sentences.py FILE     FILE: lines of a topic, a tab and a sentence
"""

import sys

import numpy as np

import doppio

WIDTH = 16  # numbers of a word


def make_net(vocabulary, topics, longest):
    """words [sentences, places], lengths [sentences], topic [sentences] -> the net, and the one
    that fills its parameters"""
    net, init = doppio.Net("topics"), doppio.Net("topics_init")
    # A batch is an array; the words in it lie one behind the other.
    words = net.Gather("vectors", net.UnpackSegments("lengths", "words", max_length=longest))
    # One weight a word, as in sentences.py: who is -infinity before Softmax is 0 behind it.
    scores = net.PackSegments("lengths", net.FC(words, "look_w", "look_b"), pad_minf=True)
    weights = net.Softmax(scores, name="weights")                    # [sentences, places, 1]
    packed = net.PackSegments("lengths", words)                      # [sentences, places, WIDTH]
    looked_at = net.Mul(packed, net.Expand(weights, "as_wide_as_words"))
    sums = net.ReduceSum(looked_at, axes=[1], keepdims=False)        # [sentences, WIDTH]
    softmax, _ = net.SoftmaxWithLoss(net.FC(sums, "w", "b"), "topic", name=["softmax", "loss"])
    net.Accuracy(softmax, "topic", name="accuracy")

    init.GaussianFill(name="vectors", shape=[vocabulary, WIDTH], std=0.1)
    init.ConstantFill(name="look_w", shape=[1, WIDTH])
    init.XavierFill(name="w", shape=[topics, WIDTH])
    for name, size in (("look_b", 1), ("b", topics)):
        init.ConstantFill(name=name, shape=[size])
    init.GivenTensorInt64Fill(name="as_wide_as_words", shape=[3], values=[1, 1, WIDTH])
    return net, init.set_seed(3)


def main(path):
    with open(path, encoding="utf-8") as file:
        lines = [line.rstrip("\n").split("\t") for line in file]
    topics = sorted({topic for topic, _ in lines})
    sentences = [sentence.split() for _, sentence in lines]
    vocabulary = {word: i for i, word in enumerate(sorted({w for s in sentences for w in s}))}
    longest = max(map(len, sentences))
    print(f"{len(lines)} sentences of up to {longest} words, {len(vocabulary)} words, {len(topics)} topics")

    numbers = [[vocabulary[word] for word in sentence] for sentence in sentences]
    data = {"words": np.int32([row + [0] * (longest - len(row)) for row in numbers]),
            "lengths": np.int32([len(row) for row in numbers]),
            "topic": np.int32([topics.index(topic) for topic, _ in lines])}
    net, init = make_net(len(vocabulary), len(topics), longest)
    training = doppio.add_optimizer(doppio.gradient(net, of="loss"), "adam", init=init,
                                    learning_rate=0.01)
    trained = doppio.train(training, init, data=data, epochs=12, batch=16, test=net.copy("test"),
                           hold_out=4, metrics=["accuracy"])
    for evaluation in trained.evaluations[2::3]:
        print(f"epoch {evaluation.epoch:2}: " + ", ".join(
            f"test {name} {value:.3f}" for name, value in evaluation.metrics.items()))

    # Sentences with which it was not trained, and how much each word counted.
    ws = trained.workspace
    for i in (3, 7, 11, 15):
        for name, array in data.items():
            ws[name] = array[i:i + 1]
        ws.run(net)
        print(f"{topics[ws['softmax'].argmax()]:8}",
              *(f"{word}:{weight:.2f}" for word, weight in zip(sentences[i], ws["weights"][0, :, 0])))


if __name__ == "__main__":
    main(sys.argv[1])
