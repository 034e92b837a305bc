"""A local chat checkpoint: a two-layer network taught two exchanges in this test, served through its own template."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage

from models.chat.front_end import load_chat_model
from models.chat.local import LocalChatModel
from models.errors import CheckpointError, ModelInputError

TEMPLATE = (
    "{% if tools %}<|im_start|>tools\n{{ tools | tojson }}<|im_end|>\n{% endif %}"
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}"
    "{% for c in m.tool_calls or [] %}<tool_call>\n"
    "{{ {'name': c.function.name, 'arguments': c.function.arguments} | tojson }}\n</tool_call>{% endfor %}"
    "<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
WEIGH = {
    "name": "weigh",
    "description": "Molecular weight.",
    "parameters": {"type": "object", "properties": {"molecules": {"type": "array", "items": {"type": "string"}}}},
}
ASKED = [HumanMessage("Weigh ethanol")]
CALL = 'One moment. <tool_call>\n{"name": "weigh", "arguments": {"molecules": ["CCO"]}}\n</tool_call>'
ANSWERED = [
    *ASKED,
    AIMessage("", tool_calls=[{"name": "weigh", "args": {"molecules": ["CCO"]}, "id": "1"}]),
    ToolMessage("46.07 g/mol", name="weigh", tool_call_id="1"),
]
ANSWER = "M1 weighs 46.07 g/mol."


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Saved as released chat checkpoints are: safetensors, tokenizer, template."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    torch.manual_seed(3)
    backend = Tokenizer(models.BPE())
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        special_tokens=["<|im_start|>", "<|im_end|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    backend.train_from_iterator([CALL, ANSWER, "tools user assistant function parameters"] * 3, trainer)
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=backend, eos_token="<|im_end|>")
    tokenizer.chat_template = TEMPLATE
    network = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(tokenizer),
            hidden_size=64,
            intermediate_size=96,
            num_hidden_layers=2,
            num_attention_heads=4,
            max_position_embeddings=768,
            eos_token_id=tokenizer.eos_token_id,
            bos_token_id=None,
        )
    )
    model = LocalChatModel("taught", tokenizer, network, 768)
    tools = [{"type": "function", "function": WEIGH}]
    optimizer = torch.optim.Adam(network.parameters(), lr=4e-3)
    texts = []
    for messages, answer in ((ASKED, CALL), (ANSWERED, ANSWER)):
        prompt = model._prompt_ids(messages, tools)
        made = tokenizer(answer + "<|im_end|>", add_special_tokens=False, return_tensors="pt")["input_ids"]
        ids = torch.cat([prompt, made], dim=1)
        labels = ids.clone()
        labels[:, : prompt.shape[1]] = -100
        texts.append((ids, labels))
    for _ in range(400):
        loss = sum(network(input_ids=ids, labels=labels).loss for ids, labels in texts)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if loss.item() < 0.02:
            break
    folder = tmp_path_factory.mktemp("chat")
    network.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def test_a_tool_call_is_read_from_the_text_and_not_shown(checkpoint: Path) -> None:
    model = load_chat_model(f"local:{checkpoint}").bind_tools([{"type": "function", "function": WEIGH}])
    pieces = list(model.stream(ASKED))
    whole = pieces[0]
    for piece in pieces[1:]:
        whole = whole + piece
    assert whole.text.strip() == "One moment."
    assert [(call["name"], call["args"]) for call in whole.tool_calls] == [("weigh", {"molecules": ["CCO"]})]
    assert "tool_call" not in "".join(piece.text for piece in pieces)


def test_the_answer_after_a_result(checkpoint: Path) -> None:
    model = load_chat_model(f"local:{checkpoint}").bind_tools([{"type": "function", "function": WEIGH}])
    answer = model.invoke(ANSWERED)
    assert (answer.text, answer.tool_calls) == (ANSWER, [])


def test_the_context_of_the_checkpoint_is_known_and_kept_to(checkpoint: Path) -> None:
    model = load_chat_model(f"local:{checkpoint}")
    assert (model.profile or {})["max_input_tokens"] == 768
    with pytest.raises(ModelInputError, match="reads 768"):
        model.invoke("word " * 2000)


def test_a_generation_nobody_reads_ends(checkpoint: Path) -> None:
    model = load_chat_model(f"local:{checkpoint}")
    stream = model.stream("tell me " * 20)
    next(stream)
    stream.close()
    assert not model._lock.locked()  # type: ignore[attr-defined]


def test_a_template_without_tools_gets_them_as_text(checkpoint: Path) -> None:
    model: Any = load_chat_model(f"local:{checkpoint}")
    model._tokenizer.chat_template = (
        "{% for m in messages %}{% if m.role == 'system' %}{{ raise_exception('no system role') }}{% endif %}"
        "[{{ m.role }}] {{ m.content }}\n{% endfor %}"
    )
    said = [SystemMessage("Be short."), HumanMessage("Weigh ethanol")]
    text = model._tokenizer.decode(model._prompt_ids(said, [{"type": "function", "function": WEIGH}])[0])
    assert text.startswith("[user] Be short.")
    assert '"name": "weigh"' in text
    assert "<tool_call>" in text


@pytest.mark.parametrize(
    ("spoil", "words"), [("config", "no transformers checkpoint"), ("template", "no chat template")]
)
def test_what_is_no_chat_checkpoint_is_refused(checkpoint: Path, tmp_path: Path, spoil: str, words: str) -> None:
    for path in checkpoint.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    if spoil == "config":
        (tmp_path / "config.json").unlink()
    else:
        (tmp_path / "chat_template.jinja").unlink()
    with pytest.raises(CheckpointError, match=words):
        load_chat_model(f"local:{tmp_path}")
