"""Backups while a real ZEO server is at work, restored and checked with the real ZODB.

backup_interop.py --backup-at PROGRAM [--seconds N] [--seed N]

A client commits objects and blobs, changes and undoes some, and packs now and then, for N seconds, while backups run
one after the other. Then every backup is restored into a folder of its own and opened by ZODB: each object and each
blob must be there and hold what its transaction wrote. The last one is also put together by ZODB's own repozo and tar.
"""
import argparse
import hashlib
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

import transaction
from persistent.mapping import PersistentMapping
from ZEO.ClientStorage import ClientStorage
from ZODB.blob import Blob
from ZODB.DB import DB
from ZODB.FileStorage import FileStorage
from ZODB.utils import u64

PATIENCE = 30  # seconds for what takes a moment
SERVER = 'import sys; from ZEO.runzeo import main; main(["-C", sys.argv[1]])'


def digest(data):
    return hashlib.sha256(data).hexdigest()


class Server:
    def __init__(self, folder, data):
        with socket.socket() as probe:
            probe.bind(('127.0.0.1', 0))
            self.address = probe.getsockname()
        config = os.path.join(folder, 'zeo.conf')
        with open(config, 'w') as file:
            file.write(f'''<zeo>
  address {self.address[0]}:{self.address[1]}
</zeo>
<filestorage>
  path {data}/Data.fs
  blob-dir {data}/blobs
</filestorage>
''')
        self.process = subprocess.Popen([sys.executable, '-c', SERVER, config], cwd=folder,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(PATIENCE)


class Writer(threading.Thread):
    """Commits until told to stop. The root's 'expected' says what every blob and every note has to hold."""

    def __init__(self, address, cache, seed):
        super().__init__()
        self.random = random.Random(seed)
        self.storage = ClientStorage(address, blob_dir=cache, wait_timeout=PATIENCE)
        self.db = DB(self.storage)
        self.stopping = threading.Event()
        self.error = None
        self.commits = self.undos = self.packs = 0

    def run(self):
        try:
            connection = self.db.open()
            root = connection.root()
            root['blobs'], root['notes'] = PersistentMapping(), PersistentMapping()
            root['expected'] = PersistentMapping()
            transaction.commit()
            while not self.stopping.is_set():
                self.step(root)
                if self.commits % 150 == 149:
                    self.storage.pack(time.time(), wait=True)
                    self.packs += 1
                # Now and then the whole of the last transaction, its blobs included, is undone.
                if self.random.random() < 0.05:
                    self.undo(connection)
            connection.close()
        except Exception as error:  # told by the main thread
            self.error = error
        finally:
            self.db.close()

    def step(self, root):
        for _ in range(self.random.randint(1, 3)):
            name = f'blob-{self.random.randint(0, 60)}'
            content = self.random.randbytes(self.random.choice([0, 1, 100, 5000, 200000]))
            if name not in root['blobs']:
                root['blobs'][name] = Blob()
            with root['blobs'][name].open('w') as file:
                file.write(content)
            root['expected'][name] = digest(content)
        name = f'note-{self.random.randint(0, 200)}'
        text = str(self.random.random()) * self.random.randint(1, 50)
        root['notes'][name] = PersistentMapping(text=text)
        root['expected'][name] = digest(text.encode())
        if self.random.random() < 0.1 and root['blobs']:
            gone = self.random.choice(sorted(root['blobs']))
            del root['blobs'][gone]
            del root['expected'][gone]
        transaction.commit()
        self.commits += 1

    def undo(self, connection):
        last = self.db.undoInfo(0, 1)
        if last and self.commits > 3:
            self.db.undo(last[0]['id'])
            transaction.commit()
            connection.sync()
            self.undos += 1


def check_state(data, blobs):
    """Opens the restored pair with ZODB; returns the numbers of blobs and of objects."""
    db = DB(FileStorage(data, blob_dir=blobs, read_only=True))
    try:
        # Every revision that the file holds has its blob file, not only the newest.
        records = files = 0
        for trans in db.storage.iterator():
            for record in trans:
                records += 1
                if record.data and b'cZODB.blob\nBlob\n' in record.data[:40]:
                    path = db.storage.fshelper.getBlobFilename(record.oid, record.tid)
                    assert os.path.exists(path), f'no file for {u64(record.oid):x} of {record.tid.hex()}'
                    files += 1
        root = db.open().root()
        found = 0
        for name, expected in root.get('expected', {}).items():
            if name.startswith('blob-'):
                with root['blobs'][name].open('r') as file:
                    content = file.read()
            else:
                content = root['notes'][name]['text'].encode()
            assert digest(content) == expected, name
            found += 1
        if 'expected' in root:
            assert found == len(root['blobs']) + len(root['notes'])
        return found, files
    finally:
        db.close()


def run_program(program, *words):
    done = subprocess.run([program, *words], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f'{" ".join(words)}: exit status {done.returncode}\n{done.stdout}{done.stderr}')
    return json.loads(done.stdout)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--backup-at', required=True)
    parser.add_argument('--seconds', type=float, default=20)
    parser.add_argument('--seed', type=int, default=random.SystemRandom().randrange(1 << 32))
    options = parser.parse_args()
    if os.geteuid() != 0:
        print('skipped: repositories are root\'s alone, so this needs root', file=sys.stderr)
        sys.exit(77)
    print(f'seed {options.seed}', flush=True)
    root = tempfile.mkdtemp(prefix='backup-interop-')
    try:
        live(options, root)
    finally:
        shutil.rmtree(root)


def live(options, root):
    data = os.path.join(root, 'data')
    os.mkdir(data)
    server = Server(root, data)
    writer = None
    stamps = []
    try:
        writer = Writer(server.address, os.path.join(root, 'cache'), options.seed)
        writer.start()
        end = time.monotonic() + options.seconds
        while time.monotonic() < end and writer.is_alive():
            result = run_program(options.backup_at, root, 'backup', '/data')
            # More than one in a second: their stamps run ahead of the clock, which is told.
            warnings = [line for line in result['warnings'] if 'is of the future' not in line]
            assert not warnings, warnings
            assert result['blobs']['missing'] == 0, result
            if result['stamp'] not in stamps:
                stamps.append(result['stamp'])
            writer.stopping.wait(0.6)  # some thirty backups say as much as a hundred
    finally:
        if writer is not None:
            writer.stopping.set()
            writer.join(PATIENCE)
        server.stop()
    if writer.error is not None:
        raise writer.error
    print(f'{writer.commits} commits, {writer.undos} undos, {writer.packs} packs, {len(stamps)} backups', flush=True)
    assert len(stamps) >= 5, 'too few backups'
    assert writer.packs >= 1, 'no pack happened'
    print(run_program(options.backup_at, root, 'verify', '/data'))
    repository = os.path.join(root, 'var/backups/schooltool/live')
    kept = [stamp for stamp in stamps if os.path.exists(os.path.join(repository, stamp + '.backup'))]
    assert kept and kept[-1] == stamps[-1]
    for stamp in kept:
        scratch = os.path.join(root, 'scratch')
        os.mkdir(scratch)
        shutil.rmtree(os.path.join(root, 'var/lib/schooltool-dbtools'))
        result = run_program(options.backup_at, root, 'restore', '/scratch', stamp)
        assert result['stamp'] == stamp
        found = check_state(os.path.join(scratch, 'Data.fs'), os.path.join(scratch, 'blobs'))
        print(f'{stamp}: {found[0]} objects and blobs, {found[1]} blob files', flush=True)
        shutil.rmtree(scratch)
    by_hand(root, repository, kept[-1])


def by_hand(root, repository, stamp):
    """The newest state again, with nothing of ours: ZODB's repozo, and tar."""
    scratch = os.path.join(root, 'by-hand')
    os.makedirs(os.path.join(scratch, 'blobs/tmp'))
    subprocess.run([sys.executable, '-c', 'from ZODB.scripts.repozo import main; main()', '-R', '-w', '-r', repository,
                    '-D', stamp,  # on a fast machine all that is kept may be of a future second
                    '-o', os.path.join(scratch, 'Data.fs')], check=True)
    for name in sorted(os.listdir(repository)):
        if name.endswith('.blobs.tar'):
            subprocess.run(['tar', '-x', '-f', os.path.join(repository, name), '-C', os.path.join(scratch, 'blobs')],
                           check=True)
    found = check_state(os.path.join(scratch, 'Data.fs'), os.path.join(scratch, 'blobs'))
    print(f'by repozo and tar: {found[0]} objects and blobs, {found[1]} blob files')


if __name__ == '__main__':
    main()
