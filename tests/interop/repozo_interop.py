"""Compares our repozo with the real one over random lives of databases and repositories.

repozo_interop.py --repozo-at PROGRAM --data FOLDER [--steps N] [--seed N] [--keep] [--both-real]

A step changes the database (commits, undos, packs), takes a copy of it, now and then with an unfinished end and with the
index of before, and backs it up with random options into three repositories: one that only ours writes, one that only the
real one writes, and one where they take turns. Ours must say and write what the real one does: exit status, messages,
names, .dat text, index bytes, data. Then both verify and recover all three, in several ways, and must agree; the bytes must
be those of the source. Databases of Python 2 too: the real one of today cannot back those up, so it verifies and recovers.

Before that: what ours keeps in folders with spaces, and what a crash leaves of a chain that -k removes, the real one reads.

The seed is printed; REPOZO_SEED or --seed repeats a run. With --both-real the real one plays our part: a test of the test.
"""
import argparse
import contextlib
import faulthandler
import gzip
import io
import logging
import lzma
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time

from fs_interop import Life, chain, check, equal, read
from ZODB.FileStorage import FileStorage
from ZODB.fsIndex import fsIndex
from ZODB.scripts import repozo

EXTRAS = ('.sums', '.repozo.lock')  # ours keeps these beside, and the real one ignores them
START = 1360000000  # 2013-02-04


class Real:
    """The repozo of PyPI, in this process, with the clock set."""

    name = 'real'

    def run(self, folder, now, *words):
        repozo.gen_filedate = lambda options: time.gmtime(now)[:6]
        repozo.VERBOSE = False
        out, err = io.TextIOWrapper(io.BytesIO()), io.StringIO()
        before = os.getcwd()
        os.chdir(folder)
        status = 0
        try:
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
                repozo.main(list(words))
        except SystemExit as end:
            if isinstance(end.code, str):
                err.write(end.code + '\n')
                status = 1
            else:
                status = end.code or 0
        finally:
            os.chdir(before)
        out.flush()
        return status, out.buffer.getvalue(), err.getvalue()


class Ours:
    name = 'ours'

    def __init__(self, program):
        self.program = program

    def run(self, folder, now, *words):
        iso = time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime(now))
        done = subprocess.run([self.program, iso, *words], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              timeout=60)
        return done.returncode, done.stdout, done.stderr.decode()


def listing(folder):
    """Name -> content, unpacked; without what only ours keeps."""
    files = {}
    for name in sorted(os.listdir(folder)):
        if name.endswith(EXTRAS):
            continue
        content = read(os.path.join(folder, name))
        files[name] = gzip.decompress(content) if name.endswith('fsz') else content
    return files


class Repository:
    """A folder `repo`, with the source beside it, and what it should recover to."""

    def __init__(self, folder):
        self.folder = folder
        os.makedirs(self.path)
        self.held = b''
        self.stamps = []

    @property
    def path(self):
        return os.path.join(self.folder, 'repo')

    def is_fooled(self, content):
        """Whether -Q of the real one would add to an empty increment, whose sum always matches, what does not go there."""
        newest = max((name for name in listing(self.path) if 'fs' in name.split('.')[1]), default=None)
        empty = newest is not None and not listing(self.path)[newest]
        return empty and len(content) >= len(self.held) and not content.startswith(self.held)

    def took(self, before, source):
        """After a backup: what came, and what follows for the content."""
        new = [name for name in listing(self.path) if name not in before and 'fs' in name.split('.')[1]]
        check(len(new) <= 1, 'several backup files in one backup:', new)
        for name in new:
            stamp, kind = name.split('.')
            data = listing(self.path)[name]
            self.held = data if kind.startswith('fs') else self.held + data
            self.stamps.append(stamp)
            check(len(self.held) <= len(source), 'more than the source')
            if kind.startswith('fs'):
                check(source.startswith(data), 'a full backup that is not the source')


class Tally(dict):
    def add(self, what):
        self[what] = self.get(what, 0) + 1


