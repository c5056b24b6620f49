"""The examples that train, at a small size: what they say that they learned."""

import pathlib
import subprocess
import sys

EXAMPLES = pathlib.Path(__file__).parents[2] / "examples"


def lines_of(program, *arguments):
    return subprocess.run([sys.executable, "-B", EXAMPLES / program, *arguments], check=True, text=True,
                          capture_output=True).stdout.splitlines()


def test_char_rnn_learns_words():
    lines = lines_of("char_rnn/char_rnn.py", EXAMPLES / "char_rnn" / "harbour.txt",
                     "--epochs", "6", "--size", "48", "--letters", "200")
    losses = [float(line.split()[-1]) for line in lines if line.startswith("step")]
    assert len(losses) == 5 and losses[-1] < min(1.4, 0.7 * losses[0])
    known, _, words = lines[-1].split()[:3]
    assert int(words) > 20 and int(known) > 0.5 * int(words)


def test_sentences_learns_topics_and_where_to_look():
    lines = lines_of("sentences/train_sentences.py", EXAMPLES / "sentences" / "sentences.tsv")
    last = [line for line in lines if line.startswith("epoch")][-1]
    assert float(last.split("test accuracy ")[1].split(",")[0]) > 0.95
    first = [line for line in lines if line.startswith("weather")][0]
    weights = [word.split(":") for word in first.split()[1:]]
    assert abs(sum(float(weight) for _, weight in weights) - 1) < 0.1
    assert max(weights, key=lambda pair: float(pair[1]))[0] in ("sun", "came", "out")
