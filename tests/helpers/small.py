"""Sizes at which everything is real and fast."""

from __future__ import annotations

SMALL = [
    "vision.width=32",
    "vision.layers=1",
    "vision.image_size=96",
    "vision.n_queries=9",
    "vision.output_dim=32",
    "vision.positional_embedding_grid=6",
    "output_resampler.num_queries=9",
    "output_resampler.embed_dim=32",
    "output_resampler.kv_dim=32",
    "input_resampler.kv_dim=32",
    "input_resampler.embed_dim=32",
    "input_resampler.num_heads=4",
    "decoder.vocab_size=700",
    "decoder.hidden_size=32",
    "decoder.intermediate_size=48",
    "decoder.num_hidden_layers=2",
    "decoder.num_attention_heads=4",
    "decoder.num_key_value_heads=4",
    "detokenizer.image_size=128",
    "detokenizer.num_inference_steps=2",
    "detokenizer.perceiver.dim=32",
    "detokenizer.perceiver.depth=1",
    "detokenizer.perceiver.embedding_dim=32",
    "detokenizer.perceiver.output1_dim=12",
    "detokenizer.perceiver.output2_dim=20",
    "detokenizer.unet.block_out_channels=[32,32]",
    "detokenizer.unet.layers_per_block=1",
    "detokenizer.unet.num_attention_heads=[2,2]",
    "detokenizer.unet.cross_attention_dim=32",
    "detokenizer.vae.block_out_channels=[32,32,32]",
    "generation.max_new_tokens=12",
]
SMALL_WORDS = [*SMALL, "decoder.vocab_size=2066", "generation.max_new_tokens=5"]
"""The same with the shipped words."""
