"""What becomes of the path that save writes to: files are replaced whole or not at all, pipes and sockets stay."""

from __future__ import annotations

import io as streams
import os
import socket
import stat
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gradgate import arange, empty, io, tensor
from gradgate.io import replace
from gradgate.io import streams as io_streams
from test_io import checkpoint, same

posix = pytest.mark.skipif(os.name != "posix", reason="pipes, links and modes of POSIX")
unlimited = pytest.mark.skipif(
    sys.platform != "linux" or "asan" in os.environ.get("LD_PRELOAD", ""),
    reason="limits on memory, which a sanitizer needs",
)


def refuse(*arguments: Any, **options: Any) -> None:
    raise OSError("refused by the test")


@pytest.fixture(params=["unnamed", "named"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both ways to a new file; the second is that of systems which cannot give a name to a file without one."""
    if request.param == "named":
        monkeypatch.setattr(os, "link", refuse)
    elif sys.platform != "linux":
        pytest.skip("files without a name are Linux's")
    return str(request.param)


# Files that are replaced.


@pytest.mark.parametrize("error", [OSError("disk full"), MemoryError(), KeyboardInterrupt()], ids=repr)
@pytest.mark.parametrize("stage", ["pieces", "fsync", "replace"])
def test_a_failure_on_the_way_leaves_the_old_file_alone(
    error: BaseException, stage: str, way: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    io.save({"x": tensor([1.0])}, path)
    with monkeypatch.context() as patch:
        done = []

        def fail(*arguments: Any) -> Any:
            if stage == "pieces" and not done:  # those of the checksum
                done.append(True)
                return iter([])
            raise error

        patch.setattr(io.layout if stage == "pieces" else os, stage, fail)
        with pytest.raises(type(error)):
            io.save({"x": tensor([2.0])}, path)
    assert io.load(path)["x"].tolist() == [1.0] and os.listdir(tmp_path) == ["file"]


def test_both_ways_write_the_same_file(way: str, tmp_path: Path) -> None:
    memory = streams.BytesIO()
    io.save(checkpoint(), memory)
    for _ in range(2):
        io.save(checkpoint(), tmp_path / "file")
        assert (tmp_path / "file").read_bytes() == memory.getvalue() and os.listdir(tmp_path) == ["file"]


KILLED = """
import os, signal, sys
from gradgate import arange, io
if sys.argv[2] == "named":
    def refuse(*arguments, **options):
        raise OSError
    os.link = refuse
synchronise, calls = os.fsync, []
def die(descriptor):
    calls.append(descriptor)
    if len(calls) == int(sys.argv[3]):
        os.kill(os.getpid(), signal.SIGKILL)
    synchronise(descriptor)
os.fsync = die
io.save({"x": arange(1000)}, sys.argv[1])
"""


@posix
def test_a_killed_save_leaves_the_old_file_and_nothing_that_stays(way: str, tmp_path: Path) -> None:
    path = tmp_path / "file"
    io.save([1], path)
    # Where files have no name, the named one is the second attempt.
    call = "1" if way == "unnamed" or sys.platform != "linux" else "2"
    killed = subprocess.run([sys.executable, "-c", KILLED, path, way, call], timeout=60, check=False)
    assert killed.returncode < 0 and io.load(path) == [1]
    assert len(os.listdir(tmp_path)) == (1 if way == "unnamed" else 2)
    other = tmp_path / "file.other"
    io.save([3], other)
    other.unlink()
    assert len(os.listdir(tmp_path)) == (1 if way == "unnamed" else 2), "a save to another path removed it"
    io.save([2], path)
    assert io.load(path) == [2] and os.listdir(tmp_path) == ["file"]


@posix
def test_the_file_of_a_save_under_way_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "file"
    under_way = tmp_path / ".file.0123456789abcdef.tmp"
    (tmp_path / ".file.txt.tmp").touch()  # of somebody else
    os.mkfifo(tmp_path / ".file.ffffffffffffffff.tmp")
    with replace._open_locked(under_way):
        io.save([1], path)
        assert under_way.exists()
    io.save([2], path)
    assert sorted(os.listdir(tmp_path)) == [".file.ffffffffffffffff.tmp", ".file.txt.tmp", "file"]


SAVING = """
import os, sys
from gradgate import full, io
os.fsync = lambda descriptor: None  # the disk would give the processes little time to meet
if sys.argv[2] == "named":
    def refuse(*arguments, **options):
        raise OSError
    os.link = refuse
for i in range(40):
    io.save({"x": full((500,), i)}, sys.argv[1])
    assert len(set(io.load(sys.argv[1])["x"].tolist())) == 1
"""


@posix
def test_processes_that_save_to_one_path_do_not_disturb_each_other(way: str, tmp_path: Path) -> None:
    command = [sys.executable, "-c", SAVING, str(tmp_path / "file"), way]
    processes = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(4)]
    for process in processes:
        _, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors
    assert os.listdir(tmp_path) == ["file"]


@posix
def test_the_mode_of_a_file_is_kept(way: str, tmp_path: Path) -> None:
    path = tmp_path / "file"
    for mode in (0o600, 0o664, 0o755):
        path.touch()
        path.chmod(mode)
        io.save([mode], path)
        assert stat.S_IMODE(path.stat().st_mode) == mode and io.load(path) == [mode]


@posix
@pytest.mark.skipif(not hasattr(os, "getuid") or os.getuid() != 0, reason="only the superuser gives files away")
def test_the_owner_of_a_file_is_kept(way: str, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.touch(0o640)
    os.chown(path, 4321, 8765)
    io.save([1], path)
    status = path.stat()
    assert (status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode)) == (4321, 8765, 0o640)


READ_ONLY = """
import os, sys
from gradgate import io
if os.getuid() == 0:
    os.setuid(65534)
try:
    io.save([2], sys.argv[1])
except PermissionError as error:
    print(error.filename)
"""


@posix
def test_a_file_that_is_not_to_be_written_is_not_replaced() -> None:
    with tempfile.TemporaryDirectory() as folder:  # which the superuser's child reaches as somebody else
        os.chmod(folder, 0o777)
        path = os.path.join(folder, "file")
        io.save([1], path)
        os.chmod(path, 0o444)
        done = subprocess.run(
            [sys.executable, "-c", READ_ONLY, path], capture_output=True, text=True, timeout=60, check=True
        )
        assert done.stdout.strip() == path and io.load(path) == [1] and os.listdir(folder) == ["file"]


def test_names_as_long_as_the_file_system_allows(way: str, tmp_path: Path) -> None:
    for name in ("n" * 250, "ß" * 125, "\U0001f600" * 60):
        io.save([name], tmp_path / name)
        assert io.load(tmp_path / name) == [name]


# What is no regular file.


def reading(path: Path) -> tuple[threading.Thread, list[bytes]]:
    got: list[bytes] = []
    thread = threading.Thread(target=lambda: got.append(path.read_bytes()), daemon=True)
    thread.start()
    return thread, got


@posix
def test_a_pipe_is_written_through_and_read(tmp_path: Path) -> None:
    pipe, link = tmp_path / "pipe", tmp_path / "link"
    os.mkfifo(pipe)
    link.symlink_to(pipe)
    big = {"x": arange(100_000.0)}  # more than a pipe holds
    for path in (pipe, link):
        thread, got = reading(pipe)
        io.save(big, path)
        thread.join(60)
        assert same(io.load(streams.BytesIO(got[0])), big)
        assert stat.S_ISFIFO(os.lstat(pipe).st_mode) and link.is_symlink()
    saving = threading.Thread(target=io.save, args=(big, pipe), daemon=True)
    saving.start()
    assert same(io.load(pipe), big)
    saving.join(60)
    assert sorted(os.listdir(tmp_path)) == ["link", "pipe"]


@posix
def test_a_pipe_that_nobody_reads_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(io_streams, "_SECONDS_FOR_READER", 0.05)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match=r"no process reads the pipe.*pipe'"):
        io.save([1], tmp_path / "pipe")
    assert stat.S_ISFIFO(os.lstat(tmp_path / "pipe").st_mode)


@posix
def test_a_socket_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # the name of a socket is short
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind("socket")
        with pytest.raises(OSError, match="socket"):
            io.save([1], "socket")
        assert stat.S_ISSOCK(os.lstat("socket").st_mode) and os.listdir() == ["socket"]


@pytest.mark.skipif(sys.platform != "linux", reason="/proc of Linux")
def test_an_open_file_without_a_name_is_written_through(tmp_path: Path) -> None:
    with open(tmp_path / "removed", "w+b") as file:
        file.write(bytes(10_000))
        file.flush()
        os.unlink(tmp_path / "removed")
        io.save([1], f"/proc/self/fd/{file.fileno()}")
        file.seek(0)
        assert io.load(file) == [1] and file.read() == b"" and os.listdir(tmp_path) == []


# Memory that runs out.

LIMITED = """
import os, resource, sys
from gradgate import arange, io, zeros
path, what, extra = sys.argv[1], sys.argv[2], int(sys.argv[3])
if what == "lists":
    obj = [0.5] * 2_000_000
elif what == "load":
    obj = None
else:
    obj = {"x": arange(2_000_000.0).reshape(1000, 2000)}
    if what == "turned":
        obj["x"] = obj["x"].T
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + extra, -1))
try:
    io.load(path) if what == "load" else io.save(obj, path)
    print("done")
except MemoryError:
    print("MemoryError")
"""


def limited(path: Path, what: str, megabytes: float) -> str:
    command = [sys.executable, "-c", LIMITED, str(path), what, str(int(megabytes * 2**20))]
    environment = {**os.environ, "GRADGATE_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@unlimited
@pytest.mark.parametrize("what", ["straight", "turned"])
def test_tensors_are_saved_without_a_copy_of_them(what: str, tmp_path: Path) -> None:
    assert limited(tmp_path / "file", what, 4) == "done"  # a quarter of the tensor's size
    values = np.arange(2_000_000, dtype=np.float32).reshape(1000, 2000)
    np.testing.assert_array_equal(io.load(tmp_path / "file")["x"].numpy(), values.T if what == "turned" else values)


@unlimited
def test_a_lack_of_memory_is_an_error_and_leaves_the_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    io.save([1], path)
    ends = {limited(path, "lists", megabytes) for megabytes in (0.1, 5, 20)}
    assert ends == {"MemoryError"} and io.load(path) == [1] and os.listdir(tmp_path) == ["file"]
    io.save({"x": empty(8_000_000)}, path)
    assert {limited(path, "load", megabytes) for megabytes in (0.1, 20)} == {"MemoryError"}
