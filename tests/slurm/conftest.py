"""A Slurm cluster of one node on the loopback interface, which runs for a test module."""

import contextlib
import os
import shutil
import socket
import subprocess
import time
from pathlib import Path

import psutil
import pytest

from tests.conftest import NO_CLUSTER

ETC = Path("/etc/slurm")
DAEMONS = ("munged", "slurmctld", "slurmd")
#: Further programs of a cluster with accounting.
OF_ACCOUNTING = ("slurmdbd", "sacctmgr", "sacct", "mariadbd", "mariadb-install-db")
#: The account that the tests' user has there.
ACCOUNT = "galaxies"
CONFIGURATION = """\
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
SlurmctldPort={port1}
SlurmdPort={port2}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
CredType=cred/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
{accounting}
# Memory is looked at each second; a job that has more than it asked for is killed.
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=1
JobAcctGatherParams=OverMemoryKill
GresTypes=gpu
ReturnToService=2
SchedulerParameters=batch_sched_delay=1
MinJobAge=300
KillWait=2
# Requested resources are not compared with those of this machine.
SlurmdParameters=config_overrides
NodeName={host} NodeAddr=127.0.0.1 CPUs={cpus} RealMemory=128000 Gres=gpu:1 State=UNKNOWN
PartitionName=main Nodes={host} Default=YES MaxTime=INFINITE State=UP
PartitionName=gpu Nodes={host} MaxTime=INFINITE State=UP
"""

NO_ACCOUNTING = "AccountingStorageType=accounting_storage/none"
#: Jobs of accounts that the user does not have are refused.
WITH_ACCOUNTING = """\
AccountingStorageType=accounting_storage/slurmdbd
AccountingStorageHost=127.0.0.1
AccountingStoragePort={port}
AccountingStoragePass={folder}/munge.socket
AccountingStorageEnforce=associations"""
DATABASE = """\
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
DbdHost=localhost
DbdPort={port}
SlurmUser=root
StorageType=accounting_storage/mysql
StorageHost=127.0.0.1
StoragePort={database_port}
StorageUser=slurm
StoragePass=slurm
LogFile={folder}/slurmdbd.log
PidFile={folder}/slurmdbd.pid
"""


def free_ports(n):
    sockets = [socket.socket() for _ in range(n)]
    for s in sockets:
        s.bind(("127.0.0.1", 0))
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports


