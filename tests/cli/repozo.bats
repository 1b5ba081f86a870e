#!/usr/bin/env bats
# repozo as a person or cron calls it: the recipes of the SchoolTool book, options, permissions, damage.
load helper
load repozo_helper

@test "the book's backup: full, then increments, then recover" {
  setup_repository
  grow_up
  expect 0 repozo -Bvz -r $repo -f $DATA/Data.fs
  has "$stderr" "doing a full backup"
  is "$output" ""
  golden school > $DATA/Data.fs
  expect 0 repozo -BvzQ -r $repo -f $DATA/Data.fs
  has "$stderr" "doing incremental, starting at: "
  is "$(names_of $repo)" ".fsz .deltafsz"
  expect 0 repozo -BvzQ -r $repo -f $DATA/Data.fs
  has "$stderr" "No changes, nothing to do"
  rm $DATA/Data.fs
  expect 0 repozo -Rv -r $repo -o $DATA/Data.fs
  is "$(digest $DATA/Data.fs)" "$(digest_of school)"
  [ -s $DATA/Data.fs.index ]
}

@test "the book's cron line is silent, whether there is something to do or not" {
  setup_repository
  printf '#!/bin/sh\nrepozo -BzQ -r %s -f %s/Data.fs\n' $repo $DATA > /etc/cron.daily/book
  chmod +x /etc/cron.daily/book
  for day in 1 2; do
    expect 0 run-parts --regex '^book$' /etc/cron.daily
    silent
  done
  expect 0 repozo -V -r $repo
  silent
}

@test "the book's restore: the server stopped, the database put back, the server started" {
  setup_repository
  repozo -Bz -r $repo -f $DATA/Data.fs
  blank_bootstrap
  expect 0 repozo -Rv -r $repo -o $DATA/Data.fs
  is "$(digest $DATA/Data.fs)" "$(digest_of school)"
  # Owner and mode are those of what was there: the server can go on with it.
  is "$(stat -c '%u:%g %a' $DATA/Data.fs)" "$OWNER:$OWNER 640"
}

@test "a database recovered where none was belongs to the owner of the folder" {
  setup_repository
  repozo -B -r $repo -f $DATA/Data.fs
  rm $DATA/Data.fs
  repozo -R -r $repo -o $DATA/Data.fs
  is "$(stat -c '%u:%g' $DATA/Data.fs)" "$OWNER:$OWNER"
  is "$(stat -c '%u:%g' $DATA/Data.fs.index)" "$OWNER:$OWNER"
}

@test "--help goes to standard output; a mistake sends the same text to standard error, and a line" {
  expect 0 repozo --help
  help=$output
  is "$stderr" ""
  has "$help" "-B / --backup"
  expect 0 repozo -B -h -R
  is "$output" "$help"
  mistake() {
    local line=$1
    shift
    expect 1 repozo "$@"
    is "$output" ""
    is "$(tail -n 1 <<< "$stderr")" "$line"
    has "$stderr" "$help"
  }
  mistake "Either --backup, --recover or --verify is required"
  mistake "--repository is required" -B
  mistake "--file is required in backup mode" -B -r /tmp
  mistake "-B, -R, and -V are mutually exclusive" -BR
  mistake "Invalid arguments: some, words" -B -r /tmp -f x some words
  mistake "option -X not recognized" -X
  mistake "option --nonsense not recognized" --nonsense
  mistake "option -r requires argument" -r
  mistake "option --repository requires argument" --repository
  mistake "option --backup must not have an argument" --backup=yes
  mistake "option --ver not a unique prefix" --ver
}

@test "--version tells the version of the package" {
  expect 0 repozo --version
  is "$output" "repozo (schooltool-dbtools) $(sed -nE '1s/.*\((.*)\).*/\1/p' "$SOURCES/debian/changelog")"
}

@test "long options are abbreviated, short ones joined, as getopt does" {
  setup_repository
  expect 0 repozo --back --repos $repo --file=$DATA/Data.fs --verb --gz
  has "$stderr" "writing full backup: "
  expect 0 repozo -vVr$repo
  has "$stderr" "Verifying $repo/"
}

