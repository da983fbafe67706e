"""The filter of system calls, run by an interpreter of its own here: also for machines that we are not on."""

import platform
import re
import struct
from pathlib import Path

import pytest

from reasoning.sandbox.child import seccomp

ALLOW, REFUSE, KILL = 0x7FFF0000, 0x00050001, 0x80000000
HEADERS = {"x86_64": "/usr/include/x86_64-linux-gnu/asm/unistd_64.h", "aarch64": "/usr/include/asm-generic/unistd.h"}
MACHINES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}


def decide(machine, number, *arguments, architecture=None):
    """What the kernel does with a call."""
    call = struct.pack("=iIQ6Q", number, architecture or MACHINES[machine], 0, *arguments, *[0] * (6 - len(arguments)))
    code = seccomp.build_filter(machine)
    steps = [struct.unpack_from("=HBBI", code, at) for at in range(0, len(code), 8)]
    assert len(steps) <= 4096
    at = loaded = 0
    while True:
        operation, then, otherwise, value = steps[at]
        at += 1
        match operation:
            case 0x20:
                (loaded,) = struct.unpack_from("=I", call, value)
            case 0x15:
                at += then if loaded == value else otherwise
            case 0x45:
                at += then if loaded & value else otherwise
            case 0x06:
                return value
            case _:
                raise AssertionError(operation)


@pytest.mark.parametrize("machine", MACHINES)
def test_what_computes_is_allowed_and_nothing_else(machine):
    numbers = seccomp.NUMBERS[machine]
    conditional = {"open", "openat", "fcntl", "ioctl", "prlimit64"}
    assert set(numbers) <= {*seccomp.ALLOWED, *conditional}
    allowed = {numbers[name] for name in numbers if name not in conditional}
    for number in range(600):
        if number not in {numbers[name] for name in conditional & set(numbers)}:
            assert decide(machine, number, 3, 3, 3) == (ALLOW if number in allowed else REFUSE)
    assert decide(machine, numbers["read"] | 0x40000000) == REFUSE
    assert decide(machine, numbers["read"], architecture=0x40000003) == KILL


@pytest.mark.parametrize("machine", MACHINES)
def test_arguments_are_looked_at(machine):
    numbers = seccomp.NUMBERS[machine]
    for flags, decision in {0: ALLOW, 0o2000000: ALLOW, 1: REFUSE, 2: REFUSE, 0o101: REFUSE, 0o1000: REFUSE}.items():
        assert decide(machine, numbers["openat"], 0, 0, flags) == decision
    for command, decision in {1: ALLOW, 1030: ALLOW, 8: REFUSE, 10: REFUSE, 4: REFUSE}.items():
        assert decide(machine, numbers["fcntl"], 3, command) == decision
    for request, decision in {0x5401: ALLOW, 0x5451: ALLOW, 0x5412: REFUSE, 0x5413: ALLOW, 0x541C: REFUSE}.items():
        assert decide(machine, numbers["ioctl"], 0, request) == decision
    limits = numbers["prlimit64"]
    assert decide(machine, limits, 0, 7, 0, 1 << 40) == ALLOW
    assert decide(machine, limits, 1, 7, 0, 0) == REFUSE
    assert decide(machine, limits, 0, 7, 1, 0) == REFUSE
    assert decide(machine, limits, 0, 7, 1 << 40, 0) == REFUSE


@pytest.mark.parametrize("machine", MACHINES)
def test_the_numbers_are_the_kernel_s(machine):
    if not Path(HEADERS[machine]).is_file():
        pytest.skip("the kernel's headers are not installed")
    defined = re.findall(r"#define __NR(?:3264)?_(\w+)\s+(\d+)", Path(HEADERS[machine]).read_text())
    kernel = {("newfstatat" if name == "fstatat" else name): int(number) for name, number in defined}
    assert {name: kernel.get(name) for name in seccomp.NUMBERS[machine]} == seccomp.NUMBERS[machine]


def test_this_machine_is_one_of_them():
    assert seccomp.supported() == (platform.system() == "Linux" and platform.machine() in MACHINES)
