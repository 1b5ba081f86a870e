#!/usr/bin/env bats
# schooltool-db-backup, schooltool-db-verify and schooltool-db-list
load helper

REPO=/var/backups/schooltool/standard

last_stamp() { ls $REPO | sed -n 's/\.backup$//p' | tail -n 1; }

# The school lives on: its last four transactions come.
live_on() {
  golden school > $DATA/Data.fs.new
  cat $DATA/Data.fs.new > $DATA/Data.fs
  rm $DATA/Data.fs.new
}

@test "a backup is silent, and holds the database and every blob" {
  put_blobs
  expect 0 schooltool-db-backup
  silent
  cmp "$REPO/$(last_stamp).fs" $DATA/Data.fs
  is "$(stat -c '%U %a' $REPO "$REPO/$(last_stamp).backup")" "root 700
root 600"
  mkdir "$BATS_TEST_TMPDIR/blobs"
  tar -x -f "$REPO/$(last_stamp).blobs.tar" -C "$BATS_TEST_TMPDIR/blobs"
  is "$(tree "$BATS_TEST_TMPDIR/blobs")" "$(tree $DATA/blobs)"
  is "$(cat "$BATS_TEST_TMPDIR/blobs/.layout")" bushy
}

@test "archives restore the blob folder with tar alone, in order" {
  put_blobs
  mkdir "$BATS_TEST_TMPDIR/blobs"
  # The last file lost meanwhile, and found again: it comes in an archive of its own.
  late=$(cd $DATA/blobs && find . -name '*.blob' | sort | tail -n 1)
  mv "$DATA/blobs/$late" "$BATS_TEST_TMPDIR/late"
  schooltool-db-backup 2> /dev/null || true
  mv "$BATS_TEST_TMPDIR/late" "$DATA/blobs/$late"
  schooltool-db-backup --full
  is "$(ls $REPO/*.blobs.tar | wc -l)" 2
  for archive in "$REPO"/*.blobs.tar; do tar -x -f "$archive" -C "$BATS_TEST_TMPDIR/blobs"; done
  is "$(tree "$BATS_TEST_TMPDIR/blobs")" "$(tree $DATA/blobs)"
}

@test "what is new makes an increment; without anything new nothing is written" {
  earlier_school > $DATA/Data.fs
  schooltool-db-backup
  live_on
  expect 0 schooltool-db-backup --verbose
  has "$output" "standard: increment "
  is "$(ls $REPO/*.fs | wc -l)" 1
  is "$(ls $REPO/*.deltafs | wc -l)" 1
  before=$(ls -l --time-style=full-iso $REPO)
  expect 0 schooltool-db-backup -v
  has "$output" "standard: nothing new since"
  is "$(ls -l --time-style=full-iso $REPO)" "$before"
}

@test "the repository is one that repozo verifies and recovers" {
  earlier_school > $DATA/Data.fs
  schooltool-db-backup
  live_on
  schooltool-db-backup
  repozo -V -r $REPO
  repozo -R -r $REPO -o "$BATS_TEST_TMPDIR/out.fs"
  cmp "$BATS_TEST_TMPDIR/out.fs" $DATA/Data.fs
}

@test "--dry-run tells what would be done and changes nothing" {
  put_blobs
  expect 0 schooltool-db-backup --dry-run
  has "$output" "standard: would make a full backup of 22.7 kB and "
  [ ! -e $REPO ]
  expect 0 schooltool-db-backup --dry-run --json
  is "$(jq -r '.[0].action' <<< "$output")" full
  schooltool-db-backup
  expect 0 schooltool-db-backup --dry-run
  is "$output" "standard: nothing is new"
}

@test "--all passes over instances whose backups are off" {
  echo 'backup = no' > $CONF
  expect 0 schooltool-db-backup --all
  silent
  [ ! -e $REPO ]
  expect 0 schooltool-db-backup --instance standard
  [ -e $REPO ]
}

@test "backups go where backup-dir says" {
  echo 'backup-dir = /var/lib/elsewhere' > $CONF
  schooltool-db-backup
  is "$(ls /var/lib/elsewhere/standard/*.fs | wc -l)" 1
}

@test "a missing blob is told, with exit status 1, and the rest is backed up" {
  put_blobs
  lost=$(cd $DATA/blobs && find . -name '*.blob' | sort | head -n 1)
  rm "$DATA/blobs/$lost"
  expect 1 schooltool-db-backup
  has "$stderr" "1 blobs that the database names have no file, the first being '${lost#./}'"
  expect 0 schooltool-db-verify
  silent
}

@test "blobs are missed where no blob folder is configured, and a restore asks for one" {
  put_blobs
  sed -i /blob-dir/d /etc/schooltool/standard/zeo.conf
  expect 0 schooltool-db-backup --dry-run
  has "$output" "standard: 12 blobs have no file"
  expect 1 schooltool-db-backup
  has "$stderr" "12 blobs that the database names are not backed up, for no blob folder is configured"
  expect 1 schooltool-db status
  an_instance standard Data.fs
  expect 0 schooltool-db-backup
  silent
  sed -i /blob-dir/d /etc/schooltool/standard/zeo.conf
  before=$(listing)
  expect 2 schooltool-db-restore --yes
  has "$stderr" "no blob folder is configured"
  is "$(listing)" "$before"
}

@test "a blob folder that is a link is refused, with what to do about it" {
  put_blobs
  mkdir /etc/elsewhere
  mv $DATA/blobs /etc/elsewhere/blobs
  ln -s /etc/elsewhere/blobs $DATA/blobs
  expect 2 schooltool-db-backup
  has "$stderr" "mount the folder there instead, or name the one it leads to"
  expect 2 schooltool-db-erase --yes --instance standard
  has "$stderr" "name the folder itself as the one of the blobs, or mount it there"
  is "$(names)" "Data.fs blobs"
}

@test "a blob that is a link fails the backup" {
  put_blobs
  lost=$(find $DATA/blobs -name '*.blob' | sort | head -n 1)
  rm "$lost"
  ln -s /etc/shadow "$lost"
  expect 2 schooltool-db-backup
  has "$stderr" "$lost"
  is "$(find $REPO -name '*.backup')" ""
  expect 1 schooltool-db status
  has "$output" "backup failed"
}

@test "a hard link to a file of root's fails the backup" {
  put_blobs
  lost=$(find $DATA/blobs -name '*.blob' | sort | head -n 1)
  rm "$lost"
  echo secret > /var/lib/secret
  ln /var/lib/secret "$lost" || skip "no hard links here"
  expect 2 schooltool-db-backup
  has "$stderr" "belongs to somebody else"
}

@test "beside another command it is skipped, told, and exit status 3" {
  mkdir -p $STATE
  chmod 700 $STATE
  hold_lock $STATE/lock
  expect 3 schooltool-db-backup
  has "$stderr" "lock"
}

@test "while an upgrade is open and not yet found good it is skipped" {
  begin_upgrade
  expect 3 schooltool-db-backup
  has "$stderr" "an upgrade is under way"
}

@test "hooks are told the outcome, and one that fails before stops the backup" {
  mkdir -p /etc/schooltool-dbtools/backup.pre.d /etc/schooltool-dbtools/backup.post.d
  printf '#!/bin/sh\nenv | grep ^SCHOOLTOOL_DB_ | sort > /var/lib/after\n' > /etc/schooltool-dbtools/backup.post.d/offsite
  chmod +x /etc/schooltool-dbtools/backup.post.d/offsite
  expect 0 schooltool-db-backup
  is "$(cat /var/lib/after)" "SCHOOLTOOL_DB_DATA=/var/lib/schooltool/Data.fs
SCHOOLTOOL_DB_INSTANCE=standard
SCHOOLTOOL_DB_OUTCOME=full
SCHOOLTOOL_DB_REPOSITORY=$REPO
SCHOOLTOOL_DB_STAMP=$(last_stamp)"
  printf '#!/bin/sh\necho the disk is not mounted\nexit 1\n' > /etc/schooltool-dbtools/backup.pre.d/mount
  chmod +x /etc/schooltool-dbtools/backup.pre.d/mount
  expect 2 schooltool-db-backup
  has "$stderr" "the disk is not mounted"
  has "$(cat /var/lib/after)" "SCHOOLTOOL_DB_OUTCOME=failed"
}

@test "old chains go when backup-keep is reached" {
  printf 'backup-keep = 2\nbackup-keep-min = 1\n' > $CONF
  for count in 1 2 3; do schooltool-db-backup --full; done
  is "$(ls $REPO/*.fs | wc -l)" 2
  is "$(ls $REPO/*.backup | wc -l)" 2
  expect 0 schooltool-db-verify
}

@test "verify finds what is changed, cut or gone" {
  put_blobs
  schooltool-db-backup
  stamp=$(last_stamp)
  expect 0 schooltool-db-verify --restore-test --verbose
  has "$output" "standard: restored $stamp"
  is "$(ls -A $REPO | grep -c '^.restore-test$')" 0
  for change in fs=1600 blobs.tar=1600 blobs.list=700 backup=100; do
    file=${change%=*}
    cp -p "$REPO/$stamp.$file" "$BATS_TEST_TMPDIR/good"
    printf '\377' | dd of="$REPO/$stamp.$file" bs=1 seek="${change#*=}" conv=notrunc status=none
    expect 1 schooltool-db-verify
    has "$output" "standard: "
    truncate -s -100 "$REPO/$stamp.$file"
    expect 1 schooltool-db-verify
    rm "$REPO/$stamp.$file"
    expect 1 schooltool-db-verify
    cp -p "$BATS_TEST_TMPDIR/good" "$REPO/$stamp.$file"
  done
  expect 0 schooltool-db-verify
  silent
}

@test "a damaged archive that was moved away is made anew by the next backup" {
  put_blobs
  schooltool-db-backup
  archive=$REPO/$(last_stamp).blobs
  printf 'XX' | dd of="$archive.tar" bs=1 seek=1030 conv=notrunc status=none
  expect 1 schooltool-db-verify
  has "$output" "'${archive##*/}.tar' "
  has "$stderr" "schooltool-db backup --full --instance standard"
  mv "$archive.tar" "$archive.list" "$BATS_TEST_TMPDIR"
  expect 1 schooltool-db status
  expect 0 schooltool-db-backup
  silent
  expect 0 schooltool-db-verify --restore-test
  silent
  expect 0 schooltool-db status
}