class Lives:
    def __init__(self, ours, real, rng, tally):
        self.ours, self.real, self.rng, self.tally = ours, real, rng, tally
        self.now = START
        self.where = ''

    def tick(self):
        """Later by seconds, hours or days: each digit of a stamp gets to change."""
        self.now += self.rng.choice([1, 2, 59, 3600, 86400, 40 * 86400])

    def options(self):
        words = ['-B', '-v', '-r', self.rng.choice(['repo', 'repo/', './repo']), '-f', 'Data.fs']
        for option, chance in ('-F', 0.12), ('-Q', 0.35), ('-z', 0.3), ('-k', 0.2):
            if self.rng.random() < chance:
                words.append(option)
        self.tally.add(' '.join(['-B'] + words[6:]))
        return words

    def source(self, repository, content, index):
        path = os.path.join(repository.folder, 'Data.fs')
        with open(path, 'wb') as file:
            file.write(content)
        if index is not None:
            with open(path + '.index', 'wb') as file:
                file.write(index)
        elif os.path.exists(path + '.index'):
            os.remove(path + '.index')

    def ends_in_a_traceback(self, repository, content, index):
        """Whether ZODB finds an old index's end in the middle of a transaction, where a byte over 127 would be its status."""
        self.source(repository, content, index)
        try:
            FileStorage(os.path.join(repository.folder, 'Data.fs'), read_only=True).close()
        except UnicodeDecodeError:
            self.tally.add('indexes that ZODB fails at')
            return True
        return False

    def back_up(self, repository, program, words, content):
        before = listing(repository.path)
        result = program.run(repository.folder, self.now, *words)
        equal(result[0], 0, program.name, words, result[2])
        repository.took(before, content)
        self.tally.add(result[2].splitlines()[-1].split(':')[0] if result[2] else 'silent')
        return result

    def probe(self, repository, good_end):
        """Both verify and recover it, and agree."""
        dates = [[]]
        if repository.stamps:
            stamp = self.rng.choice(repository.stamps)
            dates.append(['-D', stamp[:self.rng.choice([19, 19, 16, 13, 10, 4])]])
        calls = [['-V', '-v', '-r', 'repo'], ['-VQr', 'repo']]
        for date in dates:
            calls.append(['-R', '-v', '-r', 'repo', '-o', 'out.fs'] + date)
            calls.append(['-R', '-w', '-v', '-r', 'repo', '-o', 'out.fs'] + date)
        calls.append(['-R', '-r', 'repo'])
        for words in calls:
            answers = []
            for program in self.real, self.ours:
                for name in 'out.fs', 'out.fs.index':
                    if os.path.exists(os.path.join(repository.folder, name)):
                        os.remove(os.path.join(repository.folder, name))
                status, out, err = program.run(repository.folder, self.now, *words)
                written = {name: read(os.path.join(repository.folder, name))
                           for name in sorted(os.listdir(repository.folder)) if name.startswith('out.fs')}
                answers.append((status, err, out, written))
            (real_status, real_err, real_out, real_written), (status, err, out, written) = answers
            equal((status, err), (real_status, real_err), words)
            check(out == real_out and written == real_written, words, 'recovered bytes differ')
            if '-R' in words and '-D' not in words:
                check((written.get('out.fs') or out) == repository.held, words, 'not what was backed up')
            if '-D' not in words:
                equal(status, 0, words, err)
            self.tally.add('%s by both' % words[0])
        if good_end is not None:
            self.open_recovered(repository, good_end)

    def open_recovered(self, repository, good_end):
        """ZODB opens what ours recovers, with the index that came with it."""
        self.ours.run(repository.folder, self.now, '-R', '-r', 'repo', '-o', 'out.fs')
        path = os.path.join(repository.folder, 'out.fs')
        storage = FileStorage(path, read_only=True)
        equal(storage._pos, good_end, 'end of the recovered database')
        equal(fsIndex.load(path + '.index')['pos'], good_end, 'position in the recovered index')
        storage.close()

    def step(self, repositories, content, index):
        self.tick()
        words = self.options()
        self.where = '%s %s, %d bytes' % (self.now, words, len(content))
        only_ours, only_real, mixed = repositories
        if '-Q' in words and only_real.is_fooled(content):  # ours makes a full backup: a unit test shows it
            words.remove('-Q')
            self.tally.add('-Q would have been fooled')
        if index is not None and self.ends_in_a_traceback(only_real, content, index):
            index = None
        for repository in repositories:
            self.source(repository, content, index)
        ours = self.back_up(only_ours, self.ours, words, content)
        real = self.back_up(only_real, self.real, words, content)
        equal(ours, real, words)
        compare_listings(listing(only_ours.path), listing(only_real.path), words)
        turn = self.rng.choice([self.ours, self.real])
        self.back_up(mixed, turn, words, content)
        for repository in repositories:
            self.probe(repository, len(repository.held) if repository.held == content[:len(repository.held)] else None)
        self.tally.add('steps')

    def live(self, folder, steps):
        """A database of Python 3."""
        path = os.path.join(folder, 'live', 'Data.fs')
        os.makedirs(os.path.dirname(path))
        life = Life(path, self.rng)
        repositories = [Repository(os.path.join(folder, name)) for name in ('ours', 'real', 'mixed')]
        indexes = [None]
        for _ in range(steps):
            for _ in range(self.rng.choice([0, 1, 1, 3, 8])):
                stir(life)
            life.close()
            indexes.append(read(path + '.index'))
            content = unfinished(self.rng, read(path), self.tally)
            self.step(repositories, content, self.rng.choice([None, indexes[-1], self.rng.choice(indexes)]))
            life.open()
        life.close()

    def live_of_python2(self, folder, data, steps):
        """Its transactions one after the other; the mixed repository was begun by the repozo of Python 2."""
        with lzma.open(os.path.join(data, 'repozo', 'py2', 'history.fs.xz')) as file:
            whole = file.read()
        ends = chain(whole)[1:] + [len(whole)]
        mixed = Repository(os.path.join(folder, 'mixed'))
        theirs = os.path.join(data, 'repozo', 'py2', 'repo-full')
        for name in sorted(os.listdir(theirs)):
            content = read(os.path.join(theirs, name))
            if name.endswith('.xz'):
                name, content = name[:-3], lzma.decompress(content)
            # Up to the second backup: the later ones are ours to make.
            if name < '2013-02-09':
                if name.endswith('.dat'):
                    content = b''.join(line for line in content.splitlines(True) if line < b'repo/2013-02-09')
                with open(os.path.join(mixed.path, name), 'wb') as file:
                    file.write(content)
                if 'fs' in name.split('.')[1]:
                    mixed.held += content
                    mixed.stamps.append(name.split('.')[0])
        self.now = START + 10 * 86400
        at = ends.index(len(mixed.held))
        ours = Repository(os.path.join(folder, 'ours'))
        for _ in range(steps):
            self.tick()
            words = self.options()
            self.where = 'Python 2: %s %s, the first %d transactions' % (self.now, words, at + 1)
            content = unfinished(self.rng, whole[:ends[at]], self.tally)
            end = len(content) if content == whole[:ends[at]] else ends[at - 1]
            if content.startswith(whole[:ends[at]]):
                end = ends[at]
            for repository in ours, mixed:
                self.source(repository, content, None)
                self.back_up(repository, self.ours, words, content)
                equal(len(repository.held), max(end, len(repository.held)), 'end of the backup')
                self.probe(repository, None)
            at = min(at + self.rng.choice([0, 1, 2, 4]), len(ends) - 1)
            self.tally.add('steps')
            self.tally.add('steps with FS21')


