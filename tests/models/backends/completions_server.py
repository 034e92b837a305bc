"""A small completions server in a process of its own, speaking vLLM's or SGLang's dialect over a socket.

The model, its log-probabilities and its sampling are real: transformers' forward pass and logits processors,
one random stream for each sample. It refuses what vLLM 0.32 refuses (several greedy samples, an empty prompt,
a text beyond the context, temperatures above 2) and can be told to misbehave: POST /misbehave with {"how":
busy|error|hang|break|nonsense|no_log_probs|no_ids|die, "times": k, "after": m} affects k completions after the next m;
"how" may also be a number, the HTTP status to answer with; "log_probs" sets another convention. GET /seen tells
what has been asked.

    python completions_server.py CHECKPOINT --port 0 [--dialect vllm|sglang] [--log-probs raw|processed|tempered]

prints the port once it listens.
"""

from __future__ import annotations

import argparse
import json
import os
import threading
import time
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import torch
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    RepetitionPenaltyLogitsProcessor,
    TemperatureLogitsWarper,
    TopPLogitsWarper,
)


class RefusedError(Exception):
    """A call the server answers with HTTP 400, or the status given."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


class Model:
    def __init__(self, checkpoint: str, log_probs: str) -> None:
        self.model = AutoModelForCausalLM.from_pretrained(checkpoint, dtype=torch.float32).eval()
        self.tokenizer = AutoTokenizer.from_pretrained(checkpoint)
        self.context = int(self.model.config.max_position_embeddings)
        self.log_probs = log_probs
        eos = self.model.generation_config.eos_token_id
        self.eos = set(eos) if isinstance(eos, list) else {eos if eos is not None else self.tokenizer.eos_token_id}
        self.lock = threading.Lock()

    def encode(self, prompt: str | list[int]) -> list[int]:
        if prompt in ("", []):
            raise RefusedError("Either prompt or prompt_embeds must be provided and non-empty.")
        ids = list(self.tokenizer(prompt, verbose=False)["input_ids"]) if isinstance(prompt, str) else prompt
        if len(ids) + 1 > self.context:
            raise RefusedError(
                f"This model's maximum context length is {self.context} tokens, the prompt has {len(ids)}."
            )
        return ids

    @torch.inference_mode()
    def prompt_log_probs(self, ids: list[int]) -> list[float | None]:
        table = self.model(input_ids=torch.tensor([ids])).logits[0].log_softmax(-1)
        return [None, *(float(table[at - 1, ids[at]]) for at in range(1, len(ids)))]

    def spell(self, ids: Sequence[int]) -> str:
        text = self.tokenizer.decode(list(ids), skip_special_tokens=False, clean_up_tokenization_spaces=False)
        return str(text)

    @torch.inference_mode()
    def draw(self, ids: list[int], body: dict[str, Any], seed: int) -> dict[str, Any]:
        """One sample: ids, log-probabilities in this server's convention, why it ended and by which stop id."""
        stream = torch.Generator().manual_seed(seed)
        stops = set(body.get("stop_token_ids") or [])
        drawn: list[int] = []
        told: list[float] = []
        limit = min(int(body["max_tokens"]), self.context - len(ids))
        cache, fresh = None, ids
        while len(drawn) < limit:
            output = self.model(input_ids=torch.tensor([fresh]), past_key_values=cache, use_cache=True)
            cache = output.past_key_values
            raw = output.logits[0, -1:].float()
            token, log_prob = self.choose(raw, torch.tensor([ids + drawn]), body, stream)
            drawn.append(token)
            told.append(log_prob)
            fresh = [token]
            if token in self.eos and not body.get("ignore_eos"):
                return {"ids": drawn, "log_probs": told, "finish": "stop", "matched": None, "text": drawn[:-1]}
            if token in stops:
                return {"ids": drawn, "log_probs": told, "finish": "stop", "matched": token, "text": drawn[:-1]}
        return {"ids": drawn, "log_probs": told, "finish": "length", "matched": None, "text": drawn}

    def choose(
        self, raw: torch.Tensor, before: torch.Tensor, body: dict[str, Any], stream: torch.Generator
    ) -> tuple[int, float]:
        penalty = float(body.get("repetition_penalty", 1.0))
        scores = RepetitionPenaltyLogitsProcessor(penalty)(before, raw.clone()) if penalty != 1.0 else raw
        if body["temperature"] == 0:
            token = int(scores.argmax())
            reported = raw if self.log_probs == "raw" else scores
        else:
            tempered = TemperatureLogitsWarper(float(body["temperature"]))(before, scores)
            top_p = float(body.get("top_p", 1.0))
            cut = TopPLogitsWarper(top_p)(before, tempered) if top_p < 1.0 else tempered
            token = int(torch.multinomial(cut.softmax(-1)[0], 1, generator=stream))
            reported = {"raw": raw, "penalised": scores, "tempered": tempered, "processed": cut}[self.log_probs]
        return token, float(reported.log_softmax(-1)[0, token])


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def do_GET(self) -> None:
        if self.path == "/v1/models" and not self.has_key():
            self.send({"error": {"message": "Unauthorized"}}, 401)
        elif self.path == "/v1/models":
            owner, length = self.server.options.dialect, self.server.model.context
            card = {"id": "tiny", "object": "model", "owned_by": owner, "max_model_len": length}
            self.send({"object": "list", "data": [card]})
        elif self.path == "/seen":
            self.send({"most_at_once": self.server.most_at_once, "bodies": self.server.bodies})
        else:
            self.send({"error": {"message": "Not Found"}}, 404)

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path == "/misbehave":
            self.server.trouble = body
            self.server.model.log_probs = body.get("log_probs", self.server.options.log_probs)
            self.send({})
            return
        if self.path == "/tokenize" and self.server.options.dialect == "vllm":
            tokens = self.server.model.tokenizer(body["prompt"], verbose=False)["input_ids"]
            self.send({"count": len(tokens), "max_model_len": self.server.model.context, "tokens": tokens})
            return
        if self.path != "/v1/completions":
            self.send({"error": {"message": "Not Found"}}, 404)
            return
        with self.server.counted(body):
            try:
                if not self.has_key():
                    raise RefusedError("Unauthorized", 401)
                if self.misbehave():
                    return
                self.send(self.complete(body))
            except RefusedError as refusal:
                self.send({"error": {"message": str(refusal), "code": refusal.status}}, refusal.status)

    def has_key(self) -> bool:
        key = self.server.options.api_key
        return not key or self.headers.get("Authorization") == f"Bearer {key}"

    def misbehave(self) -> bool:
        """Do what was asked for instead of an answer; False where this call is to be served as it should be."""
        how = self.server.next_trouble()
        self.how = how
        if how in (None, "no_log_probs", "no_ids"):
            return False
        if how == "die":
            os._exit(9)
        if how == "hang":
            time.sleep(30)
        if how in ("hang", "break"):
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 900\r\n\r\n{")
            self.close_connection = True
        elif how == "nonsense":
            self.send_bytes(b"<html>busy</html>", 200)
        else:
            headers = {"Retry-After": str(self.server.trouble.get("retry_after", 0))} if how == "busy" else {}
            status = {"busy": 503, "error": 500}.get(str(how), how)
            self.send({"error": {"message": "told to fail"}}, int(status), headers)
        return True

    def complete(self, body: dict[str, Any]) -> dict[str, Any]:
        model, vllm = self.server.model, self.server.options.dialect == "vllm"
        n = int(body.get("n", 1))
        if body.get("model") != "tiny":
            raise RefusedError(f"The model `{body.get('model')}` does not exist.", 404)
        if vllm and body["temperature"] == 0 and n > 1:
            raise RefusedError(f"n must be 1 when using greedy sampling, got {n}.")
        if vllm and not 0 <= body["temperature"] <= 2:
            raise RefusedError(f"temperature must be in [0, 2], got {body['temperature']}.")
        with model.lock:
            ids = model.encode(body["prompt"])
            before = model.prompt_log_probs(ids) if body.get("echo") else []
            drawn = [model.draw(ids, body, int(body.get("seed", 0)) + (at if vllm else 0)) for at in range(n)]
        choices = [self.choice(at, one, ids, before, body) for at, one in enumerate(drawn)]
        total = sum(len(one["ids"]) for one in drawn)
        usage = {"prompt_tokens": len(ids), "completion_tokens": total, "total_tokens": len(ids) + total}
        return {"object": "text_completion", "model": "tiny", "choices": choices[::-1], "usage": usage}

    def choice(
        self, at: int, one: dict[str, Any], ids: list[int], before: list[float | None], body: dict[str, Any]
    ) -> dict[str, Any]:
        model, vllm = self.server.model, self.server.options.dialect == "vllm"
        shown = [*(ids if before else []), *one["ids"]]
        spelled = [
            f"token_id:{token}" if vllm and body.get("return_tokens_as_token_ids") else model.spell([token])
            for token in shown
        ]
        answer: dict[str, Any] = {
            "index": at,
            "text": model.spell(one["text"]),
            "finish_reason": one["finish"],
            "logprobs": None
            if self.how == "no_log_probs"
            else {"tokens": spelled, "token_logprobs": [*before, *one["log_probs"]]},
            "stop_reason" if vllm else "matched_stop": one["matched"],
        }
        if body.get("return_token_ids") and self.how != "no_ids":
            answer |= {"token_ids": one["ids"], "prompt_token_ids": ids}
        return answer

    def send(self, answer: dict[str, Any], status: int = 200, headers: dict[str, str] | None = None) -> None:
        self.send_bytes(json.dumps(answer).encode(), status, headers)

    def send_bytes(self, content: bytes, status: int, headers: dict[str, str] | None = None) -> None:
        try:
            self.send_response(status)
            for name, value in {"Content-Length": str(len(content)), **(headers or {})}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: stdout carries the port alone."""


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 512

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.model = Model(options.checkpoint, options.log_probs)
        self.trouble: dict[str, Any] = {}
        self.bodies: list[dict[str, Any]] = []
        self.n_now = self.most_at_once = 0
        self.guard = threading.Lock()
        super().__init__(("127.0.0.1", options.port), Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Nothing: clients that leave in mid-answer are what some tests are about."""

    def next_trouble(self) -> Any:
        with self.guard:
            if self.trouble.get("after", 0) > 0:
                self.trouble["after"] -= 1
                return None
            if self.trouble.get("times", 0) <= 0:
                return None
            self.trouble["times"] -= 1
            return self.trouble["how"]

    def counted(self, body: dict[str, Any]) -> Counted:
        return Counted(self, body)


class Counted:
    def __init__(self, server: Server, body: dict[str, Any]) -> None:
        self.server, self.body = server, body

    def __enter__(self) -> None:
        with self.server.guard:
            self.server.bodies.append(self.body)
            self.server.n_now += 1
            self.server.most_at_once = max(self.server.most_at_once, self.server.n_now)

    def __exit__(self, *_: object) -> None:
        with self.server.guard:
            self.server.n_now -= 1


def end_with(parent: int) -> None:
    """Leave no server behind where the tests were killed."""
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(0)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("checkpoint")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--dialect", choices=("vllm", "sglang"), default="vllm")
    parser.add_argument("--log-probs", choices=("raw", "processed", "tempered"), default="raw")
    parser.add_argument("--api-key")
    options = parser.parse_args()
    torch.set_num_threads(1)
    threading.Thread(target=end_with, args=(os.getppid(),), daemon=True).start()
    server = Server(options)
    print(server.server_address[1], flush=True)  # noqa: T201
    server.serve_forever()


if __name__ == "__main__":
    main()
