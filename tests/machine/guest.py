"""A machine under QEMU that sticks can be plugged into and pulled out of, and that can lose its power."""

from __future__ import annotations

import base64
import itertools
import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Collection
from contextlib import suppress
from pathlib import Path
from typing import Any

MEMORY_MB = 2048
BOOT_S = 600.0
_PATIENT = "systemd.default_timeout_start_sec=600"
"""Without KVM, beside other work, the services may take minutes to start."""
_VIRTIO = ("virtio-blk-pci,drive=root",)
_USB = ("usb-storage,drive=root,bus=xhci.0",)


class Guest:
    """One machine with its disk. Not for several threads."""

    def __init__(self, folder: Path, disk: Path, kernel: Path, initrd: Path) -> None:
        self._folder, self._disk, self._kernel, self._initrd = folder, disk, kernel, initrd
        self._cache = folder / "cache.qcow2"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def uses_kvm(self) -> bool:
        """Whether the machine runs on this one's processor; else QEMU translates it.

        A KVM without the processor's help (kvm_pvm) has the same device and runs no kernel of Debian's.
        """
        helped = any(Path("/sys/module", name).exists() for name in ("kvm_intel", "kvm_amd"))
        return helped and os.access("/dev/kvm", os.R_OK | os.W_OK)

    def boot(
        self, *sticks: Path, without: Collection[str] = (), from_usb: bool = False, slot: Path | None = None
    ) -> float:
        """Switch on with these sticks plugged in, and a card in the SD slot; wait until the machine answers: seconds.

        `without` names services that are not started.

        What is written goes into a new layer above the disk. QEMU keeps the layer's tables in its memory until the machine
        flushes its disk, so that what was not flushed is lost with the power, as it is with a disk that has a cache.
        """
        layer = ("-f", "qcow2", "-b", str(self._disk), "-F", "raw", "-o", "cluster_size=4k")
        subprocess.run(["qemu-img", "create", "-q", *layer, str(self._cache)], check=True)
        start = time.monotonic()
        for name in ("qmp", "agent"):
            (self._folder / name).unlink(missing_ok=True)
        with (self._folder / "qemu.log").open("ab") as log:
            command = self._command(_USB if from_usb else _VIRTIO, without, slot)
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        self._monitor = _Line(self._folder / "qmp", self._process)
        self._monitor.read()
        self._order("qmp_capabilities")
        for number, stick in enumerate(sticks):
            self.plug(stick, f"cold{number}")
        self._agent = _Line(self._folder / "agent", self._process)
        for number in itertools.count():
            with suppress(TimeoutError):
                self._agent.synchronize(number, 2.0)
                return time.monotonic() - start
            assert time.monotonic() < start + BOOT_S, f"did not boot: see {self._folder}/serial.log"
        raise AssertionError

    def _command(self, root: tuple[str, ...], without: Collection[str], slot: Path | None) -> list[str]:
        masks = "".join(f" systemd.mask={name}" for name in without)
        options = {
            "-M": "q35",
            "-accel": "kvm" if self.uses_kvm else "tcg,thread=multi,tb-size=512",
            "-cpu": "host" if self.uses_kvm else "max,la57=off",
            "-smp": "2",
            "-m": str(MEMORY_MB),
            "-kernel": str(self._kernel),
            "-initrd": str(self._initrd),
            "-append": f"root=LABEL=machine rw console=ttyS0 quiet panic=-1 {_PATIENT}{masks}",
            "-drive": f"if=none,id=root,file={self._cache},format=qcow2,cache=writeback",
            "-serial": f"file:{self._folder}/serial.log",
            "-display": "none",
            "-monitor": "none",
            "-nic": "none",
            "-qmp": f"unix:{self._folder}/qmp,server=on,wait=off",
            "-chardev": f"socket,id=agent,path={self._folder}/agent,server=on,wait=off",
        }
        told = [word for pair in options.items() for word in pair]
        devices = ["qemu-xhci,id=xhci", "virtio-serial", *root]
        devices.append("virtserialport,chardev=agent,name=org.qemu.guest_agent.0")
        if slot:
            told += ["-drive", f"if=none,id=slot,file={slot},format=raw"]
            devices += ["sdhci-pci", "sd-card,drive=slot"]
        qemu = shutil.which("qemu-system-x86_64")
        assert qemu, "needs qemu-system-x86"
        return [
            qemu,
            "-nodefaults",
            "-no-reboot",
            *told,
            *(word for device in devices for word in ("-device", device)),
        ]

    def cut(self) -> None:
        """Take the power away: what the machine had not flushed is gone."""
        if self._process:
            self._process.kill()
            self._process.wait()
            self._process = None
            subprocess.run(["qemu-img", "commit", "-q", str(self._cache)], check=True)

    def plug(self, stick: Path, name: str = "usb", bytes_s: int = 0) -> None:
        """Put a stick in, which gives `bytes_s` (0: as fast as it can)."""
        group = {"qom-type": "throttle-group", "id": f"{name}-rate", "limits": {"bps-read": bytes_s}}
        self._order("object-add", **group)
        file = {"driver": "raw", "file": {"driver": "file", "filename": str(stick)}}
        node = {"driver": "throttle", "node-name": f"{name}-disk", "throttle-group": f"{name}-rate"}
        self._order("blockdev-add", **node, file=file)
        drive = {"drive": f"{name}-disk", "bus": "xhci.0", "removable": True}
        self._order("device_add", driver="usb-storage", id=name, **drive)

    def pull(self, name: str = "usb") -> None:
        """Take a stick out, whatever is being read from it."""
        self._order("device_del", id=name)
        self._until_free("blockdev-del", **{"node-name": f"{name}-disk"})
        self._until_free("object-del", id=f"{name}-rate")

    def _until_free(self, order: str, **arguments: Any) -> None:
        end = time.monotonic() + 20
        while True:
            try:
                self._order(order, **arguments)
            except AssertionError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.1)
            else:
                return

    def _order(self, order: str, **arguments: Any) -> None:
        told = self._monitor.ask({"execute": order, "arguments": arguments}, 20.0)
        assert "return" in told, (order, told)

    def run(self, command: str, seconds: float = 60.0) -> str:
        """What a shell command in the machine prints. Raises AssertionError if it fails."""
        shell = {"path": "/bin/sh", "arg": ["-c", command], "capture-output": True}
        pid = self._agent.ask({"execute": "guest-exec", "arguments": shell}, 20.0)["return"]["pid"]
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            order = {"execute": "guest-exec-status", "arguments": {"pid": pid}}
            told = self._agent.ask(order, 20.0)["return"]
            if told["exited"]:
                out, err = (base64.b64decode(told.get(name, "")) for name in ("out-data", "err-data"))
                assert told.get("exitcode") == 0, (command, told.get("exitcode"), out, err)
                return out.decode()
            time.sleep(0.02)
        raise AssertionError(f"no end within {seconds} s: {command}")

    def read(self, file: str) -> str:
        """What is in a file of at most 64 KB; empty if it is not there. Unlike `run` it costs the machine next to nothing."""
        opened = self._agent.ask({"execute": "guest-file-open", "arguments": {"path": file}}, 20.0)
        if "error" in opened:
            return ""
        handle = {"handle": opened["return"]}
        told = self._agent.ask({"execute": "guest-file-read", "arguments": handle | {"count": 1 << 16}}, 20.0)
        self._agent.ask({"execute": "guest-file-close", "arguments": handle}, 20.0)
        return base64.b64decode(told["return"]["buf-b64"]).decode()


