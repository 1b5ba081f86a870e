#!/usr/bin/env bats
# schooltool-db status
load helper

# Ages, the free space and stamps differ from run to run.
told() { sed -E 's/[0-9]+ (s|min) ago/a moment ago/g; s/[0-9]+ days ago/days ago/; s/(free space +).*/\1enough/; s/[0-9]{8}T[0-9]{6}Z/STAMP/g' <<< "$output"; }

# The database is of 2012: that it has no backup yet is an alarm, and so the exit status is 1.

@test "a database without copies is shown with its size, objects and last change" {
  expect 1 schooltool-db status
  is "$stderr" ""
  is "$(told)" "standard: '/var/lib/schooltool/Data.fs'
  database        730.8 kB, 1089 objects, 261 transactions
  last change     2012-09-10T04:40:15Z, days ago
  copies          none yet
  free space      enough
  open upgrade    none
  last verdict    none yet
  last backup     none yet
  next backup     by cron, daily
  ALARM           there is no backup yet"
}

@test "copies, displaced databases, the open upgrade and the last verdict are shown" {
  begin_upgrade
  blank_bootstrap
  schooltool-db-check --repair > /dev/null 2>&1
  blank_size=$(($(stat -c %s $DATA/Data.fs.blank-*) / 100))
  expect 0 schooltool-db status
  is "$(told)" "standard: '/var/lib/schooltool/Data.fs'
  database        730.8 kB, 1089 objects, 261 transactions
  last change     2012-09-10T04:40:15Z, days ago
  copies          'Data.fs.0'                          730.8 kB, a moment ago
                  'Data.fs.blank-STAMP'     $((blank_size / 10)).$((blank_size % 10)) kB, a moment ago (displaced)
  free space      enough
  open upgrade    begun a moment ago by apt: schooltool 1.0 -> 2.0; not yet found good
  last verdict    $(journal '"\(.last.verdict) (\(.last.reason)), \(.last.action)"'), a moment ago
                  see '/var/lib/schooltool/Data.fs.blank-STAMP'
  last backup     none yet
  next backup     by cron, daily"
}

@test "what was put back is told also when later checks found all well" {
  begin_upgrade
  : > $DATA/Data.fs
  schooltool-db-check --repair > /dev/null 2>&1
  guard tick
  expect 0 schooltool-db status
  has "$(told)" "  last verdict    unchanged (261 transactions), closed, a moment ago
  last replaced   blank (the file is empty), rolled back, a moment ago
                  see '/var/lib/schooltool/Data.fs.blank-STAMP'
"
}

@test "a database that is older than a backup may be, and has none, is an alarm" {
  expect 1 schooltool-db status
  has "$output" "ALARM           there is no backup yet"
  schooltool-db-backup
  expect 0 schooltool-db status
  rm -r /var/backups/schooltool
  expect 1 schooltool-db status
  has "$output" "ALARM           the backups are gone: there is no folder '/var/backups/schooltool/standard'"
}

@test "a running server is seen by its lock" {
  hold_lock $DATA/Data.fs.lock
  expect 1 schooltool-db status
  has "$output" "261 transactions, server running"
  is "$(schooltool-db status --json | jq '.[0].server_running')" true
}

@test "a missing database is exit status 1" {
  rm $DATA/Data.fs
  expect 1 schooltool-db status
  has "$output" "  database        missing"
}

@test "a damaged database is exit status 1, with the place of the damage" {
  printf '%8192s' x | dd of=$DATA/Data.fs bs=1 seek=100000 conv=notrunc status=none
  expect 1 schooltool-db status
  [[ $output =~ "  damage          ".*" at byte "[0-9]+ ]]
}

@test "what cannot be told is a problem and does not hide the rest" {
  schooltool-db-snapshot
  rm $DATA/Data.fs
  mkfifo $DATA/Data.fs
  expect 1 timeout 20 schooltool-db status
  has "$output" "  problem         open '/var/lib/schooltool/Data.fs': "
  has "$output" "'Data.fs.0'"
}

@test "an unreadable journal is a problem, and does not stop the others" {
  schooltool-db-snapshot
  echo '{"half' > $STATE/state.json
  expect 1 schooltool-db status
  has "$output" "  problem         "
  has "$output" "$STATE/state.json"
  has "$output" "  database        730.8 kB"
}

@test "links among the copies are named as such" {
  ln -s /etc/passwd $DATA/Data.fs.0
  expect 1 schooltool-db status
  has "$output" "(a link, passed over)"
}

@test "hostile names cannot forge a line or break the JSON" {
  touch "$DATA/Data.fs.blank-20200101T000000Z"$'\n  last verdict    fine\xff\x1b[2J'
  expect 1 schooltool-db status
  is "$(grep -c 'last verdict' <<< "$output")" 2
  [[ $output != *$'\x1b'* ]]
  has "$output" '\n  last verdict    fine\xff\x1b[2J'
  schooltool-db status --json | jq -e '.[0].copies | length == 1' > /dev/null
}

@test "--json tells it all to programs" {
  begin_upgrade
  expect 0 schooltool-db status --json
  is "$(jq -c '.[0] | [.instance, .data, .present, .size, .objects, .transactions, .last_transaction, .damage, .problem]' <<< "$output")" \
    '["standard","/var/lib/schooltool/Data.fs",true,730773,1089,261,"2012-09-10T04:40:15Z",[],""]'
  is "$(jq -c '.[0].copies | map([.name, .size, .note])' <<< "$output")" '[["Data.fs.0",730773,""]]'
  is "$(jq -r '.[0].journal.open_upgrade.packages[0].name' <<< "$output")" schooltool
  is "$(jq '.[0].free > 1000000' <<< "$output")" true
}

@test "status changes nothing and needs no lock" {
  begin_upgrade
  hold_lock $STATE/lock
  before=$(listing)
  expect 0 schooltool-db status
  is "$(listing)" "$before"
}
