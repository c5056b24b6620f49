"""Dimensions come from files, so a product of them may overflow: it is made with CheckedProduct or
NumElements, which say so (doppio/shape.h).

This is a heuristic; it looks for the three ways in which such products were written elsewhere:
  - a product that is gathered: `size *= dims[i]`, std::accumulate with std::multiplies
  - two dimensions multiplied: `x.dim(0) * x.dim(1)`, `dims[0] * dims[1]`
  - a product that allocates: `Resize({n * m})`, `std::vector<float> v(rows * columns)`, `new T[a * b]`
Offsets into a tensor that exists (`data + row * columns`) are not meant: its element count was
checked when it was allocated, and so was that of every part of its shape. For the same reason
kernels, which are only ever handed the shapes of tensors that exist, are searched for products that
allocate alone. What is found and is right stands in ALLOWED with the reason.
"""

import re

from source import code_lines, files, unused

DIM = r"\w*(?:dims?|shape|sizes)\w*(?:\(\))?\s*[\[(][^\])]*[\])]"
PRODUCT = r"[A-Za-z_][\w.>()\[\]-]*\s\*\s[A-Za-z_]"
SHAPES = [
    rf"\*=\s*[^;]*{DIM}",
    r"\*=\s*\w*\b(?:dim|extent)\w*\b",
    r"\bstd::multiplies\b",
    rf"{DIM}\s*\*\s*[\w.>()-]*{DIM}",
]
ALLOCATIONS = [
    rf"\b(?:Resize|resize|reserve|malloc|calloc)\s*\([^;]*{PRODUCT}",
    rf"\bnew\s+[\w:]+\s*\[[^\]]*{PRODUCT}",
    rf"\bstd::vector<[^;=]*>\s+\w+\s*\([^;]*{PRODUCT}",
]
FOLDERS = ["include", "src", "ops", "tools", "python"]

# (file, the code as it stands in the line) -> why the product cannot overflow.
ALLOWED = {
    ("python/core/dlpack.cc", "step *= tensor.shape[i]"):
        "part of the shape of a tensor from elsewhere, which NumElements has multiplied before",
    ("python/core/dlpack.cc", "step *= exported->shape[i]"):
        "part of the shape of a tensor, all of which NumElements has multiplied",
    ("src/base/shape.cc", "size *= dims[i]"):
        "part of the shape of a tensor, all of which NumElements has multiplied",
    ("src/base/shape.cc", "stride *= std::max<int64_t>(dims[i], 1)"):
        "part of the shape of a tensor; NumElements leaves sizes of 0 out of its check too",
    ("src/operator/phantom.cc", "rest *= dims_[next]"):
        "part of the shape of a tensor that has elements, which NumElements has multiplied",
}


def check(root, allowed=None):
    allowed = ALLOWED if allowed is None else allowed
    problems, seen = [], set()
    for path in files(root, FOLDERS):
        name = str(path.relative_to(root))
        patterns = ALLOCATIONS if name.startswith("src/kernel/") else SHAPES + ALLOCATIONS
        for number, line in enumerate(code_lines(path), 1):
            if not any(re.search(pattern, line) for pattern in patterns):
                continue
            entry = next((key for key in allowed if key[0] == name and key[1] in line), None)
            if entry:
                seen.add(entry)
            else:
                problems.append(f"{name}:{number}: '{line.strip()}' multiplies dimensions; use "
                                "CheckedProduct, or give the reason in "
                                "tests/lint/dimension_products.py")
    return problems + unused(allowed, seen, "dimension_products")


GOOD = [{"src/base/a.cc": "// size *= dims[i]\nconst float* row = data + i * columns;\n"
                          "y[i] *= x[i];\nconst T* p = x.dims();\nsum += a[i] * b[i];\n"
                          "output->Resize(x.dims());\nvoid F(const int64_t* dims, const T * y);\n",
         "src/kernel/a.cc": "block *= dims[i];\n"}]
BAD = [({"ops/shape/a.cc": line}, "ops/shape/a.cc:1") for line in (
    "size *= dims[i];", "n *= x.dim(i);", "total *= dim;", "x.dim(0) * x.dim(1)",
    "int64_t n = X.dims()[0] * X.dims()[1];", "std::accumulate(b, e, 1, std::multiplies<int>());",
    "Y->Resize({batch * channels});", "std::vector<float> v(rows * columns);",
    "auto* p = new float[rows * columns];")]
BAD.append(({"src/kernel/a.cc": "std::vector<float> v(rows * columns);"}, "src/kernel/a.cc:1"))
