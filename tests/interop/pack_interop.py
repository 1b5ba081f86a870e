#!/usr/bin/python3
"""Random databases, packed by the real ZODB and by fspack at random times: pack_interop.py --fspack PROGRAM [--packs N] [--seed N]

Each seed is one life of a database: objects made, linked, unlinked, written, undone and redone, stored twice in a transaction, with blobs
in every fourth; sometimes transactions marked 'u' or 'p', as old ones are. It is packed at random moments, with and without garbage
collection, and compared:
  fspack --like-zodb  succeeds and fails where ZODB does, and leaves the same bytes: Data.fs, its index, and the blob folders
  fspack              the same bytes too, unless it says that it kept something that ZODB loses, or a transaction marked 'u' deletes
                      something; succeeds where ZODB fails over undos; what it leaves is opened and iterated by ZODB, and every
                      object in use before can be loaded, with its data of before (but for transactions marked 'u')
"""
import argparse
import json
import logging
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time

import persistent
import transaction
import ZODB
import ZODB.Connection
from ZODB.blob import Blob
from ZODB.FileStorage import FileStorage
from ZODB.POSException import POSKeyError, UndoError
from ZODB.serialize import referencesf
from ZODB.utils import z64

CLOCK = [1_600_000_000.0]
logging.disable(logging.CRITICAL)


class Thing(persistent.Persistent):
    def __init__(self, number):
        self.number = number
        self.links = []


