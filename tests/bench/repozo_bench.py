"""repozo against the real one: the rows of the speed promises, for one database. Called by run.

Each side works on a repository that it made itself; where the row says "by md5", ours works on the real one's, which has no
block checksums. Rows that write are warmed as run does it.
"""
import os
import shutil
import subprocess
import sys
import time

MD5 = "import sys,hashlib\nm=hashlib.md5()\nf=open(sys.argv[1],'rb',0)\nwhile True:\n b=f.read(1<<20)\n if not b: break\n m.update(b)"


def boundaries(path):
    """Where transactions end."""
    ends, at, size = [], 4, os.path.getsize(path)
    with open(path, "rb") as file:
        while at < size:
            length = os.pread(file.fileno(), 8, at + 8)
            at += int.from_bytes(length, "big") + 8
            ends.append(at)
    return ends


def peak(command):
    """Peak memory in MB, as the kernel tells while it runs: wait4 would count that of the process it was forked from."""
    process = subprocess.Popen(command)
    program = os.path.realpath(command[0])
    highest = 0
    while process.poll() is None:
        try:
            if os.readlink(f"/proc/{process.pid}/exe") != program:
                continue
            with open(f"/proc/{process.pid}/status", encoding="ascii", errors="replace") as status:
                highest = max([highest] + [int(line.split()[1]) for line in status if line.startswith("VmHWM:")])
        except OSError:
            pass
        time.sleep(0.002)
    if process.returncode != 0:
        sys.exit(f"failed ({process.returncode}): {' '.join(command)}")
    return highest / 1024


