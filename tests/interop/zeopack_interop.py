"""zeopack against live ZEO servers, and beside the original program.

zeopack_interop.py --zeopack PROGRAM [UNITTEST-ARGUMENT...]

The servers run with this Python's ZEO, so that the same tests serve for ZEO 5 and 6. Each test makes a folder,
databases that a pack makes smaller, and a server over them. Where a pack has to take long, the server is told to
wait in the middle of it. Only processes that were started here are ended, by their number.
"""
import argparse
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest

import transaction
from ZODB.Connection import TransactionMetaData
from ZODB.DB import DB
from ZODB.FileStorage import FileStorage

ZEOPACK = None
ROOT = b'\0' * 8
# The root object as a mapping whose one value is a reference to oid 0x77.
DANGLING = (b'\x80\x03cpersistent.mapping\nPersistentMapping\n.'
            b'\x80\x03}X\x04\0\0\0data}X\x01\0\0\0x'
            b'(C\x08\0\0\0\0\0\0\0\x77cpersistent.mapping\nPersistentMapping\ntQss.')
PATIENCE = 30  # seconds for what takes a moment

# A server that stops in each pack, once it has told so, until it may go on.
SLOW_SERVER = '''
import os, sys, time
from ZODB.FileStorage import fspack
real_pack = fspack.FileStoragePacker.pack
def pack(self):
    open('packing', 'w').close()
    while not os.path.exists('go-on'):
        time.sleep(0.02)
    return real_pack(self)
fspack.FileStoragePacker.pack = pack
from ZEO.runzeo import main
main(['-C', sys.argv[1]])
'''
SERVER = 'import sys; from ZEO.runzeo import main; main(["-C", sys.argv[1]])'
ORIGINAL = 'import sys; sys.argv[0] = "zeopack"; from ZEO.scripts.zeopack import main; main()'


def make_database(path, dangling=False):
    """Some objects, each changed often."""
    db = DB(FileStorage(path))
    connection = db.open()
    root = connection.root()
    for i in range(40):
        for name in 'abcd':
            root[name] = name * 2000 + str(i)
        transaction.commit()
    connection.close()
    db.close()
    if dangling:
        # A reference to an object that was never stored.
        storage = FileStorage(path)
        meta = TransactionMetaData()
        storage.tpc_begin(meta)
        storage.store(ROOT, storage.load(ROOT)[1], DANGLING, '', meta)
        storage.tpc_vote(meta)
        storage.tpc_finish(meta)
        storage.close()


def free_port(family=socket.AF_INET):
    with socket.socket(family) as probe:
        probe.bind(('::1' if family == socket.AF_INET6 else '127.0.0.1', 0))
        return probe.getsockname()[1]


def has_ipv6():
    try:
        free_port(socket.AF_INET6)
        return True
    except OSError:
        return False


