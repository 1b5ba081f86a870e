#!/usr/bin/env bats
# fscheck and fsindex, as a person calls them.
load helper

# damaged NAME: a damaged golden database as ./damaged.fs.
damaged() {
  local file=$TEST_DATA/damage/$1
  cd $DATA || return
  if [ -f "$file.xz" ]; then xz -dc "$file.xz"; else cat "$file"; fi > damaged.fs
}

@test "a sound database is exit status 0 and says nothing, also by a relative path and with everything checked" {
  cd $DATA
  expect 0 fscheck Data.fs
  silent
  expect 0 fscheck --quick $DATA/Data.fs
  silent
  fsindex Data.fs
  expect 0 fscheck --index Data.fs
  silent
  is "$(names)" "Data.fs Data.fs.index Data.fs.lock"
}

@test "a damaged database is exit status 1, with all that is wrong and where" {
  damaged fs30-corrupt/length-zero.fs
  expect 1 fscheck damaged.fs
  is "$output" "at 941: the transaction has a length of 0, less than its header (tid 0x0398f868de643722)
at 941: the chain of transactions breaks, but whole ones follow, such as the one at 6321
at 6668: object 0x1f schooltool.basicperson.person.BasicPerson: refers to 0x06, which does not exist (tid 0x0398f8a4de643722)
3 problems"
  is "$stderr" ""
}

@test "dangling references are told with holder and class, and not by --quick" {
  damaged fs30-dangling-refs/dangling.fs
  expect 1 fscheck damaged.fs
  is "$output" "at 293: object 0x02 school.low.Thing: refers to 0x07, whose creation was undone or which was deleted (tid 0x0388dd7ad3333333)
1 problem"
  expect 0 fscheck --quick damaged.fs
  silent
}

@test "--json gives the same for programs" {
  damaged fs30-dangling-refs/dangling.fs
  expect 1 fscheck --json damaged.fs
  is "$(jq -c '[.problems[] | .kind, .position, .oid, .class, .target]' <<< "$output")" \
    '["dangling_undone",293,"0000000000000002","school.low.Thing","0000000000000007"]'
  is "$(jq -c '[.counts, .complete, .index]' <<< "$output")" '[{"dangling_undone":1},true,"not compared"]'
  expect 0 fscheck --json --index $DATA/Data.fs
  is "$(jq -c '[.problems, .counts, .index]' <<< "$output")" '[[],{},"absent"]'
}

@test "a circle of back pointers ends" {
  for file in "$TEST_DATA"/damage/*-corrupt-back-pointers/back-itself.fs*; do
    damaged "$(basename "$(dirname "$file")")/back-itself.fs"
    expect 1 timeout 20 fscheck damaged.fs
    has "$output" "does not lead to an earlier record"
  done
}

@test "an index with a wrong entry is told, and fsindex mends it" {
  cd $DATA
  xz -dc "$TEST_DATA"/damage/fs30-index/Data.fs.xz > Data.fs
  for index in "$TEST_DATA"/damage/fs30-index/*.index; do
    cp "$index" Data.fs.index
    run fscheck --index Data.fs
    [ "$status" = 0 ] || [ "$status" = 1 ]
    expect 0 fsindex Data.fs
    silent
    cmp Data.fs.index "$TEST_DATA"/damage/fs30-index/matching.fs.index
    expect 0 fscheck --index Data.fs
  done
}

@test "fsindex gives the index owner and mode of the database" {
  cd $DATA
  expect 0 fsindex Data.fs
  is "$(stat -c '%u:%g %a' Data.fs.index)" "$(stat -c '%u:%g %a' Data.fs)"
  is "$(names)" "Data.fs Data.fs.index Data.fs.lock"
}

@test "fsindex --dry-run changes nothing and tells, also beside a server" {
  hold_lock $DATA/Data.fs.lock
  before=$(listing)
  expect 0 fsindex --dry-run $DATA/Data.fs
  has "$output" "would write "
  is "$(listing)" "$before"
  kill "$holder"
}

@test "fsindex is exit status 3 while a server has the database open, and 2 for a damaged one" {
  hold_lock $DATA/Data.fs.lock
  expect 3 fsindex $DATA/Data.fs
  has "$stderr" "fsindex: lock '$DATA/Data.fs.lock': held"
  [ ! -e $DATA/Data.fs.index ]
  kill "$holder"
  damaged fs30-corrupt/length-zero.fs
  expect 2 fsindex damaged.fs
  has "$stderr" "less than its header, at 941"
  [ ! -e damaged.fs.index ]
}

@test "fsindex never writes through a link that was planted in its place" {
  cd $DATA
  echo precious > $BATS_TEST_TMPDIR/precious
  ln -s $BATS_TEST_TMPDIR/precious Data.fs.index
  run fsindex Data.fs
  is "$(cat $BATS_TEST_TMPDIR/precious)" precious
}

@test "--salvage copies what can be read, tells the rest, and never over a file" {
  damaged fs30-corrupt/noise-512.fs
  expect 1 fscheck --salvage saved.fs --dry-run damaged.fs
  [ ! -e saved.fs ]
  expect 1 fscheck --salvage saved.fs damaged.fs
  is "$output" "at 1105: lost: 428 bytes: a record reaches over the end of its transaction (tid 0x0398f868de643722)
copied 4 transactions with 46 records to 'saved.fs'; 428 bytes and 0 records lost"
  expect 0 fscheck --quick saved.fs
  is "$(stat -c '%u:%g %a' saved.fs)" "$(stat -c '%u:%g %a' damaged.fs)"
  expect 2 fscheck --salvage saved.fs damaged.fs
  has "$stderr" "the file is there already"
  expect 0 fscheck --salvage whole.fs Data.fs
  cmp whole.fs Data.fs
}

@test "--salvage sets right a length that is wrong in one of its two places, and loses nothing" {
  damaged fs30-corrupt/length-zero.fs
  expect 0 fscheck --salvage saved.fs damaged.fs
  has "$output" "at 941: set right: the length of the transaction"
  has "$output" "0 bytes and 0 records lost"
  expect 0 fscheck saved.fs
}

@test "--salvage --json lists the losses" {
  damaged fs30-corrupt/noise-512.fs
  expect 1 fscheck --json --salvage saved.fs damaged.fs
  is "$(jq -c '[.losses[0].what, .losses[0].position, .losses[0].bytes, .transactions, .bytes_lost]' <<< "$output")" \
    '["bytes",1105,428,4,428]'
}

@test "--blobs finds a file without its record and a record without its file" {
  cd $DATA
  golden blobs-bushy > Data.fs
  xz -dc "$fixtures"/fs30-blobs-bushy/blobs.tar.xz | tar x
  expect 0 fscheck --blobs blobs Data.fs
  silent
  first=$(find blobs -name '*.blob' | sort | head -1)
  mv "$first" "$(dirname "$first")/0x0100.blob"
  echo stray > blobs/stray
  expect 1 fscheck --blobs blobs Data.fs
  has "$output" "'${first#blobs/}' is missing"
  has "$output" "no record belongs to the blob file '$(dirname "${first#blobs/}")/0x0100.blob'"
  has "$output" "'stray' in the blob folder"
}

@test "usage mistakes are exit status 2" {
  expect 2 fscheck
  expect 2 fscheck --quick --full $DATA/Data.fs
  expect 2 fscheck --quick --all-revisions $DATA/Data.fs
  expect 2 fscheck --salvage x --quick $DATA/Data.fs
  expect 2 fscheck --dry-run $DATA/Data.fs
  expect 2 fscheck $DATA/absent.fs
  expect 2 fsindex
  expect 2 fsindex $DATA
}
