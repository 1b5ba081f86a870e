#!/usr/bin/env bats
# fspack as a person calls it: times, reports, refusals, blobs, links, a full disk, kills.
load helper

# The last moment of the school, and one in its second week.
in_week2=@1347310800.5

blob_database() {
  golden blobs-bushy > $DATA/Data.fs
  xz -dc "$fixtures/fs30-blobs-bushy/blobs.tar.xz" | tar -x -C $DATA
  chown -R $OWNER:$OWNER $DATA
}

@test "a pack is silent, keeps owner and mode, and leaves an index and no temporary" {
  before=$(stat -c %s $DATA/Data.fs)
  expect 0 fspack $DATA/Data.fs
  silent
  [ "$(stat -c %s $DATA/Data.fs)" -lt "$before" ]
  is "$(stat -c '%u %a' $DATA/Data.fs)" "$OWNER 640"
  is "$(stat -c '%u %a' $DATA/Data.fs.index)" "$OWNER 640"
  is "$(names)" "Data.fs Data.fs.index Data.fs.lock"
  is "$(stat -c %u $DATA/Data.fs.lock)" "$OWNER"
}

@test "a second pack says that there is nothing to gain, with 1" {
  fspack $DATA/Data.fs
  before=$(listing)
  expect 1 fspack $DATA/Data.fs
  has "$stderr" "was packed to this time or a later one already"
  is "$(listing | grep -v Data.fs.lock)" "$(grep -v Data.fs.lock <<< "$before")"
}

@test "the pack time can be told in three ways" {
  cp $DATA/Data.fs $DATA/other.fs
  expect 0 fspack --time $in_week2 $DATA/Data.fs
  expect 0 fspack --time 2012-09-10T21:00:00.5Z $DATA/other.fs
  cmp $DATA/Data.fs $DATA/other.fs
  put_live school
  expect 0 fspack --days 0 $DATA/Data.fs
  expect 2 fspack --time yesterday $DATA/Data.fs
  has "$stderr" "'yesterday': is no time"
  expect 2 fspack --days -1 $DATA/Data.fs
  expect 2 fspack --days 1 --time $in_week2 $DATA/Data.fs
  expect 2 fspack
  expect 2 fspack $DATA/Data.fs $DATA/other.fs
}

@test "a relative path will do" {
  cd $DATA
  expect 0 fspack Data.fs
  is "$(names)" "Data.fs Data.fs.index Data.fs.lock"
}

@test "a dry run tells what would be freed, by class, changes nothing, and does so beside a server" {
  : > $DATA/Data.fs.lock
  hold_lock $DATA/Data.fs.lock
  before=$(listing)
  expect 0 fspack --dry-run $DATA/Data.fs
  has "$output" "would go from"
  has "$output" "schooltool.basicperson.person.BasicPerson"
  is "$(listing)" "$before"
  expect 0 fspack --dry-run --json $DATA/Data.fs
  planned=$(jq .size_after <<< "$output")
  [ "$(jq '[.classes[].records] | add' <<< "$output")" = "$(jq .records_dropped <<< "$output")" ]
  kill $holder
  wait $holder || true
  fspack $DATA/Data.fs
  is "$(stat -c %s $DATA/Data.fs)" "$planned"
}

@test "the report as JSON" {
  expect 0 fspack --json $DATA/Data.fs
  is "$(jq -r .outcome <<< "$output")" packed
  is "$(jq -r .size_after <<< "$output")" "$(stat -c %s $DATA/Data.fs)"
  expect 1 fspack --json $DATA/Data.fs
  is "$(jq -r .outcome <<< "$output")" packed-already
}

@test "the report as JSON, of a path that is no UTF-8" {
  folder=$DATA/$(printf 'caf\xe9')
  mkdir "$folder"
  cp $DATA/Data.fs "$folder/Data.fs"
  expect 0 fspack --json "$folder/Data.fs"
  is "$(jq -r .outcome <<< "$output")" packed
}

@test "while a server holds the lock it is busy, with 3" {
  : > $DATA/Data.fs.lock
  hold_lock $DATA/Data.fs.lock
  before=$(digest $DATA/Data.fs)
  expect 3 fspack $DATA/Data.fs
  has "$stderr" "stop it first"
  is "$(digest $DATA/Data.fs)" "$before"
}

@test "--keep-old keeps the old file, in place of that of before" {
  echo "of an earlier pack" > $DATA/Data.fs.old
  before=$(digest $DATA/Data.fs)
  expect 0 fspack --keep-old $DATA/Data.fs
  is "$(digest $DATA/Data.fs.old)" "$before"
  is "$(stat -c %h $DATA/Data.fs.old)" 1
}

@test "blobs go, or move to blobs.old" {
  blob_database
  cp -a $DATA "$BATS_TEST_TMPDIR/data"
  expect 0 fspack --blobs $DATA/blobs $DATA/Data.fs
  is "$(find $DATA/blobs -name '*.blob' | wc -l)" 4
  is "$(names)" "Data.fs Data.fs.index Data.fs.lock blobs"
  [ ! -e $DATA/blobs/.removed ]
  cp "$BATS_TEST_TMPDIR/data/Data.fs" $DATA/Data.fs
  rm -rf $DATA/blobs
  cp -a "$BATS_TEST_TMPDIR/data/blobs" $DATA/blobs
  expect 0 fspack --keep-old --blobs $DATA/blobs $DATA/Data.fs
  is "$(cd $DATA/blobs.old && find . -type f | sort)" "$(cd "$BATS_TEST_TMPDIR/data/blobs" && find . -type f | sort)"
}

