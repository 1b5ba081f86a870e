"""Compares our pickle readers, fscheck and fsindex with Python's pickle and the real ZODB.

check_interop.py --pickledump PROGRAM --fscheck PROGRAM --fsindex PROGRAM [--seeds N] [--first-seed N]

For each seed:
- random values in all protocols must give the JSON that follows from the values, and random records the references that
  ZODB's own referencesf finds, also when a byte of them is changed and Python still reads them
- a random database with dangling references and undone creations must give the problems that fsrefs prints
- its index must come out of fsindex as ZODB saved it
- copies of it are damaged: where fstest or fsrefs find something or break, fscheck must find something; what fscheck
  --salvage makes of them must please fstest, be opened by ZODB, hold nothing that the database did not hold, and hold all
  that fsrecover saves
"""
import argparse
import contextlib
import io
import json
import os
import pickle
import random
import shutil
import signal
import subprocess
import sys
import tempfile

import transaction
from persistent import Persistent
from persistent.mapping import PersistentMapping
from persistent.wref import WeakRef
from ZODB.Connection import TransactionMetaData
from ZODB.DB import DB
from ZODB.FileStorage import FileStorage
from ZODB.POSException import POSKeyError, UndoError
from ZODB.scripts import fsrefs, fstest
from ZODB.serialize import referencesf
from ZODB.utils import load_current, p64
import ZODB.fsrecover


def check(condition, *what):
    if not condition:
        raise AssertionError(' '.join(str(part) for part in what))


def equal(ours, theirs, *what):
    check(ours == theirs, *what, '- ours:', ours, 'theirs:', theirs)


class Ref:
    """Pickled as a persistent reference."""

    def __init__(self, pid, form):
        self.pid, self.form = pid, form


class Pickler(pickle._Pickler):
    def persistent_id(self, value):
        return value.pid if isinstance(value, Ref) else None


class Values:
    """Random values, and the JSON of each by the description in tools/pickle/json.h."""

    def __init__(self, source, protocol):
        self.random, self.protocol, self.made = source, protocol, []

    def scalar(self):
        pick = self.random
        kinds = [lambda: None, lambda: True, lambda: False, lambda: pick.randint(-300, 70000),
                 lambda: pick.getrandbits(pick.randint(1, 700)) - (1 << pick.randint(1, 650)),
                 lambda: pick.choice([0.0, -0.0, 1e16, 1e-5, float('inf'), float('nan'), 1 / 3]),
                 lambda: pick.uniform(-1e9, 1e9) * 10.0 ** pick.randint(-300, 290),
                 lambda: ''.join(chr(pick.choice([pick.randint(0, 127), pick.randint(0, 0xffff), pick.randint(0, 0x10ffff)]))
                                 for _ in range(pick.randint(0, 12)))]
        if self.protocol >= 3:
            kinds.append(lambda: pick.randbytes(pick.choice([0, 3, 8, 300])))
        return pick.choice(kinds)()

    def value(self, depth):
        pick = self.random
        if self.made and pick.random() < 0.15:
            return pick.choice(self.made)
        if depth == 0 or pick.random() < 0.3:
            return self.scalar()
        several = [self.value(depth - 1) for _ in range(pick.choice([0, 1, 2, 3, 5]))]
        kind = pick.randint(0, 6)
        if kind == 0:
            made = several
        elif kind == 1:
            made = tuple(several)
        elif kind == 2:
            made = {self.key(): value for value in several}
        elif kind == 3 and self.protocol >= 4:
            made = pick.choice([set, frozenset])(self.key() for _ in several)
        elif kind == 4 and self.protocol >= 5:
            made = bytearray(pick.randbytes(5))
        elif kind == 5:
            made = self.reference()
        else:
            made = [several] * 2
        self.made.append(made)
        return made

    def key(self):
        value = self.scalar()
        return value if value == value else 'nan'

    def reference(self):
        pick = self.random
        oid = p64(pick.getrandbits(40)) if self.protocol >= 3 else 'abcdefgh'
        raw = oid if isinstance(oid, bytes) else oid.encode()
        body = {'oid': raw.hex()}
        if self.protocol == 0:
            return Ref(oid, body)  # a line
        form = pick.randint(0, 4)
        if form == 0:
            return Ref(oid, body)
        if form == 1:
            return Ref((oid, dict), {**body, 'class': {'global': ('builtins' if self.protocol >= 3 else '__builtin__') + '.dict'}})
        if form == 2:
            return Ref(['w', (oid,)], {**body, 'kind': 'weak'})
        if form == 3:
            return Ref(['n', ('other', oid)], {**body, 'kind': 'other', 'database': 'other'})
        return Ref([oid], {**body, 'kind': 'weak'})


