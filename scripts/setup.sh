# Sourced by scripts/demo and scripts/test: the virtual environment that both use.
#
#   prepare_venv NAME REQUIREMENT...
#
# makes .venv if it is not there and installs the requirements under constraints.txt. What was installed
# under NAME is remembered, so that a second run costs nothing until pyproject.toml, constraints.txt or
# the requirements change. Installs of this project are editable: changed code needs no new install.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
venv=$root/.venv
export PIP_ROOT_USER_ACTION=ignore PIP_DISABLE_PIP_VERSION_CHECK=1
# What the surrounding shell says about other Pythons is no concern of this environment.
unset PYTHONHOME PYTHONPATH VIRTUAL_ENV

# The first Python on the PATH that is new enough and can make environments with pip in them.
find_python() {
    local candidate
    while read -r candidate; do
        if "$candidate" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            echo "$candidate"
            return
        fi
    done < <(type -aP "${PYTHON:-python3.11}" python3 python3.13 python3.12 python)
    echo "error: no Python from 3.11 up with the venv module on the PATH; set PYTHON to one" >&2
    return 1
}

prepare_venv() {
    local name=$1 python wanted
    shift
    if ! "$venv/bin/python" -c 'import pip' 2>/dev/null; then
        python=$(find_python)
        echo "making .venv with $python"
        rm -rf "$venv"
        "$python" -m venv "$venv"
    fi
    wanted=$({ cat "$root/pyproject.toml" "$root/constraints.txt"; echo "$root $*"; } | "$venv/bin/python" -c \
        'import hashlib, sys; print(hashlib.sha256(sys.stdin.buffer.read()).hexdigest())')
    if [ "$(cat "$venv/.installed-$name" 2>/dev/null)" != "$wanted" ]; then
        echo "installing: pip install -c constraints.txt $*"
        (cd "$root" && "$venv/bin/python" -m pip install --quiet -c constraints.txt "$@")
        echo "$wanted" >"$venv/.installed-$name"
    fi
}
