"""Compares our reading of FileStorages with that of the real ZODB.

fs_interop.py --fsdump PROGRAM [--make-database PROGRAM] [--seeds N] [--first-seed N]

For each seed a database lives through random commits, undos, deletions and packs. At moments in between it is
closed, and ZODB, opening it afresh, and fsdump must agree on its end, its counts and its tids; the index that
fsdump writes must be the one that ZODB saved, byte for byte. Then copies are torn and damaged: where ZODB cuts a
copy, we must see its end; where ZODB fails, or cuts off whole transactions, we must see fatal damage.
What make_database writes must be as good as what ZODB writes.
"""
import argparse
import faulthandler
import hashlib
import json
import logging
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time

import transaction
from BTrees.OOBTree import OOBTree
from persistent.mapping import PersistentMapping
from persistent.TimeStamp import TimeStamp
from ZODB.Connection import TransactionMetaData
from ZODB.DB import DB
from ZODB.FileStorage import FileStorage
from ZODB.POSException import POSKeyError, UndoError
from ZODB.utils import p64, u64


class Messages(logging.Handler):
    """What ZODB logs, of warning level and up."""

    def __init__(self):
        super().__init__(logging.WARNING)
        self.lines = []

    def emit(self, record):
        self.lines.append(record.getMessage())

    def take(self):
        lines, self.lines = self.lines, []
        return lines


MESSAGES = Messages()


def check(condition, *what):
    if not condition:
        raise AssertionError(' '.join(str(part) for part in what))


def equal(ours, theirs, *what):
    check(ours == theirs, *what, '- ours:', ours, 'theirs:', theirs)


class Tools:
    def __init__(self, arguments):
        self.fsdump = arguments.fsdump
        self.make_database = arguments.make_database

    def dump(self, path, index=None):
        command = [self.fsdump, path] + ([index] if index else [])
        done = subprocess.run(command, stdout=subprocess.PIPE, timeout=60)
        equal(done.returncode, 0, 'exit of', command)
        return json.loads(done.stdout)


def read(path):
    with open(path, 'rb') as file:
        return file.read()


def compare(tools, path):
    """ZODB opens the file at `path` without an index, and saves one: so do we."""
    if os.path.exists(path + '.index'):
        os.remove(path + '.index')
    MESSAGES.take()
    ours_index = path + '.ours'
    ours = tools.dump(path, ours_index)
    storage = FileStorage(path)
    try:
        # Packing to a moment between transactions leaves such pointers; ZODB warns of its own work.
        equal(['%s incorrect previous pointer at %d' % (path, each['position']) for each in ours['findings']],
              MESSAGES.take(), 'findings')
        equal({each['fault'] for each in ours['findings']} - {'previous_record'}, set(), 'kinds of findings')
        equal(ours['tail'], 'clean')
        equal(ours['end'], storage._pos, 'end')
        equal(ours['find_end'], storage._pos, 'find_end')
        equal(ours['last_tid'], storage.lastTransaction().hex(), 'last tid')
        equal(ours['objects'], len(storage._index), 'objects')
        equal(ours['max_oid'], storage._oid.hex(), 'largest oid')
        compare_records(ours, storage)
    finally:
        storage.close()
    check(read(path + '.index') == read(ours_index), 'the index differs')
    os.remove(ours_index)


def compare_records(ours, storage):
    transactions = records = back_pointers = deletions = packed = 0
    tids = []
    with_data = {}
    for each in storage.iterator():
        transactions += 1
        packed += each.status == 'p'
        tids.append(each.tid.hex())
        for record in each:
            records += 1
            back_pointers += record.data_txn is not None
            deletions += record.data is None and record.data_txn is None
            with_data[record.oid] = record.data is not None
    equal(ours['transactions'], transactions, 'transactions')
    equal(ours['packed'], packed, 'packed transactions')
    equal(ours['records'], records, 'records')
    equal(ours['back_pointers'] + ours['deletions'], back_pointers + deletions, 'records without data')
    equal(ours['deleted_objects'], sum(not held for held in with_data.values()), 'deleted objects')
    if tids:
        equal(ours['first_tid'], tids[0], 'first tid')


