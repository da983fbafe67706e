"""Keys of clients, and the budgets of keys and days."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from reasoning import Budget, Problem, kinds, strategies
from reasoning.errors import BudgetExhausted, InputError, UsageError
from reasoning.serving.access import Access, read_keys
from reasoning.serving.protocol.errors import RequestFailed
from reasoning.testing import ScriptedLLM

KEY = "sk-test-0123456789abcdef"
QUESTION = Problem("How many legs do two spiders have?", kinds.Number())


def written(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "keys.toml"
    file.write_text(text)
    return file


def test_a_key_is_its_hash(tmp_path: Path) -> None:
    digest = hashlib.sha256(KEY.encode()).hexdigest()
    for text in (f'[keys.alice]\nkey = "{KEY}"', f'[keys.alice]\nsha256 = "{digest}"\nrequests_per_minute = 60'):
        [key] = read_keys(written(tmp_path, text))
        access = Access(ScriptedLLM([]), [key])
        assert access.key_of(f"Bearer {KEY}") is key
        assert access.key_of(f"bearer  {KEY} ") is key
        assert KEY not in repr(key)
        for header in (None, "", KEY, f"Basic {KEY}", f"Bearer {KEY}x", f"Bearer {digest}", "Bearer \ud800"):
            with pytest.raises(RequestFailed, match="a valid key is missing") as caught:
                access.key_of(header)
            assert caught.value.status == 401


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "must have a table for each key"),
        ("keys = 7", "must have a table for each key"),
        ('[keys]\nalice = "secret-secret-secret"', "must have a table for each key"),
        ('[keys.alice]\nkey = "secret', "must be TOML in UTF-8"),
        ('[keys.alice]\nkey = "secret"', "key: must be str of length >= 16"),
        ("[keys.alice]\nkey = 7", "key: must be str . null, got int"),
        ("[keys.alice]", "must have either key or sha256"),
        ('[keys.alice]\nsha256 = "secret"', "sha256: must be str matching regex"),
        (f'[keys.alice]\nkey = "{KEY}"\nbudgt = "usd=1"', "unknown field 'budgt'; did you mean 'budget'"),
        (f'[keys.alice]\nkey = "{KEY}"\nbudget = 7', "budget: must be str . null, got int"),
        (f'[keys.alice]\nkey = "{KEY}"\nbudget = "eur=7"', "unknown limit 'eur'"),
        (f'[keys.alice]\nkey = "{KEY}"\nrequests_per_minute = 0', "requests_per_minute: must be float > 0"),
        (f'day_budget = "usd=1"\n[keys.alice]\nkey = "{KEY}"', "unknown table 'day_budget'; .*the table of a key"),
        (f'[keys.alice]\nkey = "{KEY}"\n[key.bob]\nkey = "{KEY}x"', "unknown table 'key'; did you mean 'keys'"),
        (f'[keys.alice]\nkey = "{KEY}"\n[keys.bob]\nkey = "{KEY}"', "every key must be different"),
    ],
)
def test_a_wrong_file_of_keys_is_an_error_without_a_key(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        read_keys(written(tmp_path, text))
    assert "secret" not in str(caught.value)
    assert KEY not in str(caught.value)


def test_a_key_has_a_rate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    [key] = read_keys(written(tmp_path, f'[keys.alice]\nkey = "{KEY}"\nrequests_per_minute = 2'))
    access, now = Access(ScriptedLLM([]), [key]), 1_000.0
    monkeypatch.setattr("reasoning.serving.access.time.monotonic", lambda: now)
    access.admit(key)
    access.admit(key)
    with pytest.raises(RequestFailed, match="the key alice may make 2 requests a minute") as caught:
        access.admit(key)
    assert (caught.value.status, caught.value.retry_after) == (429, 31)
    now += float(caught.value.retry_after or 0)
    access.admit(key)
    access.admit(None)


def test_a_key_may_have_less_than_one_request_a_minute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    [key] = read_keys(written(tmp_path, f'[keys.alice]\nkey = "{KEY}"\nrequests_per_minute = 0.5'))
    access, now = Access(ScriptedLLM([]), [key]), 1_000.0
    monkeypatch.setattr("reasoning.serving.access.time.monotonic", lambda: now)
    access.admit(key)
    with pytest.raises(RequestFailed) as caught:
        access.admit(key)
    assert caught.value.retry_after == 121
    now += 121
    access.admit(key)


def test_a_key_has_no_budget_of_seconds(tmp_path: Path) -> None:
    keys = read_keys(written(tmp_path, f'[keys.alice]\nkey = "{KEY}"\nday_budget = "seconds=5"'))
    with pytest.raises(UsageError, match=r"must be in calls, tokens or usd, got seconds=5"):
        Access(ScriptedLLM([]), keys, None, tmp_path)


def test_the_spending_of_a_day_is_that_of_all_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = read_keys(
        written(tmp_path, f'[keys.alice]\nkey = "{KEY}"\nbudget = "calls=3"\n[keys.bob]\nkey = "{KEY}-of-bob"')
    )
    day, bought = "2026-12-01", []
    monkeypatch.setattr("reasoning.serving.access.time.strftime", lambda *_: day)
    for start, who in enumerate([(0, 0), (0, 1), (1, 1)]):
        llm = ScriptedLLM(lambda messages: "The answer is 16.")
        access = Access(llm, keys, Budget(calls=3), tmp_path / "spent")
        if start == 2:
            day = "2026-12-02"
        for number, key in enumerate(who):
            try:
                budget = Budget(within=access.budget_of(keys[key]))
                strategies.get("cot").run(QUESTION, llm, budget=budget, series=f"{start} {number}")
            except BudgetExhausted:
                bought.append(False)
            else:
                bought.append(True)
        access.close()
    # Two of alice and one of bob fill the first day; alice has one left in all, and two are left of the second day.
    assert bought == [True, True, True, False, True, True]
    assert sorted(file.name for file in (tmp_path / "spent").iterdir()) == ["2026-12-01.jsonl", "2026-12-02.jsonl"]


def test_two_servers_need_two_folders(tmp_path: Path) -> None:
    first = Access(ScriptedLLM([]), [], Budget(calls=3), tmp_path)
    with pytest.raises(InputError, match="another server uses it; give this one another folder, --spending FOLDER"):
        Access(ScriptedLLM([]), [], Budget(calls=3), tmp_path)
    with pytest.raises(InputError, match="the folder cannot be made: "):
        Access(ScriptedLLM([]), [], Budget(calls=3), written(tmp_path, ""))
    first.close()
    Access(ScriptedLLM([]), [], Budget(calls=3), tmp_path).close()
    Access(ScriptedLLM([]), []).close()
