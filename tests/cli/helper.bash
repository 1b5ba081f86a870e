# What the tests of the command line share: a school of their own on a machine that is only theirs. Started by
# in-namespace. PROGRAMS is the folder of the built programs, TEST_DATA that of the golden files.

DATA=/var/lib/schooltool
STATE=/var/lib/schooltool-dbtools/standard
CONF=/etc/schooltool-dbtools.conf
OWNER=1234
fixtures=$TEST_DATA/fs
PATH=$PROGRAMS:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export LC_ALL=C.UTF-8
unset SCHOOLTOOL_DBTOOLS_SKIP DPKG_ROOT DPKG_HOOK_ACTION APT_HOOK_INFO_FD
bats_require_minimum_version 1.5.0

setup() {
  private=
  private_machine
  an_instance standard Data.fs
  install -d -m 0750 -o $OWNER -g $OWNER $DATA
  put_live school
}

teardown() {
  [ -n "$private" ] || return 0
  cd /
  umount -R -l $DATA 2>/dev/null || true
  umount -l /run /var/backups /var/lib /etc "$BATS_TEST_TMPDIR/disk" || true
}

# Fresh throwaway layers over the folders that the programs know.
private_machine() {
  if [ -z "$OUTSIDE" ] || [ "$(readlink /proc/self/ns/mnt)" = "$OUTSIDE" ]; then
    echo "run these tests with tests/cli/in-namespace: on this machine's own folders they would do harm" >&2
    return 1
  fi
  private=yes
  local disk=$BATS_TEST_TMPDIR/disk folder
  mkdir "$disk"
  mount -t tmpfs -o mode=0755,size=1g tmpfs "$disk"
  for folder in etc var/lib var/backups; do
    mkdir -p "$disk/$folder.upper" "$disk/$folder.work"
    mount -t overlay overlay -o "lowerdir=/$folder,upperdir=$disk/$folder.upper,workdir=$disk/$folder.work" "/$folder"
  done
  rm -rf /etc/schooltool /etc/schooltool-dbtools.conf /etc/init.d/schooltool /var/lib/schooltool /var/lib/schooltool-dbtools \
    /var/backups/schooltool /etc/schooltool-dbtools
  mount -t tmpfs -o mode=0755 tmpfs /run
}

# an_instance NAME DATA-NAME: configured as SchoolTool 2.6 does.
an_instance() {
  mkdir -p "/etc/schooltool/$1"
  cat > "/etc/schooltool/$1/zeo.conf" <<END
<zeo>
  address /var/run/schooltool/zeo.sock
</zeo>
<filestorage>
  path $DATA/$2
  blob-dir $DATA/blobs
</filestorage>
END
}

# golden NAME: the bytes of a golden database.
golden() {
  if [ -f "$fixtures/fs30-$1/Data.fs.xz" ]; then
    xz -dc "$fixtures/fs30-$1/Data.fs.xz"
  else
    cat "$fixtures/fs30-$1/Data.fs"
  fi
}

# put_live GOLDEN [NAME]: makes it the live database, as the service's user would.
put_live() {
  local file=$DATA/${2:-Data.fs}
  rm -f "$file"
  golden "$1" > "$file"
  own "$file"
}

# put_blobs [GOLDEN]: the live database is one with blobs, and they lie beside it.
put_blobs() {
  put_live "${1:-blobs-bushy}"
  rm -rf $DATA/blobs
  xz -dc "$fixtures/fs30-${1:-blobs-bushy}/blobs.tar.xz" | tar -x -C $DATA
  chown -R $OWNER:$OWNER $DATA/blobs
}

# tree FOLDER: every file below it, with its digest.
tree() { (cd "$1" && find . -type f ! -name .layout -exec sha256sum {} + | sort -k2); }

own() {
  chown $OWNER:$OWNER "$@"
  chmod 0640 "$@"
}

# The school as it was four transactions ago: a prefix of it. Each transaction ends with its length, less 8.
earlier_school() {
  local file=$BATS_TEST_TMPDIR/school end count
  golden school > "$file"
  end=$(stat -c %s "$file")
  for count in 1 2 3 4; do
    end=$((end - 8 - 16#$(tail -c +$((end - 7)) "$file" | head -c 8 | od -An -tx1 | tr -d ' ')))
  done
  head -c "$end" "$file"
}

# digest FILE: of what a copy holds, compressed or not.
digest() {
  case $1 in
    *.gz) gzip -dc "$1" | sha256sum ;;
    *) sha256sum < "$1" ;;
  esac
}
digest_of() { golden "$1" | sha256sum; }

