#!/usr/bin/env bats
# The data folder belongs to the service's user, who may put anything there under any name: nothing outside is read into
# a copy, written, given away, or waited for.
load helper

setup_secret() {
  SECRET=/var/lib/secret
  golden undo > $SECRET
  chmod 0600 $SECRET
  secret=$(stat -c '%i %u:%g %a %s %Y' $SECRET; digest $SECRET)
}

secret_is_safe() {
  is "$(stat -c '%i %u:%g %a %s %Y' $SECRET; digest $SECRET)" "$secret"
  [ -z "$(find $DATA -type f ! -samefile $SECRET -size -20k -exec cmp -s $SECRET {} \; -print)" ]
}

# every_command: each of them has to end by itself, and with 0, 1 or 2.
every_command() {
  local command
  for command in "schooltool-db-snapshot" "schooltool-db-rotate" "schooltool-db-check" "schooltool-db status" \
    "schooltool-db-check --repair" "schooltool-db-rollback --yes" "guard tick" "guard configured"; do
    run timeout 20 $command
    [ "$status" -le 2 ] || { echo "$command: $status $output"; return 1; }
  done
  run timeout 20 guard before-apt <<< "$(apt_list)"
  [ "$status" -le 2 ]
}

@test "a link, hard link, pipe, folder or device as Data.fs is refused by name" {
  setup_secret
  rm $DATA/Data.fs
  for plant in 'ln -s $SECRET' 'ln $SECRET' mkfifo mkdir 'device()  { mknod "$1" c 1 5; }; device'; do
    eval "$plant $DATA/Data.fs"
    expect 2 timeout 20 schooltool-db-snapshot
    has "$stderr" "schooltool-db-snapshot: open '/var/lib/schooltool/Data.fs': "
    is "$(names)" Data.fs
    expect 2 timeout 20 schooltool-db-check
    secret_is_safe
    rm -r $DATA/Data.fs
  done
}

@test "anything planted under the names we write is neither followed nor waited for" {
  setup_secret
  for name in Data.fs.0 Data.fs.1 Data.fs.1.gz Data.fs.index Data.fs.lock .schooltool-dbtools; do
    for plant in 'ln -s $SECRET' 'ln $SECRET' mkfifo mkdir; do
      eval "$plant $DATA/$name"
      every_command
      secret_is_safe
      is "$(digest $DATA/Data.fs)" "$(digest_of school)"
      find $DATA -mindepth 1 ! -name Data.fs -delete
      rm -rf /var/lib/schooltool-dbtools
    done
  done
}

@test "a link where Data.fs.0 should be moves out of the way as a link" {
  setup_secret
  ln -s $SECRET $DATA/Data.fs.0
  expect 0 schooltool-db-snapshot
  cmp $DATA/Data.fs $DATA/Data.fs.0
  is "$(readlink $DATA/Data.fs.1)" $SECRET
  secret_is_safe
}

@test "a vault that is not root's is refused, with what to do" {
  mkdir $DATA/.schooltool-dbtools
  chown $OWNER $DATA/.schooltool-dbtools
  expect 2 guard before-apt <<< "$(apt_list)"
  has "$stderr" "schooltool-dbtools: open '/var/lib/schooltool/.schooltool-dbtools': is not a folder of root's alone
schooltool-dbtools: move it away; it is made anew by the next snapshot"
}

@test "a rollback replaces a planted index and does not write through it" {
  setup_secret
  schooltool-db-snapshot
  rm $DATA/Data.fs
  ln -s $SECRET $DATA/Data.fs.index
  expect 0 schooltool-db-rollback --yes
  [ -f $DATA/Data.fs.index ] && [ ! -L $DATA/Data.fs.index ]
  secret_is_safe
}

@test "a rollback does not make a planted link the database" {
  setup_secret
  ln -s $SECRET $DATA/Data.fs.0
  expect 2 schooltool-db-rollback --yes
  is "$(digest $DATA/Data.fs)" "$(digest_of school)"
  secret_is_safe
}

@test "a hostile journal folder is refused" {
  mkdir -p /var/lib/schooltool-dbtools/standard
  chown $OWNER /var/lib/schooltool-dbtools/standard
  expect 2 schooltool-db-snapshot
  has "$stderr" "'/var/lib/schooltool-dbtools/standard'"
  is "$(names)" Data.fs
}

