# Sourced by the scripts: what they share. Their own words go to stderr, so that a program's output stays its own.
# shellcheck shell=bash

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
jobs=${POSTBUS_JOBS:-$(nproc)}

# ccache needs a home, which accounts made for a service may lack.
[[ -w ${HOME:-/nonexistent} ]] || export CCACHE_DIR=${CCACHE_DIR:-$root/build/ccache}
# What one checkout compiled serves another one of the same files, wherever it lies.
export CCACHE_BASEDIR=${CCACHE_BASEDIR:-$root} CCACHE_NOHASHDIR=${CCACHE_NOHASHDIR:-1}

say() { printf 'postbus: %s\n' "$*" >&2; }
fail() { say "$@"; exit 1; }

# quietly LOG WHAT COMMAND... says in a line what it does, and shows the command's output only when it fails.
quietly() {
  local log=$root/build/log/$1 what=$2
  shift 2
  mkdir -p "$root/build/log"
  say "$what"
  if ! "$@" </dev/null >"$log" 2>&1; then
    cat "$log" >&2
    fail "failed: $what (the log above is in $log)"
  fi
}

# steady COMMAND... runs it without address-space randomisation where the system lets us: with much of it, as newer kernels
# have, ThreadSanitizer does not start.
steady() {
  if setarch -R true 2>/dev/null; then setarch -R "$@"; else "$@"; fi
}

# build PRESET [-D...] [TARGET...]
build() {
  local preset=$1 settings=() targets=()
  shift
  while [[ ${1:-} == -D* ]]; do settings+=("$1"); shift; done
  (($# == 0)) || targets=(--target "$@")
  quietly "configure-$preset" "configuring $preset" cmake -S "$root" --preset "$preset" "${settings[@]}"
  quietly "build-$preset" "building $preset${*:+: $*}" steady cmake --build "$root/build/$preset" -j "$jobs" "${targets[@]}"
}

# shellcheck source=install.sh
source "$root/scripts/lib/install.sh"
