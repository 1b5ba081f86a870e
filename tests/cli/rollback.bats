#!/usr/bin/env bats
# schooltool-db-rollback
load helper

# The school is in Data.fs.0 and a blank database is live.
lost() {
  schooltool-db-snapshot
  blank_bootstrap
  blank=$(digest $DATA/Data.fs)
}

is_back() {
  is "$(digest $DATA/Data.fs)" "$(digest_of school)"
  is "$(stat -c '%u:%g %a' $DATA/Data.fs)" "$OWNER:$OWNER 640"
  cmp $DATA/Data.fs.index "$fixtures/fs30-school/Data.fs.index"
}

@test "--yes puts the newest copy back, keeps what was live, and writes a right index" {
  lost
  expect 0 schooltool-db-rollback --yes
  is_back
  displaced=$(echo $DATA/Data.fs.replaced-*)
  is "$output" "standard: put back '/var/lib/schooltool/Data.fs.0'
standard: what was live is kept as '$displaced'"
  is "$stderr" ""
  is "$(digest "$displaced")" "$blank"
}

@test "where nobody can be asked nothing is changed and the exit status is 1" {
  lost
  before=$(listing)
  expect 1 schooltool-db-rollback < /dev/null
  is "$output" ""
  has "$stderr" "standard: '/var/lib/schooltool/Data.fs' will be replaced by '/var/lib/schooltool/Data.fs.0' (730.8 kB, 1089 objects, last transaction 2012-09-10T04:40:15Z)"
  has "$stderr" "schooltool-db-rollback: nothing was changed (use --yes where nobody can be asked)"
  is "$(listing)" "$before"
  expect 1 schooltool-db-rollback <<< yes
  is "$(listing)" "$before"
}

@test "on a terminal only the word yes goes on" {
  lost
  before=$(listing)
  for answer in no y ''; do
    run script -qec "schooltool-db-rollback" /dev/null <<< "$answer"
    [ "$status" = 1 ]
    is "$(listing)" "$before"
  done
  run script -qec "schooltool-db-rollback" /dev/null <<< yes
  [ "$status" = 0 ]
  is_back
}

@test "--dry-run prints the plan and changes nothing" {
  lost
  before=$(listing)
  expect 0 schooltool-db-rollback --dry-run
  size=$(stat -c %s $DATA/Data.fs)
  is "$output" "standard: '/var/lib/schooltool/Data.fs' will be replaced by '/var/lib/schooltool/Data.fs.0' (730.8 kB, 1089 objects, last transaction 2012-09-10T04:40:15Z)
standard: the live file ($(awk "BEGIN { printf \"%.1f\", $size / 1000 }") kB) is kept as 'Data.fs.replaced-<time>'"
  is "$(listing)" "$before"
}

@test "--dry-run --json is JSON" {
  lost
  expect 0 schooltool-db-rollback --dry-run --json
  is "$(jq -c '[.instance, .source, .bytes]' <<< "$output")" '["standard","/var/lib/schooltool/Data.fs.0",730773]'
}

@test "--to takes a number, plain or compressed" {
  lost
  mv $DATA/Data.fs.0 $DATA/Data.fs.3
  expect 0 schooltool-db-rollback --yes --to 3
  is_back
  blank_bootstrap
  gzip $DATA/Data.fs.3
  own $DATA/Data.fs.3.gz
  expect 0 schooltool-db-rollback --yes --to 3
  is_back
  blank_bootstrap
  expect 0 schooltool-db-rollback --yes --to Data.fs.3.gz
  is_back
}

@test "--dry-run works for a compressed copy, too" {
  lost
  gzip $DATA/Data.fs.0
  before=$(listing)
  expect 0 schooltool-db-rollback --dry-run --to Data.fs.0.gz
  has "$output" "will be replaced by '/var/lib/schooltool/Data.fs.0.gz'"
  is "$(listing)" "$before"
}

@test "--to takes a displaced database by its name, so that a rollback can be undone" {
  lost
  schooltool-db-rollback --yes > /dev/null
  expect 0 schooltool-db-rollback --yes --to "$(basename $DATA/Data.fs.replaced-*)"
  is "$(digest $DATA/Data.fs)" "$blank"
}

@test "--to refuses what is no copy" {
  lost
  before=$(listing)
  for name in Data.fs Data.fs.index /etc/passwd ../secret another; do
    expect 2 schooltool-db-rollback --yes --to "$name"
    is "$stderr" "schooltool-db-rollback: choose '$name': is neither a generation nor a displaced database
schooltool-db-rollback: 'schooltool-db status' lists them"
  done
  expect 2 schooltool-db-rollback --yes --to 5
  has "$stderr" "there is no such file"
  is "$(listing)" "$before"
}

@test "a damaged copy is not put back" {
  lost
  printf '%8192s' x | dd of=$DATA/Data.fs.0 bs=1 seek=100000 conv=notrunc status=none
  expect 2 schooltool-db-rollback --yes
  has "$stderr" "schooltool-db-rollback: read '/var/lib/schooltool/Data.fs.0': holds no whole database"
  is "$(digest $DATA/Data.fs)" "$blank"
  golden school | gzip | head -c 30000 > $DATA/Data.fs.1.gz
  expect 2 schooltool-db-rollback --yes --to 1
  is "$(digest $DATA/Data.fs)" "$blank"
}

@test "without any copy it says so" {
  expect 2 schooltool-db-rollback --yes
  is "$stderr" "schooltool-db-rollback: choose '/var/lib/schooltool/Data.fs': there is no older copy of it"
}

@test "during an upgrade the database of before is taken, wherever the package moved it" {
  begin_upgrade
  rm -r $DATA/.schooltool-dbtools
  gzip -c $DATA/Data.fs.0 > $DATA/Data.fs.4.gz
  own $DATA/Data.fs.4.gz
  foreign_school
  cp -a $DATA/Data.fs $DATA/Data.fs.0
  expect 0 schooltool-db-rollback --yes
  has "$output" "standard: put back '/var/lib/schooltool/Data.fs.4.gz'"
  is_back
  is "$(journal '.open_upgrade // "none"')" none
}

@test "a copy that root made is put back with the owner and mode of the live database" {
  lost
  cp $DATA/Data.fs.0 $DATA/copy
  mv -f $DATA/copy $DATA/Data.fs.0
  expect 0 schooltool-db-rollback --yes
  is_back
}

@test "a missing live database is made" {
  lost
  rm $DATA/Data.fs
  expect 0 schooltool-db-rollback --yes
  is "$output" "standard: put back '/var/lib/schooltool/Data.fs.0'"
  is_back
}

@test "the umask of the caller changes nothing" {
  lost
  (umask 000 && schooltool-db-rollback --yes > /dev/null)
  is_back
  is "$(stat -c %a $DATA/Data.fs.index)" 640
}

@test "--json tells what was put where" {
  lost
  expect 0 schooltool-db-rollback --yes --json
  is "$(jq -r '.displaced_to' <<< "$output")" "$(echo $DATA/Data.fs.replaced-*)"
}
