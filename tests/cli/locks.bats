#!/usr/bin/env bats
# One writer at a time, and a server that has the database open.
load helper

# A server that holds Data.fs.lock, with an init script that can stop and start it. Its start is seen in /run/started.
server() {
  hold_lock $DATA/Data.fs.lock
  echo $holder > /run/server.pid
  cat > /etc/init.d/schooltool <<'END'
#!/bin/sh
### BEGIN INIT INFO
# Provides:          schooltool
# Required-Start:    $remote_fs
# Required-Stop:     $remote_fs
# Default-Start:     2 3 4 5
# Default-Stop:      0 1 6
# Short-Description: stand-in
### END INIT INFO
case $1 in
  stop) [ ! -e /run/server.pid ] || { kill "$(cat /run/server.pid)"; rm /run/server.pid; } ;;
  start) echo started >> /run/started ;;
esac
END
  chmod +x /etc/init.d/schooltool
}

@test "a command that finds the instance busy says who is at work, and ends with 3" {
  schooltool-db-snapshot
  hold_lock $STATE/lock
  echo "4711 schooltool-db-rotate" > $STATE/lock
  for command in schooltool-db-snapshot "schooltool-db-check --accept" "schooltool-db-rollback --yes"; do
    tool=${command%% *}
    [ "$tool" = schooltool-db-check ] && begin_without_lock
    before=$(listing)
    expect 3 $command
    is "$stderr" "$tool: lock '/var/lib/schooltool-dbtools/standard/lock': held by pid 4711 (schooltool-db-rotate)"
    is "$(listing)" "$before"
  done
}

# An open upgrade in the journal, though somebody holds the lock.
begin_without_lock() {
  mv $STATE/lock $STATE/lock.held
  begin_upgrade
  mv $STATE/lock.held $STATE/lock
}

@test "a rotation waits for the lock as long as lock-wait says" {
  schooltool-db-snapshot
  echo 'lock-wait = 0' > $CONF
  hold_lock $STATE/lock
  expect 3 schooltool-db-rotate
  has "$stderr" "schooltool-db-rotate: lock '/var/lib/schooltool-dbtools/standard/lock': held by another process"
  echo 'lock-wait = 1m' > $CONF
  schooltool-db-rotate 3>&- &
  waiting=$!
  kill $holder
  wait $waiting
}

@test "a rollback that waits for the server holds the lock, is named, and goes on when the server has ended" {
  schooltool-db-snapshot
  blank_bootstrap
  hold_lock $DATA/Data.fs.lock
  schooltool-db-rollback --yes > /run/out 2>&1 3>&- &
  rollback=$!
  until [ -s $STATE/lock ]; do sleep 0.02; done
  expect 3 schooltool-db-snapshot
  is "$stderr" "schooltool-db-snapshot: lock '/var/lib/schooltool-dbtools/standard/lock': held by pid $rollback (schooltool-db-rollback)"
  kill $holder
  wait $rollback
  is "$(digest $DATA/Data.fs)" "$(digest_of school)"
  [ ! -s $STATE/lock ]
}

@test "looking needs no lock" {
  schooltool-db-snapshot
  hold_lock $STATE/lock
  expect 0 schooltool-db status
  expect 0 schooltool-db-check
  expect 0 schooltool-db-snapshot --dry-run
  expect 0 schooltool-db-rotate --dry-run
  expect 0 schooltool-db-rollback --dry-run
}

@test "a lock that its holder left behind when it was killed is free" {
  schooltool-db-snapshot
  echo "4711 schooltool-db-rotate" > $STATE/lock
  expect 0 schooltool-db-rotate
}

@test "a hook waits for the lock, and then goes on" {
  schooltool-db-snapshot
  hold_lock $STATE/lock
  begin_upgrade 3>&- &
  hook=$!
  kill $holder
  wait $hook
  is "$(journal .open_upgrade.by)" apt
}

@test "a running server does not keep a snapshot from being taken" {
  hold_lock $DATA/Data.fs.lock
  expect 0 schooltool-db-snapshot
  silent
  cmp $DATA/Data.fs $DATA/Data.fs.0
}

@test "snapshots of a database that grows meanwhile are whole transactions of it" {
  golden school > /run/whole
  earlier_school > $DATA/Data.fs
  own $DATA/Data.fs
  from=$(stat -c %s $DATA/Data.fs)
  total=$(stat -c %s /run/whole)
  hold_lock $DATA/Data.fs.lock
  (
    for ((at = from; at < total; at += 40)); do
      tail -c +$((at + 1)) /run/whole | head -c 40 >> $DATA/Data.fs
    done
  ) 3>&- &
  server=$!
  rounds=0
  while kill -0 $server 2> /dev/null; do
    expect 0 schooltool-db-snapshot
    cmp -n "$(stat -c %s $DATA/Data.fs.0)" $DATA/Data.fs.0 /run/whole
    # Nothing torn is in it: it is what a snapshot of itself would be.
    expect 0 schooltool-db-check
    mkdir -p /run/alone
    cp $DATA/Data.fs.0 /run/alone/Data.fs
    printf '[instance alone]\ndata = /run/alone/Data.fs\n' > /run/alone.conf
    expect 0 schooltool-db-snapshot --dry-run --json --config /run/alone.conf --instance alone
    is "$(jq '.[0].bytes' <<< "$output")" "$(stat -c %s $DATA/Data.fs.0)"
    rounds=$((rounds + 1))
  done
  wait $server
  [ $rounds -gt 0 ]
  expect 0 schooltool-db-snapshot
  cmp /run/whole $DATA/Data.fs.0
}

@test "a rollback stops the server, and starts it again" {
  schooltool-db-snapshot
  blank_bootstrap
  server
  expect 0 schooltool-db-rollback --yes --json
  is "$(jq -c '[.stop_server, .started]' <<< "$output")" '[true,true]'
  is "$(digest $DATA/Data.fs)" "$(digest_of school)"
  is "$(cat /run/started)" started
}

@test "the hooks stop the server that holds a blank database, put the school back, and start it" {
  server
  begin_upgrade
  printf '\nPackage: schooltool\nStatus: install ok installed\nVersion: 2.0\nArchitecture: all\nMaintainer: x <x@y.z>\nDescription: x\n' \
    >> /var/lib/dpkg/status
  blank_bootstrap
  expect 0 guard after
  is "$(digest $DATA/Data.fs)" "$(digest_of school)"
  is "$(cat /run/started)" started
}
