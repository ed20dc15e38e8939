"""Contents of the other reference folder: its numbers, its stories, and the recorded tables.

No number of a size is the miniature's, and none follows from another without need: heads do not
fill the width, latents of the perceiver are wider than their heads, images are not square and no
multiple of the UNet's coarsest cell, the ones that are encoded none of the patch, and
the marks' ids have an order of their own.
"""

from __future__ import annotations

from typing import Any

STORIES = [
    [
        "Ivo found a lamp in the sand.",
        "The lamp hummed an old song.",
        "A gull asked for the song.",
        "Ivo traded it for a feather.",
        "The feather wrote him a letter.",
    ],
    [
        "Nana bakes a cake for the moon.",
        "The moon comes down to taste it.",
        "It is too sweet, says the moon.",
        "Nana adds a pinch of night!",
    ],
    ["A frog wore two hats.", "One hat hopped away.", "So he danced with the other."],
    [
        "Rain filled the tin boat.",
        "Zoe and her dog bailed it out.",
        "A whale blew them home.",
        "They gave the whale a biscuit.",
    ],
]
LONG_STORY = [
    "Oh",
    "Then the frog, the whale and the moon sat down to hear the old song of the lamp again.",
    "Hush!",
    "Zoe gave her dog a feather.",
    "Nana wrote a letter to the gull, to the rain and to everybody who had ever tasted her cake.",
    "Home.",
    "One hat was found in the sand.",
    "The boat was too sweet, says Ivo.",
    "It hummed.",
    "They danced with the night.",
    "So the moon comes down for two.",
]