class Live(unittest.TestCase):

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix='zeopack-')
        self.addCleanup(shutil.rmtree, self.folder)

    def path(self, name):
        return os.path.join(self.folder, name)

    def size(self, name='Data.fs'):
        return os.path.getsize(self.path(name))

    def serve(self, storages=None, zeo='', address=None, program=SERVER):
        """Starts a server and waits until it listens. Its address as zeopack takes it."""
        if storages is None:
            storages = '<filestorage 1>\n  path %s\n</filestorage>' % self.path('Data.fs')
            make_database(self.path('Data.fs'))
        address = address or '127.0.0.1:%d' % free_port()
        with open(self.path('zeo.conf'), 'w', encoding='utf-8') as conf:
            conf.write('<zeo>\n  address %s\n  %s\n</zeo>\n%s\n' % (address, zeo, storages))
        log = open(self.path('server.log'), 'w')
        self.addCleanup(log.close)
        self.server = subprocess.Popen([sys.executable, '-c', program, self.path('zeo.conf')], cwd=self.folder,
                                       stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.addCleanup(self.stop)
        self.wait_until(lambda: self.listens(address), 'the server to listen')
        return address

    def stop(self):
        if self.server.poll() is None:
            self.server.send_signal(signal.SIGCONT)
            self.server.kill()
        self.server.wait()

    def listens(self, address):
        if self.server.poll() is not None:
            with open(self.path('server.log')) as log:
                self.fail('the server ended: ' + log.read())
        if address.startswith('/'):
            probe = socket.socket(socket.AF_UNIX)
            target = address
        else:
            host, port = address.rsplit(':', 1)
            probe = socket.socket(socket.AF_INET6 if host.startswith('[') else socket.AF_INET)
            target = (host.strip('[]'), int(port))
        with probe:
            try:
                probe.connect(target)
                return True
            except OSError:
                return False

    def wait_until(self, is_so, what):
        end = time.monotonic() + PATIENCE
        while not is_so():
            self.assertLess(time.monotonic(), end, 'waiting for ' + what)
            time.sleep(0.02)

    def run_zeopack(self, *arguments):
        result = subprocess.run([ZEOPACK, *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True, timeout=120, cwd=self.folder)
        return result.returncode, result.stdout, result.stderr

    def start_zeopack(self, *arguments):
        return subprocess.Popen([ZEOPACK, *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True, cwd=self.folder)

    def expect(self, arguments, status, stdout='', stderr=''):
        self.assertEqual(self.run_zeopack(*arguments), (status, stdout, stderr))

    def expect_packed(self, arguments, name='Data.fs'):
        before = self.size(name)
        self.expect(arguments, 0)
        self.assertLess(self.size(name), before / 10)

    def pack_error(self, address, storage, reason, hint=''):
        host, port = address.rsplit(':', 1)
        text = f"zeopack: pack storage '{storage}' at '{address}': {reason}\n"
        if hint:
            text += f'zeopack: {hint}\n'
        return text + f"Error:\nError packing storage {storage} in ('{host}', {port})\n"


class Packs(Live):

    def test_tcp(self):
        self.expect_packed([self.serve()])
        self.assertTrue(os.path.exists(self.path('Data.fs.old')))

    def test_the_packed_database_is_whole(self):
        address = self.serve()
        self.expect_packed([address])
        self.stop()
        db = DB(FileStorage(self.path('Data.fs')))
        connection = db.open()
        self.assertEqual(connection.root()['d'], 'd' * 2000 + '39')
        self.assertEqual(len(list(db.storage.iterator())), 1)
        connection.close()
        db.close()

    def test_old_style_options(self):
        host, port = self.serve().split(':')
        self.expect_packed(['-h', host, '-p', port, '-S', '1'])

    def test_msgpack(self):
        address = self.serve(zeo='msgpack true')
        with socket.create_connection(tuple(address.split(':'))) as probe:
            self.assertEqual(probe.recv(6), b'\0\0\0\2M5')
        self.expect_packed([address])

    def test_unix_socket(self):
        self.expect_packed(['-u', self.serve(address=self.path('zeo.sock'))])

    def test_unix_socket_old_style(self):
        self.expect_packed(['-U', self.serve(address=self.path('zeo.sock'))])

    @unittest.skipUnless(has_ipv6(), 'no IPv6 here')
    def test_ipv6(self):
        port = free_port(socket.AF_INET6)
        self.expect_packed([self.serve(address='[::1]:%d' % port)])

    def test_one_of_several_storages(self):
        for name in 'school', 'attendance':
            make_database(self.path(name + '.fs'))
        before = self.size('attendance.fs')
        address = self.serve(''.join('<filestorage %s>\n  path %s\n</filestorage>\n' % (name, self.path(name + '.fs'))
                                     for name in ('school', 'attendance')))
        self.expect_packed([address + ':school'], 'school.fs')
        self.assertEqual(self.size('attendance.fs'), before)
        self.expect_packed([address + ':attendance'], 'attendance.fs')

    def test_a_storage_whose_name_is_no_ascii(self):
        for zeo in '', 'msgpack true':
            make_database(self.path('Data.fs'))
            address = self.serve('<filestorage sch\u00fcler>\n  path %s\n</filestorage>' % self.path('Data.fs'), zeo=zeo)
            self.expect_packed([address + ':sch\u00fcler'])
            self.stop()
            os.remove(self.path('Data.fs'))

    def test_a_read_only_server(self):
        self.expect_packed([self.serve(zeo='read-only true')])

    def test_days_keep_what_is_younger(self):
        address = self.serve()
        before = self.size()
        self.expect(['-d', '1', address], 0)
        self.assertEqual(self.size(), before)
        self.expect_packed(['-d', '0', address])

    def test_the_report_has_the_sizes_of_the_files(self):
        address = self.serve()
        before = self.size()
        status, stdout, stderr = self.run_zeopack('--json', address)
        self.assertEqual((status, stderr), (0, ''))
        [report] = json.loads(stdout)
        self.assertEqual((report['size_before'], report['size_after']), (before, self.size()))
        self.assertEqual((report['packed'], report['server'], report['storage']), (True, address, '1'))

    def test_progress_tells_the_sizes_at_the_end(self):
        status, stdout, stderr = self.run_zeopack('--progress', self.serve())
        self.assertEqual((status, stdout), (0, ''))
        self.assertRegex(stderr, r"storage '1' at '127\.0\.0\.1:\d+': [0-9.]+ kB before, [0-9.]+ kB after, \d s\n$")

    def test_progress_shows_the_growing_file(self):
        address = self.serve(program=SLOW_SERVER)
        process = self.start_zeopack('--progress', address)
        self.wait_until(lambda: os.path.exists(self.path('packing')), 'the pack')
        with open(self.path('Data.fs.pack'), 'wb') as pack:
            pack.write(b'\0' * 12345)
        shown = ''
        while '12.3 kB of at most' not in shown:
            shown += os.read(process.stderr.fileno(), 4096).decode()
        with open(self.path('go-on'), 'w'):
            pass
        process.communicate()
        self.assertEqual(process.returncode, 0)


class Fails(Live):

    def test_an_unknown_storage_at_once_and_the_others_are_packed(self):
        address = self.serve()
        start = time.monotonic()
        host, port = address.split(':')
        before = self.size()
        self.expect([address + ':nosuch', address], 1, '', (
            f"zeopack: open storage 'nosuch' at '{address}': the server has no storage of this name\n"
            "zeopack: names are those of the sections in the server's configuration, '1' for one without\n"
            f"Error:\nError packing storage nosuch in ('{host}', {port})\n"))
        self.assertLess(time.monotonic() - start, 10)
        self.assertLess(self.size(), before / 10)

    def test_an_unknown_storage_of_a_msgpack_server(self):
        status, _, stderr = self.run_zeopack(self.serve(zeo='msgpack true') + ':nosuch')
        self.assertEqual(status, 1)
        self.assertIn('the server has no storage of this name', stderr)

    def test_a_refused_connection_at_once_and_the_others_are_packed(self):
        address = self.serve()
        port = free_port()
        start = time.monotonic()
        before = self.size()
        self.expect([f'127.0.0.1:{port}', address], 1, '', (
            f"zeopack: connect to '127.0.0.1:{port}': Connection refused\n"
            f"Couldn't connect to: (('127.0.0.1', {port}), '1')\n"))
        self.assertLess(time.monotonic() - start, 10)
        self.assertLess(self.size(), before / 10)

    def test_a_read_only_storage(self):
        make_database(self.path('Data.fs'))
        address = self.serve('<filestorage 1>\n  path %s\n  read-only true\n</filestorage>' % self.path('Data.fs'))
        self.expect([address], 1, '', self.pack_error(
            address, 1, 'the storage is read-only (ReadOnlyError)',
            'pack through the server that may write to it'))

    def dangling(self, zeo=''):
        make_database(self.path('Data.fs'), dangling=True)
        before = self.size()
        address = self.serve('<filestorage 1>\n  path %s\n</filestorage>' % self.path('Data.fs'), zeo=zeo)
        self.expect([address], 1, '', self.pack_error(
            address, 1, 'object 0000000000000077 is referred to, but missing (KeyError)',
            'look for other dangling references with fscheck --refs'))
        self.assertEqual(self.size(), before)

    def test_a_dangling_reference(self):
        self.dangling()

    def test_a_dangling_reference_in_msgpack(self):
        self.dangling('msgpack true')

    def test_a_second_pack_while_one_runs(self):
        address = self.serve(program=SLOW_SERVER)
        first = self.start_zeopack(address)
        self.wait_until(lambda: os.path.exists(self.path('packing')), 'the pack')
        self.expect([address], 1, '', self.pack_error(address, 1, 'another pack is running there'))
        with open(self.path('go-on'), 'w'):
            pass
        self.assertEqual(first.communicate(), ('', ''))
        self.assertEqual(first.returncode, 0)

    def test_a_server_killed_in_the_middle(self):
        address = self.serve(program=SLOW_SERVER)
        before = self.size()
        process = self.start_zeopack(address)
        self.wait_until(lambda: os.path.exists(self.path('packing')), 'the pack')
        self.server.kill()
        stdout, stderr = process.communicate()
        self.assertEqual((process.returncode, stdout), (1, ''))
        self.assertEqual(stderr, self.pack_error(
            address, 1, 'the server closed the connection',
            "it may have been packed or not, as the server's log tells; its database is whole"))
        self.assertEqual(self.size(), before)

    def test_a_server_that_stalls(self):
        address = self.serve()
        self.server.send_signal(signal.SIGSTOP)
        start = time.monotonic()
        status, stdout, stderr = self.run_zeopack('--timeout', '0.5', address)
        self.assertLess(time.monotonic() - start, 20)
        self.assertEqual((status, stdout), (1, ''))
        self.assertIn(f"zeopack: speak with '{address}': no word from the server within", stderr)

    def test_a_server_that_stalls_in_the_middle(self):
        address = self.serve(program=SLOW_SERVER)
        status, stdout, stderr = self.run_zeopack('--pack-timeout', '0.5', address)
        self.assertEqual((status, stdout), (1, ''))
        self.assertIn(f"zeopack: pack storage '1' at '{address}': no answer from the server in time", stderr)


# Runs what follows with folders of its own over /etc and /var/lib, and the server's configuration where SchoolTool has it.
NAMESPACE = '''
set -e
mount -t tmpfs none /mnt
for folder in etc var/lib; do
  mkdir -p /mnt/$folder.upper /mnt/$folder.work
  mount -t overlay none -o lowerdir=/$folder,upperdir=/mnt/$folder.upper,workdir=/mnt/$folder.work /$folder
done
rm -rf /etc/schooltool /var/lib/schooltool-dbtools
mkdir -p /etc/schooltool/standard
cp zeo.conf /etc/schooltool/standard/zeo.conf
printf 'backup-dir = %s\\npack-history = 0s\\n' "$PWD/backups" > /etc/schooltool-dbtools.conf
exec "$@"
'''


def in_namespace(command, **options):
    return subprocess.run(['unshare', '--mount', '--propagation', 'private', 'sh', '-c', NAMESPACE, 'sh', *command],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          timeout=120, **options)


class WeeklyJob(Live):
    """schooltool-db pack, which cron runs, through the server that has the database open."""

    JOB = 'schooltool-db-backup --all && schooltool-db-pack --all --verbose; code=$?; schooltool-db status --json; exit $code'

    def run_job(self, job=JOB):
        path = os.path.dirname(os.path.abspath(ZEOPACK)) + ':' + os.environ['PATH']
        result = in_namespace(['sh', '-c', job], cwd=self.folder,
                              env={**os.environ, 'PATH': path, 'SERVER': str(self.server.pid)})
        start = result.stdout.find('[')
        self.assertNotEqual(start, -1, result)
        [status] = json.loads(result.stdout[start:])
        return result, status

    @unittest.skipUnless(os.geteuid() == 0, 'needs root, for private mounts')
    def test_packs_through_the_server(self):
        self.serve(address=self.path('zeo.sock'))
        before, inode = self.size(), os.stat(self.path('Data.fs.lock')).st_ino
        result, status = self.run_job()
        self.assertEqual((result.returncode, result.stderr), (0, ''))
        self.assertIn('packed', result.stdout)
        self.assertLess(self.size(), before / 10)
        self.assertEqual(os.stat(self.path('Data.fs.lock')).st_ino, inode)
        self.assertIsNone(self.server.poll())
        self.assertEqual((status['pack']['by_server'], status['pack']['size_before'], status['pack']['size_after']),
                         (True, before, self.size()))

    @unittest.skipUnless(os.geteuid() == 0, 'needs root, for private mounts')
    def test_tells_of_a_server_that_stalls_and_packs_nothing(self):
        self.serve(address=self.path('zeo.sock'))
        before = self.size()
        result, status = self.run_job('schooltool-db-backup --all && kill -STOP $SERVER && '
                                      'schooltool-db-pack --all; code=$?; schooltool-db status --json; exit $code')
        self.assertEqual(result.returncode, 2)
        self.assertIn('no word from the server', result.stderr)
        self.assertEqual(self.size(), before)
        self.assertIn('no word from the server', status['pack']['failure'])


class Original(unittest.TestCase):
    """What the original program says about a wrong command line, ours says too."""

    WORDS = [['-d', 'x'], ['-d'], ['--da', '3'], ['--x'], ['-x'], ['--days='], ['-d', ''], ['-t', '1:2:3:4'], ['a:b'],
             ['a'], ['-u', 'a:b:c'], ['-h', 'foo'], ['--un'], ['-S', 'x'], ['--days', '0x10'], ['-d', '1.5'], ['-d3z'],
             ["a'b"], ['--no=3'], ['-d', ' 3 '], ['--days', '010'], ['-'], ['--'], ['-p', '0'], ['-d', '9' * 20],
             ['-d', '08'], ['-d', '1_0'], ['-d', '1__0'], ['-d', '--x'], ['-h'], ['-u', 'x', 'y'],
             ['-t', '1', 'a:b:c:d'],
             ['-p', '1x'], ['-d', '0b'], ['-d', '0x'], ['-d', '0o7'], ['--unix']]

    def run_both(self, words):
        results = []
        for command in [ZEOPACK], [sys.executable, '-c', ORIGINAL]:
            result = subprocess.run([*command, *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                    stderr=subprocess.PIPE, text=True, timeout=120,
                                    env={**os.environ, 'COLUMNS': '80'})
            results.append((result.returncode, result.stdout, result.stderr))
        return results

    def test_mistakes(self):
        for words in self.WORDS:
            with self.subTest(words=words):
                ours, theirs = self.run_both(words)
                self.assertEqual(ours, theirs)

    def test_help_begins_with_the_original(self):
        ours, theirs = self.run_both([])
        self.assertEqual((ours[0], ours[2]), (theirs[0], theirs[2]))
        self.assertTrue(ours[1].startswith(theirs[1]), theirs[1])


if __name__ == '__main__':
    parser = argparse.ArgumentParser()
    parser.add_argument('--zeopack', required=True)
    options, rest = parser.parse_known_args()
    ZEOPACK = options.zeopack
    unittest.main(argv=[sys.argv[0], *rest])
