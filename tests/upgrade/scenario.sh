# What a scenario is made of. Sourced by t-*/run, in a throwaway system as root, with "sh -eu".
#
# A scenario installs the stand-in SchoolTool 1.0, gives it a school's database, installs our packages, says
# what will go wrong in version 2.0, upgrades in some way, and says what has to hold then:
#
#   server_with_school; install_guard; upgrade_will moved-away
#   apt_install schooltool
#   expect_school_is_back; expect_kept blank; expect_packages_whole
#
# With WITHOUT_GUARD=yes install_guard does nothing, and expect_school_is_back wants the loss.

data_dir=/var/lib/schooltool
data=$data_dir/Data.fs
packages=/upgrade/packages
before=/upgrade/before      # copies of databases as they were
log=/upgrade/log            # what the commands of "logged" said
make_fs=/usr/share/schooltool/make-fs
guard=/usr/libexec/schooltool-dbtools/guard

fail() {
  echo "FAILED: $*"
  echo "--- $data_dir:"
  ls -laR --time-style=full-iso $data_dir 2>&1 || true
  echo '--- packages:'
  dpkg -l 'schooltool*' 'python-schooltool*' 2>/dev/null | grep '^[a-z]' || true
  if command -v schooltool-db > /dev/null; then
    echo '--- schooltool-db status:'
    schooltool-db status || true
    find /var/lib/schooltool-dbtools -name '*.json' -exec cat {} + 2>/dev/null || true
  fi
  exit 1
}

# logged COMMAND...: runs it; what it prints is shown and can be looked at with expect_message.
logged() {
  echo "+ $*"
  logged_status=0
  "$@" > $log 2>&1 || logged_status=$?
  cat $log
  return $logged_status
}

# expect_failure COMMAND...
expect_failure() {
  if logged "$@"; then fail "this should have failed: $*"; fi
}

# --- the server before the upgrade -----------------------------------------------------------------------------------

