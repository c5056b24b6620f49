#!/usr/bin/env bash
# Trains two nets on handwritten digits with gradient nets that doppio makes, then loads the trained
# weights again with `doppio run` and classifies pictures that were not trained on.
#   run_demo.sh [BUILD_FOLDER]      default: build/release; results go to BUILD_FOLDER/demo
set -euo pipefail
cd "$(dirname "$0")/../.."

build=${1:-build/release}
bin=$build/bin
out=$build/demo
digits=examples/digits
for program in doppio train_digits show_digits; do
  if [[ ! -x "$bin/$program" ]]; then
    echo "run_demo.sh: $bin/$program is missing; tools/demo builds it" >&2
    exit 1
  fi
done
mkdir -p "$out"

echo
echo "Training on 8x8 pictures of handwritten digits, the gradient net made from the net's file."
echo
"$bin/train_digits" "$digits" softmax "$out"
"$bin/train_digits" "$digits" two_layer "$out"

echo
echo "Classifying pictures that were held out, with the weights loaded again:"
classify=("$bin/doppio" run "$digits/two_layer_predict.pbtxt" --init "$out/two_layer_trained.pb"
  --feed "data=$out/sample_data.npy" --fetch "digit=$out/digit.npy")
echo "  ${classify[*]}"
echo
"${classify[@]}" >/dev/null
"$bin/show_digits" "$out/sample_data.npy" "$out/digit.npy" "$out/sample_label.npy"

drawing=svg
command -v dot >/dev/null || drawing=dot  # without Graphviz, its text
cat <<END

What to type next:
  $bin/doppio grad $digits/softmax.pbtxt --of loss -o $out/softmax_gradient.pbtxt
  $bin/doppio draw $digits/two_layer.pbtxt -o $out/two_layer.$drawing
  $bin/doppio inspect $out/two_layer_trained.pb
  $bin/doppio check $digits/two_layer.pbtxt --init $digits/two_layer_init.pbtxt
  $bin/doppio bench $digits/two_layer_predict.pbtxt --init $out/two_layer_trained.pb --feed data=$out/sample_data.npy
  $bin/doppio ops Expand
  $bin/doppio --help
END
