"""What tools/build shows of a build, with a cmake that only says what a build would."""

import os
import pathlib
import pty
import subprocess
import tempfile
import unittest

TOOL = pathlib.Path(__file__).resolve().parents[2] / "tools/build"
# Configuring says nothing. Building says what is in $SAID, ninja's status lines among it, and ends
# as $ENDS says.
CMAKE = """#!/usr/bin/env bash
if [[ "$1" == --build ]]; then
  echo "arguments: $*"
  echo "$SAID"
  exit "$ENDS"
fi
"""


def steps(total, seconds):
    return [f"@{made} {total} {made * seconds / total:.3f}@ Building {made}.o"
            for made in range(1, total + 1)]


class BuildProgressTest(unittest.TestCase):
    def build(self, lines, *arguments, status=0, stdout=subprocess.PIPE):
        with tempfile.TemporaryDirectory() as folder:
            cmake = pathlib.Path(folder) / "cmake"
            cmake.write_text(CMAKE, encoding="utf-8")
            cmake.chmod(0o755)
            environment = dict(os.environ, PATH=f"{folder}:{os.environ['PATH']}",
                               SAID="\n".join(lines), ENDS=str(status))
            return subprocess.run([str(TOOL), *arguments], stdout=stdout, stderr=subprocess.STDOUT,
                                  env=environment, text=True, check=False)

    def test_a_log_gets_a_line_for_each_tenth_with_the_time_that_is_left(self):
        lines = self.build(steps(200, 100)).stdout.splitlines()[1:]
        self.assertEqual(len(lines), 11)
        self.assertEqual(lines[0], "   1 of 200, 0 s gone")  # too early to tell more
        self.assertEqual(lines[1], "   20 of 200, 10 s gone, about 90 s to go")
        self.assertEqual(lines[-1], "   200 of 200, 100 s gone")

    def test_what_the_compiler_says_is_passed_on(self):
        said = ["a.cc:1:2: warning: it's  odd \\n", "", "  @1 2 3@ in the middle", "@no status@"]
        first, last = steps(2, 1)
        lines = self.build([first, *said, last]).stdout.splitlines()[1:]
        self.assertEqual(lines[1:-1], said)

    def test_a_terminal_sees_one_line_that_changes(self):
        try:
            ours, theirs = pty.openpty()
        except OSError as error:
            self.skipTest(f"this machine has no terminals: {error}")
        self.build(steps(3, 1), stdout=theirs)
        os.close(theirs)
        text = os.read(ours, 4096).decode().replace("\r\n", "\n")
        os.close(ours)
        self.assertEqual(text.count("\n"), 2)
        self.assertEqual([part.strip() for part in text.split("\n")[1].split("\r") if part],
                         ["1 of 3, 0 s gone", "2 of 3, 0 s gone", "3 of 3, 1 s gone"])

    def test_a_build_that_fails_is_a_failure(self):
        self.assertEqual(self.build(steps(2, 1)).returncode, 0)
        self.assertEqual(self.build(steps(2, 1), status=1).returncode, 1)

    def test_builds_the_preset_and_the_targets_that_are_asked_for(self):
        self.assertIn("--build --preset release ", self.build([]).stdout)
        self.assertNotIn("--target", self.build([]).stdout)
        self.assertRegex(self.build([], "asan", "io_test", "doppio_command").stdout,
                         "--build --preset asan .*--target io_test doppio_command")


if __name__ == "__main__":
    unittest.main()
