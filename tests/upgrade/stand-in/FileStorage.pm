# As much of ZODB's FileStorage (magic FS30) as the stand-in schooltool needs: append transactions of valid
# pickles, walk them, cut a torn tail. Core Perl only (perl-base). Positions and lengths are unsigned 64 bit,
# big-endian.
#
#   file         "FS30", then transactions
#   transaction  tid u64, length u64 (whole record - 8), status byte, three u16 lengths, user, description,
#                extension, data records, length again
#   data record  oid u64, tid u64, previous position u64, transaction position u64, u16 0, u64 length, data
package FileStorage;
use strict;
use warnings;
use Exporter 'import';
our @EXPORT = qw(tid_of_time present_tid start_file append_transaction scan_file school_object pickle_root read_records);

# A tid is a UTC time: minutes (months of 31 days) in the high half, 60/2^32 seconds in the low half.
sub tid_of_time {
    my ($time, $ticks) = @_;
    my ($sec, $min, $hour, $day, $month, $year) = gmtime $time;
    my $minutes = ((($year * 12 + $month) * 31 + $day - 1) * 24 + $hour) * 60 + $min;
    return $minutes * 2**32 + int(($sec + $time - int $time) * 2**32 / 60) + ($ticks // 0);
}

# As fine as ZODB's: two databases made within one second must not seem to be made at once. (Time::HiRes is not
# among the modules that every Debian system has.)
sub present_tid { return tid_of_time(0 + `date +%s.%N`, @_) }

sub start_file {
    my ($path) = @_;
    open my $file, '+>:raw', $path or die "$path: $!";
    print {$file} 'FS30';
    $file->flush;
    return $file;
}

# Appends one transaction of [oid, data, previous position] records; returns { oid => position }.
sub append_transaction {
    my ($file, $tid, $description, @records) = @_;
    seek $file, 0, 2 or die "seek: $!";
    my $start = tell $file;
    my $head_size = 23 + length $description;
    my ($body, %position) = ('');
    for my $record (@records) {
        my ($oid, $data, $previous) = @$record;
        $position{$oid} = $start + $head_size + length $body;
        $body .= pack('Q>Q>Q>Q>nQ>', $oid, $tid, $previous // 0, $start, 0, length $data) . $data;
    }
    my $length = $head_size + length $body;
    my $bytes = pack('Q>Q>ann n', $tid, $length, ' ', 0, length $description, 0) . $description . $body
        . pack('Q>', $length);
    my $written = 0;
    while ($written < length $bytes) {
        my $n = syswrite $file, $bytes, length($bytes) - $written, $written;
        die "write: $!\n" unless defined $n;
        $written += $n;
    }
    return \%position;
}

# { end => end of the last complete transaction, transactions => N, last_tid => T, index => { oid => position
# },
#   starts => [position...] }; undef if the file is not a FileStorage. What lies behind `end` is torn.
sub scan_file {
    my ($file) = @_;
    my $size = -s $file;
    my $bytes = read_at($file, 0, 4);
    return undef unless $bytes eq 'FS30';
    my %found = (end => 4, transactions => 0, last_tid => 0, index => {}, starts => []);
    while ($found{end} + 23 <= $size) {
        my ($tid, $length, $status, $user, $text, $extension) = unpack 'Q>Q>annn', read_at($file, $found{end}, 23);
        my $next = $found{end} + $length + 8;
        last if $next > $size or $length < 23 or $status eq 'c';
        last unless unpack('Q>', read_at($file, $next - 8, 8)) == $length;
        my $at = $found{end} + 23 + $user + $text + $extension;
        while ($at < $next - 8) {
            my ($oid, undef, undef, undef, undef, $data) = unpack 'Q>Q>Q>Q>nQ>', read_at($file, $at, 42);
            $found{index}{$oid} = $at;
            $at += 42 + ($data || 8);
        }
        push @{ $found{starts} }, $found{end};
        $found{last_tid} = $tid;
        $found{transactions}++;
        $found{end} = $next;
    }
    return \%found;
}

# The newest data of each object: ( oid => data, ... ).
sub read_records {
    my ($file, $index) = @_;
    return map {
        my $length = unpack 'Q>', read_at($file, $index->{$_} + 34, 8);
        ($_ => read_at($file, $index->{$_} + 42, $length))
    } keys %$index;
}

sub read_at {
    my ($file, $offset, $length) = @_;
    sysseek $file, $offset, 0 or die "seek: $!";
    my $bytes = '';
    while (length $bytes < $length) {
        my $n = sysread $file, $bytes, $length - length $bytes, length $bytes;
        last unless $n;
    }
    return $bytes;
}

sub text { return 'X' . pack('V', length $_[0]) . $_[0] }

# The root: a mapping with one reference, Application -> oid 1.
sub pickle_root {
    my ($with_application) = @_;
    my $items = $with_application
        ? text('Application') . "C\x08" . pack('Q>', 1) . "cschooltool.app.app\nSchoolToolApplication\n\x86Qs"
        : '';
    return "\x80\x03cpersistent.mapping\nPersistentMapping\n.\x80\x03}" . text('data') . '}' . $items . 's.';
}

# An object of class schooltool.low.Thing with a name, some text, and references to others.
sub school_object {
    my ($name, $text, @references) = @_;
    my $refs = join '', map { "C\x08" . pack('Q>', $_) . "cschooltool.low\nThing\n\x86Q" } @references;
    return "\x80\x03cschooltool.low\nThing\n.\x80\x03}(" . text('name') . text($name) . text('text') . text($text)
        . text('others') . '](' . $refs . 'eu.';
}

1;