class Life:
    """One random database, in `folder`."""

    def __init__(self, folder, seed):
        self.random = random.Random(seed)
        self.path = os.path.join(folder, "Data.fs")
        self.blobs = os.path.join(folder, "blobs") if seed % 4 == 0 else None
        self.moments = []
        self.known = []
        self.gone = []
        self.open()

    def open(self):
        self.storage = FileStorage(self.path, blob_dir=self.blobs)
        self.db = ZODB.DB(self.storage)
        self.stale = False

    def live(self):
        self.step(self.begin)
        for _ in range(self.random.randrange(4, 40)):
            self.step(self.random.choices(
                [self.make, self.link, self.unlink, self.write, self.undo, self.store_twice, self.delete, self.let_go, self.take_back,
                 self.blob],
                [5, 4, 5, 3, 5, 1, 1, 2, 2, 3 if self.blobs else 0])[0])
        self.db.close()
        if self.random.random() < 0.15:
            self.mark()

    def step(self, act):
        CLOCK[0] += self.random.choice([0.0, 0.25, 1.0, 61.5, 3600.0, 86400.0]) + 0.001 * self.random.randrange(1000)
        connection = self.db.open()
        try:
            act(connection.root())
            transaction.commit()
        except (UndoError, KeyError):  # POSKeyError is one, and so is a root whose filling was undone
            transaction.abort()
        finally:
            transaction.abort()
            connection.close()
        self.moments.append(CLOCK[0])
        if self.stale:  # written behind the back of the connections
            self.db.close()
            self.open()

    def begin(self, root):
        root["things"] = Thing(0)
        self.known.append(root["things"])

    def pick(self, root):
        """Any object, also one that nothing leads to any more: as an application that has it in its cache."""
        connection = root._p_jar
        thing = self.random.choice(self.known)
        return connection.get(thing._p_oid)

    def make(self, root):
        thing = Thing(len(self.known))
        holder = self.pick(root)
        holder.links.append(thing)
        holder._p_changed = True
        root._p_jar.add(thing)
        self.known.append(thing)

    def link(self, root):
        holder = self.pick(root)
        holder.links.append(self.pick(root))
        holder._p_changed = True

    def unlink(self, root):
        holder = self.pick(root)
        if holder.links:
            holder.links.pop(self.random.randrange(len(holder.links)))
            holder._p_changed = True

    def let_go(self, root):
        """Nothing leads to it any more..."""
        thing = self.pick(root)
        for known in self.known[1:]:
            holder = root._p_jar.get(known._p_oid)
            if thing in holder.links:
                holder.links = [link for link in holder.links if link is not thing]
        root["things"].links = [link for link in root["things"].links if link is not thing]
        self.gone.append(thing._p_oid)

    def take_back(self, root):
        """... and later something does again, while it was not written itself: what ZODB's pack loses."""
        if self.gone:
            root["things"].links = root["things"].links + [root._p_jar.get(self.random.choice(self.gone))]

    def write(self, root):
        for _ in range(self.random.randrange(1, 4)):
            self.pick(root).number = self.random.randrange(10 ** self.random.randrange(1, 30))

    def undo(self, root):
        log = self.db.undoLog(0, 12)
        if log:
            self.db.undo(self.random.choice(log)["id"])

    def delete(self, root):
        """As an external garbage collection does."""
        thing = self.pick(root)
        if self.random.random() < 0.5:
            return
        with self.raw() as (storage, record):
            storage.deleteObject(thing._p_oid, storage.load(thing._p_oid)[1], record)

    def store_twice(self, root):
        thing = self.pick(root)
        with self.raw() as (storage, record):
            data, serial = storage.load(thing._p_oid)
            storage.store(thing._p_oid, serial, data, "", record)
            other, _ = storage.load(self.random.choice(self.known)._p_oid)
            storage.store(thing._p_oid, serial, self.random.choice([data, other]), "", record)

    def raw(self):
        storage = self.storage
        self.stale = True

        class Raw:
            def __enter__(self):
                self.record = ZODB.Connection.TransactionMetaData()
                storage.tpc_begin(self.record)
                return storage, self.record

            def __exit__(self, kind, *_):
                if kind is None:
                    storage.tpc_vote(self.record)
                    storage.tpc_finish(self.record)
                else:
                    storage.tpc_abort(self.record)

        return Raw()

    def blob(self, root):
        holder = self.pick(root)
        blobs = [link for link in holder.links if isinstance(link, Blob)]
        blob = self.random.choice(blobs) if blobs and self.random.random() < 0.6 else Blob()
        with blob.open("w") as file:
            file.write(b"%d" % self.random.randrange(10 ** 20))
        if blob not in holder.links:
            holder.links.append(blob)
            holder._p_changed = True

    def mark(self):
        """Some transactions get the status of packed or undone ones."""
        with open(self.path, "r+b") as file:
            data = file.read()
            at = 4
            while at < len(data):
                if self.random.random() < 0.2:
                    file.seek(at + 16)
                    file.write(self.random.choice([b"p", b"p", b"u"]))
                at += int.from_bytes(data[at + 8:at + 16], "big") + 8
        os.remove(self.path + ".index")


def content(path):
    with open(path, "rb") as file:
        return file.read()


def blob_files(folder):
    """Path -> content and number of links."""
    found = {}
    for at, _, names in os.walk(folder or ""):
        for name in names:
            path = os.path.join(at, name)
            if name != ".removed":
                found[os.path.relpath(path, folder)] = (content(path), os.stat(path).st_nlink)
    return found


def copy(life, folder):
    os.mkdir(folder)
    path = os.path.join(folder, "Data.fs")
    for suffix in ("", ".index"):
        if os.path.exists(life.path + suffix):
            shutil.copyfile(life.path + suffix, path + suffix)
    blobs = None
    if life.blobs:
        blobs = os.path.join(folder, "blobs")
        shutil.copytree(life.blobs, blobs)
    return path, blobs


def pack_by_zodb(path, blobs, moment, gc):
    """The error, or None."""
    storage = FileStorage(path, blob_dir=blobs)
    try:
        storage.pack(moment, referencesf, gc=gc)
    except Exception as error:  # whatever it is: ours has to fail too
        return error
    finally:
        storage.close()
    return None


def pack_by_us(program, path, blobs, moment, gc, *options):
    command = [program, "--json", "--keep-old", "--time", "@" + repr(moment), *options, path]
    if not gc:
        command.insert(1, "--no-gc")
    if blobs:
        command[1:1] = ["--blobs", blobs]
    return subprocess.run(command, capture_output=True, text=True)


