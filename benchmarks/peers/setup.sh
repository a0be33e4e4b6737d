#!/usr/bin/env bash
# setup.sh DIR [peers|classic|keras]: makes a virtual environment at DIR and says the path of its python.
#   peers     SAELens, sparsify, dictionary_learning, overcomplete (the default)
#   classic   scikit-learn, JAX, PyOD beside torch
#   keras     Keras on TensorFlow or JAX
# torch comes first and alone; the rest is pinned and installed without dependencies, so that nothing can replace it.
# What an import wants but training does not use (wandb, nnsight, timm) is not installed: stubs.py stands in.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
dir=$1
kind=${2:-peers}
python3 -m venv "$dir"
if [ "$kind" != keras ]; then
  "$dir/bin/pip" -q install torch==2.13.0
fi
"$dir/bin/pip" -q install --no-deps -r "$here/$kind.txt"
case $kind in
  peers) check='from stubs import stub
stub("wandb", "nnsight", "timm", "torchvision", "PIL", "overcomplete.visualization")
import dictionary_learning.training, overcomplete.sae, sae_lens, sparsify' ;;
  classic) check='import jax, pyod.models.auto_encoder, sklearn, torch' ;;
  keras) check='import jax, keras, tensorflow' ;;
esac
PYTHONDONTWRITEBYTECODE=1 PYTHONPATH="$here" "$dir/bin/python" -c "$check"
echo "$dir/bin/python"