prepare_system() {
  mkdir -p $before
  rm -rf /etc/apt/sources.list /etc/apt/sources.list.d/*
  echo "deb [trusted=yes] file:$packages ./" > /etc/apt/sources.list
  cat > /etc/apt/apt.conf.d/00scenario <<'END'
APT::Install-Recommends "0";
Acquire::Languages "none";
Dpkg::Use-Pty "0";
END
  # No init runs here; this lets invoke-rc.d and service start and stop things all the same.
  printf '#!/bin/sh\nexit 0\n' > /usr/sbin/policy-rc.d
  chmod 0755 /usr/sbin/policy-rc.d
  apt-get -qq update
}

apt_install() { logged apt-get -q -y --no-install-recommends -o Dpkg::Options::=--force-confold "$@"; }

# server_with_school [KEY=VALUE]...: SchoolTool 1.0 with a database by make-fs, served.
server_with_school() {
  prepare_system
  apt_install install schooltool=1.0 python-schooltool=1.0
  put_database Data.fs "$@"
}

# put_database NAME [KEY=VALUE]...: makes it the live database, with an owner and mode that are not those of a
# new file, and remembers it.
put_database() {
  name=$1
  shift
  service_is stopped
  rm -f $data_dir/$name*
  $make_fs $data_dir/$name "$@"
  chown schooltool:schooltool $data_dir/$name
  chmod 0640 $data_dir/$name
  remember_database $name
  service_is started
}

remember_database() {
  cp $data_dir/$1 $before/$1
  stat -c '%U:%G %a' $data_dir/$1 > $before/$1.owner
}

service_is() {
  if [ -d /run/systemd/system ]; then
    case $1 in
      stopped) systemctl stop schooltool ;;
      started) systemctl daemon-reload; systemctl start schooltool ;;
    esac
    return
  fi
  case $1 in
    stopped) /etc/init.d/schooltool stop ;;
    started) /etc/init.d/schooltool start ;;
  esac
}

install_guard() {
  [ -z "$WITHOUT_GUARD" ] || return 0
  apt_install install schooltool-dbtools-guard
}

# upgrade_will FAILURE: see stand-in/schooltool/DEBIAN/postinst.
upgrade_will() { echo "$1" > /etc/stand-in-failure; }
upgrade_will_be_good() { rm -f /etc/stand-in-failure; }

# small_disk SIZE: the data folder becomes a file system of its own with so much space, with the same content.
small_disk() {
  service_is stopped
  mkdir /upgrade/aside
  cp -a $data_dir/. /upgrade/aside/
  mount -t tmpfs -o "size=$1,mode=0750,uid=$(id -u schooltool),gid=$(id -g schooltool)" tmpfs $data_dir
  cp -a /upgrade/aside/. $data_dir/
  rm -rf /upgrade/aside
  service_is started
}

# --- what has to hold ------------------------------------------------------------------------------------------------

starts_with_school() {
  size=$(stat -c %s "$before/${2:-Data.fs}")
  [ -f "$1" ] && [ "$(stat -c %s "$1")" -ge "$size" ] && cmp -s -n "$size" "$1" "$before/${2:-Data.fs}"
}

# The database of before is live, complete, perhaps with more behind it, with its owner and mode, and served.
expect_school_is_back() {
  name=${1:-Data.fs}
  if [ "$WITHOUT_GUARD" ]; then
    if starts_with_school $data_dir/$name $name; then fail "without our packages nothing was lost: $name"; fi
    echo "as expected without our packages: $name is lost"
    return 0
  fi
  starts_with_school $data_dir/$name $name || fail "$data_dir/$name is not the school's database"
  owner=$(stat -c '%U:%G %a' $data_dir/$name)
  [ "$owner" = "$(cat $before/$name.owner)" ] || fail "$name: owner and mode are $owner, were $(cat $before/$name.owner)"
}

expect_served() {
  /etc/init.d/schooltool status > /dev/null || fail 'the server does not run'
  if flock --nonblock $data.lock true; then fail 'the server does not hold the database'; fi
}

# expect_kept WORD: the file that was displaced is still there, under Data.fs.WORD-<time>.
expect_kept() {
  [ -z "$WITHOUT_GUARD" ] || return 0
  for file in "$data_dir/${2:-Data.fs}.$1"-*; do
    [ -e "$file" ] || fail "the displaced database was not kept as ${2:-Data.fs}.$1-..."
  done
}

expect_nothing_displaced() {
  for file in $data_dir/*.blank-* $data_dir/*.truncated-* $data_dir/*.damaged-* $data_dir/*.foreign-* $data_dir/*.replaced-*; do
    [ ! -e "$file" ] || fail "something was rolled back: $file"
  done
}

# The live database is byte for byte what FILE is.
expect_live_is() {
  cmp "$1" $data || fail "$data is not what it was right after the upgrade"
}

expect_packages_whole() {
  audit=$(dpkg --audit)
  [ -z "$audit" ] || fail "dpkg --audit: $audit"
  apt-get -qq check || fail 'apt-get check'
}

# expect_version PACKAGE VERSION STATE
expect_version() {
  found=$(dpkg-query -W -f '${Version} ${db:Status-Status}' "$1")
  [ "$found" = "$2 ${3:-installed}" ] || fail "$1 is $found, not $2 ${3:-installed}"
}

# expect_message TEXT: the last "logged" command printed it.
expect_message() {
  [ -z "$WITHOUT_GUARD" ] || return 0
  grep -qF -- "$1" $log || fail "no message has: $1"
}

expect_silence_of() {
  if grep -qF -- "$1" $log; then fail "this should not be mentioned: $1"; fi
}

# A complete copy of the database of before exists beside the live one.
expect_snapshot() {
  name=${1:-Data.fs}
  for file in "$data_dir/$name".[0-9]*; do
    case $file in
      *.gz) zcat "$file" | cmp -s - $before/$name && return 0 ;;
      *) cmp -s "$file" $before/$name && return 0 ;;
    esac
  done
  fail "no complete copy of $name"
}