def in_use(path):
    """Oid -> data of every object that can be reached from the root, None for one that cannot be loaded. Without the index: that of ZODB's
    pack has the records of transactions marked 'u', which do not count for a scan."""
    alone = path + ".alone"
    shutil.copyfile(path, alone)
    storage = FileStorage(alone, read_only=True)
    found, todo = {}, [z64]
    while todo:
        oid = todo.pop()
        if oid in found:
            continue
        found[oid] = None
        try:
            found[oid] = storage.load(oid)[0]
            todo.extend(referencesf(found[oid]))
        except POSKeyError:
            pass
    storage.close()
    os.remove(alone)
    return found


def lost(path):
    return {oid for oid, data in in_use(path).items() if data is None}


def iterate(path):
    """Every transaction and record as ZODB's iterator gives them; it stops at those marked 'u'."""
    storage = FileStorage(path, read_only=True)
    try:
        return sum(len(list(entry)) for entry in storage.iterator())
    finally:
        storage.close()


def records(path):
    """(status, tid, oid, whether it deletes) of each record; ZODB's iterator stops at a transaction marked 'u'."""
    data, at = content(path), 4
    while at < len(data):
        end = at + int.from_bytes(data[at + 8:at + 16], "big")
        record = at + 23 + sum(int.from_bytes(data[at + place:at + place + 2], "big") for place in (17, 19, 21))
        while record < end:
            length = int.from_bytes(data[record + 34:record + 42], "big")
            yield (data[at + 16:at + 17], data[record + 8:record + 16], data[record:record + 8],
                   length == 0 and data[record + 42:record + 50] == z64)
            record += 42 + (length or 8)
        at = end + 8


def undoes_a_deletion(path):
    return any(status == b"u" and deletes for status, _, _, deletes in records(path))


def needed_blobs(path, candidates):
    """Those that records of the packed file name. ZODB's pack removes the folder of an object that was out of reach at the pack time with
    the files of its later records; ours keeps them."""
    named = {(tid, oid) for _, tid, oid, _ in records(path)}
    needed = set()
    for name in candidates:
        parts = name.split(os.sep)
        oid = bytes(int(part, 16) for part in parts[:-1])
        tid = int(parts[-1].split(".")[0], 16).to_bytes(8, "big")
        if (tid, oid) in named:
            needed.add(name)
    return needed


