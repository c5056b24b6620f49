#!/usr/bin/env bash
# Links tests/link/consumer with doppio in one way, and compares the operators that it then has with
# those of a program into which doppio's objects were linked one by one.
#   run.sh WAY SOURCE BUILD WORK [cmake options...]
set -euo pipefail
way=$1 source=$2 build=$3 work=$4
shift 4
options=("$@")
consumer=$source/tests/link/consumer
export DOPPIO_FIRST_BUILD=$build

folder=$work/$way
mkdir -p "$folder"

configure_and_build() {  # SOURCE BUILD [options...]
  cmake -S "$1" -B "$2" "${options[@]}" "${@:3}" >"$2.log" 2>&1 || { cat "$2.log"; exit 1; }
  cmake --build "$2" >"$2.log" 2>&1 || { cat "$2.log"; exit 1; }
}

# expect PROGRAM [PLUGIN]: has every operator exactly once, and with the plug-in one more.
expect() {
  "$build/bin/link_reference" >"$folder/expected"
  if [[ $# -gt 1 ]]; then
    printf '%s\n' "OnlyInThePlugin schema" "OnlyInThePlugin operator " >>"$folder/expected"
  fi
  LC_ALL=C sort -o "$folder/expected" "$folder/expected"
  "$@" >"$folder/found"
  if ! LC_ALL=C sort "$folder/found" | diff "$folder/expected" -; then
    echo "FAILED: $* does not have the operators that it should"
    exit 1
  fi
  echo "$way: ${1##*/} ${2:+with plug-in }has all $(grep --count operator "$folder/expected") operators"
}

# The installed command lists every operator too, and finds its library where it was installed.
expect_command() {  # PREFIX
  [[ -x "$1/bin/doppio" ]] || return 0
  "$build/bin/link_reference" | sed -n 's/ operator.*//p' | sort -u >"$folder/types"
  "$1/bin/doppio" ops >"$folder/listed"
  while read -r type; do
    if ! grep --quiet --word-regexp "$type" "$folder/listed"; then
      echo "FAILED: $1/bin/doppio ops does not list $type"
      exit 1
    fi
  done <"$folder/types"
  echo "$way: doppio ops lists all $(wc -l <"$folder/types") types"
}

# The installed Python package imports from there, has every operator (besides those of its own, for
# functions in Python), and loads a plug-in.
expect_python() {  # PREFIX PLUGIN
  local site
  site=$(find "$1" -path '*/doppio/__init__.py' -printf '%h/..' -quit)
  [[ -n "$site" ]] || return 0
  { "$build/bin/link_reference" | sed -n 's/ operator.*//p'; echo OnlyInThePlugin; } |
    LC_ALL=C sort -u >"$folder/types"
  PYTHONPATH=$site "$DOPPIO_PYTHON" -B -c 'import sys, doppio
doppio.load_library(sys.argv[1])
print(*(type for type, schema in doppio.operators.items() if "python/core" not in schema.file),
      sep="\n")' "$2" | LC_ALL=C sort | diff "$folder/types" - ||
    { echo "FAILED: the package in $site does not have the operators that it should"; exit 1; }
  echo "$way: the Python package has all $(wc -l <"$folder/types") types"
}

# expect_example PROGRAM [PLUGIN]: examples/custom_operator computes what it should.
expect_example() {
  printf '%s\n' "Y = 0.5 2 4.5" "X_grad = 1 2 3" >"$folder/expected_example"
  "$@" | diff "$folder/expected_example" - || { echo "FAILED: $*"; exit 1; }
  echo "$way: ${1##*/} computes its operator and gradient"
}

expect_consumer() {  # BUILD
  expect "$1/direct"
  expect "$1/through_STATIC"
  expect "$1/through_SHARED"
  expect "$1/direct" "$1/plugin.so"
}

case "$way" in
  install_static)
    rm -rf "$folder"/*
    cmake --install "$build" --prefix "$folder/prefix" >/dev/null
    ;;
  install_shared)
    rm -rf "$folder"/*
    configure_and_build "$source" "$folder/build" -DBUILD_SHARED_LIBS=ON -DDOPPIO_BUILD_TESTS=OFF \
      -DDOPPIO_BUILD_EXAMPLES=OFF "-DCMAKE_CXX_COMPILER_LAUNCHER=$source/tests/link/reuse_object"
    cmake --install "$folder/build" --prefix "$folder/prefix" >/dev/null
    ;;
  find_package_static | find_package_shared)
    rm -rf "$folder"/*
    configure_and_build "$consumer" "$folder/build" \
      "-DCMAKE_PREFIX_PATH=$work/install_${way#find_package_}/prefix"
    expect_consumer "$folder/build"
    expect_command "$work/install_${way#find_package_}/prefix"
    expect_python "$work/install_${way#find_package_}/prefix" "$folder/build/plugin.so"
    configure_and_build "$source/examples/custom_operator" "$folder/example" \
      "-DCMAKE_PREFIX_PATH=$work/install_${way#find_package_}/prefix"
    expect_example "$folder/example/custom_operator"
    expect_example "$folder/example/custom_operator_loader" "$folder/example/scaled_square.so"
    ;;
  pkg_config_static | pkg_config_shared)
    prefix=$work/install_${way#pkg_config_}/prefix
    PKG_CONFIG_PATH=$(dirname "$(find "$prefix" -name doppio.pc)")
    export PKG_CONFIG_PATH
    read -ra flags <<<"$(pkg-config --cflags --libs doppio)"
    c++ -std=c++17 -rdynamic "$consumer"/main.cc "$consumer"/operator_count.cc \
      -o "$folder/direct" "${flags[@]}" "-Wl,-rpath,$(pkg-config --variable=libdir doppio)"
    expect "$folder/direct"
    ;;
  add_subdirectory)
    rm -rf "$folder"/*
    configure_and_build "$consumer" "$folder/build" "-DDOPPIO_SOURCE=$source" \
      "-DCMAKE_CXX_COMPILER_LAUNCHER=$source/tests/link/reuse_object"
    expect_consumer "$folder/build"
    ;;
  chosen_operators)
    rm -rf "$folder"/*
    cat >"$folder/net.pbtxt" <<'END'
name: "chosen"
op { type: "ConstantFill" output: "x" arg { name: "shape" ints: 2 } arg { name: "value" f: -3 } }
op { type: "Abs" input: "x" output: "y" }
END
    "$build/bin/doppio" ops --of "$folder/net.pbtxt" >"$folder/ops.txt"
    configure_and_build "$source" "$folder/build" "-DDOPPIO_OPERATORS=$folder/ops.txt" \
      -DDOPPIO_BUILD_PYTHON=OFF "-DCMAKE_CXX_COMPILER_LAUNCHER=$source/tests/link/reuse_object"
    chosen=$folder/build/bin/doppio
    "$chosen" run "$folder/net.pbtxt" --fetch y | grep "3, 3"
    "$chosen" ops >"$folder/listed"
    grep "^3 operators" "$folder/listed"  # and AbsGradient, of the same source
    if "$chosen" ops Softmax 2>"$folder/missing"; then exit 1; fi
    grep "built with those of ops.txt alone" "$folder/missing"
    ;;
  *)
    echo "no such way to link: $way" >&2
    exit 2
    ;;
esac