@test "new files have the modes that the umask leaves" {
  setup_repository
  for mask in 022 027 077; do
    rm -f $repo/*
    umask $mask
    repozo -B -r $repo -f $DATA/Data.fs
    repozo -R -r $repo -o /run/new.$mask
    umask 022
    mode=$(printf '%o' $((0666 & ~mask)))
    for file in $repo/* /run/new.$mask; do
      is "$file $(stat -c %a "$file")" "$file $mode"
    done
  done
}

@test "a repository that cannot be written to is an error, and nothing changes" {
  setup_repository
  repozo -B -r $repo -f $DATA/Data.fs
  mount --bind $repo $repo
  mount -o remount,bind,ro $repo
  before=$(find $repo -printf '%p %s %T@\n' | sort)
  expect 1 repozo -B -F -r $repo -f $DATA/Data.fs
  has "$stderr" "Read-only file system"
  # Reading is possible all the same.
  expect 0 repozo -V -r $repo
  expect 0 repozo -R -r $repo -o /run/out.fs
  is "$(find $repo -printf '%p %s %T@\n' | sort)" "$before"
  umount $repo
  cmp /run/out.fs $DATA/Data.fs
}

@test "an output folder that cannot be written to is an error" {
  setup_repository
  repozo -B -r $repo -f $DATA/Data.fs
  mkdir /run/out
  echo old > /run/out/Data.fs
  mount --bind /run/out /run/out
  mount -o remount,bind,ro /run/out
  expect 1 repozo -R -r $repo -o /run/out/Data.fs
  is "$(cat /run/out/Data.fs)" old
  umount /run/out
}

@test "without the rights to read the database it says so" {
  setup_repository

  chown nobody $repo
  chmod 0600 $DATA/Data.fs
  expect 1 setpriv --reuid=nobody --clear-groups "$PROGRAMS/repozo" -B -r $repo -f $DATA/Data.fs
  has "$stderr" "Permission denied"
  is "$(names_of $repo)" ""
}

@test "one who is not root backs up and recovers what is theirs" {
  mkdir -p $repo /run/theirs
  cp $DATA/Data.fs /run/theirs/Data.fs
  chown -R nobody $repo /run/theirs
  expect 0 setpriv --reuid=nobody --clear-groups "$PROGRAMS/repozo" -B -r $repo -f /run/theirs/Data.fs
  rm /run/theirs/Data.fs
  expect 0 setpriv --reuid=nobody --clear-groups "$PROGRAMS/repozo" -R -r $repo -o /run/theirs/Data.fs
  is "$(digest /run/theirs/Data.fs)" "$(digest_of school)"
  is "$(stat -c %U /run/theirs/Data.fs)" nobody
}

@test "folders may have spaces in their names; the original reads the .dat all the same" {
  mkdir -p "/run/my backups" "/run/my data"
  cp $DATA/Data.fs "/run/my data/Data.fs"
  expect 0 repozo -B -v -r "/run/my backups" -f "/run/my data/Data.fs"
  has "$stderr" "/run/my backups/"
  is "$(awk '{ print NF, $1 }' "/run/my backups"/*.dat)" "4 $(cd "/run/my backups" && ls *.fs)"
  expect 0 repozo -V -r "/run/my backups"
  expect 0 repozo -R -w -r "/run/my backups" -o "/run/my data/new.fs"
  cmp "/run/my data/new.fs" $DATA/Data.fs
}

@test "links are not followed where others could have made them" {
  setup_repository
  ln -s Data.fs $DATA/link.fs
  expect 1 repozo -B -r $repo -f $DATA/link.fs
  has "$stderr" "is a symbolic link"
  repozo -B -r $repo -f $DATA/Data.fs
  # One that root made, where only root can, is.
  ln -s $repo /run/link
  expect 0 repozo -V -r /run/link
  echo precious > /run/precious
  ln -s /run/precious $DATA/out.fs
  expect 0 repozo -R -r $repo -o $DATA/out.fs
  is "$(cat /run/precious)" precious
  cmp $DATA/out.fs $DATA/Data.fs
}

@test "moments are UTC, wherever the server is" {
  setup_repository
  before=$(date -u +%Y-%m-%d-%H-%M-%S)
  TZ=Pacific/Kiritimati repozo -B -r $repo -f $DATA/Data.fs
  after=$(date -u +%Y-%m-%d-%H-%M-%S)
  stamp=$(basename $repo/*.fs .fs)
  [[ ! $stamp < $before && ! $stamp > $after ]]
  TZ=America/Anchorage repozo -R -r $repo -D "$stamp" -o /run/out.fs
  cmp /run/out.fs $DATA/Data.fs
}

@test "relative paths are taken from the current folder" {
  mkdir -p $repo
  cd $repo || return
  expect 0 repozo -B -r . -f ../../var/lib/schooltool/Data.fs
  has "$(cat $repo/*.dat)" "./20"
  expect 0 repozo -R -r ../backups -o out.fs
  cmp out.fs $DATA/Data.fs
}

@test "two backups in one second get two moments, and both can be recovered" {
  setup_repository
  grow_up
  earlier=$(digest $DATA/Data.fs)
  repozo -B -r $repo -f $DATA/Data.fs
  golden school > $DATA/Data.fs
  repozo -B -r $repo -f $DATA/Data.fs
  is "$(names_of $repo)" ".fs .deltafs"
  is "$(ls $repo/*.deltafs $repo/*.fs | sort | head -n 1)" "$(ls $repo/*.fs)"
  expect 0 repozo -V -r $repo
  repozo -R -r $repo -o /run/new.fs
  is "$(digest /run/new.fs)" "$(digest_of school)"
  repozo -R -r $repo -o /run/old.fs -D "$(basename "$(ls $repo/*.fs)" .fs)"
  is "$(digest /run/old.fs)" "$earlier"
}

@test "-k removes the older backups and nothing else" {
  setup_repository
  grow_up
  repozo -B -r $repo -f $DATA/Data.fs
  golden school > $DATA/Data.fs
  repozo -B -r $repo -f $DATA/Data.fs
  echo mine > $repo/README
  expect 0 repozo -B -F -k -v -r $repo -f $DATA/Data.fs
  has "$stderr" "removing old backup file "
  is "$(names_of $repo)" ".fs"
  is "$(ls $repo | sed 's/^[0-9-]*//' | sort | tr '\n' ' ')" ".dat .fs .index .sums README "
}