@test "verify does not touch the live data" {
  put_blobs
  schooltool-db-backup
  before=$(listing)
  schooltool-db-verify --restore-test
  is "$(listing)" "$before"
}

@test "list shows what can be restored to when" {
  expect 1 schooltool-db-list
  has "$output" "no backups yet"
  put_blobs
  schooltool-db-backup
  expect 0 schooltool-db-list
  has "$output" "STAMP (UTC)"
  has "$output" "$(last_stamp)"
  expect 0 schooltool-db-list --json
  is "$(jq -r '.[0].backups[0] | "\(.stamp) \(.blobs.count) \(.end)"' <<< "$output")" \
    "$(last_stamp) $(find $DATA/blobs -name '*.blob' | wc -l) $(stat -c %s $DATA/Data.fs)"
}

@test "list leaves out what is not whole, and says so" {
  earlier_school > $DATA/Data.fs
  schooltool-db-backup
  first=$(last_stamp)
  live_on
  schooltool-db-backup
  second=$(last_stamp)
  rm "$REPO/$second.deltafs"
  expect 2 schooltool-db-list
  has "$output" "$first"
  is "$(grep -c "$second" <<< "$output")" 0
  is "$stderr" "schooltool-db-list: standard: $second cannot be restored: $second.deltafs is missing"
  rm "$REPO/$first.fs"
  expect 2 schooltool-db-list --json
  is "$(jq -r '.[0].backups | length' <<< "$output")" 0
  is "$(jq -r '.[0].problems | length' <<< "$output")" 2
}