class RepozoBench:
    def __init__(self, bench, database, label):
        self.bench, self.label = bench, label
        self.folder = os.path.join(bench.work, "repozo")
        shutil.rmtree(self.folder, ignore_errors=True)
        os.makedirs(self.folder)
        self.whole = database
        self.ends = boundaries(database)
        self.ours = [bench.program("repozo")]
        self.real = [os.environ["ZODB_PYTHON"], "-m", "ZODB.scripts.repozo"]
        self.live = os.path.join(self.folder, "Data.fs")

    def path(self, name):
        return os.path.join(self.folder, name)

    def source(self, share):
        """Data.fs becomes the first part of the database, whole transactions. Its size."""
        want = os.path.getsize(self.whole) * share
        end = max([end for end in self.ends if end <= want] or [self.ends[0]])
        with open(self.whole, "rb") as whole, open(self.live, "wb") as out:
            left = end
            while left:
                piece = whole.read(min(left, 1 << 20))
                out.write(piece)
                left -= len(piece)
        return end

    def command(self, program, mode, repository, *more):
        words = [*program, *mode.split(), "-r", self.path(repository)]
        return words + (["-f", self.live] if "B" in mode else []) + list(more)

    def back_up(self, mode, name):
        """By both, into NAME.ours and NAME.real."""
        for program, who in (self.ours, "ours"), (self.real, "real"):
            os.makedirs(self.path(f"{name}.{who}"), exist_ok=True)
            subprocess.check_call(self.command(program, mode, f"{name}.{who}"))

    def forget(self, *names):
        for name in names:
            for who in "ours", "real":
                shutil.rmtree(self.path(f"{name}.{who}"), ignore_errors=True)

    def warm(self):
        os.sync()
        for name in os.listdir(self.folder):
            path = self.path(name)
            for file in [path] if os.path.isfile(path) else [os.path.join(path, each) for each in os.listdir(path)]:
                with open(file, "rb") as opened:
                    while opened.read(1 << 20):
                        pass
        self.bench.warm()

    def versus(self, what, target, ours, real, prepare=None, extra=None):
        contestants = {"ours": ours, "real": real, **(extra or {})}
        medians = self.bench.interleave(contestants, prepare or (lambda: None))
        memory = f"{medians['ours'][1]:.1f} MB"
        self.bench.row(f"repozo {what}, {self.label}", medians["ours"][0], medians["real"][0], "repozo", target, memory)
        return medians

    def restorer(self, *names):
        """Puts repositories back to the files they have now; backups only add, and write the .dat anew."""
        kept = {}
        for name in names:
            for who in "ours", "real":
                folder = self.path(f"{name}.{who}")
                kept[folder] = {
                    each: open(os.path.join(folder, each), "rb").read() if each.endswith(".dat") else None
                    for each in os.listdir(folder)}

        def restore():
            for folder, files in kept.items():
                for each in os.listdir(folder):
                    if each not in files:
                        os.remove(os.path.join(folder, each))
                for each, content in files.items():
                    if content is not None:
                        with open(os.path.join(folder, each), "wb") as out:
                            out.write(content)
        return restore

    def start(self):
        self.versus("--help", ">= 15x", [*self.ours, "--help"], [*self.real, "--help"])

    def full(self):
        self.source(1)
        new = self.path("new.ours"), self.path("new.real")

        def prepare():
            for folder in new:
                shutil.rmtree(folder, ignore_errors=True)
                os.makedirs(folder)
            self.warm()

        medians = self.versus("-B -F", ">= 1.7x", self.command(self.ours, "-BF", "new.ours"),
                              self.command(self.real, "-BF", "new.real"), prepare,
                              {"md5": [sys.executable, "-I", "-S", "-c", MD5, self.live]})
        one = medians["md5"][0]
        print(f"repozo -B -F, {self.label}\t{medians['ours'][0]:.3f}\t{one:.3f}\tone md5 pass\t"
              f"{medians['ours'][0] / one:.2f}x\t<= 1.10x", flush=True)
        self.forget("new")

    def grown(self):
        self.forget("grown")
        self.source(0.95)
        self.back_up("-B", "grown")
        time.sleep(1.1)
        self.source(1)
        restore = self.restorer("grown")

        def prepare():
            restore()
            self.warm()

        self.versus("-B +5 %", ">= 12x", self.command(self.ours, "-B", "grown.ours"),
                    self.command(self.real, "-B", "grown.real"), prepare)
        restore()
        self.back_up("-B", "grown")
        pair = lambda mode: (self.command(self.ours, mode, "grown.ours"), self.command(self.real, mode, "grown.real"))
        self.warm()
        self.versus("-B no change", ">= 18x", *pair("-B"))
        self.versus("-BQ no change, last chunk 5 %", ">= 3x", *pair("-BQ"))
        self.versus("-VQ", ">= 15x", *pair("-VQ"))
        self.recover("grown", "-R", ">= 5x")
        self.recover("grown", "-R -w", ">= 1.25x")
        self.forget("grown")

    def recover(self, name, mode, target):
        out = self.path("out.fs")

        def prepare():
            for path in out, out + ".index":
                if os.path.exists(path):
                    os.remove(path)
            self.warm()

        self.versus(mode if name != "gzip" else mode + " gzip", target, self.command(self.ours, mode, f"{name}.ours", "-o", out),
                    self.command(self.real, mode, f"{name}.real", "-o", out), prepare)
        prepare()

    def halves(self):
        self.source(0.5)
        self.back_up("-B", "halves")
        time.sleep(1.1)
        self.source(1)
        self.back_up("-B", "halves")
        self.warm()
        real = self.command(self.real, "-V", "halves.real")
        self.versus("-V two equal chunks", ">= 2x", self.command(self.ours, "-V", "halves.ours"), real)
        self.versus("-V two equal chunks, by md5", ">= 2x", self.command(self.ours, "-V", "halves.real"), real)
        self.forget("halves")

    def compressed(self):
        self.source(0.1)
        new = self.path("new.ours"), self.path("new.real")

        def prepare():
            for folder in new:
                shutil.rmtree(folder, ignore_errors=True)
                os.makedirs(folder)
            self.warm()

        self.versus("-B -z, a tenth of it", ">= 7x", self.command(self.ours, "-BFz", "new.ours"),
                    self.command(self.real, "-BFz", "new.real"), prepare)
        self.forget("new")
        # Of the whole, one after the other: the original takes a minute.
        self.source(1)
        self.back_up("-Bz", "gzip")
        size = {who: sum(os.path.getsize(os.path.join(self.path(f"gzip.{who}"), each))
                         for each in os.listdir(self.path(f"gzip.{who}")) if each.endswith("fsz")) for who in ("ours", "real")}
        print(f"repozo -B -z, size, {self.label}\t{size['ours']}\t{size['real']}\trepozo\t"
              f"{size['ours'] / size['real']:.4f}x\t<= 1.03x", flush=True)
        self.warm()
        self.versus("-B -z no change", ">= 7x", self.command(self.ours, "-Bz", "gzip.ours"),
                    self.command(self.real, "-Bz", "gzip.real"))
        real = self.command(self.real, "-V", "gzip.real")
        self.versus("-V gzip", ">= 2.2x", self.command(self.ours, "-V", "gzip.ours"), real)
        self.versus("-V gzip, by md5", ">= 2.2x", self.command(self.ours, "-V", "gzip.real"), real)
        self.recover("gzip", "-R", ">= 2.4x")
        self.forget("gzip")

    def memory(self):
        """Peaks, against the size of the database: nothing but the index may grow with it."""
        modes = {"-BF": "16 MB and the index", "-BFz": "32 MB and the index", "-V": "16 MB", "-R": "16 MB"}
        seen = {mode: [] for mode in modes}
        for share in 0.25, 1:
            self.source(share)
            for mode in modes:
                if "B" in mode:
                    shutil.rmtree(self.path("new.ours"), ignore_errors=True)
                    os.makedirs(self.path("new.ours"))
                seen[mode].append(peak(self.command(self.ours, mode, "new.ours", *(["-o", self.path("out.fs")] if mode == "-R" else []))))
        for mode, limit in modes.items():
            print(f"repozo {mode}, memory, {self.label}\t{seen[mode][1]:.1f} MB\t{seen[mode][0]:.1f} MB for a quarter\t\t\t<= {limit}",
                  flush=True)
        self.forget("new")

    def all(self):
        self.start()
        self.full()
        self.grown()
        self.halves()
        self.compressed()
        self.memory()
        shutil.rmtree(self.folder)


def measure(bench):
    if not os.environ.get("ZODB_PYTHON"):
        print("repozo\t(set ZODB_PYTHON to compare)", flush=True)
        return
    RepozoBench(bench, bench.database, "small records").all()
    RepozoBench(bench, bench.large, "large records").all()