@test "names swapped while we run never let the secret out" {
  setup_secret
  (while :; do
    ln -sf $SECRET $DATA/Data.fs.1 && rm -f $DATA/Data.fs.1
    mv $DATA/Data.fs $DATA/hidden && ln -s $SECRET $DATA/Data.fs && mv -T $DATA/hidden $DATA/Data.fs
  done) 2> /dev/null 3>&- &
  swapper=$!
  for round in 1 2 3 4 5 6 7 8 9 10; do
    run timeout 20 schooltool-db-snapshot
    [ "$status" -le 2 ]
    run timeout 20 schooltool-db-rotate
    rm -f $DATA/Data.fs.[0-9]*
  done
  kill $swapper
  wait $swapper || true
  secret_is_safe
}

@test "a database that claims to be larger than its disk is not read for hours" {
  truncate -s 4T $DATA/Data.fs
  for command in schooltool-db-snapshot schooltool-db-check "schooltool-db-rollback --yes" "guard configured"; do
    run timeout 20 $command
    [ "$status" != 124 ]
  done
  expect 2 timeout 20 schooltool-db-snapshot
  has "$stderr" "open '/var/lib/schooltool/Data.fs': claims to be larger than its file system"
  run timeout 20 schooltool-db status
  has "$output" "claims to be larger than its file system"
  is "$(names)" Data.fs
}

@test "copies that claim to be larger than the disk, and one that unpacks to twenty times it, stop nobody" {
  small_disk 64m
  for name in Data.fs.1 Data.fs.2.gz Data.fs.index; do
    truncate -s 4T $DATA/$name
    touch -d yesterday $DATA/$name
  done
  head -c 1300M /dev/zero | gzip -1 > $DATA/Data.fs.3.gz
  chown $OWNER $DATA/*
  expect 0 timeout 20 schooltool-db-snapshot
  cmp $DATA/Data.fs $DATA/Data.fs.0
  expect 0 timeout 20 schooltool-db-check
  run timeout 60 schooltool-db-rotate
  [ "$status" != 124 ]
  expect 0 timeout 20 schooltool-db status
  blank_bootstrap
  expect 0 timeout 60 schooltool-db-rollback --yes
  is "$(digest $DATA/Data.fs)" "$(digest_of school)"
}

@test "an administrator's relocation of the folder by a link of root's works" {
  mkdir -p /var/lib/srv
  mv $DATA /var/lib/srv/school
  ln -s /var/lib/srv/school $DATA
  expect 0 schooltool-db-snapshot
  cmp /var/lib/srv/school/Data.fs /var/lib/srv/school/Data.fs.0
  rm /var/lib/srv/school/Data.fs
  expect 0 schooltool-db-rollback --yes
  is "$(digest /var/lib/srv/school/Data.fs)" "$(digest_of school)"
  rm $DATA
}

@test "a link to the folder that the service's user made is refused" {
  mkdir -p /var/lib/srv
  mv $DATA /var/lib/srv/school
  ln -s /var/lib/srv/school $DATA
  chown -h $OWNER $DATA
  for command in schooltool-db-snapshot schooltool-db-rotate schooltool-db-check "schooltool-db-rollback --yes"; do
    expect 2 $command
    has "$stderr" "open '/var/lib/schooltool': is a symbolic link that others than root could have made"
  done
  is "$(names /var/lib/srv/school)" Data.fs
  rm $DATA
}

@test "a folder that cannot be written to leaves everything as it was" {
  small_disk 8m
  begin_upgrade
  echo x > $DATA/Data.fs.1
  mount -o remount,ro $DATA
  before=$(find $DATA -type f -exec sha256sum {} + | sort)
  expect 2 schooltool-db-rollback --yes
  has "$stderr" "Read-only file system"
  expect 2 schooltool-db-rotate
  has "$stderr" "Read-only file system"
  is "$(find $DATA -type f -exec sha256sum {} + | sort)" "$before"
  expect 0 schooltool-db-check
  is "$output" "standard: unchanged: 261 transactions"
  expect 0 schooltool-db status
}

@test "a snapshot on a read-only disk says so" {
  small_disk 8m
  mount -o remount,ro $DATA
  expect 2 schooltool-db-snapshot
  has "$stderr" "Read-only file system"
  is "$(names)" Data.fs
}
