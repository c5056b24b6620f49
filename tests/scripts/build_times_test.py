"""What tools/build-times makes of a build's log."""

import pathlib
import subprocess
import sys
import tempfile
import unittest

TOOL = pathlib.Path(__file__).resolve().parents[2] / "tools/build-times"
LOG = """# ninja log v5
0\t9000\t1\tsrc/graph/CMakeFiles/doppio_graph.dir/check.cc.o\tabc
0\t2000\t1\tops/CMakeFiles/doppio_ops_nn.dir/nn/conv.cc.o\tabc
2000\t3000\t1\tops/CMakeFiles/doppio_ops_nn.dir/nn/fc.cc.o\tabc
3000\t3500\t1\ttests/CMakeFiles/ops_nn_test.dir/ops/nn/fc_test.cc.o\tabc
3500\t4500\t1\ttests/CMakeFiles/ops_loss_test.dir/Unity/unity_0_cxx.cxx.o\tabc
9000\t9500\t1\tlib/libdoppio.a\tabc
10000\t12000\t2\tsrc/graph/CMakeFiles/doppio_graph.dir/check.cc.o\tabd
"""


def run(*arguments):
    return subprocess.run([sys.executable, str(TOOL), *arguments], capture_output=True, text=True,
                          check=False)


class BuildTimesTest(unittest.TestCase):
    def report(self, log, *arguments):
        with tempfile.TemporaryDirectory() as folder:
            (pathlib.Path(folder) / ".ninja_log").write_text(log, encoding="utf-8")
            return run(folder, *arguments)

    def test_adds_up_rooms_with_the_last_time_of_each_file(self):
        lines = self.report(LOG).stdout.splitlines()
        rows = [line.split() for line in lines]
        self.assertIn(["ops/nn", "2", "3.0", "42.9%", "1.50"], rows)
        self.assertIn(["src/graph", "1", "2.0", "28.6%", "2.00"], rows)
        self.assertIn(["tests/ops/nn", "1", "0.5", "7.1%", "0.50"], rows)
        self.assertIn(["tests/ops_loss_test", "1", "1.0", "14.3%", "1.00"], rows)
        self.assertIn(["together", "6", "7.0"], rows)

    def test_lists_the_slowest_files_first(self):
        lines = self.report(LOG, "--slowest", "2").stdout.splitlines()
        self.assertEqual([line.split()[1] for line in lines[-2:]],
                         ["src/graph/check.cc", "ops/nn/conv.cc"])

    def test_says_what_it_can_not_read(self):
        for result in (self.report("nonsense\n"), self.report("# ninja log v5\n"), run("/no/folder")):
            self.assertEqual(result.returncode, 1)
            self.assertIn("tools/build-times: ", result.stderr)
            self.assertNotIn("Traceback", result.stderr)


if __name__ == "__main__":
    unittest.main()
