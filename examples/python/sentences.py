"""Sums up the words of sentences of different lengths, each with a weight that is learned, and
checks the gradient of that against finite differences.

    sentences.py
"""

import numpy as np

import doppio

SENTENCES = ["the cat sat on the mat", "stop", "dogs bark"]
WIDTH = 4


def sum_up_words():
    """words [words, WIDTH], lengths [sentences] -> sums [sentences, WIDTH]"""
    net = doppio.Net("sentences")
    # One score a word. Where a sentence has no word there is -infinity, of which Softmax makes 0.
    scores = net.FC("words", "w", "b")                               # [words, 1]
    scores = net.PackSegments("lengths", scores, pad_minf=True)      # [sentences, places, 1]
    weights = net.Softmax(scores, name="weights")
    # A word has one weight and WIDTH numbers.
    wide = net.Expand(weights, "as_wide_as_words")                   # [sentences, places, WIDTH]
    packed = net.PackSegments("lengths", "words")                    # [sentences, places, WIDTH]
    net.ReduceSum(net.Mul(packed, wide), name="sums", axes=[1], keepdims=False)
    return net


def finite_differences(ws, net, blob, d_sums, step=1e-6):
    """How sum(sums * d_sums) moves with each element of a blob."""
    value = ws.fetch(blob, copy=True)
    result = np.zeros_like(value)
    for i in np.ndindex(value.shape):
        moved = value.copy()
        for move in (step, -step):
            moved[i] = value[i] + move
            ws.feed(blob, moved, copy=True)
            ws.run(net)
            result[i] += (ws["sums"] * d_sums).sum() / (2 * move)
    ws[blob] = value
    return result


def main():
    rng = np.random.default_rng(7)
    words = " ".join(SENTENCES).split()
    vectors = {word: rng.normal(size=WIDTH) for word in dict.fromkeys(words)}
    ws = doppio.Workspace()
    ws["words"] = np.array([vectors[word] for word in words])
    ws["lengths"] = [len(sentence.split()) for sentence in SENTENCES]
    ws["w"], ws["b"] = rng.normal(size=(1, WIDTH)), np.zeros(1)
    ws["as_wide_as_words"] = [1, 1, WIDTH]
    d_sums = ws["d_sums"] = rng.normal(size=(len(SENTENCES), WIDTH))

    net = sum_up_words()
    backward = doppio.gradient(net, of={"sums": "d_sums"})
    ws.run(backward.net)
    for sentence, weights in zip(SENTENCES, ws["weights"][:, :, 0]):
        print(f"{sentence:23}", *(f"{weight:.2f}" for weight in weights))

    for blob in ("words", "w", "b"):
        gradient = ws[backward[blob]]
        error = np.abs(gradient - finite_differences(ws, net, blob, d_sums)).max()
        print(f"gradient of {blob + ',':6} {str(gradient.shape):7} the largest is "
              f"{np.abs(gradient).max():.3f}; {'right' if error < 1e-8 else f'off by {error}'}")


if __name__ == "__main__":
    main()