@test "without --blobs no blob is touched" {
  blob_database
  before=$(find $DATA/blobs -type f | sort)
  expect 0 fspack $DATA/Data.fs
  is "$(find $DATA/blobs -type f | sort)" "$before"
}

@test "dangling references are named, and packed on request" {
  golden dangling > $DATA/Data.fs
  before=$(digest $DATA/Data.fs)
  expect 2 fspack --time @1284023012 $DATA/Data.fs
  has "$stderr" "0x0000000000000007"
  has "$stderr" "--allow-dangling"
  is "$(digest $DATA/Data.fs)" "$before"
  expect 0 fspack --time @1284023012 --allow-dangling $DATA/Data.fs
  has "$stderr" "lead to 1 object that does not exist"
}

@test "what ZODB would lose is kept, and said; --like-zodb loses it" {
  golden garbage-cycles > $DATA/Data.fs
  cp $DATA/Data.fs $DATA/other.fs
  expect 0 fspack --time @1284026556.25 $DATA/Data.fs
  has "$stderr" "in use again since"
  expect 0 fspack --like-zodb --time @1284026556.25 $DATA/other.fs
  silent
  is "$(md5sum < $DATA/other.fs | cut -d' ' -f1)" \
    "$(jq -r '.packs[] | select(.name == "after-05.gc") | .steps[0].md5' "$fixtures/fs30-garbage-cycles/expected.json")"
}

@test "a torn end is kept beside the packed file" {
  head -c 100 /dev/zero | tr '\0' x >> $DATA/Data.fs
  expect 0 fspack $DATA/Data.fs
  has "$stderr" "'Data.fs.tr0'"
  is "$(stat -c %s $DATA/Data.fs.tr0)" 100
}

@test "links are not followed" {
  mv $DATA/Data.fs /run/elsewhere.fs
  ln -s /run/elsewhere.fs $DATA/Data.fs
  before=$(digest /run/elsewhere.fs)
  expect 2 fspack $DATA/Data.fs
  is "$(digest /run/elsewhere.fs)" "$before"
  put_live school
  rm -f $DATA/Data.fs.lock
  ln -s /run/elsewhere.fs $DATA/Data.fs.lock
  expect 2 fspack $DATA/Data.fs
  is "$(digest /run/elsewhere.fs)" "$before"
}

@test "on a disk without room the file stays" {
  big_database $DATA/Data.fs 3
  own $DATA/Data.fs
  small_disk 4m
  before=$(digest $DATA/Data.fs)
  expect 2 fspack --no-gc $DATA/Data.fs
  has "$stderr" "are free"
  is "$(digest $DATA/Data.fs)" "$before"
  is "$(names)" "Data.fs Data.fs.lock"
}

@test "killed at any moment, the old file stands or the new one, and the next run finishes" {
  old=$(digest $DATA/Data.fs)
  cp $DATA/Data.fs /run/copy.fs
  fspack --time @1600000000 /run/copy.fs
  new=$(digest /run/copy.fs)
  for call in openat write pwrite64 fsync renameat2 renameat unlinkat ftruncate; do
    for number in 1 2 3 4; do
      put_live school
      rm -f $DATA/Data.fs.index
      strace -qq -f -o /dev/null -e trace=$call -e inject=$call:signal=KILL:when=$number \
        fspack --time @1600000000 $DATA/Data.fs || true
      now=$(digest $DATA/Data.fs)
      [ "$now" = "$old" ] || [ "$now" = "$new" ]
      fspack --time @1600000000 $DATA/Data.fs || [ $? = 1 ]
      is "$(digest $DATA/Data.fs)" "$new"
      is "$(names | sed 's/ Data.fs.index//')" "Data.fs Data.fs.lock"
    done
  done
}

@test "asked to stop by a signal, it clears away what it began and dies of it" {
  before=$(digest $DATA/Data.fs)
  rm -f $DATA/Data.fs.index
  for signal in INT TERM HUP; do
    # When the old file is read, and when the new one is synced.
    for moment in pread64:6 fsync:1; do
      call=${moment%:*}
      status=0
      strace -qq -f -o /dev/null -e trace=$call -e inject=$call:signal=$signal:when=${moment#*:} \
        "$PROGRAMS/fspack" $DATA/Data.fs 2> "$BATS_TEST_TMPDIR/said" || status=$?
      is "$status" $((128 + $(kill -l $signal)))
      is "$(cat "$BATS_TEST_TMPDIR/said")" "fspack: stopped: by signal $(kill -l $signal)"
      is "$(digest $DATA/Data.fs)" "$before"
      is "$(names)" "Data.fs Data.fs.lock"
    done
  done
  status=0
  # One that ends by itself: a build with sanitizers cannot look for leaks under strace.
  (trap '' INT; export ASAN_OPTIONS=detect_leaks=0; strace -qq -f -o /dev/null -e trace=pread64 -e inject=pread64:signal=INT:when=6 \
    "$PROGRAMS/fspack" $DATA/Data.fs) || status=$?
  is "$status" 0
}