class Small:
    """A repository of ours, a full backup and two increments of a live database, that the real one has to read."""

    def __init__(self, ours, real, rng, folder, name):
        self.ours, self.real, self.folder, self.name = ours, real, folder, name
        self.path = os.path.join(folder, name)
        os.makedirs(self.path)
        self.states = []
        self.now = START
        life = Life(os.path.join(folder, 'my Data.fs'), rng)
        for _ in range(3):
            for _ in range(5):
                life.change()
            life.close()
            self.states.append(read(life.path))
            self.now += 86400
            status, _, err = ours.run(folder, self.now, '-B', '-r', name, '-f', 'my Data.fs')
            equal((status, err), (0, ''), 'backing up to', name)
            life.open()
        life.close()
        self.stamps = sorted(one.split('.')[0] for one in listing(self.path) if 'fs' in one.split('.')[1])
        equal(len(self.stamps), 3, 'backups')

    def good(self, newest, *options):
        """Both programs verify it, and recover one of these states: without options, and with them."""
        out = os.path.join(self.folder, 'my out.fs')
        for program in self.ours, self.real:
            status, _, err = program.run(self.folder, self.now, '-V', '-r', self.name)
            equal((status, err), (0, ''), program.name, 'verify', self.name)
            for extra in {(), options}:
                status, _, err = program.run(self.folder, self.now, '-R', '-r', self.name, '-o', 'my out.fs', *extra)
                equal((status, err), (0, ''), program.name, 'recover', extra)
                check(read(out) in newest, program.name, 'recovers something else', extra)
                equal(fsIndex.load(out + '.index')['pos'], len(read(out)), program.name, 'index', extra)
                FileStorage(out, read_only=True).close()
                os.remove(out)
                os.remove(out + '.index')


