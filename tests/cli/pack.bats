#!/usr/bin/env bats
# schooltool-db-pack
load helper

weekly=$SOURCES/cron/cron.weekly/schooltool-pack

# The golden school changed within a few days of 2012, which is all history by now.
setup() {
  private=
  private_machine
  an_instance standard Data.fs
  install -d -m 0750 -o $OWNER -g $OWNER $DATA $DATA/blobs
  put_live school
}

@test "without a good backup nothing is packed, and the message says what to run" {
  before=$(listing | grep -v -e /lock -e pack.json)
  expect 2 schooltool-db-pack --all
  is "$output" ""
  has "$stderr" "there is no good backup"
  has "$stderr" "schooltool-db backup --instance standard"
  is "$(listing | grep -v -e /lock -e pack.json -e ' d ')" "$(grep -v ' d ' <<< "$before")"
  expect 1 schooltool-db status
  has "$output" "FAILED"
}

@test "after a backup the weekly job packs in silence, and the status tells" {
  schooltool-db-backup --all
  before=$(stat -c %s $DATA/Data.fs)
  expect 0 schooltool-db-pack --all
  silent
  [ "$(stat -c %s $DATA/Data.fs)" -lt "$before" ]
  is "$(stat -c '%u:%g %a' $DATA/Data.fs)" "$OWNER:$OWNER 640"
  expect 0 schooltool-db status
  has "$output" "last pack"
  has "$output" "objects removed"
  is "$(schooltool-db status --json | jq '.[0].pack.size_before')" "$before"
}

@test "the next one is left out until it is time, unless the instance is named" {
  schooltool-db-backup --all
  schooltool-db-pack --all
  put_live school
  schooltool-db-backup --all || true
  before=$(digest $DATA/Data.fs)
  expect 0 schooltool-db-pack --all --verbose
  has "$output" "not packed: the last pack was"
  is "$(digest $DATA/Data.fs)" "$before"
  expect 0 schooltool-db-pack --instance standard
  has "$output" "packed offline"
  [ "$(digest $DATA/Data.fs)" != "$before" ]
}

@test "offline the blobs go that nothing needs any more, and no other" {
  put_blobs
  schooltool-db-backup --all
  cp -a $DATA "$BATS_TEST_TMPDIR/other"
  fspack --time "@$(($(date +%s) - 86400))" --blobs "$BATS_TEST_TMPDIR/other/blobs" "$BATS_TEST_TMPDIR/other/Data.fs"
  before=$(tree $DATA/blobs | wc -l)
  expect 0 schooltool-db-pack --instance standard --json
  after=$(tree $DATA/blobs | wc -l)
  [ "$after" -lt "$before" ]
  is "$(jq '.[0].estimate.blobs' <<< "$output")" "$((before - after))"
  rm $DATA/Data.fs.lock "$BATS_TEST_TMPDIR/other/Data.fs.lock"
  is "$(tree $DATA)" "$(tree "$BATS_TEST_TMPDIR/other")"
}

@test "what would not gain enough is left out" {
  schooltool-db-backup --all
  expect 0 schooltool-db-pack --all --verbose --pack-min-gain 100%
  has "$output" "it would free no more than"
}

@test "a dry run tells and changes nothing" {
  schooltool-db-backup --all
  before=$(listing)
  expect 0 schooltool-db-pack --all --dry-run
  has "$output" "would be packed offline"
  is "$(listing)" "$before"
}

@test "a server without an address cannot be asked, and the database stays" {
  printf '<filestorage>\n  path %s/Data.fs\n</filestorage>\n' $DATA > /etc/schooltool/standard/zeo.conf
  schooltool-db-backup --all
  before=$(digest $DATA/Data.fs)
  flock $DATA/Data.fs.lock -c 'schooltool-db-pack --all 2> '"$BATS_TEST_TMPDIR/told"'; echo $? > '"$BATS_TEST_TMPDIR/code"
  is "$(cat "$BATS_TEST_TMPDIR/code")" 2
  has "$(cat "$BATS_TEST_TMPDIR/told")" "names no address"
  is "$(digest $DATA/Data.fs)" "$before"
}

@test "not while an upgrade is open, which is no failure that would wait for a person" {
  schooltool-db-backup --all
  expect 0 guard before-preinst schooltool 1.0
  expect 3 schooltool-db-pack --all --json
  has "$stderr" "an upgrade is under way"
  is "$(jq -c '.[] | [.instance, .how]' <<< "$output")" '["standard","busy"]'
  expect 0 schooltool-db status
  has "$output" "left out since: an upgrade is under way"
}

@test "the report has the instances that failed as well" {
  expect 2 schooltool-db-pack --all --json
  is "$(jq -c '.[] | [.instance, .how]' <<< "$output")" '["standard","failed"]'
  has "$(jq -r '.[0].reason' <<< "$output")" "there is no good backup"
}

# The weekly job, with the programs that were built.
job() { sh -c "$(sed "s|/usr/sbin/|$PROGRAMS/|" "$weekly")"; }

@test "the cron job packs in silence, and says and returns what could not be done" {
  expect 2 job
  is "$output" ""
  has "$stderr" "there is no good backup"
  schooltool-db-backup --all
  before=$(digest $DATA/Data.fs)
  expect 0 job
  silent
  [ "$(digest $DATA/Data.fs)" != "$before" ]
}

@test "the system's log tells what was packed, and what could not be" {
  has "$(log_of schooltool-db-pack --all)" "standard: pack '$DATA/Data.fs': there is no good backup"
  schooltool-db-backup --all
  log=$(log_of schooltool-db-pack --all)
  has "$log" "standard: packed offline: "
  has "$log" " objects removed, took "
}

@test "the cron job waits for a backup that is still at work" {
  schooltool-db-backup --all
  before=$(digest $DATA/Data.fs)
  hold_lock $STATE/lock
  expect 3 schooltool-db-pack --all
  has "$stderr" "held by"
  job > "$BATS_TEST_TMPDIR/said" 2>&1 3>&- &
  waiting=$!
  sleep 0.2
  kill $holder
  wait $waiting
  is "$(cat "$BATS_TEST_TMPDIR/said")" ""
  [ "$(digest $DATA/Data.fs)" != "$before" ]
}
