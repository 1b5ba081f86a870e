#!/usr/bin/env bats
# What all programs have in common: help, version, mistakes on the command line, where output goes.
load helper

tools="schooltool-db schooltool-db-snapshot schooltool-db-rotate schooltool-db-check schooltool-db-rollback guard fscheck fsindex"

@test "--help goes to standard output, with the usage first and an exit status of 0" {
  for tool in $tools; do
    expect 0 "$tool" --help
    is "$stderr" ""
    [[ ${lines[0]} == "Usage: $tool "* ]]
    has "$output" "Exit status:"
  done
}

@test "--version tells the version of the package" {
  version=$(sed -nE '1s/.*\((.*)\).*/\1/p' "$SOURCES/debian/changelog")
  for tool in $tools; do
    expect 0 "$tool" --version
    is "$output" "$tool (schooltool-dbtools) $version"
    is "$stderr" ""
  done
}

@test "--help works without a configuration that can be read" {
  echo "nonsense" > $CONF
  for tool in $tools; do expect 0 "$tool" --help; done
}

@test "an unknown option is refused, with a pointer to --help" {
  for tool in $tools; do
    expect 2 "$tool" --no-such-option
    is "$output" ""
    is "$stderr" "$tool: unknown option '--no-such-option'
$tool: try '$tool --help'"
  done
}

@test "an unknown option in front of a right one changes nothing" {
  before=$(listing)
  for tool in schooltool-db-snapshot schooltool-db-rotate schooltool-db-check schooltool-db-rollback; do
    expect 2 "$tool" --no-such-option --instance standard
  done
  is "$(listing)" "$before"
}

@test "words are refused by programs that take none" {
  for tool in schooltool-db-snapshot schooltool-db-rotate schooltool-db-check schooltool-db-rollback; do
    expect 2 "$tool" standard
    is "$stderr" "$tool: unexpected word 'standard'
$tool: try '$tool --help'"
  done
}

@test "an option that needs an argument says so" {
  expect 2 schooltool-db-snapshot --instance
  is "$stderr" "schooltool-db-snapshot: option '--instance' needs an argument
schooltool-db-snapshot: try 'schooltool-db-snapshot --help'"
}

@test "an option that takes no argument says so" {
  expect 2 schooltool-db-check --json=yes
  is "$stderr" "schooltool-db-check: option '--json' takes no argument
schooltool-db-check: try 'schooltool-db-check --help'"
}

@test "an option is not taken from its first letters" {
  expect 2 schooltool-db-rollback --dry
  has "$stderr" "unknown option '--dry'"
}

@test "--all and --instance exclude each other" {
  expect 2 schooltool-db-snapshot --all --instance standard
  is "$stderr" "schooltool-db-snapshot: choose: --all and --instance exclude each other"
}

@test "--accept goes with neither --repair nor --before-start" {
  for other in --repair --before-start; do
    expect 2 schooltool-db-check --accept $other
    is "$stderr" "schooltool-db-check: choose: --accept goes with neither --repair nor --before-start"
  done
}

@test "schooltool-db VERB runs the program of that verb with the words behind it" {
  expect 0 schooltool-db snapshot --version
  is "$output" "$(schooltool-db-snapshot --version)"
  expect 2 schooltool-db check --no-such-option
  has "$stderr" "schooltool-db-check: unknown option '--no-such-option'"
  expect 0 schooltool-db snapshot
  silent
  cmp $DATA/Data.fs $DATA/Data.fs.0
}

@test "the program of a verb is looked for beside schooltool-db and not in PATH" {
  mkdir "$BATS_TEST_TMPDIR/bin"
  printf '#!/bin/sh\ntouch /run/wrong\n' | tee "$BATS_TEST_TMPDIR/bin/schooltool-db-"{snapshot,planted} > /dev/null
  chmod +x "$BATS_TEST_TMPDIR"/bin/*
  PATH=$BATS_TEST_TMPDIR/bin:$PATH expect 0 "$PROGRAMS/schooltool-db" snapshot --version
  PATH=$BATS_TEST_TMPDIR/bin:$PATH expect 2 "$PROGRAMS/schooltool-db" planted
  [ ! -e /run/wrong ]
}

@test "an unknown verb is refused, with those that there are" {
  expect 2 schooltool-db frobnicate
  is "$output" ""
  is "$stderr" "schooltool-db: run 'frobnicate': there is no such verb
schooltool-db: verbs: status, list, snapshot, rotate, check, rollback, backup, restore, verify, pack, erase; see 'man schooltool-db'"
}

@test "a verb cannot lead out of the folder of the programs" {
  expect 2 schooltool-db ../../bin/true
  [ -z "$output" ]
}

@test "without a verb it is told which there are" {
  expect 2 schooltool-db
  has "$stderr" "verbs: status, list, snapshot, rotate, check, rollback, backup, restore, verify, pack, erase"
}

@test "the guard refuses a step it does not know" {
  expect 2 guard frobnicate
  has "$stderr" "guard: run 'frobnicate': there is no such step"
  expect 2 guard
  expect 2 guard before-preinst
}

@test "what could not be written to standard output is a failure" {
  for command in "schooltool-db status" "schooltool-db-check --json" "schooltool-db-rollback --help"; do
    run bash -c "$command 2>&1 > /dev/full"
    [ "$status" = 2 ]
    has "$output" "write to standard output: not everything could be written"
  done
}

@test "a reader that goes away does not kill a rollback" {
  schooltool-db-snapshot
  put_live bootstrap
  run bash -c 'schooltool-db-rollback --yes > >(exec true); sleep 0; schooltool-db-check > /dev/null'
  is "$(digest $DATA/Data.fs)" "$(digest_of school)"
}