def folder_with_spaces(ours, real, rng, folder, tally):
    """Our .dat has base names then, which the real one looks up in the folder that it is given."""
    for name in 'my backups', 'a\ttab', os.path.join('deep er', 'my  backups'):
        where = os.path.join(folder, 'spaces %d' % tally.get('folders with spaces', 0))
        small = Small(ours, real, rng, where, name)
        lines = read(os.path.join(small.path, small.stamps[0] + '.dat')).decode().splitlines()
        equal([line.split()[0] for line in lines],
              [small.stamps[0] + '.fs', small.stamps[1] + '.deltafs', small.stamps[2] + '.deltafs'], '.dat of', name)
        small.good(small.states[-1:], '-w')
        for stamp, state in zip(small.stamps, small.states):
            for program in ours, real:
                status, out, err = program.run(where, small.now, '-R', '-w', '-r', name, '-D', stamp)
                equal((status, err), (0, ''), program.name, stamp)
                check(out == state, program.name, 'recovers something else as of', stamp)
        tally.add('folders with spaces')


def half_removed_chain(ours, real, rng, folder, tally):
    """What a crash in the middle of -k leaves of a chain: the last line is gone from the .dat, and its data are not."""
    small = Small(ours, real, rng, os.path.join(folder, 'half removed'), 'repo')
    dat = os.path.join(small.path, small.stamps[0] + '.dat')
    for count in 2, 1:
        lines = read(dat).splitlines(True)
        with open(dat, 'wb') as file:
            file.write(b''.join(lines[:-1]))
        stamp = small.stamps[count]
        os.rename(os.path.join(small.path, stamp + '.sums'), os.path.join(small.path, stamp + '.sums-new'))
        small.good(small.states[count - 1:count + 1])
        os.remove(os.path.join(small.path, stamp + '.deltafs'))
        small.good(small.states[count - 1:count], '-w')
        tally.add('steps of a removal')


def stir(life):
    """A step of its life, but none that undoes its first transaction: without its folders it could not go on."""
    kind = life.rng.random()
    if kind < 0.08:
        life.pack()
    elif kind < 0.3 and len(life.db.undoLog(0, 12)) == 12:
        life.undo()
    else:
        life.change()


def unfinished(rng, whole, tally):
    """The database as it is, or with an end that is still being written, or was never finished."""
    starts = chain(whole)
    kind = rng.random()
    if kind > 0.35 or len(starts) < 3:
        return whole
    last = starts[-1]
    tally.add('unfinished ends')
    if kind < 0.1:
        return whole[:rng.randrange(last + 1, len(whole))]
    if kind < 0.2:
        return whole[:last + 16] + b'c' + whole[last + 17:]
    if kind < 0.3:
        again = whole[last:]
        return whole + again[:8] + again[8:rng.randrange(9, len(again))]
    return whole + bytes(rng.randrange(1, 23))


def compare_listings(ours, real, words):
    equal(sorted(ours), sorted(real), words, 'names')
    for name in ours:
        check(ours[name] == real[name], words, name, 'differs:', ours[name][:300], real[name][:300])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--repozo-at', required=True)
    parser.add_argument('--data', required=True, help='tests/data')
    parser.add_argument('--steps', type=int, default=220)
    parser.add_argument('--seed', type=int, default=int(os.environ.get('REPOZO_SEED') or random.SystemRandom().randrange(10 ** 6)))
    parser.add_argument('--keep', action='store_true')
    parser.add_argument('--both-real', action='store_true')
    arguments = parser.parse_args()
    faulthandler.dump_traceback_later(800, exit=True)
    logging.disable(logging.CRITICAL)
    real = Real()
    ours = real if arguments.both_real else Ours(arguments.repozo_at)
    print('seed', arguments.seed, '(REPOZO_SEED=%d repeats it)' % arguments.seed, flush=True)
    rng = random.Random(arguments.seed)
    tally = Tally()
    if not arguments.both_real:
        folder = os.path.realpath(tempfile.mkdtemp(prefix='repozo-interop-'))
        try:
            folder_with_spaces(ours, real, rng, folder, tally)
            half_removed_chain(ours, real, rng, folder, tally)
        except AssertionError as error:
            print('FAILED after %s: %s - kept in %s' % (dict(tally), error, folder))
            return 1
        shutil.rmtree(folder)
    while tally.get('steps', 0) < arguments.steps:
        folder = os.path.realpath(tempfile.mkdtemp(prefix='repozo-interop-'))
        lives = Lives(ours, real, rng, tally)
        try:
            if not arguments.both_real and ('steps' not in tally or rng.random() < 0.25):
                lives.live_of_python2(folder, arguments.data, 8)
            else:
                lives.live(folder, 12)
        except AssertionError as error:
            print('FAILED after %d steps, at %s: %s - kept in %s' % (tally.get('steps', 0), lives.where, error, folder))
            return 1
        if arguments.keep:
            print('kept', folder)
        else:
            shutil.rmtree(folder)
    for what in sorted(tally):
        print('%6d  %s' % (tally[what], what))
    return 0


if __name__ == '__main__':
    sys.exit(main())