class Life:
    """One database, its random changes."""

    def __init__(self, path, rng):
        self.path = path
        self.rng = rng
        self.open()
        with self.db.transaction() as connection:
            root = connection.root()
            root['people'] = OOBTree()
            root['sections'] = PersistentMapping()
        if rng.random() < 0.5:
            self.storage.set_max_oid(p64(rng.randrange(1 << rng.choice([17, 33, 57]))))

    def open(self):
        self.storage = FileStorage(self.path)
        self.db = DB(self.storage)

    def close(self):
        transaction.abort()
        self.db.close()

    def change(self):
        with self.db.transaction('p%d' % self.rng.randrange(9)) as connection:
            transaction.get().note('/sections/%d' % self.rng.randrange(99))
            people = connection.root()['people']
            sections = connection.root()['sections']
            for _ in range(self.rng.randrange(1, 30)):
                name = 'person %d' % self.rng.randrange(500)
                kind = self.rng.random()
                if kind < 0.5:
                    people[name] = PersistentMapping(text='x' * int(2 ** (self.rng.random() * 12)))
                elif kind < 0.8 and name in people:
                    people[name]['score'] = self.rng.random()
                elif kind < 0.9 and name in people:
                    del people[name]
                else:
                    sections[name] = PersistentMapping(number=self.rng.randrange(1000))

    def undo(self):
        log = self.db.undoLog(0, 10)
        try:
            chosen = self.rng.sample(log, min(len(log), self.rng.randrange(1, 3)))
            self.db.undoMultiple([entry['id'] for entry in chosen])
            transaction.commit()
        except (UndoError, POSKeyError):
            transaction.abort()

    def delete(self):
        """As an external garbage collection does."""
        oids = [oid for oid in self.storage._index.keys() if u64(oid) > 2]
        if not oids:
            return
        meta = TransactionMetaData()
        self.storage.tpc_begin(meta)
        for oid in self.rng.sample(oids, min(len(oids), 3)):
            try:
                serial = self.storage.load(oid, '')[1]
            except POSKeyError:
                continue
            self.storage.deleteObject(oid, serial, meta)
        self.storage.tpc_vote(meta)
        self.storage.tpc_finish(meta)
        self.db.cacheMinimize()

    def pack(self):
        """To now, or to a moment between two transactions."""
        moment = time.time()
        if self.rng.random() < 0.6:
            tids = [each.tid for each in self.storage.iterator()]
            moment = TimeStamp(self.rng.choice(tids)).timeTime()
        try:
            self.db.pack(moment)
        except (KeyError, POSKeyError):
            pass  # an object that delete() took was still referred to
        transaction.abort()

    def step(self):
        kind = self.rng.random()
        if kind < 0.70:
            try:
                self.change()
            except POSKeyError:
                pass  # delete() took an object on the way
        elif kind < 0.88:
            self.undo()
        elif kind < 0.94:
            self.delete()
        else:
            self.pack()


def open_for_writing(path):
    """What ZODB makes of a damaged copy: (size afterwards, its saved index, end, objects), or the error."""
    try:
        storage = FileStorage(path)
    except Exception as error:
        return error
    end, objects = storage._pos, len(storage._index)
    storage.close()
    return os.path.getsize(path), read(path + '.index'), end, objects


def compare_damaged(tools, path, content, how):
    """A file of these bytes, which may be damaged. Tells what came of it."""
    for name in os.listdir(os.path.dirname(path)):
        os.remove(os.path.join(os.path.dirname(path), name))
    with open(path, 'wb') as file:
        file.write(content)
    ours_index = path + '.ours'
    ours = tools.dump(path, ours_index)
    theirs = open_for_writing(path)
    MESSAGES.take()
    if isinstance(theirs, Exception):
        check(ours['damaged'], how, '- ZODB fails:', repr(theirs), 'but we say:', ours)
        return 'failed'
    faults = {finding['fault'] for finding in ours['findings'] if finding['fatal']}
    check(faults <= {'lost_tail'}, how, '- ZODB opens it, but we say:', ours)
    size, index, end, objects = theirs
    equal(ours['end'], end, how, 'end')
    equal(ours['end'], size, how, 'size afterwards')
    equal(ours['objects'], objects, how, 'objects')
    check(read(ours_index) == index, how, 'the index differs')
    if faults:
        return 'lost tail'
    equal(ours['find_end'], end, how, 'find_end')
    return 'cut' if size < len(content) else 'opened'


def chain(whole):
    """Where the transactions of a good database start."""
    starts, at = [], 4
    while at < len(whole):
        starts.append(at)
        at += int.from_bytes(whole[at + 8:at + 16], 'big') + 8
    return starts


