"""Every setting of the studio, as dataclasses whose defaults describe the tiny model.

The tiny model and the published 7B release share these classes and differ only in the values.
Each `__post_init__` refuses impossible values before anything is built or loaded.
"""

from seedstory_core.config.load import ENV_CONFIG, StudioConfig, load_config, to_yaml, with_setting
from seedstory_core.config.model import (
    DIFFUSION_SAMPLERS,
    FLOW_SAMPLERS,
    DecoderConfig,
    DeTokenizerConfig,
    PerceiverConfig,
    PreviewConfig,
    ResamplerConfig,
    SchedulerConfig,
    TokenizerConfig,
    UNetConfig,
    VaeConfig,
    VisionConfig,
)
from seedstory_core.config.paths import IS_CHECKOUT, PROJECT_ROOT, project_path
from seedstory_core.config.run import (
    OF_ONE_MACHINE,
    GenerationConfig,
    HubSource,
    MemoryConfig,
    RuntimeConfig,
    SamplingConfig,
    WeightsConfig,
)

__all__ = [
    "DIFFUSION_SAMPLERS",
    "DeTokenizerConfig",
    "DecoderConfig",
    "ENV_CONFIG",
    "FLOW_SAMPLERS",
    "GenerationConfig",
    "HubSource",
    "IS_CHECKOUT",
    "MemoryConfig",
    "OF_ONE_MACHINE",
    "PROJECT_ROOT",
    "PerceiverConfig",
    "PreviewConfig",
    "ResamplerConfig",
    "RuntimeConfig",
    "SamplingConfig",
    "SchedulerConfig",
    "StudioConfig",
    "TokenizerConfig",
    "UNetConfig",
    "VaeConfig",
    "VisionConfig",
    "WeightsConfig",
    "load_config",
    "project_path",
    "to_yaml",
    "with_setting",
]
