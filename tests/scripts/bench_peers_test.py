"""tools/bench-peers finds its comparisons, and says what they are."""

import glob
import os
import subprocess
import sys
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TOOL = os.path.join(ROOT, "tools", "bench-peers")

try:
    import numpy  # noqa: F401  pylint: disable=unused-import
except ImportError:
    numpy = None


def run(*arguments):
    return subprocess.run([sys.executable, "-B", TOOL, *arguments], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False)


@unittest.skipIf(numpy is None, "without NumPy there is nothing to compare with")
class BenchPeersTest(unittest.TestCase):
    def test_every_comparison_has_a_summary_and_a_help(self):
        answer = run("--help")
        self.assertEqual(answer.returncode, 0, answer.stdout)
        paths = glob.glob(os.path.join(ROOT, "bench", "compare_*.py"))
        self.assertGreaterEqual(len(paths), 7)
        for path in paths:
            name = os.path.basename(path)[len("compare_"):-len(".py")]
            self.assertIn(f"\n    {name}", answer.stdout)
            self.assertEqual(run(name, "--help").returncode, 0, name)

    def test_what_is_not_built_is_said(self):
        answer = run("expand", "--build", os.path.join(ROOT, "no", "such", "build"))
        self.assertEqual(answer.returncode, 1)
        self.assertIn("is not built", answer.stdout)

    def test_an_unknown_peer_is_a_usage_error(self):
        self.assertEqual(run("install", "caffe3").returncode, 2)


if __name__ == "__main__":
    unittest.main()
