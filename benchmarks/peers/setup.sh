#!/usr/bin/env bash
# setup.sh DIR: makes a virtual environment at DIR with the peers, SAELens, sparsify and dictionary_learning, and says
# the path of its python, for --peers.
# torch comes first and alone; the rest is pinned (peers.txt) and installed without dependencies, so that nothing can
# replace it. What an import wants but training does not use (wandb, nnsight) is not installed: stubs.py stands in.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
dir=$1
python3 -m venv "$dir"
"$dir/bin/pip" -q install torch==2.13.0
"$dir/bin/pip" -q install --no-deps -r "$here/peers.txt"
PYTHONDONTWRITEBYTECODE=1 "$dir/bin/python" - "$here" <<'CHECK'
import sys

sys.path.insert(0, sys.argv[1])
from stubs import stub

stub("wandb", "nnsight")
import dictionary_learning.training, sae_lens, sparsify
CHECK
echo "$dir/bin/python"
