"""schooltool-db backup of many blobs. Called by run.

What has to be shown is that neither memory nor the number of files of the repository grows with the number of blobs, and that a backup with
few new blobs does not cost what the first one did. A tar of the same folder stands beside the first backup; it proves nothing about a
database.
"""
import os
import shutil
import subprocess

BLOBS = 400_000
NEW = 100


class BlobBench:
    def __init__(self, bench):
        self.bench = bench
        self.folder = os.path.join(bench.work, "blobs")
        self.repository = os.path.join(self.folder, "backups")

    def configure(self, school):
        with open("/etc/schooltool-dbtools.conf", "w") as conf:
            conf.write(f"[instance bench]\ndata = {school}/Data.fs\nblobs = {school}/blobs\nbackup-dir = {self.repository}\n")

    def make(self, school, blobs):
        subprocess.check_call([self.bench.program("make_blob_data"), school, "--blobs", str(blobs)])

    def backup(self):
        return self.bench.time([self.bench.program("schooltool-db-backup")])

    def files(self):
        return sum(len(names) for _, _, names in os.walk(self.repository))

    def run(self):
        shutil.rmtree(self.folder, ignore_errors=True)
        os.makedirs(self.folder)
        memory = {}
        for blobs in (BLOBS // 2, BLOBS):
            school = os.path.join(self.folder, f"school-{blobs}")
            self.make(school, blobs)
            self.configure(school)
            shutil.rmtree(self.repository, ignore_errors=True)
            os.sync()
            tar = self.bench.time(["tar", "-c", "-f", os.path.join(self.folder, "theirs.tar"), "-C", school, "."])
            first, memory[blobs] = self.backup()
            self.bench.row(f"first backup of {blobs:,} blobs", first, tar[0], "tar", "-", f"{memory[blobs]:.1f} MB, {self.files()} files in the repository")
        self.make(school, BLOBS + NEW)
        second, peak = self.backup()
        self.bench.row(f"{NEW} blobs more", second, first, "our first backup", "-", f"{peak:.1f} MB, {self.files()} files")
        slope = (memory[BLOBS] - memory[BLOBS // 2]) * 1e6 / (BLOBS - BLOBS // 2)
        print(f"backup of blobs, memory\t{slope:.1f} bytes per blob, of it 8 the index\t\t\t\t-", flush=True)
        verify, peak = self.bench.time([self.bench.program("schooltool-db-verify")])
        print(f"verify of {BLOBS + NEW:,} blobs\t{verify:.3f}\t\t\t\t-\t{peak:.1f} MB", flush=True)
        shutil.rmtree(self.folder)