@test "status tells the age of the last backup, and is an alarm past backup-max-age" {
  schooltool-db-backup
  expect 0 schooltool-db status
  has "$output" "last backup"
  jq '.good = "2020-01-01T00:00:00Z"' $STATE/backup.json > $STATE/new
  mv $STATE/new $STATE/backup.json
  expect 1 schooltool-db status
  has "$output" "ALARM           the last good backup is"
  expect 1 schooltool-db status --json
  has "$(jq -r '.[0].backup.alarm' <<< "$output")" "the last good backup is"
  echo 'backup = no' > $CONF
  expect 0 schooltool-db status
}

@test "a database that shrank without a pack is an alarm" {
  schooltool-db-backup
  blank_bootstrap
  expect 1 schooltool-db-backup
  has "$stderr" "without a pack"
  expect 1 schooltool-db status
  has "$output" "the database shrank without a pack"
  expect 1 schooltool-db-backup
  has "$stderr" "schooltool-db backup --accept --instance standard"
  expect 0 schooltool-db-backup --accept
  is "$stderr" ""
  expect 0 schooltool-db status
}

@test "a program in backup.post.d that fails is an alarm until it does not" {
  mkdir -p /etc/schooltool-dbtools/backup.post.d
  printf '#!/bin/sh\necho no line to the other house\nexit 1\n' > /etc/schooltool-dbtools/backup.post.d/copy
  chmod +x /etc/schooltool-dbtools/backup.post.d/copy
  expect 1 schooltool-db-backup
  expect 1 schooltool-db status
  has "$output" "ALARM           after the backup: "
  rm /etc/schooltool-dbtools/backup.post.d/copy
  expect 0 schooltool-db-backup
  expect 0 schooltool-db status
}

