# Sourced by build.sh. need_packages GROUP... sees to the Debian packages of those groups, and says nothing if all are there.
# shellcheck shell=bash disable=SC2034 # the groups are read by name

packages_build=(g++ cmake ninja-build ccache libspdlog-dev libtomlplusplus-dev libelf-dev libmd-dev libcli11-dev)
packages_test=(catch2 python3-prometheus-client clang libclang-rt-dev libc++-14-dev libc++abi-14-dev)
packages_bench=(libbenchmark-dev libzmq3-dev cppzmq-dev libconcurrentqueue-dev)

# Headers whose packages would bring an older Boost or Qt: unpacked into build/deps and not installed.
headers_only=(libmsgpack-cxx-dev libvalijson-dev)
boost=libboost1.81-dev

need_packages() {
  local group name version installed needed=() unpacked=("${headers_only[@]}") missing=()
  if [[ -z $(command -v apt-get) || -z $(command -v dpkg-query) ]]; then
    say "this machine has no apt. Please see to these yourself: a C++20 compiler, CMake 3.25, Ninja, Boost 1.81," \
      "spdlog 1.10, toml++, libelf, libmd, CLI11, msgpack-c 4.1 for C++, valijson; for the tests Catch2, clang with libc++ and libFuzzer."
    return 0
  fi
  for group; do
    local -n packages="packages_$group"
    needed+=("${packages[@]}")
  done

  # Debian has room for one Boost only: where an older one is installed, ours is unpacked beside it.
  version=$(awk '/^#define BOOST_VERSION / { print $3 }' /usr/include/boost/version.hpp 2>/dev/null || true)
  if [[ -z $version ]]; then
    needed+=("$boost")
  elif ((version < 108100)); then
    unpacked+=("$boost")
  fi

  installed=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' "${needed[@]}" "${unpacked[@]}" 2>/dev/null || true)
  for name in "${needed[@]}"; do
    grep -qx "installed $name" <<<"$installed" || missing+=("$name")
  done
  if ((${#missing[@]})); then
    may_be_root || fail "only root can install what is missing. Please run:" \
      "sudo apt-get install --no-install-recommends ${missing[*]}"
    quietly install "installing ${missing[*]}" \
      or_after_update apt install -y --no-install-recommends --no-remove "${missing[@]}"
  fi
  for name in "${unpacked[@]}"; do
    grep -qx "installed $name" <<<"$installed" || [[ -d $root/build/deps/$name ]] ||
      quietly unpack "unpacking $name" or_after_update unpack "$name"
  done
}

may_be_root() {
  ((EUID == 0)) || sudo -n true 2>/dev/null
}

apt() {
  local sudo=()
  ((EUID == 0)) || sudo=(sudo -n)
  "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=300 "$@"
}

# A package index that is missing or old is the usual reason for a failure, so one is fetched, once, and only then.
or_after_update() {
  "$@" || { may_be_root && apt update && "$@"; }
}

# Downloading needs no root; and when we are root, apt has no need to become somebody who may not read our directory.
unpack() {
  local target=$root/build/deps/$1
  rm -rf "$target.part"
  mkdir -p "$target.part"
  (cd "$target.part" && apt-get -q -o APT::Sandbox::User=root download "$1" && dpkg-deb -x ./*.deb . && rm ./*.deb) &&
    mv "$target.part" "$target"
}
