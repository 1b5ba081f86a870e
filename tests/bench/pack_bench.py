"""fspack against ZODB's pack, interleaved: small records of a school (half garbage), and large ones. Called by run.

Each round packs fresh copies that were read through; before each pack 600 MB are written and deleted, so that both find memory in the same
state. What both leave is compared, byte for byte. ZODB keeps the old file, so ours is told to do it too: to release 800 MB
takes the kernel a while. Ours syncs the new file and reads it back; ZODB does neither.
Memory is the peak of the process, from the kernel; its slope is between two sizes.
  pack_bench.py BUILD_FOLDER WORK_FOLDER OBJECTS[,OBJECTS]... [school|random|large]
measures ours alone, once for each size: for those that ZODB takes too long for, and what 100 million objects would take.
"""
import math
import os
import shutil
import statistics
import subprocess
import sys
import time

ZODB_PACK = (
    "import sys\nfrom ZODB.FileStorage import FileStorage\nfrom ZODB.DB import DB\n"
    "db = DB(FileStorage(sys.argv[1]))\ndb.pack()\ndb.close()\n")


def content(path):
    with open(path, "rb") as file:
        return file.read()


class PackBench:
    def __init__(self, bench):
        self.bench = bench
        self.python = os.environ.get("ZODB_PYTHON")
        self.folder = os.path.join(bench.work, "pack")
        shutil.rmtree(self.folder, ignore_errors=True)
        os.makedirs(self.folder)
        self.ours, self.theirs = os.path.join(self.folder, "ours.fs"), os.path.join(self.folder, "theirs.fs")

    def make(self, objects, shape):
        path = os.path.join(self.folder, f"{shape}-{objects}.fs")
        subprocess.check_call(
            [self.bench.program("make_pack_data"), path, "--objects", str(objects), "--shape", shape])
        if self.python:  # the index, which a server that was stopped leaves; opening it is not what is measured
            subprocess.check_call([self.python, "-c",
                                   "import sys\nfrom ZODB.FileStorage import FileStorage\nFileStorage(sys.argv[1]).close()", path])
        return path

    def prepare(self, source):
        for copy in (self.ours, self.theirs):
            for suffix in ("", ".index", ".old", ".lock", ".tmp"):
                if os.path.exists(copy + suffix):
                    os.remove(copy + suffix)
            shutil.copyfile(source, copy)
            if os.path.exists(source + ".index"):
                shutil.copyfile(source + ".index", copy + ".index")
        os.sync()
        for copy in (self.ours, self.theirs):
            with open(copy, "rb") as file:
                while file.read(1 << 20):
                    pass

    def time(self, command):
        """After pages for what it writes were made free: a virtual machine gives back those that are free for two seconds."""
        scratch = os.path.join(self.folder, "scratch")
        with open(scratch, "wb") as out:
            for _ in range(600):
                out.write(b"\0" * 1_000_000)
        os.remove(scratch)
        return self.bench.time(command)

    def compare(self, what, source, target, run_by=()):
        """Seconds and MB of ours. Both are started by the command run_by, if one is given."""
        mine, other = [], []
        for _ in range(self.bench.rounds):
            self.prepare(source)
            mine.append(self.time([*run_by, self.bench.program("fspack"), "--keep-old", self.ours]))
            if self.python:
                other.append(self.time([*run_by, self.python, "-c", ZODB_PACK, self.theirs]))
                if content(self.ours) != content(self.theirs) or content(self.ours + ".index") != content(self.theirs + ".index"):
                    sys.exit(f"pack, {what}: the bytes differ")
        seconds, memory = (statistics.median(column) for column in zip(*mine))
        if self.python:
            self.bench.row(f"pack, {what}", seconds, statistics.median(run[0] for run in other), "ZODB's pack", target, f"{memory:.1f} MB")
        else:
            print(f"pack, {what}\t{seconds:.3f}\t(set ZODB_PYTHON to compare)\t{memory:.1f} MB", flush=True)
        return seconds, memory

    def run(self):
        small, large = 100_000, 1_000_000
        few = self.compare("100,000 objects", self.make(small, "school"), "-")
        million = self.make(large, "school")
        many = self.compare("1,000,000 objects", million, ">= 25x")
        self.compare("1,000,000 objects, one core", million, ">= 20x", ("taskset", "-c", "0"))
        slope = (many[1] - few[1]) * 1e6 / (large - small)
        print(f"pack, memory\t{slope:.1f} bytes per object, {few[1] - slope * small / 1e6:.1f} MB besides\t\t\t\t<= 28 + 24 MB", flush=True)
        growth = math.log(many[0] / few[0]) / math.log(large / small)
        print(f"pack, growth\tn^{growth:.2f}\t\t\t\t<= n^1.1", flush=True)
        self.compare("large records", self.make(1500, "large"), ">= 1.4x, 2x in the kernel")
        shutil.rmtree(self.folder)


def alone(program, work, objects, shape):
    """Packs a database of its own once; seconds and bytes of memory."""
    path = os.path.join(work, "alone.fs")
    subprocess.check_call([program("make_pack_data"), path, "--objects", str(objects), "--shape", shape])
    size = os.path.getsize(path)
    os.sync()
    with open(path, "rb") as file:
        while file.read(1 << 20):
            pass
    started = time.perf_counter()
    child = subprocess.Popen([program("fspack"), path])
    _, status, usage = os.wait4(child.pid, 0)
    seconds = time.perf_counter() - started
    if status != 0:
        sys.exit(f"fspack ended with status {status}")
    print(f"{shape}, {objects:,} objects, {size / 1e9:.2f} GB: {seconds:.2f} s (CPU {usage.ru_utime:.2f} s, in the kernel {usage.ru_stime:.2f} s), "
          f"{usage.ru_maxrss / 1024:.1f} MB, {size / seconds / 1e6:.0f} MB/s", flush=True)
    for suffix in ("", ".index", ".lock"):
        if os.path.exists(path + suffix):
            os.remove(path + suffix)
    return seconds, usage.ru_maxrss * 1024


def series(build, work, sizes, shape):
    def program(name):
        for folder in (build, os.path.join(build, "tests")):
            if os.path.exists(os.path.join(folder, name)):
                return os.path.join(folder, name)
        sys.exit(f"{name} is not built in {build}")

    os.makedirs(work, exist_ok=True)
    results = [alone(program, work, objects, shape) for objects in sizes]
    if len(sizes) > 1:
        growth = math.log(results[-1][0] / results[0][0]) / math.log(sizes[-1] / sizes[0])
        slope = (results[-1][1] - results[-2][1]) / (sizes[-1] - sizes[-2])
        print(f"time grows as n^{growth:.2f} (<= n^1.1), memory by {slope:.1f} bytes per object (<= 28): "
              f"{(results[-1][1] + slope * (100e6 - sizes[-1])) / 1e9:.2f} GB at 100,000,000 objects (<= 3 GB)")


if __name__ == "__main__":
    series(sys.argv[1], sys.argv[2], [int(size) for size in sys.argv[3].split(",")], sys.argv[4] if len(sys.argv) > 4 else "school")
