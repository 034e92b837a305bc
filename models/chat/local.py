"""A transformers chat checkpoint in this process: its own chat template, its own way of writing tool calls.

Weights are read from safetensors only and no code of the checkpoint is run. A template that does not know tools gets
them as text before the conversation. Decoding is greedy; one message at a time. Not promised: that a small model calls
tools well; `organon doctor --llm` tells.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import LanguageModelInput
from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.language_models.model_profile import ModelProfile
from langchain_core.messages import (
    AIMessage,
    AIMessageChunk,
    BaseMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
    message_chunk_to_message,
)
from langchain_core.messages.tool import tool_call_chunk
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable
from langchain_core.tools import BaseTool
from langchain_core.utils.function_calling import convert_to_openai_tool
from pydantic import PrivateAttr

from models.chat.tool_text import read_tool_calls, shown_part
from models.errors import CheckpointError, ModelInputError

MAX_NEW_TOKENS = 1024
_TOOLS_AS_TEXT = """You can call these tools. To call one, write exactly this and nothing after it:
<tool_call>{"name": TOOL, "arguments": {...}}</tool_call>
Tools:
"""


def load_local_chat_model(directory: str) -> LocalChatModel:
    """The checkpoint in `directory`. CheckpointError in one line where there is none that can chat."""
    folder = Path(directory).expanduser()
    if not (folder / "config.json").is_file():
        raise CheckpointError(f"local:{directory}: there is no transformers checkpoint in this directory (config.json)")
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    device = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=False)
        network = AutoModelForCausalLM.from_pretrained(
            folder, trust_remote_code=False, use_safetensors=True, dtype="auto"
        )
    except (OSError, ValueError, KeyError) as error:
        raise CheckpointError(f"local:{directory} cannot be loaded: {' '.join(str(error).split())[:240]}") from error
    if not tokenizer.chat_template:
        raise CheckpointError(f"local:{directory} is no chat model: its tokenizer has no chat template")
    context = int(getattr(network.config, "max_position_embeddings", 0)) or tokenizer.model_max_length
    return LocalChatModel(folder.name, tokenizer, network.to(device).eval(), context)


class LocalChatModel(BaseChatModel):
    """`context_tokens`: what the network was built for."""

    model_name: str
    context_tokens: int
    max_new_tokens: int = MAX_NEW_TOKENS
    _tokenizer: Any = PrivateAttr()
    _network: Any = PrivateAttr()
    _lock: Any = PrivateAttr(default_factory=threading.Lock)

    def __init__(self, model_name: str, tokenizer: Any, network: Any, context_tokens: int) -> None:
        profile = ModelProfile(max_input_tokens=context_tokens)
        super().__init__(model_name=model_name, context_tokens=context_tokens, profile=profile)  # type: ignore[call-arg]
        self._tokenizer, self._network = tokenizer, network

    @property
    def _llm_type(self) -> str:
        return "local-transformers"

    def bind_tools(
        self,
        tools: Sequence[dict[str, Any] | type | Callable[..., Any] | BaseTool],
        *,
        tool_choice: str | None = None,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, AIMessage]:
        del tool_choice  # a model that writes text cannot be forced
        return self.bind(tools=[convert_to_openai_tool(tool) for tool in tools], **kwargs)

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        whole: AIMessageChunk | None = None
        for piece in self._stream(messages, stop, run_manager, **kwargs):
            chunk = piece.message
            assert isinstance(chunk, AIMessageChunk)
            whole = chunk if whole is None else whole + chunk
        message = message_chunk_to_message(whole or AIMessageChunk(content=""))
        return ChatResult(generations=[ChatGeneration(message=message)])

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        del run_manager  # the caller reports each piece
        ids = self._prompt_ids(messages, kwargs.get("tools") or [])
        said, text = 0, ""
        for text in self._texts(ids, stop or []):
            visible = shown_part(text)
            if len(visible) > said:
                yield _piece(visible[said:])
                said = len(visible)
        words, calls = read_tool_calls(text)
        visible = shown_part(text)[:said]
        if words.startswith(visible.strip()) and len(words) > len(visible.strip()):
            yield _piece(words[len(visible.strip()) :])
        for number, call in enumerate(calls):
            chunk = tool_call_chunk(name=call.name, args=call.arguments, id=f"call{number}", index=number)
            yield ChatGenerationChunk(message=AIMessageChunk(content="", tool_call_chunks=[chunk]))

    def _prompt_ids(self, messages: Sequence[BaseMessage], tools: Sequence[Mapping[str, Any]]) -> Any:
        said = [_as_dict(message) for message in messages]
        rendered = self._rendered(said, tools)
        if tools and rendered == self._rendered(said, ()):
            listed = "\n".join(json.dumps(tool["function"], ensure_ascii=False) for tool in tools)
            rendered = self._rendered(_with_system(said, _TOOLS_AS_TEXT + listed), ())
        ids = self._tokenizer(rendered, add_special_tokens=False, return_tensors="pt")["input_ids"]
        if ids.shape[1] >= self.context_tokens:
            raise ModelInputError(
                f"the conversation has {ids.shape[1]} tokens, {self.model_name} reads {self.context_tokens}: set "
                "ORGANON_LLM_CONTEXT_TOKENS lower, so that it is summarized earlier, or begin a new conversation"
            )
        return ids.to(self._network.device)

    def _rendered(self, said: Sequence[Mapping[str, Any]], tools: Sequence[Mapping[str, Any]]) -> str:
        """The conversation in the checkpoint's own form; a template without a place for instructions gets them as part
        of the first message."""
        from jinja2 import TemplateError

        options = {"tools": list(tools) or None, "tokenize": False, "add_generation_prompt": True}
        try:
            return str(self._tokenizer.apply_chat_template(list(said), **options))
        except TemplateError:
            system = "\n".join(str(m["content"]) for m in said if m["role"] == "system")
            rest = [dict(message) for message in said if message["role"] != "system"]
            rest[0]["content"] = f"{system}\n\n{rest[0]['content']}"
            return str(self._tokenizer.apply_chat_template(rest, **options))

    def _texts(self, ids: Any, stop: Sequence[str]) -> Iterator[str]:
        """The text so far, after each token; ends the generation when it is no longer read."""
        left = threading.Event()
        tokens: SimpleQueue[Any] = SimpleQueue()
        thread = threading.Thread(target=self._run, args=(ids, tokens, left), name="local-chat", daemon=True)
        made: list[int] = []
        with self._lock:
            thread.start()
            try:
                while (token := tokens.get()) is not None:
                    if isinstance(token, Exception):
                        raise token
                    made.append(token)
                    text = self._text(made)
                    ends = [text.find(mark) for mark in stop if mark in text]
                    if not text.endswith("\ufffd"):
                        yield text[: min(ends)] if ends else text
                    if ends:
                        return
            finally:
                left.set()
                thread.join()

    def _run(self, ids: Any, tokens: SimpleQueue[Any], left: threading.Event) -> None:
        import torch
        from transformers import StoppingCriteriaList

        room = self.context_tokens - ids.shape[1]
        try:
            with torch.inference_mode():
                self._network.generate(
                    input_ids=ids,
                    attention_mask=torch.ones_like(ids),
                    do_sample=False,
                    max_new_tokens=min(self.max_new_tokens, room),
                    streamer=_Tokens(tokens),
                    stopping_criteria=StoppingCriteriaList([_Left(left)]),
                    pad_token_id=self._tokenizer.pad_token_id or self._tokenizer.eos_token_id,
                )
        except (RuntimeError, ValueError) as error:
            tokens.put(error)
        finally:
            tokens.put(None)

    def _text(self, made: Sequence[int]) -> str:
        """Generated tokens as text, without the one that ends a message; marks of tool calls stay."""
        ends = self._network.generation_config.eos_token_id
        ending = {*(ends if isinstance(ends, list) else [ends]), self._tokenizer.eos_token_id}
        kept = [token for token in made if token not in ending]
        return str(self._tokenizer.decode(kept, skip_special_tokens=False))


class _Tokens:
    """Hands each generated token on; the prompt, which transformers gives first, is left out."""

    def __init__(self, tokens: SimpleQueue[Any]) -> None:
        self._tokens = tokens
        self._prompt = True

    def put(self, value: Any) -> None:
        if self._prompt:
            self._prompt = False
            return
        for token in value.flatten().tolist():
            self._tokens.put(int(token))

    def end(self) -> None:
        self._prompt = True


class _Left:
    """Ends the generation when nobody reads it any more."""

    def __init__(self, left: threading.Event) -> None:
        self._left = left

    def __call__(self, input_ids: Any, scores: Any, **kwargs: Any) -> Any:
        import torch

        del scores, kwargs
        return torch.full((input_ids.shape[0],), self._left.is_set(), device=input_ids.device, dtype=torch.bool)


def _piece(text: str) -> ChatGenerationChunk:
    return ChatGenerationChunk(message=AIMessageChunk(content=text))


def _with_system(said: Sequence[Mapping[str, Any]], text: str) -> list[dict[str, Any]]:
    held = "\n\n".join(str(message["content"]) for message in said if message["role"] == "system")
    rest = [dict(message) for message in said if message["role"] != "system"]
    return [{"role": "system", "content": f"{held}\n\n{text}".strip()}, *rest]


def _as_dict(message: BaseMessage) -> dict[str, Any]:
    """A message in the form chat templates read."""
    if isinstance(message, SystemMessage):
        return {"role": "system", "content": message.text}
    if isinstance(message, HumanMessage):
        return {"role": "user", "content": message.text}
    if isinstance(message, ToolMessage):
        return {"role": "tool", "name": message.name, "content": message.text, "tool_call_id": message.tool_call_id}
    if not isinstance(message, AIMessage):
        raise ModelInputError(f"a message of kind {message.type} cannot be given to a chat template")
    said: dict[str, Any] = {"role": "assistant", "content": message.text}
    if message.tool_calls:
        said["tool_calls"] = [
            {"type": "function", "id": c["id"], "function": {"name": c["name"], "arguments": c["args"]}}
            for c in message.tool_calls
        ]
    return said
