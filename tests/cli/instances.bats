#!/usr/bin/env bats
# Which instances are looked after, and what the configuration file has to say.
load helper

another() {
  an_instance another another-Data.fs
  put_live blobs-bushy another-Data.fs
}

@test "without --instance every instance is taken" {
  another
  expect 0 schooltool-db-snapshot
  cmp $DATA/Data.fs $DATA/Data.fs.0
  cmp $DATA/another-Data.fs $DATA/another-Data.fs.0
}

@test "--instance takes only the one named, and may be given twice" {
  another
  expect 0 schooltool-db-snapshot --instance another
  [ ! -e $DATA/Data.fs.0 ]
  cmp $DATA/another-Data.fs $DATA/another-Data.fs.0
  rm $DATA/another-Data.fs.0
  expect 0 schooltool-db-snapshot -i another -i standard
  is "$(names)" "Data.fs Data.fs.0 another-Data.fs another-Data.fs.0"
}

@test "an instance that does not exist is refused by name" {
  for tool in schooltool-db-snapshot schooltool-db-rotate schooltool-db-check schooltool-db-rollback; do
    expect 2 $tool --instance nowhere
    is "$stderr" "$tool: choose 'nowhere': there is no such instance
$tool: instances are the folders of /etc/schooltool and the [instance NAME] sections of /etc/schooltool-dbtools.conf"
  done
}

@test "without any instance nothing is done, and it is said how to name one" {
  rm -r /etc/schooltool
  expect 2 schooltool-db-snapshot
  is "$stderr" "schooltool-db-snapshot: choose '/etc/schooltool': no SchoolTool instance was found
schooltool-db-snapshot: for a database elsewhere, add an [instance NAME] section with 'data = /path/Data.fs' to /etc/schooltool-dbtools.conf"
}

@test "a rollback wants one instance by name where there are several" {
  another
  before=$(listing)
  expect 2 schooltool-db-rollback --yes
  is "$stderr" "schooltool-db-rollback: choose: this works on one instance, and there are several: another, standard
schooltool-db-rollback: name one with --instance"
  is "$(listing)" "$before"
}

@test "what works on one instance says so when there is none, also with --all" {
  rm -r /etc/schooltool
  for tool in schooltool-db-rollback schooltool-db-restore schooltool-db-erase; do
    for all in "" --all; do
      expect 2 $tool ${all:+"$all"}
      is "$stderr" "$tool: choose '/etc/schooltool': no SchoolTool instance was found
$tool: for a database elsewhere, add an [instance NAME] section with 'data = /path/Data.fs' to /etc/schooltool-dbtools.conf"
    done
  done
}

@test "trouble with one instance does not keep the others from their turn" {
  another
  golden school | head -c 1000 | tail -c 900 > $DATA/another-Data.fs
  expect 2 schooltool-db-snapshot
  has "$stderr" "schooltool-db-snapshot: copy '/var/lib/schooltool/another-Data.fs': is not a FileStorage"
  cmp $DATA/Data.fs $DATA/Data.fs.0
}

@test "copies of a configuration that dpkg and editors leave are no instances" {
  cp -a /etc/schooltool/standard /etc/schooltool/standard.dpkg-old
  cp -a /etc/schooltool/standard /etc/schooltool/standard~
  cp -a /etc/schooltool/standard /etc/schooltool/standard.bak
  schooltool-db-snapshot
  expect 0 schooltool-db status --json
  is "$(jq -r '.[].instance' <<< "$output")" standard
}

@test "enabled = no leaves an instance alone unless it is named" {
  another
  printf '[instance another]\nenabled = no\n' > $CONF
  expect 0 schooltool-db-snapshot
  [ ! -e $DATA/another-Data.fs.0 ]
  expect 0 schooltool-db-snapshot --instance another
  [ -e $DATA/another-Data.fs.0 ]
}

@test "a section with 'data' adds an instance that is not in /etc/schooltool" {
  mkdir /var/lib/plone
  golden undo > /var/lib/plone/Data.fs
  printf '[instance plone]\ndata = /var/lib/plone/Data.fs\n' > $CONF
  expect 0 schooltool-db-snapshot --instance plone
  cmp /var/lib/plone/Data.fs /var/lib/plone/Data.fs.0
}