def damage(rng, whole):
    """Damaged forms of a database's bytes: (how, bytes)."""
    starts = chain(whole)
    for _ in range(8):
        at = rng.choice(starts) + rng.randrange(-8, 23)
        byte = bytes([rng.randrange(128)])
        yield 'byte %d, near a transaction, is %s' % (at, byte.hex()), whole[:at] + byte + whole[at + 1:]
    size = rng.randrange(max(4, len(whole) - 5000), len(whole))
    yield 'cut to %d' % size, whole[:size]
    yield 'zeros appended', whole + bytes(rng.randrange(1, 5000))
    # Letters, since ZODB on Python 3 trips over a status that is no ASCII.
    yield 'noise appended', whole + bytes(rng.randrange(32, 127) for _ in range(rng.randrange(1, 300)))
    length = int.from_bytes(whole[-8:], 'big')
    status = len(whole) - 8 - length + 16
    yield 'last unfinished', whole[:status] + b'c' + whole[status + 1:]
    yield 'last unfinished and torn', whole[:status] + b'c' + whole[status + 1:status + 1 + rng.randrange(length)]
    for _ in range(12):
        at = rng.randrange(len(whole))
        byte = bytes([rng.randrange(256)])
        yield 'byte %d is %s' % (at, byte.hex()), whole[:at] + byte + whole[at + 1:]
    at, count = rng.randrange(len(whole)), rng.randrange(1, 100)
    yield '%d bytes from %d zeroed' % (count, at), whole[:at] + bytes(count) + whole[at + count:]
    yield '%d bytes from %d removed' % (count, at), whole[:at] + whole[at + count:]


def lost_tails(rng, whole):
    """Databases that ZODB cuts off in the middle, since a transaction there seems to be the last, unfinished one."""
    starts = chain(whole)[:-2]
    if starts:
        at = rng.choice(starts)
        yield 'unfinished at %d' % at, whole[:at + 16] + b'c' + whole[at + 17:]
        yield 'overlong at %d' % at, whole[:at + 9] + b'\1' + whole[at + 10:]


def live(tools, folder, seed):
    rng = random.Random(seed)
    path = os.path.join(folder, 'Data.fs')
    life = Life(path, rng)
    outcomes = {}
    for _ in range(6):
        for _ in range(rng.randrange(1, 15)):
            life.step()
        life.close()
        index = read(path + '.index')
        compare(tools, path)
        check(read(path + '.index') == index, 'the index of a rebuild is not the one kept while writing')
        copy = os.path.join(folder, 'copy', 'Data.fs')
        os.makedirs(os.path.dirname(copy), exist_ok=True)
        for how, content in damage(rng, read(path)):
            outcome = compare_damaged(tools, copy, content, how)
            outcomes[outcome] = outcomes.get(outcome, 0) + 1
        for how, content in lost_tails(rng, read(path)):
            equal(compare_damaged(tools, copy, content, how), 'lost tail', how)
        life.open()
    life.close()
    return outcomes


def made_database(tools, folder, kind):
    path = os.path.join(folder, 'made.fs')
    other = os.path.join(folder, 'again.fs')
    for target in path, other:
        subprocess.run([tools.make_database, target, kind, '--bytes', '3000000', '--seed', '5'], check=True)
    equal(hashlib.md5(read(path)).hexdigest(), hashlib.md5(read(other)).hexdigest(), 'the same seed')
    equal(tools.dump(path)['findings'], [])
    compare(tools, path)
    db = DB(FileStorage(path, read_only=True))
    reached, waiting = set(), [db.open().root()]
    while waiting:
        each = waiting.pop()
        reached.add(each._p_oid)
        waiting.extend(value for value in each.values() if isinstance(value, PersistentMapping))
    equal(len(reached), len(db.storage._index), 'objects reached from the root')
    equal(MESSAGES.take(), [], 'messages')
    db.close()
    for name in os.listdir(folder):
        os.remove(os.path.join(folder, name))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--fsdump', required=True)
    parser.add_argument('--make-database')
    parser.add_argument('--seeds', type=int, default=8)
    parser.add_argument('--first-seed', type=int, default=1)
    arguments = parser.parse_args()
    faulthandler.dump_traceback_later(600, exit=True)
    logging.getLogger().addHandler(MESSAGES)
    tools = Tools(arguments)
    failures = 0
    if tools.make_database:
        for kind in '--small', '--large':
            with tempfile.TemporaryDirectory() as folder:
                made_database(tools, os.path.realpath(folder), kind)
                print('make_database', kind, 'is good')
    for seed in range(arguments.first_seed, arguments.first_seed + arguments.seeds):
        folder = os.path.realpath(tempfile.mkdtemp(prefix='fs-interop-'))
        try:
            print('seed', seed, live(tools, folder, seed), flush=True)
        except AssertionError as error:
            failures += 1
            print('seed', seed, 'FAILED:', error, '- kept in', folder, flush=True)
        else:
            shutil.rmtree(folder)
    return 1 if failures else 0


if __name__ == '__main__':
    sys.exit(main())
