"""fscheck and fsindex against ZODB's fstest, fsrefs and rebuild of the index: the rows of the speed promises. Called by run.

On databases of their own, since those of make_school have pickles that nobody can read.
"""
import json
import os
import subprocess
import sys

REBUILD = ("import sys, os\nfrom ZODB.FileStorage import FileStorage\n"
           "if os.path.exists(sys.argv[1] + '.index'): os.remove(sys.argv[1] + '.index')\nFileStorage(sys.argv[1]).close()")


class CheckBench:
    def __init__(self, bench, size):
        self.bench = bench
        self.python = os.environ.get("ZODB_PYTHON")
        self.whole = self.make("check.fs", size)
        self.part = self.make("check-part.fs", max(size // 4, 1_000_000))  # for the slope of the memory

    def make(self, name, size):
        path = os.path.join(self.bench.work, name)
        subprocess.check_call(
            [self.bench.program("make_database"), path, "--small", "--bytes", str(size)], stdout=subprocess.DEVNULL)
        return path

    def warm(self, path):
        def prepare():
            with open(path, "rb") as file:
                while file.read(1 << 20):
                    pass
        return prepare

    def compare(self, what, path, ours, theirs, against, target):
        contestants = {"ours": ours}
        if self.python:
            contestants["real"] = [self.python, *theirs]
        medians = self.bench.interleave(contestants, self.warm(path))
        seconds, memory = medians["ours"]
        size = os.path.getsize(path)
        note = f"{memory:.1f} MB; {size / seconds / 1e9:.2f} GB/s, whole process"
        if self.python:
            self.bench.row(what, seconds, medians["real"][0], against, target, note)
        else:
            print(f"{what}\t{seconds:.3f}\t(set ZODB_PYTHON to compare)\t{note}", flush=True)

    def slope(self):
        """Memory for each object beyond what a small database takes. By GNU time: a child of this program would count its memory too."""
        seen = []
        for path in (self.part, self.whole):
            out = subprocess.check_output([self.bench.program("fscheck"), "--json", path])
            timed = subprocess.run(["/usr/bin/time", "-f", "%M", self.bench.program("fscheck"), path], check=True, stderr=subprocess.PIPE)
            seen.append((json.loads(out)["objects"], int(timed.stderr) / 1024))
        (few, small), (many, large) = seen
        each = (large - small) * 1024 * 1024 / max(many - few, 1)
        print(f"fscheck, memory\t{each:.1f} bytes for each object beyond {small:.1f} MB at {few}\t\t\t\t<= 28 bytes + 24 MB", flush=True)

    def run(self):
        check, index = self.bench.program("fscheck"), self.bench.program("fsindex")
        self.compare("fscheck --quick", self.whole, [check, "--quick", self.whole],
                     ["-m", "ZODB.scripts.fstest", self.whole], "fstest", ">= 10x")
        self.compare("fscheck", self.whole, [check, self.whole], ["-m", "ZODB.scripts.fsrefs", self.whole], "fsrefs", ">= 40x")
        self.compare("fsindex", self.whole, [index, self.whole], ["-c", REBUILD, self.whole], "ZODB's rebuild", ">= 17x")
        if os.path.exists("/usr/bin/time"):
            self.slope()
        speed = subprocess.check_output([self.bench.program("pickle_bench"), self.whole, "3"], text=True).splitlines()[-1]
        print(f"pickles, one thread\t{json.loads(speed)['records_per_second'] / 1e6:.2f} million records/s, "
              f"{json.loads(speed)['gigabytes_per_second']:.2f} GB/s", flush=True)


def measure(bench, size):
    CheckBench(bench, size).run()


if __name__ == "__main__":
    sys.exit("this is called by run")
