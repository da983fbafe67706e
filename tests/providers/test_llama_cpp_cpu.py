"""What the installed llama.cpp was compiled for decides how many sequences run at once, and `doctor` tells it."""

from __future__ import annotations

from pathlib import Path

import pytest

from reasoning.cli import doctor
from reasoning.providers.llama_cpp import cpu
from reasoning.providers.llama_cpp.client import local_client

PUBLISHED = frozenset({"AVX", "AVX2", "FMA"})
NATIVE = PUBLISHED | {"AVX512", "AVX512_VNNI", "AMX_INT8"}
GB = 1 << 30


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> frozenset[str]:
    monkeypatch.setattr(cpu, "read_compiled_features", lambda: request.param)
    return request.param


@pytest.fixture
def new_cpu(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "cpuinfo"
    file.write_text(
        "processor\t: 0\nflags\t\t: fpu avx avx2 avx512f avx512_vnni amx_int8\n\nprocessor\t: 1\nflags\t\t: fpu\n"
    )
    monkeypatch.setattr(cpu, "_CPUINFO", file)


@pytest.mark.parametrize("compiled", [NATIVE], indirect=True)
def test_matrix_instructions_run_many_sequences_if_there_is_memory(compiled):
    many = cpu.choose_layout(GB, 12_288, 16 * GB)
    assert (many.slots, many.flash_attention) == (32, False)
    assert many.context // many.slots == cpu.Layout().context // cpu.Layout().slots  # a request keeps its room
    assert cpu.choose_layout(GB, 12_288, 3 * GB) == cpu.Layout()
    assert cpu.choose_layout(GB, 12_288, None) == cpu.choose_layout() == many
    assert local_client("local").concurrency == local_client("local").max_n == 32


@pytest.mark.parametrize("compiled", [NATIVE], indirect=True)
def test_a_context_that_is_larger_than_the_weights_counts(compiled):
    qwen3 = 114_688  # bytes a token, of weights with 0.64 GB
    assert cpu.choose_layout(GB * 64 // 100, qwen3, 8 * GB) == cpu.Layout()
    assert cpu.choose_layout(GB * 64 // 100, qwen3, 32 * GB).slots == 32
    assert cpu.choose_layout(GB, None, 64 * GB) == cpu.Layout()  # what it takes is not known


@pytest.mark.parametrize("compiled", [PUBLISHED, frozenset()], indirect=True)
def test_other_builds_keep_eight_sequences(compiled):
    assert cpu.choose_layout(GB, 12_288, 64 * GB) == cpu.Layout()
    assert local_client("local").concurrency == 8


@pytest.mark.parametrize(
    ("compiled", "unused"),
    [(PUBLISHED, ["AVX512", "AVX512_VNNI", "AMX_INT8"]), (NATIVE, []), (frozenset(), [])],
    indirect=["compiled"],
)
def test_features_that_a_build_leaves_unused_are_found(compiled, unused, new_cpu):
    assert cpu.find_unused_features() == unused


@pytest.mark.parametrize("compiled", [PUBLISHED], indirect=True)
def test_doctor_says_that_a_faster_build_is_possible(compiled, new_cpu):
    [fact] = [fact for subject, _, fact in doctor.findings() if subject == "llama.cpp"]
    assert "compiled for AVX2;" in fact
    assert "AVX512, AVX512_VNNI, AMX_INT8" in fact
    assert "compile a faster one" in fact


def test_a_system_that_does_not_list_its_flags_has_none(monkeypatch, tmp_path):
    monkeypatch.setattr(cpu, "_CPUINFO", tmp_path / "missing")
    assert cpu.read_cpu_features() == frozenset()
    (tmp_path / "other").write_text("Features\t: fp asimd\n")
    monkeypatch.setattr(cpu, "_CPUINFO", tmp_path / "other")
    assert cpu.read_cpu_features() == frozenset()


def test_the_installed_library_tells_what_it_was_compiled_for():
    pytest.importorskip("xllamacpp")
    assert cpu.read_compiled_features()
