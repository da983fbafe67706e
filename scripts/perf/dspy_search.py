"""One search of DSPy, in an environment with dspy alone; `perf.compare_dspy` starts it.

It reads the pools from a file, asks the model and the metric of the parent's server, and prints one JSON object: which
test examples the program solves before and after the search, and the tokens of the search.
"""

from __future__ import annotations

import json
import sys
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import dspy

THREADS = 8


def main() -> None:
    setup = json.loads(Path(sys.argv[1]).read_text())
    url, method, seed = setup["url"], setup["method"], setup["seed"]

    def post(path: str, data: Any) -> Any:
        request = urllib.request.Request(
            f"{url}{path}", json.dumps(data).encode(), {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request) as reply:
            return json.load(reply)

    def is_right(example: Any, prediction: Any) -> bool:
        return bool(post("/score", {"id": example.id, "answer": str(getattr(prediction, "answer", ""))})["right"])

    def metric(example: Any, prediction: Any, trace: Any = None) -> bool:
        return is_right(example, prediction)

    def with_feedback(example: Any, prediction: Any, trace: Any = None, name: Any = None, of_name: Any = None) -> Any:
        right = is_right(example, prediction)
        said = "Right" if right else f"Wrong: the answer was {getattr(prediction, 'answer', None)}"
        return dspy.Prediction(score=float(right), feedback=f"{said}; the right answer is {example.answer}.")

    def examples(pool: str) -> list[Any]:
        return [dspy.Example(**row).with_inputs("question") for row in setup[pool]]

    def test(program: Any) -> dict[str, bool]:
        def solve(example: Any) -> bool:
            try:
                return is_right(example, program(question=example.question))
            except Exception as error:  # a reply that the adapter cannot read
                print(f"{type(error).__name__}: {error}"[:200], file=sys.stderr)
                return False

        asked = examples("test")
        with ThreadPoolExecutor(THREADS) as pool:
            return dict(zip((example.id for example in asked), pool.map(solve, asked), strict=True))

    lm = dspy.LM(
        "openai/local",
        api_base=f"{url}/v1",
        api_key="none",
        cache=False,
        temperature=0.0,
        max_tokens=setup["max_tokens"],
    )
    proposer = lm.copy(temperature=1.0, max_tokens=1024)
    dspy.configure(lm=lm)
    program = getattr(dspy, setup["program"])("question -> answer")
    before, started = test(program), post("/tokens", {})["tokens"]
    if method == "miprov2":
        search = dspy.MIPROv2(
            metric=metric,
            prompt_model=proposer,
            auto=None,
            num_candidates=4,
            max_bootstrapped_demos=4,
            max_labeled_demos=4,
            num_threads=THREADS,
            seed=seed,
        )
        tuned = search.compile(
            program,
            trainset=examples("train"),
            valset=examples("selection"),
            num_trials=setup["trials"],
            minibatch=False,
        )
    else:
        search = dspy.GEPA(
            metric=with_feedback,
            max_metric_calls=setup["trials"] * len(setup["selection"]),
            reflection_lm=proposer,
            num_threads=THREADS,
            seed=seed,
        )
        tuned = search.compile(program, trainset=examples("train"), valset=examples("selection"))
    tokens = post("/tokens", {})["tokens"] - started
    print(json.dumps({"before": before, "after": test(tuned), "tokens": tokens, "version": dspy.__version__}))


if __name__ == "__main__":
    main()
