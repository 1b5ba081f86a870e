#!/usr/bin/env bats
# SIGKILL at moments spread over a run, again and again, on a database of 24 MB: nothing is ever lost, and the next run
# finishes the work. (The unit tests of the folder faults try every single operation; this is the real thing.)
load helper

rounds=12

# The live database is v2 and the one before is v1, a prefix of it.
setup_versions() {
  big_database /run/v2 24
  golden school > /run/v1
  v1=$(digest /run/v1)
  v2=$(digest /run/v2)
}

# took COMMAND...: milliseconds.
took() {
  local start
  start=$(date +%s%N)
  "$@" > /dev/null 2>&1
  echo $((($(date +%s%N) - start) / 1000000))
}

# killed MILLISECONDS COMMAND...: after so long.
killed() {
  local after
  after=$(printf '%d.%03d' $(($1 / 1000)) $(($1 % 1000)))
  shift
  timeout --signal=KILL "$after" "$@" > /dev/null 2>&1 || true
}

# moment ROUND TOTAL: one of as many as there are rounds, spread over a bit more than the whole time.
moment() { echo $((1 + $2 * 11 * $1 / rounds / 10)); }

# contents: digests of all that stands in the folder, of complete files only.
contents() {
  local file
  for file in $DATA/Data.fs*; do digest "$file"; done 2> /dev/null | sort -u
}

place() { cp /run/$1 $DATA/$2 && own $DATA/$2; }

reset_folder() {
  find $DATA -mindepth 1 -delete
  rm -rf /var/lib/schooltool-dbtools
}

@test "a snapshot" {
  setup_versions
  start_over() { reset_folder; place v2 Data.fs; place v1 Data.fs.0; }
  start_over
  total=$(took schooltool-db-snapshot)
  for ((round = 0; round < rounds; round++)); do
    start_over
    killed "$(moment $round "$total")" schooltool-db-snapshot
    is "$(digest $DATA/Data.fs)" "$v2"
    has "$(contents)" "$v1"
    expect 0 schooltool-db-snapshot
    is "$(names)" "Data.fs Data.fs.0 Data.fs.1"
    is "$(digest $DATA/Data.fs.0) $(digest $DATA/Data.fs.1)" "$v2 $v1"
  done
}

@test "the step before an upgrade" {
  setup_versions
  start_over() { reset_folder; place v2 Data.fs; place v1 Data.fs.0; }
  start_over
  total=$(took begin_upgrade)
  for ((round = 0; round < rounds; round++)); do
    start_over
    apt_list > /run/list
    killed "$(moment $round "$total")" guard before-apt < /run/list
    is "$(digest $DATA/Data.fs)" "$v2"
    has "$(contents)" "$v1"
    begin_upgrade
    is "$(names)" ".schooltool-dbtools Data.fs Data.fs.0 Data.fs.1"
    is "$(digest $DATA/Data.fs.0) $(digest $DATA/Data.fs.1) $(digest $DATA/.schooltool-dbtools/*)" "$v2 $v1 $v2"
  done
}

@test "a rotation" {
  setup_versions
  start_over() { reset_folder; place v1 Data.fs; place v2 Data.fs.1; place v1 Data.fs.2; }
  start_over
  total=$(took schooltool-db-rotate)
  for ((round = 0; round < rounds; round++)); do
    start_over
    killed "$(moment $round "$total")" schooltool-db-rotate
    for number in 1 2; do
      [ -e $DATA/Data.fs.$number ] || gzip -t $DATA/Data.fs.$number.gz
    done
    expect 0 schooltool-db-rotate
    is "$(names)" "Data.fs Data.fs.1.gz Data.fs.2.gz"
    is "$(digest $DATA/Data.fs.1.gz) $(digest $DATA/Data.fs.2.gz)" "$v2 $v1"
  done
}

@test "a rollback after an upgrade" {
  setup_versions
  start_over() {
    reset_folder
    place v2 Data.fs
    begin_upgrade
    blank_bootstrap
    blank=$(digest $DATA/Data.fs)
  }
  start_over
  total=$(took schooltool-db-check --repair)
  for ((round = 0; round < rounds; round++)); do
    start_over
    killed "$(moment $round "$total")" schooltool-db-check --repair
    live=$(digest $DATA/Data.fs)
    [ "$live" = "$blank" ] || [ "$live" = "$v2" ]
    has "$(contents)" "$blank"
    has "$(contents)" "$v2"
    expect 0 schooltool-db-check --repair
    is "$(digest $DATA/Data.fs)" "$v2"
    is "$(stat -c '%u:%g %a' $DATA/Data.fs)" "$OWNER:$OWNER 640"
    has "$(contents)" "$blank"
    schooltool-db-snapshot
    is "$(find $DATA -name '*.tmp')" ""
  done
}

@test "the steps after an upgrade, to its closing" {
  setup_versions
  printf '\nPackage: schooltool\nStatus: install ok installed\nVersion: 2.0\nArchitecture: all\nMaintainer: x <x@example.org>\nDescription: x\n' \
    >> /var/lib/dpkg/status
  echo 'settle = 0' > $CONF
  steps='guard after; guard after-postinst; guard tick; guard tick'
  start_over() {
    reset_folder
    place v2 Data.fs
    begin_upgrade
    rm $DATA/Data.fs $DATA/Data.fs.0
  }
  start_over
  total=$(took sh -c "$steps")
  for ((round = 0; round < rounds; round++)); do
    start_over
    killed "$(moment $round "$total")" sh -c "$steps"
    has "$(for file in $DATA/Data.fs $DATA/.schooltool-dbtools/*; do [ ! -f $file ] || digest $file; done)" "$v2"
    expect 0 sh -c "$steps"
    is "$(digest $DATA/Data.fs)" "$v2"
    is "$(stat -c '%u:%g %a' $DATA/Data.fs)" "$OWNER:$OWNER 640"
    is "$(journal .open_upgrade)" null
    is "$(find $DATA -name '*.tmp')" ""
  done
}

@test "a rollback by hand from a compressed copy" {
  setup_versions
  gzip -1 -c /run/v2 > /run/v2.gz
  start_over() {
    reset_folder
    place v1 Data.fs
    place v2.gz Data.fs.1.gz
  }
  start_over
  total=$(took schooltool-db-rollback --yes)
  for ((round = 0; round < rounds; round++)); do
    start_over
    killed "$(moment $round "$total")" schooltool-db-rollback --yes
    live=$(digest $DATA/Data.fs)
    [ "$live" = "$v1" ] || [ "$live" = "$v2" ]
    has "$(contents)" "$v1"
    [ "$live" = "$v2" ] || expect 0 schooltool-db-rollback --yes
    is "$(digest $DATA/Data.fs)" "$v2"
    has "$(contents)" "$v1"
    gzip -t $DATA/Data.fs.1.gz
  done
}
