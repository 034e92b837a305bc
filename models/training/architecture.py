"""The networks that can be trained: a dense Llama, or a sparse Qwen3-MoE, both transformers' own classes.

Every layer of the sparse one is sparse and embeddings are tied: at a few million parameters a second kind of layer
or a second embedding would cost more than it brings. Weights are drawn from torch's generator: seed it first.
"""

from typing import Any

from models.tokenizer import ScientificTokenizer
from models.training.config import PretrainConfig


def build_model(config: PretrainConfig, tokenizer: ScientificTokenizer) -> Any:
    """A freshly initialised network of the configured shape; sparse where `n_experts` is above 0."""
    from transformers import LlamaConfig, LlamaForCausalLM, Qwen3MoeConfig, Qwen3MoeForCausalLM

    shape: dict[str, Any] = {
        "vocab_size": tokenizer.vocab_size,
        "hidden_size": config.hidden_size,
        "intermediate_size": config.intermediate_size,
        "num_hidden_layers": config.n_layers,
        "num_attention_heads": config.n_heads,
        "num_key_value_heads": config.n_key_value_heads or config.n_heads,
        "head_dim": config.hidden_size // config.n_heads,
        "max_position_embeddings": config.context_length,
        "tie_word_embeddings": True,
        "bos_token_id": tokenizer.bos_id,
        "eos_token_id": tokenizer.eos_id,
        "pad_token_id": tokenizer.pad_id,
        "attn_implementation": "sdpa",
        "initializer_range": 0.02,
    }
    if not config.n_experts:
        return LlamaForCausalLM(LlamaConfig(**shape))
    sparse = Qwen3MoeConfig(
        **shape,
        num_experts=config.n_experts,
        num_experts_per_tok=config.experts_per_token,
        moe_intermediate_size=config.expert_intermediate_size,
        norm_topk_prob=config.experts_per_token > 1,  # one expert's normalised weight would always be 1: no gradient
        router_aux_loss_coef=config.router_aux_loss,
        decoder_sparse_step=1,
        mlp_only_layers=[],
    )
    return Qwen3MoeForCausalLM(sparse)


def active_parameters(model: Any) -> int:
    """Parameters a token meets: of stacked experts only its own few, of tied embeddings one (the output's)."""
    share = 1.0
    if getattr(model.config, "num_experts", 0):
        share = model.config.num_experts_per_tok / model.config.num_experts
    named = model.named_parameters()
    met: float = sum(p.numel() * (share if ".experts." in name else 1.0) for name, p in named)
    return round(met)
