#!/usr/bin/env bats
# repozo beside others and in trouble: locks, a database that grows, a full disk, kills.
load helper
load repozo_helper

@test "a backup that finds another one at work says who it is, and ends with 1" {
  setup_repository
  repozo -B -r $repo -f $DATA/Data.fs
  hold_lock $repo/.repozo.lock
  echo "4711 repozo -B" > $repo/.repozo.lock
  before=$(ls $repo)
  expect 1 repozo -B -F -r $repo -f $DATA/Data.fs
  has "$stderr" "held by pid 4711 (repozo -B)"
  is "$(ls $repo)" "$before"
  # Looking needs no lock.
  expect 0 repozo -V -r $repo
  expect 0 repozo -R -r $repo -o /run/out.fs
  kill $holder
  until flock -n $repo/.repozo.lock true; do sleep 0.02; done
  expect 0 repozo -B -F -r $repo -f $DATA/Data.fs
}

@test "many backups at once leave a repository that is right" {
  setup_repository
  grow_up
  repozo -B -r $repo -f $DATA/Data.fs
  golden school > $DATA/Data.fs
  pids=
  for n in 1 2 3 4 5 6; do
    repozo -B -r $repo -f $DATA/Data.fs > /run/log.$n 2>&1 3>&- &
    pids="$pids $!"
  done
  good=0
  for pid in $pids; do
    if wait $pid; then good=$((good + 1)); fi
  done
  [ $good -gt 0 ]
  expect 0 repozo -V --all -r $repo
  is "$(names_of $repo)" ".fs .deltafs"
  repozo -R -r $repo -o /run/out.fs
  is "$(digest /run/out.fs)" "$(digest_of school)"
}

@test "a full disk under the repository: told, nothing lost, finished when there is room" {
  mkdir -p $repo
  mount -t tmpfs -o size=1200k tmpfs $repo
  grow_up
  expect 0 repozo -B -r $repo -f $DATA/Data.fs
  earlier=$(digest $DATA/Data.fs)
  before=$(ls $repo)
  golden school > $DATA/Data.fs
  expect 1 repozo -B -F -k -r $repo -f $DATA/Data.fs
  has "$stderr" "space"
  is "$(ls $repo)" "$before"
  expect 0 repozo -V -r $repo
  repozo -R -r $repo -o /run/out.fs
  is "$(digest /run/out.fs)" "$earlier"
  mount -o remount,size=4m $repo
  expect 0 repozo -B -F -k -r $repo -f $DATA/Data.fs
  is "$(names_of $repo)" ".fs"
  umount $repo
}

@test "a full disk under the output: told, and what stood there stands" {
  setup_repository
  repozo -B -r $repo -f $DATA/Data.fs
  small_disk 1200K
  before=$(find $DATA -type f -printf '%p %s %T@\n' | sort)
  expect 1 repozo -R -r $repo -o $DATA/Data.fs
  has "$stderr" "space"
  is "$(find $DATA -type f -printf '%p %s %T@\n' | sort)" "$before"
  is "$(digest $DATA/Data.fs)" "$(digest_of school)"
}

@test "what could not be written to standard output is a failure" {
  setup_repository
  repozo -B -r $repo -f $DATA/Data.fs
  run bash -c "repozo -R -r $repo 2>&1 > /dev/full"
  [ "$status" = 1 ]
  [ -n "$output" ]
}

@test "a database that grows while it is backed up is backed up up to a whole transaction" {
  setup_repository
  golden school > /run/whole
  grow_up
  from=$(stat -c %s $DATA/Data.fs)
  total=$(stat -c %s /run/whole)
  (
    for ((at = from; at < total; at += 40)); do
      tail -c +$((at + 1)) /run/whole | head -c 40 >> $DATA/Data.fs
    done
  ) 3>&- &
  server=$!
  while kill -0 $server 2> /dev/null; do
    expect 0 repozo -B -r $repo -f $DATA/Data.fs
    expect 0 repozo -R -r $repo -o /run/out.fs
    cmp -n "$(stat -c %s /run/out.fs)" /run/out.fs /run/whole
  done
  wait $server
  expect 0 repozo -B -r $repo -f $DATA/Data.fs
  expect 0 repozo -R -w -r $repo -o /run/out.fs
  cmp /run/out.fs /run/whole
}

# killed MILLISECONDS COMMAND...
killed() {
  local after
  after=$(printf '%d.%03d' $(($1 / 1000)) $(($1 % 1000)))
  shift
  timeout --signal=KILL "$after" "$@" > /dev/null 2>&1 || true
}
took() {
  local start
  start=$(date +%s%N)
  "$@" > /dev/null 2>&1
  echo $((($(date +%s%N) - start) / 1000000))
}

@test "killed at any moment, a backup loses nothing, and the next one finishes" {
  rounds=10
  big_database /run/whole 24
  grow_up
  for options in "-B" "-B -F -k -z"; do
    start_over() {
      rm -rf $repo
      mkdir -p $repo
      golden school > $DATA/Data.fs
      repozo -B -r $repo -f $DATA/Data.fs
      cp /run/whole $DATA/Data.fs
    }
    start_over
    total=$(took repozo $options -r $repo -f $DATA/Data.fs)
    for ((round = 0; round < rounds; round++)); do
      start_over
      killed $((1 + total * 11 * round / rounds / 10)) repozo $options -r $repo -f $DATA/Data.fs
      expect 0 repozo -R -r $repo -o /run/out.fs
      found=$(digest /run/out.fs)
      [ "$found" = "$(digest_of school)" ] || [ "$found" = "$(digest /run/whole)" ]
      expect 0 repozo $options -r $repo -f $DATA/Data.fs
      expect 0 repozo -V --all -r $repo
      repozo -R -w -r $repo -o /run/out.fs
      cmp /run/out.fs /run/whole
      is "$(others_of $repo)" .repozo.lock
    done
  done
}

@test "killed at any moment, a recover leaves the old database or the new one" {
  rounds=10
  big_database /run/whole 24
  mkdir -p $repo
  repozo -B -r $repo -f /run/whole
  total=$(took repozo -R -r $repo -o $DATA/Data.fs)
  for ((round = 0; round < rounds; round++)); do
    put_live school
    killed $((1 + total * 11 * round / rounds / 10)) repozo -R -r $repo -o $DATA/Data.fs
    found=$(digest $DATA/Data.fs)
    [ "$found" = "$(digest_of school)" ] || [ "$found" = "$(digest /run/whole)" ]
    expect 0 repozo -R -r $repo -o $DATA/Data.fs
    cmp $DATA/Data.fs /run/whole
    is "$(names)" "Data.fs Data.fs.index"
    is "$(stat -c '%u:%g %a' $DATA/Data.fs)" "$OWNER:$OWNER 640"
  done
}
