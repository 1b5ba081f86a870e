#!/usr/bin/env bats
# schooltool-db-rotate
load helper

# generation NUMBER: a plain one, each with a content of its own.
generation() {
  local file=$DATA/Data.fs.$1
  perl "$SOURCES/tests/upgrade/stand-in/make-fs" "$file" transactions=20 start=$((1500000000 - $1 * 86400)) seed="$1"
  own "$file"
  touch -d "2020-01-0$1 12:00" "$file"
}

setup_generations() {
  generation 1
  generation 2
  generation 3
}

@test "plain generations become gzip files with the same content, owner, mode and time, and nothing is said" {
  setup_generations
  before=$(for n in 1 2 3; do digest $DATA/Data.fs.$n; stat -c '%u:%g %a %y' $DATA/Data.fs.$n; done)
  expect 0 schooltool-db-rotate
  silent
  is "$(names)" "Data.fs Data.fs.1.gz Data.fs.2.gz Data.fs.3.gz"
  gzip -t $DATA/Data.fs.*.gz
  is "$(for n in 1 2 3; do digest $DATA/Data.fs.$n.gz; stat -c '%u:%g %a %y' $DATA/Data.fs.$n.gz; done)" "$before"
}

@test "Data.fs.0 stays plain" {
  schooltool-db-snapshot
  expect 0 schooltool-db-rotate
  is "$(names)" "Data.fs Data.fs.0"
}

@test "a second run has nothing to do" {
  setup_generations
  schooltool-db-rotate
  before=$(listing | grep -v /lock)
  expect 0 schooltool-db-rotate
  silent
  is "$(listing | grep -v /lock)" "$before"
}

@test "a run that was killed between rename and removal is finished" {
  generation 1
  gzip -c $DATA/Data.fs.1 > $DATA/Data.fs.1.gz
  own $DATA/Data.fs.1.gz
  content=$(digest $DATA/Data.fs.1)
  expect 0 schooltool-db-rotate
  is "$(names)" "Data.fs Data.fs.1.gz"
  is "$(digest $DATA/Data.fs.1.gz)" "$content"
}

@test "two different contents under one number are both kept" {
  generation 1
  plain=$(digest $DATA/Data.fs.1)
  golden school | gzip > $DATA/Data.fs.1.gz
  own $DATA/Data.fs.1.gz
  expect 0 schooltool-db-rotate
  is "$(names)" "Data.fs Data.fs.1.gz Data.fs.2.gz"
  is "$(digest $DATA/Data.fs.1.gz; digest $DATA/Data.fs.2.gz)" "$(echo "$plain"; digest_of school)"
}

@test "generations that savelog left are understood" {
  generation 1
  gzip $DATA/Data.fs.1
  generation 4
  own $DATA/Data.fs.1.gz
  expect 0 schooltool-db-rotate
  is "$(names)" "Data.fs Data.fs.1.gz Data.fs.4.gz"
}

@test "--keep removes the oldest, and never Data.fs.0" {
  schooltool-db-snapshot
  setup_generations
  expect 0 schooltool-db-rotate --keep 2
  silent
  is "$(names)" "Data.fs Data.fs.0 Data.fs.1.gz"
  expect 0 schooltool-db-rotate --keep 1
  is "$(names)" "Data.fs Data.fs.0"
}

@test "damaged copies go before the only good one, however old it is" {
  generation 3
  for n in 0 1 2; do head -c 3000 /dev/urandom > $DATA/Data.fs.$n; own $DATA/Data.fs.$n; done
  content=$(digest $DATA/Data.fs.3)
  expect 0 schooltool-db-rotate --keep 2
  is "$(digest $DATA/Data.fs.3.gz)" "$content"
  is "$(names)" "Data.fs Data.fs.0 Data.fs.3.gz"
}

@test "--min-free removes the oldest, but keeps what --keep-min says" {
  setup_generations
  expect 0 schooltool-db-rotate --min-free 900T --keep-min 2
  is "$(names)" "Data.fs Data.fs.1.gz Data.fs.2.gz"
}

@test "links, folders, pipes and files of others are passed over by name, and the rest is done" {
  setup_generations
  echo secret > /var/lib/secret
  ln -s /var/lib/secret $DATA/Data.fs.4
  mkfifo $DATA/Data.fs.5
  mkdir $DATA/Data.fs.6
  ln /var/lib/secret $DATA/Data.fs.7
  expect 2 timeout 20 schooltool-db-rotate
  is "$output" ""
  for number in 4 5 6 7; do has "$stderr" "schooltool-db-rotate: standard: passed over 'Data.fs.$number': "; done
  is "$(cat /var/lib/secret; stat -c '%u %h' /var/lib/secret)" "secret
0 2"
  is "$(names)" "Data.fs Data.fs.1.gz Data.fs.2.gz Data.fs.3.gz Data.fs.4 Data.fs.5 Data.fs.6 Data.fs.7"
}

@test "a link under the name of the compressed file is not written through" {
  generation 1
  ln -s /var/lib/target $DATA/Data.fs.1.gz
  expect 2 schooltool-db-rotate
  [ ! -e /var/lib/target ]
  [ -f $DATA/Data.fs.1 ] && [ -L $DATA/Data.fs.1.gz ]
}

@test "--dry-run tells the plan and changes nothing" {
  setup_generations
  before=$(listing)
  expect 0 schooltool-db-rotate --dry-run --keep 2
  is "$output" "standard: would compress 'Data.fs.2'
standard: would compress 'Data.fs.1'
standard: would remove 'Data.fs.3'"
  is "$(listing)" "$before"
}

@test "--json tells what was done" {
  setup_generations
  expect 0 schooltool-db-rotate --json --keep 2
  is "$(jq -c '.[0] | [.instance, .compress, .remove, .skipped, .failed]' <<< "$output")" \
    '["standard",["Data.fs.2","Data.fs.1"],["Data.fs.3"],[],[]]'
  is "$(jq '.[0] | .bytes_after < .bytes_before' <<< "$output")" true
}

@test "the umask of the caller changes nothing" {
  setup_generations
  (umask 000 && schooltool-db-rotate)
  is "$(find $DATA -name '*.gz' -printf '%m\n' | sort -u)" 640
}

@test "nothing is removed while an upgrade is open" {
  setup_generations
  begin_upgrade
  expect 0 schooltool-db-rotate --keep 1
  is "$(names)" ".schooltool-dbtools Data.fs Data.fs.0 Data.fs.1.gz Data.fs.2.gz Data.fs.3.gz"
}

@test "cron's run is silent where there is no data folder, or no instance at all" {
  rm -r $DATA
  expect 0 schooltool-db-rotate --all
  is "$output$stderr" ""
  rm -r /etc/schooltool
  expect 0 schooltool-db-rotate --all
  is "$output$stderr" ""
}