class Run:
    def __init__(self, program):
        self.program = program
        self.counts = dict.fromkeys(["packs", "same bytes", "failed alike", "not changed", "mended failures", "rescued", "with undone", "with blobs", "blobs saved"], 0)

    def fail(self, where, what):
        sys.exit(f"pack_interop: {where}: {what}")

    def compare(self, life, moment, gc, folder, where):
        self.counts["packs"] += 1
        self.counts["with blobs"] += bool(life.blobs)
        before = content(life.path)
        zodb, zodb_blobs = copy(life, os.path.join(folder, "zodb"))
        error = pack_by_zodb(zodb, zodb_blobs, moment, gc)
        changed = content(zodb) != before
        ours, blobs = copy(life, os.path.join(folder, "like"))
        result = pack_by_us(self.program, ours, blobs, moment, gc, "--like-zodb")
        if (error is not None) != (result.returncode == 2) or result.returncode not in (0, 1, 2):
            self.fail(where, f"ZODB: {error!r}; --like-zodb: {result.returncode} {result.stdout} {result.stderr}")
        self.same(where, zodb, zodb_blobs, ours, blobs, changed)
        self.counts["failed alike" if error else "same bytes" if changed else "not changed"] += 1
        self.mended(life, moment, gc, os.path.join(folder, "mended"), where, error, (zodb, zodb_blobs), changed)

    def same(self, where, zodb, zodb_blobs, ours, blobs, changed):
        if content(zodb) != content(ours):
            self.fail(where, "Data.fs differs")
        if not changed:
            return
        if content(zodb + ".index") != content(ours + ".index"):
            self.fail(where, "Data.fs.index differs")
        if not blobs:
            return
        theirs, found = blob_files(zodb_blobs), blob_files(blobs)
        saved = needed_blobs(ours, set(found) - set(theirs))
        self.counts["blobs saved"] += len(saved)
        if {**theirs, **{name: found[name] for name in saved}} != found:
            self.fail(where, "blobs differs")
        theirs, found = blob_files(zodb_blobs + ".old"), blob_files(blobs + ".old")
        # One link more for each that was saved.
        if {name: (text, links + (name in saved)) for name, (text, links) in theirs.items()} != found:
            self.fail(where, "blobs.old differs")

    def mended(self, life, moment, gc, folder, where, error, zodb, changed):
        path, blobs = copy(life, folder)
        result = pack_by_us(self.program, path, blobs, moment, gc)
        undone = undoes_a_deletion(life.path)
        if result.returncode not in (0, 1):
            if not isinstance(error, KeyError):
                self.fail(where, f"ZODB: {error!r}; ours: {result.returncode} {result.stdout} {result.stderr}")
            return
        if isinstance(error, KeyError) and not undone:
            self.fail(where, f"ZODB: {error!r}; ours succeeds: {result.stdout}")
        if undone:
            self.counts["with undone"] += 1
        elif error is not None:
            self.counts["mended failures"] += 1
        elif json.loads(result.stdout)["rescued"]:
            self.counts["rescued"] += 1
            if lost(zodb[0]) <= lost(life.path):
                self.fail(where, "kept what ZODB's pack does not lose")
        else:
            self.same(where, *zodb, path, blobs, changed)
        after, before = in_use(path), in_use(life.path)
        # A pack makes 'p' of 'u': what a scan passed over is found again, and with it what it refers to.
        missing = {oid for oid, data in after.items() if data is None and before.get(oid) is not None}
        if missing or (after != before and b"u" not in statuses(life.path)):
            changed = [oid for oid in {**after, **before} if after.get(oid, "?") != before.get(oid, "?")]
            self.fail(where, f"objects in use are lost: {missing}, or changed: {changed}")
        if b"u" not in statuses(path):
            iterate(path)


def statuses(path):
    data = content(path)
    found, at = set(), 4
    while at < len(data):
        found.add(data[at + 16:at + 17])
        at += int.from_bytes(data[at + 8:at + 16], "big") + 8
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fspack", required=True)
    parser.add_argument("--packs", type=int, default=300)
    parser.add_argument("--seed", type=int, help="the first one; by default another one each time")
    arguments = parser.parse_args()
    seed = arguments.seed if arguments.seed is not None else int(time.time()) % 10 ** 9
    first = seed
    time.time = lambda: CLOCK[0]
    run = Run(arguments.fspack)
    while run.counts["packs"] < arguments.packs:
        with tempfile.TemporaryDirectory(prefix="pack-interop-") as folder:
            life_folder = os.path.join(folder, "life")
            os.mkdir(life_folder)
            CLOCK[0] = 1_600_000_000.0
            life = Life(life_folder, seed)
            life.live()
            chooser = random.Random(-seed - 1)
            for number in range(4):
                moment = chooser.choice(life.moments) + chooser.choice([0.0, -0.0005, 0.0005, 0.5, 100000.0])
                gc = chooser.random() < 0.75
                where = f"seed {seed}, to {moment!r}, {'gc' if gc else 'no gc'}"
                place = os.path.join(folder, str(number))
                os.mkdir(place)
                try:
                    run.compare(life, moment, gc, place, where)
                except Exception:
                    print(where, file=sys.stderr)
                    raise
        seed += 1
    print(f"seeds {first} to {seed - 1}: " + ", ".join(f"{count} {what}" for what, count in run.counts.items()))


if __name__ == "__main__":
    main()