class Form:
    """The JSON of a value."""

    def __init__(self, value):
        self.counts, self.ids = {}, {}
        self.count(value)
        self.json = self.of(value)

    def has_identity(self, value):
        return isinstance(value, (list, dict, set, frozenset, bytearray)) or (isinstance(value, tuple) and value)

    def children(self, value):
        if isinstance(value, dict):
            return [part for pair in value.items() for part in pair]
        return list(value) if isinstance(value, (list, tuple, set, frozenset)) else []

    def count(self, value):
        if self.has_identity(value):
            self.counts[id(value)] = self.counts.get(id(value), 0) + 1
            if self.counts[id(value)] > 1:
                return
        for child in self.children(value):
            self.count(child)

    def of(self, value):
        if self.has_identity(value) and self.counts[id(value)] > 1:
            if id(value) in self.ids:
                return {'same_as': self.ids[id(value)]}
            number = self.ids[id(value)] = len(self.ids) + 1
            return {'id': number, 'value': self.plain(value)}
        return self.plain(value)

    def plain(self, value):
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, Ref):
            return {'ref': value.form}
        if isinstance(value, str):
            if any(0xd800 <= ord(c) < 0xe000 for c in value):
                return {'text_utf16be': value.encode('utf-16-be', 'surrogatepass').hex()}
            return value
        if isinstance(value, int):
            return value if abs(value) < 1 << 53 else {'int': str(value)}
        if isinstance(value, float):
            return {'float': repr(value)}
        if isinstance(value, (bytes, bytearray)):
            return {type(value).__name__: bytes(value).hex()}
        if isinstance(value, list):
            return [self.of(child) for child in value]
        if isinstance(value, dict):
            return {'dict': [[self.of(key), self.of(child)] for key, child in value.items()]}
        return {type(value).__name__: [self.of(child) for child in value]}


def pickled(value, protocol):
    out = io.BytesIO()
    Pickler(out, protocol).dump(value)
    return out.getvalue()


class Dumper:
    def __init__(self, program):
        self.program = program

    def answers(self, lines):
        done = subprocess.run([self.program], input='\n'.join(lines) + '\n', stdout=subprocess.PIPE, text=True, timeout=120)
        equal(done.returncode, 0, 'exit of', self.program)
        return [json.loads(line) for line in done.stdout.splitlines()]


def compare_values(dumper, source, number):
    lines, forms = [], []
    for _ in range(number):
        protocol = source.randint(0, 5)
        value = Values(source, protocol).value(5)
        lines.append('value ' + pickled(value, protocol).hex())
        forms.append((protocol, Form(value).json))
    for line, answer, (protocol, form) in zip(lines, dumper.answers(lines), forms):
        equal(answer, form, 'protocol', protocol, line)
    return number


def compare_records(dumper, source, records):
    """Also with one byte changed: what referencesf still reads, we read alike."""
    tries = [(data, True) for data in records]
    for data in records:
        changed = bytearray(data)
        changed[source.randrange(len(changed))] = source.randrange(256)
        tries.append((bytes(changed), False))
    agreed = 0
    for (data, whole), answer in zip(tries, dumper.answers(['record ' + data.hex() for data, _ in tries])):
        try:
            theirs = referencesf(data)
        except Exception as error:
            check(not whole, 'ZODB does not read a record of its own', data, error)
            continue
        if not whole and ('error' in answer or any(len(oid) != 8 for oid in theirs)):
            continue  # Python skims over what we check: texts, odd lengths
        equal(answer['strong'], [oid.hex() for oid in theirs], 'references of', data.hex())
        agreed += 1
    return agreed


class Thing(Persistent):
    pass


