"""Which sources cmake/DoppioUnity.cmake lets be compiled together."""

import pathlib
import subprocess
import tempfile
import unittest

TOP = pathlib.Path(__file__).resolve().parents[2]
PROJECT = """cmake_minimum_required(VERSION 3.25)
project(sources LANGUAGES CXX)
set(DOPPIO_PRECOMPILE ON)
include(@top@/cmake/DoppioUnity.cmake)
file(GLOB sources *.cc)
add_library(room OBJECT ${sources})
set_source_files_properties(flags.cc PROPERTIES SKIP_PRECOMPILE_HEADERS ON)
doppio_unity(room precompiled.h)
foreach(source IN LISTS sources)
  get_source_file_property(batch ${source} UNITY_GROUP)
  get_filename_component(name ${source} NAME)
  message("batch of ${name}: ${batch}")
endforeach()
"""


def unnamed(text):
    return f"\nnamespace doppio {{\nnamespace {{\n\n{text}\n\n}}  // namespace\n}}  // namespace doppio\n"


def batches(files):
    """{source: its batch, "NOTFOUND" where it is compiled alone}."""
    with tempfile.TemporaryDirectory() as folder:
        top = pathlib.Path(folder)
        files = {"CMakeLists.txt": PROJECT.replace("@top@", str(TOP)), "precompiled.h": "", **files}
        for name, text in files.items():
            (top / name).write_text(text, encoding="utf-8")
        result = subprocess.run(
            ["cmake", "-G", "Ninja", "-S", folder, "-B", f"{folder}/build",
             "-DCMAKE_CXX_COMPILER_FORCED=ON"],
            capture_output=True, text=True, check=True)
        lines = [line for line in result.stderr.splitlines() if line.startswith("batch of ")]
        return dict(line.removeprefix("batch of ").split(": ") for line in lines)


class UnityTest(unittest.TestCase):
    def expect_apart(self, one, other, **headers):
        headers = {f"{name}.h": text for name, text in headers.items()}
        found = batches({"a.cc": one, "b.cc": other, **headers})
        self.assertNotEqual(found["a.cc"], found["b.cc"], found)

    def test_sources_without_a_common_name_are_compiled_together(self):
        found = batches({"a.cc": unnamed("int Half(int x) { return x / 2; }"),
                         "b.cc": unnamed("int Twice(int x) { return 2 * x; }")})
        self.assertEqual(found, {"a.cc": "0", "b.cc": "0"})

    def test_no_more_than_eight_are_in_a_batch(self):
        found = batches({f"{name}.cc": f"int {name};\n" for name in "abcdefghi"})
        self.assertEqual(sorted(found.values()), ["0"] * 8 + ["1"])

    def test_names_of_unnamed_namespaces_keep_sources_apart(self):
        for defined in ("int Half(int x) { return x / 2; }", "struct Half {};", "class Half final {\n};",
                        "enum class Half { kNone };", "constexpr int Half = 2;",
                        "using Half = int;", "template <typename T>\nT Half(T x) { return x / 2; }",
                        "const std::vector<int>& Half(\n    int x);", "namespace Half = std;",
                        "\n#define Half 2"):
            with self.subTest(defined):
                # The other means something of the library, or has its own.
                self.expect_apart(unnamed(defined), "double y = Half(1.0);\n")
                self.expect_apart("double y = Half(1.0);\n", unnamed(defined))

    def test_words_of_the_headers_of_another_source_count(self):
        self.expect_apart(unnamed("int Half(int x) { return x / 2; }"), '#include "b.h"\n',
                          b='#include "c.h"\n', c="double Half(double x);\n")

    def test_words_of_comments_and_names_of_members_do_not_count(self):
        found = batches({"a.cc": unnamed("int Half(int x) { return x / 2; }"),
                         "b.cc": "// Half of it.\nint y = x.Half() + z->Half();  // Half\n"})
        self.assertEqual(found, {"a.cc": "0", "b.cc": "0"})
        self.expect_apart("#define HALF 2\n", "int y = x.HALF;\n")  # a macro reaches them

    def test_what_has_flags_of_its_own_or_is_compiled_several_times_stays_alone(self):
        found = batches({"flags.cc": "", "kernel.cc": '#define HWY_TARGET_INCLUDE "kernel.cc"\n',
                         "other.cc": ""})
        self.assertEqual(found, {"flags.cc": "NOTFOUND", "kernel.cc": "NOTFOUND", "other.cc": "0"})


if __name__ == "__main__":
    unittest.main()
