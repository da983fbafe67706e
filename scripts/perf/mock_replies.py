"""Replies, delays and counters of the mock server."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from hashlib import blake2b

SENTENCES = (
    "First I write down what is given and what is asked for.",
    "The two amounts belong together, so I add them up before anything else.",
    "Half of that goes away, and the other half of it stays.",
    "Both sides have the same unit, which is a good sign.",
    "What remains is then multiplied by the price of a single piece.",
    "Going back from the end gives the same number once again.",
    "Nothing else in the text has any influence on the count.",
    "The difference of the two is the number that was wanted.",
)
# In DSPy's own layout; a reply in another layout would make DSPy repeat every call.
_DSPY = b"[[ ## answer ## ]]"


@dataclass
class Stats:
    """Counters of the server: requests for completions, choices sent, sockets accepted, peak of concurrent requests."""

    requests: int = 0
    completions: int = 0
    connections: int = 0
    peak_in_flight: int = 0


class Model:
    """The replies, their delays and the counters.

    Args:
        latency: seconds from a request to its reply.
        jitter: share of the latency by which a reply may be early or late.
        honour_n: whether `n` gives `n` choices, or always one.
    """

    def __init__(self, latency: float = 0.0, jitter: float = 0.2, honour_n: bool = True) -> None:
        self.latency, self.jitter, self.honour_n = latency, jitter, honour_n
        self.in_flight = 0
        self.reset()

    def reset(self) -> None:
        self.stats = Stats()
        self._drawn: Counter[bytes] = Counter()

    def wait(self, body: bytes) -> float:
        """Return the seconds until this body is answered."""
        if not self.latency:
            return 0.0
        dice = int.from_bytes(blake2b(body, digest_size=4).digest(), "big") / 2**32
        return self.latency * (1 + self.jitter * (2 * dice - 1))

    def answer(self, body: bytes) -> tuple[int, bytes]:
        """Return status and JSON for the body of a request."""
        try:
            request = json.loads(body)
            messages = request["messages"]
            words = [str(turn["content"]) for turn in messages]
            n = int(request.get("n") or 1) if self.honour_n else 1
        except (ValueError, LookupError, TypeError, AttributeError):
            return 400, error("the body must be a JSON object with messages", "invalid_request_error")
        if not words or not 1 <= n <= 128 or request.get("stream"):
            return 400, error("required: some messages, n from 1 to 128, no stream", "invalid_request_error")
        key = blake2b("\0".join(words).encode("utf-8", "replace"), digest_size=16).digest()
        first = self._drawn[key]
        self._drawn[key] = first + n
        texts = [text(key, draw, _DSPY in body) for draw in range(first, first + n)]
        prompt, completion = sum(4 + len(part) // 4 for part in words), sum(len(part) // 4 for part in texts)
        self.stats.completions += n
        reply = {
            "id": f"chatcmpl-{key.hex()}-{first}",
            "object": "chat.completion",
            "created": 0,
            "model": request.get("model", "mock"),
            "choices": [
                {
                    "index": i,
                    "message": {"role": "assistant", "content": part},
                    "logprobs": None,
                    "finish_reason": "stop",
                }
                for i, part in enumerate(texts)
            ],
            "usage": {
                "prompt_tokens": prompt,
                "completion_tokens": completion,
                "total_tokens": prompt + completion,
            },
        }
        return 200, json.dumps(reply).encode()


def text(key: bytes, draw: int, dspy: bool = False) -> str:
    """Return the `draw`-th text for the messages with this hash: three sentences, the draw's name, a number."""
    dice = blake2b(key, digest_size=8, salt=draw.to_bytes(16, "big")).digest()
    sentences = " ".join(SENTENCES[(dice[0] + step) % len(SENTENCES)] for step in (0, 1 + dice[1] % 3, 5))
    number = 42 if dice[2] < 160 else 10 + dice[3] % 90  # five of eight draws agree, as a vote needs
    sentences = f"{sentences} (Draw {dice.hex()}.)"
    if dspy:
        return f"[[ ## reasoning ## ]]\n{sentences}\n\n[[ ## answer ## ]]\n{number}\n\n[[ ## completed ## ]]"
    return f"{sentences} The answer is {number}."


def error(message: str, kind: str) -> bytes:
    """Return an error body in OpenAI's format."""
    return json.dumps({"error": {"message": message, "type": kind, "param": None, "code": None}}).encode()