class Tagged(Persistent):
    def __new__(cls, *arguments):
        return Persistent.__new__(cls)

    def __getnewargs__(self):
        return ('tag',)


def make_database(path, source):
    """A random life, with references to what is not there."""
    db = DB(FileStorage(path))
    connection = db.open()
    root = connection.root()
    manager = transaction.manager
    for step in range(source.randint(3, 25)):
        keys = list(root)
        for _ in range(source.randint(1, 4)):
            thing = source.choice([Thing, Tagged, PersistentMapping])()
            thing.text = 'x' * source.randint(0, 2000)
            if keys:
                thing.peer = root[source.choice(keys)]
                thing.weak = WeakRef(root[source.choice(keys)])
            root[str(source.randint(0, 40))] = thing
        if keys and source.random() < 0.3:
            del root[source.choice(keys)]
        manager.get().note('step %d' % step)
        manager.commit()
        if source.random() < 0.3:
            log = [entry for entry in db.undoLog(0, 5) if 'id' in entry]
            try:
                db.undo(source.choice(log)['id'])
                manager.commit()
            except UndoError:
                manager.abort()
            connection.sync()
    storage = db.storage
    loadable = list(loadable_objects(storage))
    if source.random() < 0.7:
        meta = TransactionMetaData()
        storage.tpc_begin(meta)
        for oid, tid in source.sample(loadable, min(len(loadable), 2)):
            if oid != p64(0):
                storage.deleteObject(oid, tid, meta)
        storage.tpc_vote(meta)
        storage.tpc_finish(meta)
    connection.close()
    db.close()


def loadable_objects(storage):
    """oid and tid of each object that is not undone."""
    for oid, _ in sorted(storage._index.items()):
        try:
            yield oid, load_current(storage, oid)[1]
        except POSKeyError:
            pass


def all_records(path):
    storage = FileStorage(path, read_only=True)
    try:
        return {(record.oid, record.tid): record.data for transaction_ in storage.iterator() for record in transaction_}
    finally:
        storage.close()


class Endless(Exception):
    """The real tools run in a circle on some damage."""


def stop(*_):
    raise Endless


def run_quietly(action):
    """stdout, and whether it ended by itself and without an error."""
    out = io.StringIO()
    signal.signal(signal.SIGALRM, stop)
    signal.alarm(20)
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(io.StringIO()):
            action()
        return out.getvalue(), True
    except (Exception, SystemExit) as error:
        return out.getvalue(), isinstance(error, SystemExit) and not error.code
    finally:
        signal.alarm(0)


def fsrefs_output(path):
    return run_quietly(lambda: fsrefs.main(path))


def parse_fsrefs(text):
    found, holder = set(), None
    for line in text.splitlines():
        words = line.split()
        if line.startswith('oid '):
            holder = int(words[1], 16)
        elif line.startswith('\toid '):
            found.add((holder, int(words[1], 16), ' '.join(words[2:]).split(':')[0]))
    return found


REASONS = {'dangling_missing': 'missing', 'dangling_undone': 'object creation was undone',
           'dangling_unreadable': 'failed to load'}


def fscheck(program, path, *options):
    done = subprocess.run([program, '--json', *options, path], stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120)
    check(done.returncode in (0, 1), 'exit of fscheck', done)
    report = json.loads(done.stdout)
    return done.returncode, report


def compare_check(arguments, path):
    code, report = fscheck(arguments.fscheck, path, '--index')
    ours = {(int(problem['oid'], 16), int(problem['target'], 16), REASONS[problem['kind']])
            for problem in report['problems'] if problem['kind'] in REASONS}
    text, well = fsrefs_output(path)
    check(well, 'fsrefs failed')
    equal(ours, parse_fsrefs(text), 'dangling references')
    equal(code, 1 if ours else 0, 'exit of fscheck', report['problems'])


def compare_index(arguments, path):
    with open(path + '.index', 'rb') as file:
        theirs = file.read()
    os.remove(path + '.index')
    subprocess.run([arguments.fsindex, path], check=True, timeout=60)
    with open(path + '.index', 'rb') as file:
        check(file.read() == theirs, 'the index is not that of ZODB')