GRID, WIDTH, PIECES = 3, 384, 517
NUM_QUERIES = GRID**2
NUMBERS: dict[str, Any] = {
    "note": "Other sizes than the miniature's.",
    "tokenizer": {
        "folder": "pretrained/other_tokenizer",
        "sentencepiece_vocab": PIECES,
        "num_added_tokens": NUM_QUERIES + 2,
        "vocab_size": PIECES + NUM_QUERIES + 2,
        "eos_id": 0,
        "unk_id": 1,
        "bos_id": 2,
        "pad_id": 3,
        "boi_id": PIECES,
        "first_image_id": PIECES + 1,
        "eoi_id": PIECES + 1 + NUM_QUERIES,
        "saved_style": "added_tokens_decoder, legacy: true",
    },
    "num_img_in_tokens": NUM_QUERIES,
    "num_img_out_tokens": NUM_QUERIES,
    "separator": "[CHAPTER]",
    "instruction_prompt": "{instruction}",
    "language_model": {
        "folder": "pretrained/Other-Llama-hf",
        "hidden_size": WIDTH,
        "intermediate_size": 328,
        "num_hidden_layers": 2,
        "num_attention_heads": 8,
        "num_key_value_heads": 2,
        "head_dim": 48,
        "max_position_embeddings": 1536,
        "rms_norm_eps": 1e-6,
        "rope_theta": 10000.0,
        "hidden_act": "silu",
        "tie_word_embeddings": False,
        "vocab_size_before_resize": PIECES,
        "vocab_size_after_resize": PIECES + NUM_QUERIES + 2,
    },
    "lora": {
        "r": 6,
        "lora_alpha": 9,
        "lora_dropout": 0.1,
        "scaling": 1.5,
        "target_modules": [
            *("q_proj", "v_proj", "k_proj", "o_proj", "gate_proj", "down_proj", "up_proj")
        ],
        "modules_to_save": ["input_layernorm", "post_attention_layernorm", "norm"],
        "adapter_name": "default",
        "bias": "none",
    },
    "story_model": {
        "file": "pretrained/seed_story/other_sft/pytorch_model.bin",
        "stored_dtype": "bfloat16",
        "lm_loss_scale": 1.5,
        "rec_loss_scale": 4.0,
    },
    "input_resampler": {
        "grid_size": GRID,
        "embed_dim": WIDTH,
        "num_heads": 8,
        "kv_dim": WIDTH,
        "num_queries": NUM_QUERIES,
        "layer_norm_eps": 2e-5,
    },
    "output_resampler": {
        "grid_size": 5,
        "embed_dim": WIDTH,
        "num_heads": 6,
        "kv_dim": WIDTH,
        "num_queries": 25,
        "layer_norm_eps": 2e-5,
    },
    "visual_tokenizer": {
        "file": "pretrained/visual_tokenizer/other_vit.pt",
        "stored_dtype": "float16",
        "image_size": 120,
        "patch_size": 10,
        "width": 60,
        "layers": 2,
        "heads": 5,
        "mlp_ratio": 3.37,
        "n_queries": 25,
        "output_dim": WIDTH,
        "mlp_width": 202,
        "patch_grid": 12,
        "positional_embedding_grid": 9,
        "attn_pool_num_heads": WIDTH // 128,
        "attn_pool_grid": 5,
        "layer_norm_eps": 3e-6,
    },
    "detokenizer_resampler": {
        "dim": 48,
        "depth": 3,
        "dim_head": 20,
        "heads": 3,
        "num_queries": 5,
        "embedding_dim": WIDTH,
        "output1_dim": 20,
        "output2_dim": 28,
        "ff_mult": 2,
    },
    "detokenizer": {
        "file": "pretrained/detokenizer/other_adapted/checkpoint-7/pytorch_model.bin",
        "stored_dtype": "float16",
    },
    "stable_diffusion_xl": {
        "folder": "pretrained/other-xl",
        "configs": ["unet/config.json", "vae/config.json", "scheduler/scheduler_config.json"],
        "cross_attention_dim": 48,
        "projection_class_embeddings_input_dim": 64,
        "addition_time_embed_dim": 6,
        "vae_scale_factor": 4,
        "vae_scaling_factor": 0.4,
    },
    "inference": {
        "height": 40,
        "width": 80,
        "negative_picture_size": 150,
        "guidance_scale": 3.5,
        "seed_default": 7,
        "max_new_tokens": 80,
        "window_size": 5,
        "story_len": 12,
    },
    "transforms": {
        "story_picture": {"type": "clip", "keep_ratio": True, "image_size": 120},
        "fixture_clip_size": 35,
        "fixture_sd_size": 57,
        "stage3_sd_size": 40,
    },
}
PLAN: dict[str, Any] = {
    "transforms": ["wide_picture", "clear_picture", "tall_grey_picture"],
    "vit": ["tale1_b", "tale0_a", "tale3_d"],
    "items": [(2, 1), (0, 3), (3, 0), (1, 2)],
    "max_length": 113,
    "sd_item": (0, 2),
    "train_image": "tale0_c",
    "from_image": "tale2_b",
    "processor_places": [0, 1, NUM_QUERIES, NUM_QUERIES + 1],
    "schedules": [3, 7, 25],
    "draws": [3, 6],
    "texts": [
        "Ivo found a lamp in the sand.",
        "[CHAPTER]The lamp hummed",
        "</img>[CHAPTER]The lamp",
        "<img></img>",
        " <img> the moon </img> hat",
        "gull  <img>  song",
        "at the end ",
        " at the start",
        "Grüße ☂ 月",
        "a\nb\tc",
        "",
        "<img_00000><img_00002> x<img_00001>",
        "</s><s><unk>",
        "the <img_00009> unknown",
        "5 hats, 67 frogs!",
    ],
    "cases": {
        "story0_window5": {
            "script": "gen_george.py",
            "prefix": "gen0w5",
            "story": 0,
            "window_size": 5,
            "num_turns": 4,
        },
        "story0_window2": {
            "script": "gen_george.py",
            "prefix": "gen0w2",
            "story": 0,
            "window_size": 2,
            "num_turns": 4,
        },
        "story2_window5": {
            "script": "gen_george.py",
            "prefix": "gen2w5",
            "story": 2,
            "window_size": 5,
            "num_turns": 2,
        },
        "visualise_story3_window4": {
            "script": "vis_george_sink.py",
            "prefix": "vis3w4",
            "story": 3,
            "window_size": 4,
            "num_turns": 3,
        },
        "visualise_story1_window1": {
            "script": "vis_george_sink.py",
            "prefix": "vis1w1",
            "story": 1,
            "window_size": 1,
            "num_turns": 3,
        },
    },
    "sinks": {
        "story_10_turns": {
            "captions": LONG_STORY,
            "num_img_tokens": NUM_QUERIES,
            "window_size": 5,
        },
        "story_10_turns_30_image_tokens": {
            "captions": LONG_STORY,
            "num_img_tokens": 30,
            "window_size": 4,
        },
        "story_8_turns_window_2": {
            "captions": LONG_STORY[1:10],
            "num_img_tokens": NUM_QUERIES,
            "window_size": 2,
        },
    },
}
for case in PLAN["cases"].values():
    captions = STORIES[case["story"]]
    case["start_caption"] = captions[0]
    case["start_image"] = f"inputs/tale{case['story']}_a.png"
    case["max_new_tokens"] = 80
    case["given_texts"] = captions[1:] if case["prefix"].startswith("vis") else None

UNET: dict[str, Any] = {
    "sample_size": 12,
    "in_channels": 6,
    "out_channels": 6,
    "down_block_types": ["DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"],
    "up_block_types": ["CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"],
    "block_out_channels": [16, 24, 24],
    "layers_per_block": 2,
    "transformer_layers_per_block": [1, 2, 1],
    "attention_head_dim": 2,
    "cross_attention_dim": 48,
    "norm_num_groups": 8,
    "use_linear_projection": True,
    "addition_embed_type": "text_time",
    "addition_time_embed_dim": 6,
    "projection_class_embeddings_input_dim": 64,
}
CODEC: dict[str, Any] = {
    "sample_size": 48,
    "down_block_types": ["DownEncoderBlock2D"] * 3,
    "up_block_types": ["UpDecoderBlock2D"] * 3,
    "block_out_channels": [6, 12, 12],
    "layers_per_block": 2,
    "latent_channels": 6,
    "norm_num_groups": 3,
    "scaling_factor": 0.4,
    "force_upcast": True,
}
SCHEDULE: dict[str, Any] = {
    "num_train_timesteps": 800,
    "beta_start": 0.001,
    "beta_end": 0.015,
    "beta_schedule": "linear",
    "timestep_spacing": "leading",
    "steps_offset": 3,
    "prediction_type": "epsilon",
}
