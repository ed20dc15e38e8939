"""The story model: a causal language model that reads and regresses the visual features of images.

The decoder is transformers' own, unmodified. `input_resampler` turns visual features into
embeddings for the places of the image tokens; `output_resampler` turns the final states at image
tokens into visual features. The model knows no tokenizer and no panels: masks say where images are.

Source: SEED-Story (arXiv:2407.08683); checked against the released `ContinuousLVLM`.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from huggingface_hub.errors import StrictDataclassError
from torch import Tensor, nn
from transformers import CONFIG_MAPPING, AutoConfig, AutoModelForCausalLM

from seedstory_core.config import DecoderConfig, ResamplerConfig
from seedstory_core.errors import ConfigError
from seedstory_core.models.resampler import Resampler


class StoryOutput(NamedTuple):
    """Result of one training pass over a batch of stories."""

    loss: Tensor
    """The scaled sum of `lm_loss` and `rec_loss`."""
    lm_loss: Tensor
    """Cross entropy of the next token, averaged over labelled tokens."""
    rec_loss: Tensor
    """1 - cosine similarity, averaged over the visual tokens of all images to generate."""
    logits: Tensor
    """`[B, S, vocab]`; meaningless at padding."""
    last_hidden_state: Tensor
    """`[B, S, D]`, after the final norm; meaningless at padding."""
    visual_features: Tensor
    """`[images to generate, V, C]`, as the model regresses them."""


def build_decoder(config: DecoderConfig) -> nn.Module:
    """Build the causal language model of transformers that the config describes.

    Raises:
        ConfigError: transformers does not know the model type, or cannot build one from the config.
    """
    if config.model_type not in CONFIG_MAPPING:
        raise ConfigError(
            f"transformers knows no language model '{config.model_type}'. Set decoder.model_type "
            "to llama, qwen2, mistral or another one with rotary positions."
        )
    try:
        numbers = AutoConfig.for_model(
            config.model_type,
            vocab_size=config.vocab_size,
            hidden_size=config.hidden_size,
            intermediate_size=config.intermediate_size,
            num_hidden_layers=config.num_hidden_layers,
            num_attention_heads=config.num_attention_heads,
            num_key_value_heads=config.num_key_value_heads,
            max_position_embeddings=config.max_position_embeddings,
            rms_norm_eps=config.rms_norm_eps,
            rope_parameters={"rope_type": "default", "rope_theta": config.rope_theta},
            tie_word_embeddings=config.tie_word_embeddings,
            **config.extra,
        )
        return AutoModelForCausalLM.from_config(numbers)
    except (ValueError, TypeError, StrictDataclassError) as error:
        raise ConfigError(
            f"transformers cannot build the language model '{config.model_type}' as `decoder` "
            f"describes it; look at decoder.extra first. It says: {error}"
        ) from error


class StoryLM(nn.Module):
    """Writes text and regresses visual features."""

    def __init__(
        self,
        decoder: DecoderConfig,
        input_resampler: ResamplerConfig,
        output_resampler: ResamplerConfig,
    ) -> None:
        super().__init__()
        self.llm = build_decoder(decoder)
        self.input_resampler = Resampler(input_resampler)
        self.output_resampler = Resampler(output_resampler)

    @property
    def decoder(self) -> nn.Module:
        """The language model without its output head; call it with `inputs_embeds`."""
        return self.llm.get_decoder()  # type: ignore[operator]

    @property
    def layers(self) -> nn.ModuleList:
        """The decoder's layers, which hold nearly all of its weights."""
        return self.decoder.layers  # type: ignore[return-value]

    @property
    def dtype(self) -> torch.dtype:
        """Dtype of the weights."""
        return self.input_resampler.query.dtype

    @property
    def device(self) -> torch.device:
        """Device of the weights."""
        return self.input_resampler.query.device

    def embed_tokens(self, input_ids: Tensor) -> Tensor:
        """Look up the embeddings `[B, S, D]` of ids `[B, S]`."""
        return self.llm.get_input_embeddings()(input_ids)  # type: ignore[operator]

    def score(self, hidden_states: Tensor) -> Tensor:
        """Return the scores `[..., vocab]` of the next token from final states `[..., D]`."""
        return self.llm.get_output_embeddings()(hidden_states)  # type: ignore[operator]

    def embed(
        self,
        input_ids: Tensor,
        visual_features: Tensor | None = None,
        image_mask: Tensor | None = None,
    ) -> Tensor:
        """Embed ids, with image embeddings at the places of the given images.

        Args:
            input_ids: `[B, S]`.
            visual_features: `[images, V, C]`, in the order of their places in the mask.
            image_mask: `[B, S]`, true at all Q places of each of these images.

        Returns:
            `inputs_embeds`, `[B, S, D]`.

        Raises:
            ValueError: The mask has room for more or fewer images.
        """
        embeds = self.embed_tokens(input_ids)
        if visual_features is None or image_mask is None or not len(visual_features):
            return embeds
        image_embeds = self.input_resampler(visual_features.to(embeds))
        num_places, num_given = int(image_mask.sum()), image_embeds.shape[0] * image_embeds.shape[1]
        if num_places != num_given:
            raise ValueError(
                f"image_mask has {num_places} places and the images have {num_given} embeddings."
            )
        # Under autocast the resampler's output is in half precision and the table's is not.
        return embeds.masked_scatter(image_mask.bool()[..., None], image_embeds.to(embeds.dtype))

    def reconstruct(self, hidden_states: Tensor) -> Tensor:
        """Regress visual features `[B, V, C]` from final states at image tokens `[B, Q, D]`."""
        return self.output_resampler(hidden_states)

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor | None,
        labels: Tensor,
        visual_features: Tensor,
        ids_cmp_mask: Tensor,
        ids_gen_mask: Tensor,
        embeds_cmp_mask: Tensor,
        embeds_gen_mask: Tensor,
        *,
        lm_loss_scale: float = 1.0,
        rec_loss_scale: float = 1.0,
    ) -> StoryOutput:
        """Return the training losses of a batch of stories.

        As in the release, the attention mask is not passed on and attention is only causal. That is
        correct while padding stands on the right, where no real token can see it.

        Args:
            input_ids: `[B, S]`, padded on the right.
            attention_mask: `[B, S]`, 0 at padding; only checked.
            labels: `[B, S]`, -100 at tokens without loss.
            visual_features: `[N, V, C]`, all images of the batch in story order.
            ids_cmp_mask: `[B, S]`, true at the image tokens of images that are given.
            ids_gen_mask: `[B, S]`, true at the image tokens of images to generate.
            embeds_cmp_mask: `[N]`, true for images that are given.
            embeds_gen_mask: `[N]`, true for images to generate.
            lm_loss_scale: Weight of `lm_loss`.
            rec_loss_scale: Weight of `rec_loss`.

        Raises:
            ValueError: There is padding on the left, or the masks do not fit the images.
        """
        if attention_mask is not None and bool((attention_mask.diff(dim=1) > 0).any()):
            raise ValueError("attention_mask has padding on the left. Pad the batch on the right.")
        inputs_embeds = self.embed(input_ids, visual_features[embeds_cmp_mask.bool()], ids_cmp_mask)
        hidden = self.decoder(inputs_embeds=inputs_embeds, use_cache=False).last_hidden_state
        logits = self.score(hidden)
        lm_loss = F.cross_entropy(logits[:, :-1].flatten(0, 1).float(), labels[:, 1:].flatten())

        targets = visual_features[embeds_gen_mask.bool()]
        if len(targets):
            states = hidden[ids_gen_mask.bool()].view(len(targets), -1, hidden.shape[-1])
            regressed = self.reconstruct(states)
            similarity = F.cosine_similarity(regressed.float(), targets.float(), dim=-1)
            rec_loss = (1 - similarity).mean()
        else:
            regressed, rec_loss = targets, lm_loss.new_zeros(())
        loss = lm_loss_scale * lm_loss + rec_loss_scale * rec_loss
        return StoryOutput(loss, lm_loss, rec_loss, logits, hidden, regressed)
