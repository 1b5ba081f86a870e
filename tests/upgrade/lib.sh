# Shared by the scripts of this folder that run on the host: cached Debian chroots, and a throwaway copy of
# one to work in. Needs root, mmdebstrap and overlayfs. Source it; it defines functions only.
#
#   chroot=$(chroot_for bookworm run)         make it or take it from the cache; prints the folder
#   in_throwaway "$chroot" SETUP COMMAND...   run there; nothing that it does to the chroot stays
#
# Chroots are kept in ${DBTOOLS_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/schooltool-dbtools}/chroots, by suite,
# kind and a hash of what they were made from, as a tar and unpacked. Removing that folder is always safe.

upgrade_dir=$(cd "$(dirname "$0")" && while [ ! -f lib.sh ]; do cd ..; done && pwd)
source_dir=$(cd "$upgrade_dir/../.." && pwd)
suites='bookworm trixie'

say() { printf '%s\n' "$*" >&2; }
die() { say "$(basename "$0"): $*"; exit 1; }

# Exit status 77 is ctest's and autopkgtest's word for "skipped".
needs_root() {
  if [ "$(id -u)" != 0 ]; then
    say 'skipped: this needs root (chroots, mounts)'
    exit 77
  fi
}

cache_dir() {
  echo "${DBTOOLS_CACHE:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/schooltool-dbtools}/chroots"
}

# The Debian mirror that this machine itself uses.
mirror() {
  site=$(apt-get indextargets --format '$(SITE)' 'Created-By: Packages' 'Label: Debian' 2>/dev/null | head -n 1)
  [ -n "$site" ] || site=$(apt-get indextargets --format '$(SITE)' 'Created-By: Packages' 2>/dev/null |
    grep '/debian/*$' | head -n 1)
  [ -n "$site" ] || die 'no Debian mirror in the apt configuration of this machine (apt-get update first?)'
  echo "$site"
}

# How this machine reaches it: proxies and certificates, as mmdebstrap options, one per line.
apt_access_options() {
  apt-config dump --no-empty --format '%f "%v";%n' |
    grep -Ei '^Acquire::([a-z]+::)*(Proxy|Proxy-Auto-Detect|CaInfo|Verify-Peer|Verify-Host|Check-Valid-Until) ' |
    sed 's/^/--aptopt=/' || true
}

# Package names in Build-Depends, without versions and alternatives; debhelper-compat is debhelper.
build_dependencies() {
  sed -n '/^Build-Depends:/,/^[^ ]/{s/^Build-Depends://;/^[^ ]/d;p}' "$source_dir/debian/control" |
    tr ',' '\n' | sed -e 's/[([|<].*//' -e 's/[[:space:]]//g' -e '/^$/d' -e 's/^debhelper-compat$/debhelper/'
}

# Libraries that the built package depends on (empty while it has not been built).
runtime_dependencies() {
  for deb in "$1"/schooltool-dbtools_*.deb; do
    if [ -f "$deb" ]; then dpkg-deb -f "$deb" Pre-Depends Depends; fi
  done | sed 's/^[A-Za-z-]*: //' | tr ',' '\n' | sed -e 's/[(|].*//' -e 's/[[:space:]]//g' -e '/^$/d' | sort -u
}

# What is in a chroot of this kind, besides apt and the essential packages:
#   run    what a school's server has, for the scenarios: the libraries of our package (DEBS: where it is) and
#          unattended-upgrades. No compiler, no cron, no init that runs.
#   boot   the same with systemd as its init, for the scenarios that start a whole system.
#   test   the same as run with autopkgtest and what debian/tests needs.
#   build  the build dependencies, and lintian and adequate, which look at what was built.
chroot_packages() {
  case $1 in
    run) echo unattended-upgrades; runtime_dependencies "${2:-/nonexistent}" ;;
    boot) echo systemd-sysv; echo dbus; echo procps; runtime_dependencies "${2:-/nonexistent}" ;;
    test)
      chroot_packages run "${2:-}"
      for name in autopkgtest build-essential fakeroot debhelper apt-utils init-system-helpers libdpkg-perl; do echo "$name"; done ;;
    build) echo build-essential; echo fakeroot; echo lintian; echo adequate; build_dependencies ;;
    *) die "no such kind of chroot: $1" ;;
  esac
}

# chroot_for SUITE KIND [DEBS]: prints the folder of the unpacked chroot; its tar is beside it, named the same
# with .tar.
chroot_for() {
  suite=$1 kind=$2
  packages=$(chroot_packages "$kind" "${3:-}" | sort -u | paste -sd,)
  key=$(printf '%s\n' "recipe 1 $suite $kind $packages $(dpkg --print-architecture)" | sha256sum | cut -c1-16)
  cache=$(cache_dir)
  root=$cache/$suite-$kind-$key
  mkdir -p "$cache"
  (
    flock 9
    if [ ! -d "$root" ]; then
      say "making a $suite chroot ($kind) in $cache"
      site=$(mirror)
      apt_access_options > "$root.options"
      set -- --variant=minbase --format=tar --quiet --include="$packages"
      while read -r option; do set -- "$@" "$option"; done < "$root.options"
      rm -f "$root.options" "$root.tar.new"
      DEBIAN_FRONTEND=noninteractive mmdebstrap "$@" "$suite" "$root.tar.new" \
        "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $site $suite main" >&2 9>&-
      rm -rf "$root.new"
      mkdir "$root.new"
      tar --numeric-owner -xpf "$root.tar.new" -C "$root.new"
      mv "$root.tar.new" "$root.tar"
      mv "$root.new" "$root"
    fi
  ) 9> "$cache/lock" || die "could not make a $suite chroot"
  echo "$root"
}

# in_throwaway ROOT COMMAND [ARGUMENT]...: runs COMMAND with the variable $root set to an overlay on top of
# ROOT, in mount, process, UTS and IPC namespaces of its own and without a network. All changes, mounts and
# processes are gone afterwards. The upper layer is in memory, so that it works where the disk itself is an
# overlay.
in_throwaway() {
  needs_root
  lower=$1
  shift
  unshare --mount --pid --fork --uts --ipc --net --kill-child -- /bin/sh "$upgrade_dir/throwaway" "$lower" "$@"
}