class _Line:
    """A socket on which one JSON document a line goes to and fro."""

    def __init__(self, path: Path, process: subprocess.Popen[bytes]) -> None:
        self._socket, self._rest, end = socket.socket(socket.AF_UNIX), b"", time.monotonic() + 30
        while self._socket.connect_ex(str(path)):
            assert process.poll() is None, "QEMU ended: see qemu.log"
            assert time.monotonic() < end, f"QEMU does not listen at {path.name}"
            time.sleep(0.05)

    def ask(
        self,
        what: dict[str, Any],
        seconds: float,
        is_answer: Callable[[dict[str, Any]], bool] = lambda told: "return" in told or "error" in told,
    ) -> dict[str, Any]:
        """The answer; what is none is passed over. Raises TimeoutError."""
        self._socket.settimeout(seconds)
        self._socket.sendall(json.dumps(what).encode() + b"\n")
        while True:
            told = self.read()
            if is_answer(told):
                return told

    def synchronize(self, number: int, seconds: float) -> None:
        """Pass over answers to what was asked before. Raises TimeoutError."""
        order = {"execute": "guest-sync", "arguments": {"id": number}}
        self.ask(order, seconds, lambda told: told.get("return") == number)

    def read(self) -> dict[str, Any]:
        """The next document."""
        while b"\n" not in self._rest:
            more = self._socket.recv(65536)
            assert more, "QEMU is gone"
            self._rest += more
        line, self._rest = self._rest.split(b"\n", 1)
        told: dict[str, Any] = json.loads(line)
        return told
