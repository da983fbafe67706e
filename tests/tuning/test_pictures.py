"""Pictures of tuning: each value is at its place, and a name from outside cannot leave its text."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from reasoning import tuning
from reasoning.errors import InputError
from reasoning.providers.adapter_folder import Adapter
from reasoning.tuning.pictures import ScoreRow, draw_scores, draw_training

SPACE = "{http://www.w3.org/2000/svg}"
LOG: list[dict[str, Any]] = [
    {"step": 0, "held_out_loss": 2.0, "held_out_exact": 0, "held_out": 10, "seconds": 0.0},
    {"step": 1, "loss": 2.0, "learning_rate": 0.001, "seconds": 1.0},
    {"step": 2, "loss": 0.5, "learning_rate": 0.001, "seconds": 2.0},
    {"step": 2, "held_out_loss": 1.0, "held_out_exact": 5, "held_out": 10, "seconds": 2.5},
]


def dots(picture: str) -> list[tuple[float, float]]:
    root = ElementTree.fromstring(picture)
    return [(float(one.attrib["cx"]), float(one.attrib["cy"])) for one in root.iter(f"{SPACE}circle")]


def test_losses_and_exact_replies_are_drawn_over_the_steps() -> None:
    picture = draw_training(LOG, "a < b")
    (first_loss, last_loss, none_exact, half_exact) = dots(picture)
    assert first_loss[1] < last_loss[1]  # a smaller loss is lower in the picture
    assert none_exact[1] > half_exact[1]
    lines = list(ElementTree.fromstring(picture).iter(f"{SPACE}polyline"))
    assert [len(line.attrib["points"].split()) for line in lines] == [2, 2, 2]
    assert "exact replies of 10 held out" in picture
    # A training on all examples has no second plot.
    assert "held out" not in draw_training(LOG[1:3], "all")


def test_scores_are_at_their_place_between_the_ends_of_their_intervals() -> None:
    rows = [ScoreRow("<script>", 0.0, 0.0, 0.2), ScoreRow("tuned", 1.0, 0.8, 1.0, "+100.0 points")]
    picture = draw_scores({"step alone": rows}, "scores")
    (low, _), (high, _) = dots(picture)
    assert high - low == 260  # the whole axis
    assert "<script>" not in picture
    assert "&lt;script&gt;" in picture


def test_the_log_of_an_adapter_is_read_and_shown(tmp_path: Path) -> None:
    settings = {"steps": 2, "trained_parameters": 1234, "peak_memory": 2_000_000_000}
    adapter = Adapter("cat", "smollm2-135m", "ab" * 32, "alora", "llama.cpp", tmp_path, {}, settings)
    with pytest.raises(InputError, match=r"log\.jsonl"):
        tuning.read_training_log(adapter)
    (tmp_path / "log.jsonl").write_text("".join(json.dumps(line) + "\n" for line in LOG))
    log = tuning.read_training_log(adapter)
    assert [line.get("loss") for line in log.lines] == [None, 2.0, 0.5, None]
    assert "local:smollm2-135m+cat, trained by alora; 2 steps in 2 s" in repr(log)
    assert "training loss  2.000" in repr(log)
    assert "<svg" in log._repr_html_()
