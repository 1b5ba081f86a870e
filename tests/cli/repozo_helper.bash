# What the Bats files of repozo share.

repo=/run/backups

setup_repository() {
  mkdir -p $repo
  cd $DATA || return
}

# The first half of the school's transactions, so that it can grow: earlier_school.
grow_up() {
  earlier_school > $DATA/Data.fs
  own $DATA/Data.fs
}

# The endings of the backups, in their order.
names_of() { backups_of "$1" | sed 's/^[0-9-]*//' | tr '\n' ' ' | sed 's/ $//'; }
backups_of() { find "$1" -regextype egrep -regex '.*/[0-9-]{19}\.(delta)?fsz?' -printf '%f\n' | sort; }
# What is neither a backup nor what belongs to one.
others_of() { find "$1" -type f -regextype egrep ! -regex '.*/[0-9-]{19}\.((delta)?fsz?|dat|index|sums)' -printf '%f\n'; }
