#!/usr/bin/env bats
# schooltool-db-restore and schooltool-db-erase
load helper

REPO=/var/backups/schooltool/standard

# Two backups, of the school as it was and as it is; then a blank database is live.
two_backups() {
  earlier_school > $DATA/Data.fs
  schooltool-db-backup
  first=$(stamp)
  golden school > $BATS_TEST_TMPDIR/now
  cat $BATS_TEST_TMPDIR/now > $DATA/Data.fs
  schooltool-db-backup
  second=$(stamp)
}
stamp() { ls $REPO | sed -n 's/\.backup$//p' | tail -n 1; }
earlier_digest() { earlier_school | sha256sum; }

@test "--yes restores the newest backup and keeps what was live" {
  two_backups
  blank_bootstrap
  blank=$(digest $DATA/Data.fs)
  expect 0 schooltool-db-restore --yes
  is "$(digest $DATA/Data.fs)" "$(digest_of school)"
  is "$(stat -c '%u:%g %a' $DATA/Data.fs)" "$OWNER:$OWNER 640"
  is "$(digest $DATA/Data.fs.replaced-*)" "$blank"
  cmp $DATA/Data.fs.index "$fixtures/fs30-school/Data.fs.index"
  has "$output" "to undo this: schooltool-db restore --undo --instance standard"
}

@test "a stamp restores that backup, and --undo brings back what was replaced" {
  two_backups
  expect 0 schooltool-db-restore --yes "$first"
  is "$(digest $DATA/Data.fs)" "$(earlier_digest)"
  expect 0 schooltool-db-restore --yes --undo
  is "$(digest $DATA/Data.fs)" "$(digest_of school)"
}

@test "moments are local time, or UTC with a Z, and the plan says which backup that is" {
  two_backups
  utc=$(sed 's/\(..\)-\(..\)-\(..\)$/\1:\2:\3/; s/-\(..:\)/T\1/' <<< "$first")Z
  expect 0 schooltool-db-restore --dry-run "$utc"
  has "$output" "$first UTC"
  local=$(TZ=Asia/Tokyo date -d "$utc" '+%Y-%m-%d %H:%M:%S')
  expect 0 env TZ=Asia/Tokyo schooltool-db-restore --dry-run "$local"
  has "$output" "$first UTC"
  has "$output" "$local JST"
  for bad in yesterday 2026-13-01 2026-02-31 '2026-01-01 25:00' ''; do
    expect 2 schooltool-db-restore --dry-run "$bad"
    has "$stderr" "is not a moment"
  done
  expect 2 env TZ=CET-1CEST,M3.5.0,M10.5.0/3 schooltool-db-restore --dry-run '2026-10-25 02:30'
  has "$stderr" "write 2026-10-25T00:30:59Z for the first, 2026-10-25T01:30:59Z for the second time"
  expect 2 schooltool-db-restore --dry-run 2001-01-01
  has "$stderr" "there is no backup from"
}

@test "--dry-run tells how many transactions would be lost and changes nothing" {
  two_backups
  before=$(listing)
  expect 0 schooltool-db-restore --dry-run "$first"
  has "$output" "4 of its transactions are later and will not be in the restored one"
  is "$(listing)" "$before"
}

@test "where nobody can be asked nothing is changed and the exit status is 1" {
  two_backups
  before=$(listing)
  expect 1 schooltool-db-restore < /dev/null
  has "$stderr" "nothing was changed (use --yes where nobody can be asked)"
  is "$(listing)" "$before"
}

@test "blobs are restored with the database they belong to" {
  put_blobs
  before=$(tree $DATA/blobs)
  schooltool-db-backup
  rm -rf $DATA/blobs $DATA/Data.fs
  expect 0 schooltool-db-restore --yes
  is "$(tree $DATA/blobs)" "$before"
  is "$(digest $DATA/Data.fs)" "$(digest_of blobs-bushy)"
  is "$(find $DATA/blobs ! -uid $OWNER)" ""
  is "$(find $DATA/blobs -name '*.blob' -perm /0222)" ""
}

@test "blobs on a file system of their own need room there, which is asked before anything moves" {
  put_blobs
  schooltool-db-backup
  rm -rf $DATA/blobs
  mkdir $DATA/blobs
  mount -t tmpfs -o size=4k,mode=0700 tmpfs $DATA/blobs
  chown $OWNER $DATA/blobs
  before=$(listing)
  for how in --dry-run --yes; do
    expect 2 schooltool-db-restore $how
    has "$stderr" "restore '/var/lib/schooltool/blobs': needs "
    is "$(listing)" "$before"
  done
  umount $DATA/blobs
  expect 0 schooltool-db-restore --yes
}

@test "blobs that the replaced database alone has stay in a blob folder that is a file system of its own" {
  schooltool-db-backup
  put_blobs
  cp -a $DATA/blobs "$BATS_TEST_TMPDIR/blobs"
  mount -t tmpfs -o size=4m,mode=0700 tmpfs $DATA/blobs
  chown $OWNER $DATA/blobs
  cp -a "$BATS_TEST_TMPDIR/blobs/." $DATA/blobs
  before=$(tree $DATA/blobs)
  expect 0 schooltool-db-restore --yes
  has "$output" "12 blobs that it does not need stay in '$DATA/blobs'"
  is "$(digest $DATA/Data.fs)" "$(digest_of school)"
  is "$(ls -d $DATA/blobs*)" "$DATA/blobs"
  expect 0 schooltool-db-restore --yes --undo
  is "$(digest $DATA/Data.fs)" "$(digest_of blobs-bushy)"
  expect 0 schooltool-db-erase --dry-run
  has "$output" "'$DATA/blobs' stays as it is, which is a file system of its own"
  expect 0 schooltool-db-erase --yes --instance standard
  has "$output" "the blobs stay in '$DATA/blobs'"
  expect 0 schooltool-db-restore --yes --undo
  is "$(digest $DATA/Data.fs)" "$(digest_of blobs-bushy)"
  is "$(tree $DATA/blobs)" "$before"
}