class Cluster:
    """Daemons of a cluster, and the environment for its clients.

    Parameters
    ----------
    folder : Path
    accounting : bool
        Whether it has a database of accounts and jobs, in which the user has `ACCOUNT`.
    """

    def __init__(self, folder: Path, *, accounting: bool = False):
        self.folder, self.accounting = folder, accounting
        self.processes = []
        port1, port2, port3, self.database_port = free_ports(4)
        host = socket.gethostname()
        (folder / "state").mkdir()
        (folder / "spool").mkdir()
        # Jobs that Snakemake submits do not have SLURM_CONF: use the default location of the files.
        self.files = [ETC / "slurm.conf", ETC / "gres.conf", ETC / "slurmdbd.conf"]
        ETC.mkdir(exist_ok=True)
        if accounting:
            names = {"folder": folder, "port": port3, "database_port": self.database_port}
            self.files[2].touch(0o600)
            self.files[2].write_text(DATABASE.format(**names))
        self.files[1].write_text("Name=gpu File=/dev/null\n")
        self.files[0].write_text(
            CONFIGURATION.format(
                host=host,
                port1=port1,
                port2=port2,
                folder=folder,
                cpus=os.cpu_count(),
                accounting=WITH_ACCOUNTING.format(port=port3, folder=folder)
                if accounting
                else NO_ACCOUNTING,
            )  # fmt: skip
        )
        self.env = dict(os.environ)
        folders = self.env["PATH"].split(os.pathsep)
        self.env["PATH"] = os.pathsep.join(f for f in folders if Path(f).name != NO_CLUSTER)

    def start(self):
        key = self.folder / "munge.key"
        key.write_bytes(os.urandom(1024))
        key.chmod(0o600)
        self._daemon(
            "munged", "--foreground", "--force", f"--socket={self.folder}/munge.socket",
            f"--key-file={key}", f"--pid-file={self.folder}/munged.pid",
            f"--log-file={self.folder}/munged.log", f"--seed-file={self.folder}/munge.seed",
        )  # fmt: skip
        self._wait_until(lambda: (self.folder / "munge.socket").exists(), "munged")
        if self.accounting:
            self._start_database()
        self._daemon("slurmctld", "-D", "-c")
        self._daemon("slurmd", "-D")
        self._wait_until(lambda: "idle" in self.run("sinfo", "-h", "-o", "%T"), "the node")

    def _start_database(self):
        data, socket_file = self.folder / "database", self.folder / "database.socket"
        made = ("mariadb-install-db", "--no-defaults", f"--datadir={data}", "--user=root")
        self.run(*made, "--auth-root-authentication-method=normal")
        self._daemon(
            "mariadbd", "--no-defaults", "--user=root", f"--datadir={data}",
            f"--socket={socket_file}", "--bind-address=127.0.0.1", f"--port={self.database_port}",
            f"--pid-file={self.folder}/mariadbd.pid",
        )  # fmt: skip
        client = ("mariadb", "--no-defaults", f"--socket={socket_file}", "--user=root")
        rights = "GRANT ALL ON slurm_acct_db.* TO slurm@'127.0.0.1' IDENTIFIED BY 'slurm'"
        self._wait_until(lambda: "1" in self.run(*client, "-Ne", "SELECT 1"), "mariadbd")
        self.run(*client, "-e", f"{rights}; FLUSH PRIVILEGES")
        self._daemon("slurmdbd", "-D")
        manage = ("sacctmgr", "-i")
        self._wait_until(
            lambda: (
                "test" in self.run(*manage, "-n", "list", "cluster")
                or "Adding" in self.run(*manage, "add", "cluster", "test")
            ),
            "slurmdbd",
        )
        self.run(*manage, "add", "account", ACCOUNT, "Cluster=test")
        self.run(*manage, "add", "user", "root", f"Account={ACCOUNT}", f"DefaultAccount={ACCOUNT}")

    def _daemon(self, name, *arguments):
        with open(self.folder / f"{name}.out", "w") as out:
            self.processes.append(
                subprocess.Popen(
                    [shutil.which(name), *arguments], env=self.env, stdout=out, stderr=out
                )
            )

    def _wait_until(self, ready, name):
        deadline = time.monotonic() + 60
        while not ready():
            if time.monotonic() > deadline:
                logs = "\n".join(p.read_text()[-1500:] for p in self.folder.glob("*.log"))
                raise RuntimeError(f"{name} did not start:\n{logs}")
            time.sleep(0.2)

    def run(self, *command):
        result = subprocess.run(command, env=self.env, capture_output=True, text=True)
        return result.stdout

    def stop(self):
        """End all processes: jobs, their steps and daemons."""
        self.run("scancel", "--full", "--signal=KILL", "--user=root")
        children = []
        for process in self.processes:
            children += psutil.Process(process.pid).children(recursive=True)
        # Daemons of steps detach from their parent. There is no other cluster on this machine.
        # What ran on a node that was down belongs to none of them.
        for process in psutil.process_iter(["name"]):
            with contextlib.suppress(psutil.Error):
                if process.info["name"] == "slurmstepd" or "SLURM_JOB_ID" in process.environ():
                    children.append(process)
        for process in reversed(self.processes):
            process.terminate()
        for process in reversed(self.processes):
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        for child in children:
            if child.is_running():
                child.kill()
        psutil.wait_procs(children, timeout=10)
        for path in self.files:
            path.unlink(missing_ok=True)


def started(folder, *, accounting):
    """A running cluster, which ends after the tests."""
    os.environ["PATH"] += ":/usr/sbin:/sbin"  # location of the daemons on Debian
    needed = (*DAEMONS, "squeue", "scancel", *(OF_ACCOUNTING if accounting else ()))
    missing = [name for name in needed if not shutil.which(name)]
    if missing:
        packages = "slurmctld slurmd slurm-client munge"
        packages += " slurmdbd mariadb-server" if accounting else ""
        pytest.skip(f"not installed: {', '.join(missing)}: apt-get install {packages}")
    if os.geteuid() != 0:
        pytest.skip("the test cluster's daemons run as root")
    if (ETC / "slurm.conf").exists():
        pytest.skip(f"{ETC}/slurm.conf exists: this machine belongs to a cluster")
    cluster = Cluster(folder, accounting=accounting)
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    yield from started(tmp_path_factory.mktemp("slurm"), accounting=False)


@pytest.fixture(scope="module")
def cluster_with_accounting(tmp_path_factory):
    yield from started(tmp_path_factory.mktemp("accounting"), accounting=True)