@test "an instance whose own configuration is broken is told and does not hide the others" {
  another
  echo '<filestorage>' > /etc/schooltool/another/zeo.conf
  expect 2 schooltool-db-snapshot
  has "$stderr" "schooltool-db-snapshot: instance 'another': "
  has "$stderr" "/etc/schooltool/another/zeo.conf"
  cmp $DATA/Data.fs $DATA/Data.fs.0
  for command in schooltool-db-backup "schooltool-db-verify --all" "schooltool-db status" "schooltool-db-list --all" \
    "schooltool-db-pack --all" schooltool-db-rotate schooltool-db-check; do
    expect 2 $command
    has "$stderr" "/etc/schooltool/another/zeo.conf"
  done
  expect 0 schooltool-db-verify --instance standard
}

@test "a key that is not known is an error that names file and line" {
  printf '# comment\n\nkeeep = 7\n' > $CONF
  for tool in "schooltool-db status" schooltool-db-snapshot schooltool-db-rotate schooltool-db-check; do
    expect 2 $tool
    is "$output" ""
    has "$stderr" "/etc/schooltool-dbtools.conf line 3: unknown key 'keeep'"
  done
}

@test "a value that is not understood names file, line and what is expected" {
  printf 'keep = 0\n' > $CONF
  expect 2 schooltool-db-snapshot
  is "$stderr" "schooltool-db-snapshot: /etc/schooltool-dbtools.conf line 1: keep: '0' is not a number from 1 to 1000"
  printf 'min-free = 5 apples\n' > $CONF
  expect 2 schooltool-db-snapshot
  is "$stderr" "schooltool-db-snapshot: /etc/schooltool-dbtools.conf line 1: min-free: '5 apples' is not a size, like 1000000, 500M or 2G"
}

@test "a line that is neither section nor key names file and line" {
  printf 'keep = 7\nnonsense\n' > $CONF
  expect 2 schooltool-db-snapshot
  is "$stderr" "schooltool-db-snapshot: /etc/schooltool-dbtools.conf line 2: not a section, a comment or 'key = value': 'nonsense'"
}

@test "a section that is not of an instance names file and line" {
  printf '[standard]\nkeep = 7\n' > $CONF
  expect 2 schooltool-db-snapshot
  is "$stderr" "schooltool-db-snapshot: /etc/schooltool-dbtools.conf line 2: unknown section 'standard': not [instance NAME]"
}

@test "a mistake in the section of one instance keeps only that one from being looked after" {
  another
  printf '[instance another]\nkeep = many\n' > $CONF
  expect 2 schooltool-db-snapshot
  is "$stderr" "schooltool-db-snapshot: instance 'another': /etc/schooltool-dbtools.conf line 2: keep: 'many' is not a number from 1 to 1000"
  [ -e $DATA/Data.fs.0 ]
  [ ! -e $DATA/another-Data.fs.0 ]
}

@test "--config reads another file, which has to exist" {
  echo 'nonsense' > $CONF
  echo 'keep = 3' > /etc/other.conf
  expect 0 schooltool-db-snapshot --config /etc/other.conf
  expect 2 schooltool-db-snapshot --config /etc/absent.conf
  has "$stderr" "'/etc/absent.conf'"
  expect 2 schooltool-db-snapshot --config other.conf
  has "$stderr" "the configuration file needs an absolute path"
}

@test "an option wins over the section, and the section over the keys before it" {
  for number in 1 2 3 4 5 6; do
    golden school | gzip > $DATA/Data.fs.$number.gz
    own $DATA/Data.fs.$number.gz
  done
  printf 'keep = 5\n[instance standard]\nkeep = 4\n' > $CONF
  removed() { jq -c '.[0].remove' <<< "$output"; }
  expect 0 schooltool-db-rotate --dry-run --json
  is "$(removed)" '["Data.fs.6.gz","Data.fs.5.gz"]'
  expect 0 schooltool-db-rotate --dry-run --json --keep 6
  is "$(removed)" '[]'
  printf 'keep = 5\n' > $CONF
  expect 0 schooltool-db-rotate --dry-run --json
  is "$(removed)" '["Data.fs.6.gz"]'
}

@test "a value of an option that is not understood is a usage mistake" {
  expect 2 schooltool-db-rotate --keep none
  is "$stderr" "schooltool-db-rotate: keep: 'none' is not a number from 1 to 1000"
  expect 2 schooltool-db-rotate --keep 2 --keep-min 3
  has "$stderr" "keep-min: 3 is more than keep, which is 2"
}
