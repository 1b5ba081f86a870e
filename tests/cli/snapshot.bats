#!/usr/bin/env bats
# schooltool-db-snapshot
load helper

@test "the first snapshot is Data.fs.0 with owner, mode and bytes of the database, and says nothing" {
  expect 0 schooltool-db-snapshot
  silent
  cmp $DATA/Data.fs $DATA/Data.fs.0
  is "$(stat -c '%U:%G %u:%g %a' $DATA/Data.fs.0)" "$(stat -c '%U:%G %u:%g %a' $DATA/Data.fs)"
  is "$(names)" "Data.fs Data.fs.0"
}

@test "a second snapshot of the same database is not taken" {
  schooltool-db-snapshot
  before=$(stat -c '%i %y' $DATA/Data.fs.0)
  expect 0 schooltool-db-snapshot
  silent
  is "$(names)" "Data.fs Data.fs.0"
  is "$(stat -c '%i %y' $DATA/Data.fs.0)" "$before"
}

@test "older generations move up, and a gap ends the move" {
  for name in Data.fs.0 Data.fs.1.gz Data.fs.3; do echo "$name" > $DATA/$name; done
  expect 0 schooltool-db-snapshot
  is "$(names)" "Data.fs Data.fs.0 Data.fs.1 Data.fs.2.gz Data.fs.3"
  is "$(cat $DATA/Data.fs.1 $DATA/Data.fs.2.gz $DATA/Data.fs.3)" "Data.fs.0
Data.fs.1.gz
Data.fs.3"
}

@test "a torn transaction at the end is left out" {
  earlier_school > $DATA/earlier
  size=$(stat -c %s $DATA/earlier)
  truncate -s $((size + 100)) $DATA/Data.fs
  expect 0 schooltool-db-snapshot
  cmp $DATA/earlier $DATA/Data.fs.0
}

@test "an absent database is exit status 1" {
  rm $DATA/Data.fs
  expect 1 schooltool-db-snapshot
  is "$stderr" "schooltool-db-snapshot: standard: no snapshot was taken: there is no database"
}

@test "an empty, a zeroed and a root-only database are never copied" {
  schooltool-db-snapshot
  for blank in 'printf ""' 'printf FS30' 'head -c 700000 /dev/zero' 'golden fresh'; do
    eval "$blank" > $DATA/Data.fs
    expect 1 schooltool-db-snapshot
    has "$stderr" "schooltool-db-snapshot: standard: no snapshot was taken: "
    is "$(digest $DATA/Data.fs.0)" "$(digest_of school)"
    is "$(names)" "Data.fs Data.fs.0"
  done
}

@test "a freshly bootstrapped database never displaces the school" {
  earlier_school > $DATA/Data.fs
  schooltool-db-snapshot
  blank_bootstrap
  expect 1 schooltool-db-snapshot
  is "$stderr" "schooltool-db-snapshot: standard: no snapshot was taken: the database is blank, and a blank one never displaces a snapshot"
  is "$(names)" "Data.fs Data.fs.0"
}

@test "a person who wants the blank database copied can have that" {
  schooltool-db-snapshot
  blank_bootstrap
  expect 0 schooltool-db-snapshot --even-if-blank
  cmp $DATA/Data.fs $DATA/Data.fs.0
  is "$(digest $DATA/Data.fs.1)" "$(digest_of school)"
}

@test "a database that is damaged inside is refused, and what stood before still stands" {
  schooltool-db-snapshot
  printf '%8192s' x | dd of=$DATA/Data.fs bs=1 seek=100000 conv=notrunc status=none
  expect 2 schooltool-db-snapshot
  has "$stderr" "schooltool-db-snapshot: copy '/var/lib/schooltool/Data.fs': is damaged at byte "
  has "$stderr" "schooltool-db-snapshot: no snapshot was taken; the older ones stand: see 'schooltool-db status'"
  is "$(names)" "Data.fs Data.fs.0"
  is "$(digest $DATA/Data.fs.0)" "$(digest_of school)"
}

@test "what is no FileStorage is refused" {
  echo "some text of more than four bytes" > $DATA/Data.fs
  expect 2 schooltool-db-snapshot
  is "$stderr" "schooltool-db-snapshot: copy '/var/lib/schooltool/Data.fs': is not a FileStorage
schooltool-db-snapshot: the older copies stand untouched: see 'schooltool-db status'"
}

@test "--dry-run tells the plan and changes nothing" {
  echo old > $DATA/Data.fs.0
  before=$(listing)
  expect 0 schooltool-db-snapshot --dry-run
  is "$output" "standard: would rename 'Data.fs.0' to 'Data.fs.1'
standard: would copy 730.8 kB of '/var/lib/schooltool/Data.fs' to 'Data.fs.0'"
  is "$(listing)" "$before"
}

@test "--json tells what was done" {
  expect 0 schooltool-db-snapshot --json
  is "$(jq -c '.[] | [.instance, .action, .bytes, .data]' <<< "$output")" \
    '["standard","copy",730773,"/var/lib/schooltool/Data.fs"]'
  expect 0 schooltool-db-snapshot --json
  is "$(jq -r '.[].action' <<< "$output")" already-there
  rm $DATA/Data.fs
  expect 1 schooltool-db-snapshot --json
  is "$(jq -r '.[].action' <<< "$output")" absent
}

@test "the umask of the caller changes nothing" {
  made() { find $DATA /var/lib/schooltool-dbtools -printf '%P %m %u:%g\n' | sort; }
  (umask 077 && schooltool-db-snapshot && begin_upgrade)
  strict=$(made | sed 's/Data.fs.2.*held/held/')
  rm -r $DATA/Data.fs.0 $DATA/.schooltool-dbtools /var/lib/schooltool-dbtools
  (umask 000 && schooltool-db-snapshot && begin_upgrade)
  is "$(made | sed 's/Data.fs.2.*held/held/')" "$strict"
}

@test "leftovers of a killed run are swept, and nothing else is" {
  touch $DATA/.Data.fs.dbtools-0123456789abcdef.tmp $DATA/.Data.fs.other $DATA/Data.fs.tmp $DATA/Data.fs.old
  chown 0:0 $DATA/.Data.fs.dbtools-0123456789abcdef.tmp
  expect 0 schooltool-db-snapshot
  is "$(names)" ".Data.fs.other Data.fs Data.fs.0 Data.fs.old Data.fs.tmp"
}

@test "generations of another database in the folder are left alone" {
  echo theirs > $DATA/another-Data.fs.0
  echo theirs > $DATA/Data.fs.2010
  expect 0 schooltool-db-snapshot
  is "$(names)" "Data.fs Data.fs.0 Data.fs.2010 another-Data.fs.0"
}
