#!/usr/bin/env bats
# A disk that is really full: a small tmpfs under the data folder. The school needs 716 KiB of it.
load helper

# fill: whatever is left.
fill() { head -c 100M /dev/zero > $DATA/others 2> /dev/null || true; }

@test "a snapshot that does not fit is refused before anything is written" {
  small_disk 1600K
  before=$(find $DATA -printf '%p %i %s %T@\n' | sort)
  expect 2 schooltool-db-snapshot
  has "$stderr" "schooltool-db-snapshot: copy '/var/lib/schooltool/Data.fs': needs 992.9 kB of free space, there are "
  has "$stderr" "schooltool-db-snapshot: make room in /var/lib/schooltool, for instance with 'schooltool-db rotate', and try again"
  is "$(find $DATA -printf '%p %i %s %T@\n' | sort)" "$before"
}

@test "where the refused snapshot was the second one, the first one stands" {
  small_disk 2400K
  mv $DATA/Data.fs $DATA/whole
  earlier_school > $DATA/Data.fs
  schooltool-db-snapshot
  mv $DATA/whole $DATA/Data.fs
  earlier=$(digest $DATA/Data.fs.0)
  fill
  expect 2 schooltool-db-snapshot
  is "$(names)" "Data.fs Data.fs.0 others"
  is "$(digest $DATA/Data.fs.0)" "$earlier"
}

@test "--dry-run tells that a snapshot would not fit" {
  small_disk 1600K
  expect 2 schooltool-db-snapshot --dry-run
  has "$stderr" "needs 992.9 kB of free space"
}

@test "rotation on a full disk loses nothing, and says so" {
  small_disk 4500K
  cp -a $DATA/Data.fs $DATA/Data.fs.1
  earlier_school > $DATA/Data.fs.2
  own $DATA/Data.fs.2
  fill
  before=$(digest $DATA/Data.fs; digest $DATA/Data.fs.1; digest $DATA/Data.fs.2)
  expect 2 schooltool-db-rotate
  has "$stderr" "schooltool-db-rotate: "
  is "$(names)" "Data.fs Data.fs.1 Data.fs.2 others"
  is "$(digest $DATA/Data.fs; digest $DATA/Data.fs.1; digest $DATA/Data.fs.2)" "$before"
  rm $DATA/others
  expect 0 schooltool-db-rotate
  is "$(names)" "Data.fs Data.fs.1.gz Data.fs.2.gz"
}

@test "rotation makes room where there is little, oldest first" {
  small_disk 4700K
  for n in 1 2 3; do cp -a $DATA/Data.fs $DATA/Data.fs.$n; done
  expect 0 schooltool-db-rotate
  is "$(names)" "Data.fs Data.fs.1.gz Data.fs.2.gz Data.fs.3.gz"
}

@test "a database lost on a full disk comes back from the vault without a second copy" {
  small_disk 3000K
  begin_upgrade
  rm $DATA/Data.fs
  fill
  expect 0 schooltool-db-check --repair
  is "$(digest $DATA/Data.fs)" "$(digest_of school)"
  is "$(stat -c '%u:%g %a' $DATA/Data.fs)" "$OWNER:$OWNER 640"
  has "$stderr" "the database of before was put back from '/var/lib/schooltool/.schooltool-dbtools/"
}

@test "so does one whose copy back was cut short by the full disk" {
  small_disk 3000K
  begin_upgrade
  head -c 200000 $DATA/Data.fs.0 > $DATA/half
  mv $DATA/half $DATA/Data.fs
  fill
  expect 0 schooltool-db-check --before-start
  is "$(digest $DATA/Data.fs)" "$(digest_of school)"
  is "$(stat -c %s $DATA/Data.fs.truncated-*)" 200000
}

@test "the package's script may have rotated our snapshot, even compressed it" {
  small_disk 4000K
  begin_upgrade
  gzip -f $DATA/Data.fs.0
  mv $DATA/Data.fs.0.gz $DATA/Data.fs.1.gz
  : > $DATA/Data.fs.0
  : > $DATA/Data.fs
  fill
  expect 0 schooltool-db-check --repair
  is "$(digest $DATA/Data.fs)" "$(digest_of school)"
}

@test "a compressed copy that cannot be unpacked for want of room is named, and the live database stands" {
  small_disk 1200K
  gzip -c $DATA/Data.fs > $DATA/Data.fs.1.gz
  live=$(digest $DATA/Data.fs)
  expect 2 schooltool-db-rollback --yes --to 1
  has "$stderr" "schooltool-db-rollback: put back '/var/lib/schooltool/Data.fs.1.gz': needs 992.9 kB, there are "
  is "$(digest $DATA/Data.fs)" "$live"
}

@test "a state folder on a full disk leaves the upgrade closed and stops it" {
  mkdir -p /var/lib/schooltool-dbtools
  mount -t tmpfs -o size=4k,nr_inodes=3,mode=0700 tmpfs /var/lib/schooltool-dbtools
  head -c 100k /dev/zero > /var/lib/schooltool-dbtools/full 2> /dev/null || true
  expect 2 guard before-apt <<< "$(apt_list)"
  has "$stderr" "No space left on device"
  has "$stderr" "SCHOOLTOOL_DBTOOLS_SKIP=1"
  is "$(digest $DATA/Data.fs)" "$(digest_of school)"
  umount /var/lib/schooltool-dbtools
}