@test "a damaged record of the newest backup is refused, and an older moment is restored" {
  two_backups
  echo '{}' > $REPO/$second.backup
  for how in --dry-run --yes; do
    expect 2 schooltool-db-restore $how
    has "$stderr" "$REPO/$second.backup': is damaged"
    has "$stderr" "name its moment"
  done
  is "$(digest $DATA/Data.fs)" "$(digest_of school)"
  expect 0 schooltool-db-restore --yes "$first"
  is "$(digest $DATA/Data.fs)" "$(earlier_digest)"
}

@test "blobs that only the replaced database has are moved aside, and back by --undo" {
  schooltool-db-backup
  put_blobs
  before=$(tree $DATA/blobs)
  expect 0 schooltool-db-restore --yes
  is "$(tree $DATA/blobs)" ""
  is "$(tree $DATA/blobs.replaced-*)" "$before"
  expect 0 schooltool-db-restore --yes --undo
  is "$(tree $DATA/blobs)" "$before"
  is "$(digest $DATA/Data.fs)" "$(digest_of blobs-bushy)"
}

@test "a damaged backup is refused before anything is moved" {
  two_backups
  printf 'XX' | dd of="$REPO/$first.fs" bs=1 seek=50000 conv=notrunc status=none
  expect 2 schooltool-db-restore --yes
  has "$stderr" "$first.fs"
  is "$(digest $DATA/Data.fs)" "$(digest_of school)"
  is "$(names)" ".schooltool-dbtools Data.fs"
}

@test "a server that does not stop is left alone" {
  two_backups
  hold_lock $DATA/Data.fs.lock
  expect 3 schooltool-db-restore --yes "$first"
  has "$stderr" "stop it by hand ('service schooltool stop'), then run the command again"
  is "$(digest $DATA/Data.fs)" "$(digest_of school)"
}

@test "too little space is refused" {
  two_backups
  small_disk 1m
  expect 2 schooltool-db-restore --yes "$first"
  has "$stderr" "needs"
  is "$(digest $DATA/Data.fs)" "$(digest_of school)"
}

@test "killed anywhere, one of the two databases is live, and a second run finishes" {
  two_backups
  for call in 1 2 3 5 8 12; do
    cat $BATS_TEST_TMPDIR/now > $BATS_TEST_TMPDIR/fresh
    rm -f $DATA/Data.fs $DATA/Data.fs.replaced-*
    mv $BATS_TEST_TMPDIR/fresh $DATA/Data.fs
    own $DATA/Data.fs
    strace -f -qq -o /dev/null -e trace=renameat,renameat2 -e "inject=renameat,renameat2:signal=SIGKILL:when=$call" \
      schooltool-db-restore --yes "$first" || true
    live=$(digest $DATA/Data.fs)
    [ "$live" = "$(digest_of school)" ] || [ "$live" = "$(earlier_digest)" ]
    expect 0 schooltool-db-restore --yes "$first"
    is "$(digest $DATA/Data.fs)" "$(earlier_digest)"
    is "$(names $DATA/.schooltool-dbtools)" ""
  done
}

# ---- erase

@test "erase moves database and blobs aside, and restore --undo brings them back" {
  put_blobs
  before=$(tree $DATA/blobs)
  expect 0 schooltool-db-erase --yes --instance standard
  [ ! -e $DATA/Data.fs ]
  [ ! -e $DATA/blobs ]
  is "$(digest $DATA/Data.fs.erased-*)" "$(digest_of blobs-bushy)"
  is "$(tree $DATA/blobs.erased-*)" "$before"
  expect 0 schooltool-db-restore --undo --yes
  is "$(digest $DATA/Data.fs)" "$(digest_of blobs-bushy)"
  is "$(tree $DATA/blobs)" "$before"
}

@test "erase leaves a blob folder that another instance has, too" {
  put_blobs
  an_instance another another-Data.fs
  put_live school another-Data.fs
  before=$(tree $DATA/blobs)
  expect 0 schooltool-db-erase --yes --instance another
  has "$output" "the blobs stay in '$DATA/blobs'"
  is "$(tree $DATA/blobs)" "$before"
  [ ! -e $DATA/another-Data.fs ]
}

@test "erase asks for the name of the instance" {
  before=$(listing)
  expect 1 schooltool-db-erase < /dev/null
  expect 2 schooltool-db-erase --yes
  is "$(listing)" "$before"
  run script -qec "schooltool-db-erase" /dev/null <<< yes
  [ "$status" = 1 ]
  is "$(digest $DATA/Data.fs)" "$(digest_of school)"
  run script -qec "schooltool-db-erase" /dev/null <<< standard
  [ "$status" = 0 ]
  [ ! -e $DATA/Data.fs ]
}

@test "an upgrade that is open does not bring back what was erased" {
  begin_upgrade
  schooltool-db-erase --yes --instance standard
  guard after
  schooltool-db-check --repair || true
  [ ! -e $DATA/Data.fs ]
}
