#!/usr/bin/env bats
# schooltool-db-check: its verdicts, its exit status, and what it does about them.
load helper

first_line() { head -n 1 <<< "$output"; }

@test "without anything to compare with an intact database is sound" {
  expect 0 schooltool-db-check
  is "$output" "standard: sound: 261 transactions"
  is "$stderr" ""
}

@test "the database of the snapshot is unchanged" {
  schooltool-db-snapshot
  expect 0 schooltool-db-check
  is "$output" "standard: unchanged: 261 transactions"
}

@test "a database that goes on behind the snapshot has grown" {
  earlier_school > $DATA/Data.fs
  schooltool-db-snapshot
  put_live school
  expect 0 schooltool-db-check
  is "$output" "standard: grown: 4 further transactions"
}

@test "a missing database is not healthy, and the way to put one back is told" {
  schooltool-db-snapshot
  rm $DATA/Data.fs
  expect 1 schooltool-db-check
  is "$output" "standard: missing: there is no such file"
  is "$stderr" "schooltool-db-check: standard: no upgrade is open, so nothing is put back by itself; to put back a copy: schooltool-db rollback --instance standard"
}

@test "empty, zeroed, magic-only and freshly made databases are blank" {
  schooltool-db-snapshot
  for blank in 'printf ""' 'printf FS30' 'head -c 100000 /dev/zero'; do
    eval "$blank" > $DATA/Data.fs
    expect 1 schooltool-db-check
    has "$output" "standard: blank: "
  done
  blank_bootstrap
  expect 1 schooltool-db-check
  has "$output" "standard: blank: "
}

@test "a database that was cut is truncated" {
  schooltool-db-snapshot
  truncate -s 300000 $DATA/Data.fs
  expect 1 schooltool-db-check
  has "$output" "standard: truncated: cut to "
}

@test "another school's database is foreign" {
  schooltool-db-snapshot
  foreign_school
  expect 1 schooltool-db-check
  has "$output" "standard: foreign: "
}

@test "a database with a hole is damaged" {
  printf '%8192s' x | dd of=$DATA/Data.fs bs=1 seek=100000 conv=notrunc status=none
  expect 1 schooltool-db-check
  has "$output" "standard: damaged: "
}

@test "what could not be judged is exit status 2" {
  rm $DATA/Data.fs
  ln -s /etc/passwd $DATA/Data.fs
  expect 2 schooltool-db-check
  is "$output" ""
  has "$stderr" "schooltool-db-check: open '/var/lib/schooltool/Data.fs'"
}

@test "a person's look at a lost database changes nothing and tells what can be done" {
  begin_upgrade
  rm $DATA/Data.fs
  before=$(listing)
  expect 1 schooltool-db-check
  is "$(first_line)" "standard: missing: there is no such file"
  has "$stderr" "schooltool-db-check: to put it back: schooltool-db rollback --instance standard"
  has "$stderr" "schooltool-db-check: if the live database is right: schooltool-db check --accept --instance standard"
  is "$(listing)" "$before"
}

@test "--repair puts the database of before the upgrade back" {
  begin_upgrade
  for loss in 'rm $DATA/Data.fs' ': > $DATA/Data.fs' 'truncate -s 100000 $DATA/Data.fs' blank_bootstrap; do
    eval "$loss"
    expect 0 schooltool-db-check --repair
    has "$stderr" "schooltool-db-check: the database of before was put back from "
    is "$(digest $DATA/Data.fs)" "$(digest_of school)"
    is "$(stat -c '%u:%g %a' $DATA/Data.fs)" "$OWNER:$OWNER 640"
  done
}

@test "what was displaced is kept and named" {
  begin_upgrade
  blank_bootstrap
  blank=$(digest $DATA/Data.fs)
  expect 0 schooltool-db-check --repair --json
  displaced=$(jq -r '.[0].displaced_to' <<< "$output")
  [[ $displaced == /var/lib/schooltool/Data.fs.blank-* ]]
  is "$(digest "$displaced")" "$blank"
}

@test "--repair does not decide about a foreign database" {
  begin_upgrade
  foreign_school
  foreign=$(digest $DATA/Data.fs)
  expect 1 schooltool-db-check --repair
  has "$output" "standard: foreign: "
  is "$(digest $DATA/Data.fs)" "$foreign"
  has "$stderr" "the database of before stands complete in '/var/lib/schooltool/.schooltool-dbtools/"
}

@test "on-foreign = rollback decides" {
  echo 'on-foreign = rollback' > $CONF
  begin_upgrade
  foreign_school
  expect 0 schooltool-db-check --repair
  is "$(digest $DATA/Data.fs)" "$(digest_of school)"
}

@test "--before-start repairs what is missing or blank, is silent if there is nothing to do" {
  begin_upgrade
  expect 0 schooltool-db-check --before-start
  silent
  rm $DATA/Data.fs
  expect 0 schooltool-db-check --before-start
  has "$stderr" "schooltool-db-check: the database of before was put back from "
  is "$(digest $DATA/Data.fs)" "$(digest_of school)"
}

@test "--before-start leaves a database alone that was erased without an upgrade" {
  schooltool-db-snapshot
  rm $DATA/Data.fs
  expect 0 schooltool-db-check --before-start
  silent
  [ ! -e $DATA/Data.fs ]
}

@test "--before-start writes an index that fits the database it put back" {
  begin_upgrade
  rm $DATA/Data.fs
  schooltool-db-check --before-start 2> /dev/null
  cmp $DATA/Data.fs.index "$fixtures/fs30-school/Data.fs.index"
}

@test "--accept closes the upgrade and keeps the copy of before" {
  begin_upgrade
  foreign_school
  expect 0 schooltool-db-check --accept
  is "$(journal '.open_upgrade // "none"')" none
  [ -e "$(echo $DATA/.schooltool-dbtools/Data.fs.*.held)" ]
  expect 0 guard tick
  silent
}

@test "--dry-run --repair tells what would be put back and changes nothing" {
  begin_upgrade
  rm $DATA/Data.fs
  before=$(listing)
  expect 1 schooltool-db-check --dry-run --repair
  has "$output" "standard: would put back '/var/lib/schooltool/.schooltool-dbtools/Data.fs."
  is "$(listing)" "$before"
  expect 1 schooltool-db-check --dry-run --accept
  is "$(listing)" "$before"
  expect 1 schooltool-db-check --dry-run --before-start
  is "$(listing)" "$before"
}

@test "--json reports the verdict of each instance" {
  an_instance another another-Data.fs
  expect 1 schooltool-db-check --json
  is "$(jq -c '[.[] | [.instance, .verdict, .healthy]]' <<< "$output")" \
    '[["another","missing",false],["standard","sound",true]]'
}

@test "the gravest answer of all instances is the exit status" {
  an_instance another another-Data.fs
  ln -s /etc/passwd $DATA/another-Data.fs
  an_instance third third-Data.fs
  expect 2 schooltool-db-check
  has "$output" "standard: sound"
  has "$output" "third: missing"
}
