"""Trains the net of examples/digits from Python, and reads digits with it.

    train_digits.py FOLDER      FOLDER: examples/digits
"""

import sys

import numpy as np

import doppio

BATCH = 32


def main(folder):
    table = np.loadtxt(f"{folder}/digits.csv.gz", delimiter=",", dtype=np.int32)
    pictures, labels = (table[:, :64] / 16).astype(np.float32), table[:, 64].copy()
    is_test = np.arange(len(table)) % 5 == 4

    ws = doppio.Workspace()
    ws.run(doppio.load(f"{folder}/two_layer_init.pbtxt"))
    forward = doppio.load(f"{folder}/two_layer.pbtxt")
    update = doppio.load(f"{folder}/two_layer_update.pbtxt")
    train = doppio.gradient(forward, of="loss").net

    rng = np.random.default_rng(7)
    for epoch in range(1, 31):
        losses = []
        order = rng.permutation(np.flatnonzero(~is_test))
        for batch in order[:len(order) // BATCH * BATCH].reshape(-1, BATCH):
            ws["data"], ws["label"] = pictures[batch], labels[batch]
            ws.run(train)
            ws.run(update)
            losses.append(ws["loss"])
        if epoch % 10 == 0:
            print(f"epoch {epoch}, loss {np.mean(losses):.4f}")

    weights = {name: ws.fetch(name) for name in ("w1", "b1", "w2", "b2")}
    read = doppio.Predictor(doppio.load(f"{folder}/two_layer_predict.pbtxt"), weights=weights)
    digits = read.run({"data": pictures[is_test]})["digit"]
    print(f"test accuracy {np.mean(digits == labels[is_test]):.3f}")
    print("read:", *digits[:10], " right:", *labels[is_test][:10])


if __name__ == "__main__":
    main(sys.argv[1])
