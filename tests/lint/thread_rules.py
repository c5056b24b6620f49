"""Every public header says in a comment what holds when several threads use what it declares."""

import re

from source import files

THREADS = re.compile(r"//[^\n]*\bthreads?\b", re.IGNORECASE)


def check(root):
    return [f"{path.relative_to(root)}: says nothing of threads"
            for path in files(root, ["include"], (".h",))
            if not THREADS.search(path.read_text(encoding="utf-8"))]


GOOD = [{"include/doppio/tensor.h": "// Threads: one at a time.\nclass Tensor;\n",
         "src/base/split.h": "int Split();\n"}]
BAD = [({"include/doppio/tensor.h": "class Tensor;\nvoid RunThreads();\n"}, "says nothing of threads")]