@test "--keep leaves as many chains as it says" {
  setup_repository
  for n in 1 2 3; do repozo -B -F -r $repo -f $DATA/Data.fs; done
  expect 0 repozo -B -F --keep 2 -r $repo -f $DATA/Data.fs
  is "$(names_of $repo)" ".fs .fs"
  expect 0 repozo -V --all -r $repo
  expect 1 repozo -B --keep 0 -r $repo -f $DATA/Data.fs
}

@test "--keep does not count what lacks something, and removes no good chain for it" {
  setup_repository
  for n in 1 2 3; do repozo -B -F -r $repo -f $DATA/Data.fs; done
  oldest=$(ls $repo/*.fs | head -n 1)
  rm "$(ls $repo/*.fs | sed -n 2p)"
  expect 0 repozo -B -F --keep 3 -r $repo -f $DATA/Data.fs
  [ -f "$oldest" ]
  is "$(names_of $repo)" ".fs .fs .fs"
  expect 0 repozo -B -F --keep 3 -r $repo -f $DATA/Data.fs
  [ ! -f "$oldest" ]
  expect 0 repozo -V --all -r $repo
}

@test "a damaged database never displaces a good backup" {
  setup_repository
  repozo -B -r $repo -f $DATA/Data.fs
  before=$(ls $repo)
  printf 'XXXXXXXXXXXXXXXX' | dd of=$DATA/Data.fs bs=1 seek=300000 conv=notrunc status=none
  # What was overwritten may be data, which nobody can tell; a header of a transaction is told.
  size=$(stat -c %s $DATA/Data.fs)
  last=$((size - 8 - 16#$(tail -c 8 $DATA/Data.fs | od -An -tx1 | tr -d ' ')))
  middle=$((last - 8 - 16#$(head -c $last $DATA/Data.fs | tail -c 8 | od -An -tx1 | tr -d ' ')))
  printf 'ZZZZZZZZ' | dd of=$DATA/Data.fs bs=1 seek=$((middle + 8)) conv=notrunc status=none
  expect 1 repozo -B -F -k -r $repo -f $DATA/Data.fs
  has "$stderr" "Data.fs"
  is "$(ls $repo)" "$before"
  expect 0 repozo -V -r $repo
}

@test "data that changed where nothing changes them: backed up, told, and -k removes no good backup" {
  setup_repository
  repozo -B -r $repo -f $DATA/Data.fs
  first=$(ls $repo/*.fs)
  cp $DATA/Data.fs /run/good
  # In the name of a class: that is data.
  at=$(grep -abo schooltool.gradebook.activity $DATA/Data.fs | sed -n '200s/:.*//p')
  printf '\377\376\375\374\373\372\371\370\367\366\365\364\363\362\361\360\357' |
    dd of=$DATA/Data.fs bs=1 seek="$at" conv=notrunc status=none
  expect 1 repozo -B -k -r $repo -f $DATA/Data.fs
  has "$stderr" "repozo: $DATA/Data.fs has changed at byte "
  has "$stderr" "all older backups are kept"
  [ "$(wc -l <<< "$stderr")" = 1 ]
  is "$(names_of $repo)" ".fs .fs"
  expect 0 repozo -V --all -r $repo
  repozo -R -r $repo -D "$(basename "$first" .fs)" -o /run/out.fs
  cmp /run/out.fs /run/good
  # Without -k it is what the original does.
  rm $repo/*
  repozo -B -r $repo -f /run/good
  expect 0 repozo -B -r $repo -f $DATA/Data.fs
  silent
}

@test "a missing increment stops a recover by its name, and what stood at the output stands" {
  setup_repository
  grow_up
  repozo -B -r $repo -f $DATA/Data.fs
  golden school > $DATA/Data.fs
  repozo -B -r $repo -f $DATA/Data.fs
  missing=$(ls $repo/*.deltafs)
  rm "$missing"
  live=$(digest $DATA/Data.fs)
  expect 1 repozo -R -r $repo -o $DATA/Data.fs
  has "$stderr" "$(basename "$missing")"
  is "$(digest $DATA/Data.fs)" "$live"
  is "$(names)" "Data.fs"
  expect 1 repozo -V -r $repo
  has "$stderr" "$missing is missing"
}

@test "--no-verify recovers altered content, and nothing that is missing or cut" {
  setup_repository
  grow_up
  repozo -B -r $repo -f $DATA/Data.fs
  golden school > $DATA/Data.fs
  repozo -B -r $repo -f $DATA/Data.fs
  full=$(ls $repo/*.fs)
  increment=$(ls $repo/*.deltafs)
  cp -a $repo /run/good
  printf X | dd of="$increment" bs=1 seek=100 conv=notrunc status=none
  expect 1 repozo -R -r $repo -o /run/out.fs
  expect 0 repozo -R --no-verify -r $repo -o /run/out.fs
  cat "$full" "$increment" | cmp - /run/out.fs
  rm /run/out.fs*
  for damage in "truncate -s -1 $increment" "rm $increment" "truncate -s -1 $full" "rm $full"; do
    rm -rf $repo
    cp -a /run/good $repo
    $damage
    expect 1 repozo -R --no-verify -r $repo -o /run/out.fs
    has "$stderr" "${damage##* } is "
    [ ! -e /run/out.fs ]
    [ ! -e /run/out.fs.index ]
  done
}

@test "recovering to a pipe gives the database" {
  setup_repository
  repozo -Bz -r $repo -f $DATA/Data.fs
  is "$(repozo -R -r $repo | sha256sum)" "$(digest_of school)"
}

@test "--progress shows a line on a terminal, and nothing elsewhere" {
  setup_repository
  expect 0 repozo -B --progress -r $repo -f $DATA/Data.fs
  silent
  # A reader that takes its time: the line comes after a second.
  slow="repozo -R --progress -r $repo | (sleep 1.5; cat > /run/out.fs)"
  run script -qec "$slow" /dev/null
  has "$output" "repozo: recovering  "
  has "$output" " of $(($(stat -c %s $DATA/Data.fs) / 1000))."
  cmp /run/out.fs $DATA/Data.fs
  run script -qec "${slow/--progress/}" /dev/null
  is "$output" ""
  run --separate-stderr bash -c "$slow"
  silent
}

@test "--json reports a backup and a recover on standard output" {
  setup_repository
  repozo -B -r $repo -f $DATA/Data.fs
  expect 0 repozo -B -F -k --json -r $repo -f $DATA/Data.fs
  is "$stderr" ""
  is "$(jq -r '.action, .end, (.removed | length)' <<< "$output")" "full
$(stat -c %s $DATA/Data.fs)
1"
  [ -f "$repo/$(jq -r .name <<< "$output")" ]
  expect 0 repozo -R --json -r $repo -o /run/out.fs
  is "$stderr" ""
  is "$(jq -r '.output, .size, .index' <<< "$output")" "/run/out.fs
$(stat -c %s $DATA/Data.fs)
true"
}