# Everything that a program could have changed: names, types, owners, modes, times, content.
listing() {
  find $DATA /var/lib/schooltool-dbtools /etc/schooltool /run -printf '%p %y %U:%G %m %s %T@ %l\n' 2>/dev/null | sort
  find $DATA /var/lib/schooltool-dbtools -type f -exec sha256sum {} + 2>/dev/null | sort
}

names() { ls -A "${1:-$DATA}" | tr '\n' ' ' | sed 's/ $//'; }

# expect STATUS COMMAND...: runs it, with standard output in $output and standard error in $stderr.
expect() {
  local wanted=$1
  shift
  run --separate-stderr "$@"
  if [ "$status" != "$wanted" ]; then
    printf '%s: exit status %s, not %s\n%s\n%s\n' "$*" "$status" "$wanted" "$output" "$stderr"
    return 1
  fi
}

# is WHAT EXPECTED: equal, or both are shown.
is() {
  [ "$1" = "$2" ] || diff -u --label expected --label found <(printf '%s\n' "$2") <(printf '%s\n' "$1")
}

# has TEXT PART
has() {
  case $1 in
    *"$2"*) ;;
    *) printf 'no "%s" in:\n%s\n' "$2" "$1"; return 1 ;;
  esac
}

silent() {
  is "$output" "" && is "$stderr" ""
}

# An upgrade of schooltool is opened, as apt's hook does it.
begin_upgrade() {
  guard before-apt > /dev/null <<< "$(apt_list)"
}
apt_list() {
  printf 'VERSION 3\n%s\n\nschooltool 1.0 all none < 2.0 all none /var/cache/apt/archives/schooltool_2.0_all.deb\n' "$1"
}

# journal FILTER: from the state file.
journal() { jq -r "$1" $STATE/state.json; }

# Somebody holds FILE's lock until the test ends: sets $holder.
hold_lock() {
  : >> "$1"
  flock --no-fork "$1" sleep 600 3>&- &
  holder=$!
  until ! flock -n "$1" true; do sleep 0.02; done
}

# A disk of its own for the data folder, with what is in it now.
small_disk() {
  cp -a $DATA "$BATS_TEST_TMPDIR/content"
  mount -t tmpfs -o "mode=0750,uid=$OWNER,gid=$OWNER,size=$1" tmpfs $DATA
  cp -a "$BATS_TEST_TMPDIR/content/." $DATA
}

# big_database FILE MEGABYTES [SEED]: like a school's, always the same.
big_database() {
  "$PROGRAMS/tests/make_database" "$1" --small --bytes "${2}000000" --seed "${3:-1}" > /dev/null
}

# The live database is what a server makes where it finds none: a few objects, all of them younger than the school.
blank_bootstrap() { make_live transactions=2 start=1700000000; }
# The live database is a whole one, but another school's.
foreign_school() { make_live transactions=2000 start=1690000000; }
make_live() {
  rm -f $DATA/Data.fs
  perl "$SOURCES/tests/upgrade/stand-in/make-fs" $DATA/Data.fs "$@"
  own $DATA/Data.fs
}

# What COMMAND writes to the system's log, a line each, without priority and time.
log_of() {
  unshare --mount --propagation private python3 - "$@" << 'END'
import os, re, socket, subprocess, sys, tempfile
dev = tempfile.mkdtemp(dir=os.environ['BATS_TEST_TMPDIR'])
for name in ('null', 'urandom'):
    open(os.path.join(dev, name), 'w').close()
    subprocess.check_call(['mount', '--bind', '/dev/' + name, os.path.join(dev, name)])
subprocess.check_call(['mount', '--rbind', dev, '/dev'])
log = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
log.bind('/dev/log')
subprocess.run(sys.argv[1:], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
log.setblocking(False)
try:
    while True:
        print(re.sub(r'^<\d+>\w+ +\d+ [\d:]+ ', '', log.recv(65536).decode()))
except BlockingIOError:
    pass
END
}
