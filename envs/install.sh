#!/bin/sh
# Set up a virtual environment, for `make env` and the container:
#   envs/install.sh PYTHON FOLDER LOCK REQUIREMENTS_FILE...
# What has hashes in LOCK is compared with them.
set -eu
python=$1 folder=$2 lock=$3
shift 3
"$python" -m venv "$folder"
pip() {
  echo "pip $*"
  "$folder/bin/python" -m pip --quiet --disable-pip-version-check "$@"
}
# pip of this version takes hashes as constraints.
pip install --require-hashes -r lock-pip.txt
# With hashes, pip would take PyTorch's build with CUDA even where it is set up to prefer another one: hence
# two steps for PyTorch.
rm -rf "$folder/torch"
pip download --no-deps --dest "$folder/torch" torch -c constraints.txt
pip install --no-deps --no-index --find-links "$folder/torch" torch -c "$lock"
rm -r "$folder/torch"
for requirements in "$@"; do
  set -- "$@" -r "$requirements"
  shift
done
# pip builds what has no wheel with tools of these versions. With hashes, it would want hashes of all of them,
# also of those that are not in the lock.
pip install "$@" -c "$lock" --build-constraint constraints.txt