def damaged(content, source):
    content = bytearray(content)
    kind = source.randint(0, 4)
    at = source.randrange(4, len(content))
    if kind == 0:
        content[at] ^= 1 << source.randrange(8)
    elif kind == 1:
        content[at:at + source.randint(1, 600)] = bytes(source.randint(1, 600))
    elif kind == 2:
        del content[at:at + source.randint(1, 60)]
    elif kind == 3:
        content[at:at] = source.randbytes(source.randint(1, 60))
    else:
        del content[at:]
    return bytes(content)


def compare_damaged(arguments, path, folder, source, intact):
    with open(path, 'rb') as file:
        content = damaged(file.read(), source)
    copy = os.path.join(folder, 'damaged.fs')
    for name in os.listdir(folder):
        if name.startswith(('damaged', 'ours', 'theirs')):
            os.remove(os.path.join(folder, name))
    with open(copy, 'wb') as file:
        file.write(content)
    _, fstest_well = run_quietly(lambda: fstest.check(copy))
    code, report = fscheck(arguments.fscheck, copy)
    check(fstest_well or code == 1, 'fstest finds what fscheck does not')
    kinds = {problem['kind'] for problem in report['problems']}
    if 'structure' not in kinds:  # fsrefs may hang on these
        text, well = fsrefs_output(copy)
        check(well or code == 1, 'fsrefs breaks, fscheck finds nothing')
        if well:
            ours = {(int(p['oid'], 16), int(p['target'], 16), REASONS[p['kind']])
                    for p in report['problems'] if p['kind'] in REASONS}
            check(parse_fsrefs(text) <= ours, 'fsrefs finds', parse_fsrefs(text) - ours, 'more')

    ours, theirs = os.path.join(folder, 'ours.fs'), os.path.join(folder, 'theirs.fs')
    done = subprocess.run([arguments.fscheck, '--salvage', ours, copy], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          timeout=120)
    if done.returncode == 2:
        check(b'no transaction' in done.stderr, 'salvage failed', done.stderr)
        return False
    fstest.check(ours)
    saved = all_records(ours)
    damaged_data = {data for key, data in saved.items() if intact.get(key, 'absent') != data}
    # Damage inside of data or an oid goes unnoticed by everybody: one record of these, and the undos that lead to it.
    check(len(damaged_data) <= 1, len(damaged_data), 'revisions are not what they were')
    _, ended = run_quietly(lambda: ZODB.fsrecover.recover(copy, theirs))
    if ended and os.path.exists(theirs):
        _, well = run_quietly(lambda: fstest.check(theirs))
        if well:
            if os.path.exists(theirs + '.index'):
                os.remove(theirs + '.index')  # ZODB does not open the file with some that fsrecover leaves
            missing = {key for key, data in all_records(theirs).items() if intact.get(key, 'absent') == data} - set(saved)
            equal(missing, set(), 'fsrecover saved more;', done.stdout.decode())
    return True


def run_seed(arguments, seed, folder):
    source = random.Random(seed)
    dumper = Dumper(arguments.pickledump)
    values = compare_values(dumper, source, 60)
    path = os.path.join(folder, 'Data.fs')
    make_database(path, source)
    intact = all_records(path)
    records = compare_records(dumper, source, [data for data in intact.values() if data])
    compare_check(arguments, path)
    compare_index(arguments, path)
    copies = sum(compare_damaged(arguments, path, folder, source, intact) for _ in range(6))
    return values, records, copies


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--pickledump', required=True)
    parser.add_argument('--fscheck', required=True)
    parser.add_argument('--fsindex', required=True)
    parser.add_argument('--seeds', type=int, default=25)
    parser.add_argument('--first-seed', type=int, default=1)
    arguments = parser.parse_args()
    totals = [0, 0, 0]
    for seed in range(arguments.first_seed, arguments.first_seed + arguments.seeds):
        folder = tempfile.mkdtemp(prefix='check-interop-')
        try:
            totals = [a + b for a, b in zip(totals, run_seed(arguments, seed, folder))]
        except BaseException:
            print('seed', seed, 'failed; its files are in', folder, file=sys.stderr)
            raise
        shutil.rmtree(folder)
    print('%d values, %d records and %d salvaged copies agree' % tuple(totals))


if __name__ == '__main__':
    main()