@test "a full disk leaves the older backups" {
  mkdir -p /var/backups/schooltool
  mount -t tmpfs -o size=2m tmpfs /var/backups/schooltool
  schooltool-db-backup
  expect 2 schooltool-db-backup --full
  has "$stderr" "needs"
  expect 0 schooltool-db-verify
}

@test "a repository that others may write to is refused" {
  mkdir -p $REPO
  chmod 777 $REPO
  expect 2 schooltool-db-backup
  has "$stderr" "can be written by others than root"
}

@test "what went wrong is in the system's log, and handed to the programs that run afterwards" {
  mkdir -p /etc/schooltool-dbtools/backup.post.d
  printf '#!/bin/sh\necho "$SCHOOLTOOL_DB_INSTANCE $SCHOOLTOOL_DB_OUTCOME $SCHOOLTOOL_DB_ERROR" > /run/told\n' \
    > /etc/schooltool-dbtools/backup.post.d/tell
  chmod +x /etc/schooltool-dbtools/backup.post.d/tell
  is "$(log_of schooltool-db-backup --all)" ""
  is "$(cat /run/told)" "standard full "
  mv $DATA/Data.fs $DATA/away
  log=$(log_of schooltool-db-backup --all)
  [[ $log =~ ^schooltool-db-backup\[[0-9]+\]:\ standard:\ back\ up ]]
  has "$log" "there is no database"
  has "$(cat /run/told)" "standard failed back up '/var/lib/schooltool/Data.fs': there is no database"
  mv $DATA/away $DATA/Data.fs
  mkdir /etc/schooltool/another
  echo '<filestorage>' > /etc/schooltool/another/zeo.conf
  has "$(log_of schooltool-db-backup --all)" "instance 'another': "
}
